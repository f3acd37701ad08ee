"""Order → to-be-signed certificate, checked and linted (RFC 3647 §4.2, §4.3.1).

Everything that can refuse is here, before a serial is spent on a signature: the approvals, the mandate of the board,
the register as it stands now, the key, the profile, the lint. What comes out is an intent: it is committed, and only
then may it be signed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from pki.faults import Faults
from pki.inventory import serials
from pki.inventory.model import Certificate, State
from pki.issuance.approvals import APPROVAL, SUBMISSION, ApprovedBatch, approved_batch, check_approval
from pki.issuance.authority import Authority, check_able
from pki.issuance.grants import HolderRequests
from pki.issuance.holders import check_person, check_structure
from pki.issuance.order import CertificateOrder, Request, read_request
from pki.issuance.ports import IssuanceTransaction, Standing
from pki.lint.rules import check as lint
from pki.profiles.model import Particulars
from pki.settings import Settings
from trust.entropy import Entropy
from trust.errors import Conflict, Malformed, Missing, Refused
from trust.keys import check_public_key
from trust.naming import PersonSubject, Subject, subject_from_record


class Token:
    """A committed intent, good for one signature (fills `pki.signing.certificate.PreparedToken`)."""

    def __init__(self, intent: Certificate) -> None:
        """Make the token of an intent that is committed, and only then."""
        self.serial = intent.serial
        self.tbs_sha256 = hashlib.sha256(intent.tbs).digest()
        self._tbs: bytes | None = intent.tbs

    def spend(self) -> bytes:
        """Return the to-be-signed octets, once.

        Raises:
            Conflict: the token was spent before.
        """
        if self._tbs is None:
            raise Conflict(f"the intent {self.serial.hex()} was already handed over for signature")
        tbs, self._tbs = self._tbs, None
        return tbs


@dataclass(frozen=True)
class Preparation:
    """The outcome for a set of orders: intents to commit, and refusals with their reason."""

    prepared: list[Certificate]
    refused: list[tuple[CertificateOrder, Refused]]


class Preparer:
    """Turns orders into intents, inside the caller's transaction."""

    def __init__(self, authority: Authority, settings: Settings, entropy: Entropy, faults: Faults | None = None) -> None:
        self._authority = authority
        self._settings = settings
        self._entropy = entropy
        self._faults = faults or Faults()
        self._longest_age = timedelta(days=settings.register.max_age_days)

    def prepare(self, orders: Sequence[CertificateOrder], tx: IssuanceTransaction, now: datetime) -> Preparation:
        """Prepare what can be; an order that is refused does not stop the others."""
        batches = _Approvals(tx, self._settings, now)
        holders_own = HolderRequests(tx, self._settings, self._authority, batches.of, now)
        requests: list[tuple[CertificateOrder, Request]] = []
        outcome = Preparation([], [])
        for order in orders:
            try:
                requests.append((order, read_request(order.statement)))
            except Malformed as error:
                outcome.refused.append((order, Refused(str(error), citation="CP 4.1.2")))
        key_hashes = {order.id: hashlib.sha256(order.spki).digest() for order, _ in requests}
        standings = tx.register.standings([request.holder for _, request in requests], now)
        blocked = tx.blocked_keys.blocked(list(key_hashes.values()))
        holders = tx.certificates.holders_of_keys(list(key_hashes.values()))
        self._check_register_age(tx.register.applied_date(), now)
        for order, request in requests:
            key_hash = key_hashes[order.id]
            try:
                self._check_order(order, request)
                if request.grant:
                    holders_own.check(order, request)
                else:
                    self._check_approvals(order, request, batches.of(order.batch))
                self._check_register(request, standings.get(request.holder))
                self._faults.at("authz.checked")
                if key_hash != request.key:
                    raise Refused("the approvals are about another public key", citation="CP 3.2.1")
                if key_hash in blocked:
                    raise Refused("this key is known to be compromised", citation="CP 4.9.12")
                if holders.get(key_hash, set()) - {request.holder}:
                    raise Refused("this key is already certified for someone else", citation="CP 6.1.1")
                self._faults.at("key.checked")
                certificate = self._render(order, request, key_hash, now)
                # Two orders of one batch may carry one key for two people: the second must see the first.
                holders.setdefault(key_hash, set()).add(request.holder)
                outcome.prepared.append(certificate)
            except Refused as refusal:
                outcome.refused.append((order, refusal))
            except (Malformed, Missing) as error:
                outcome.refused.append((order, Refused(str(error), citation="CP 4.2.2")))
        return outcome

    def own(
        self, ca_id: str, profile: str, subject: Subject, holder: str, spki: bytes, days: int | None, now: datetime
    ) -> Certificate:
        """Prepare a certificate of the authority itself (a CA, a responder): no officer asks for it, no order carries it.

        Raises:
            Refused: profile, key, validity or lint say no.
        """
        key_hash = hashlib.sha256(spki).digest()
        return self._build(ca_id, profile, subject, holder, "", f"own:{ca_id}:{holder}", spki, key_hash, now, days)

    def _check_register_age(self, applied: datetime | None, now: datetime) -> None:
        # The age is checked once per batch: it does not depend on the person.
        self._register_age = None if applied is None else now - applied

    def _check_order(self, order: CertificateOrder, request: Request) -> None:
        if request.id != order.id or request.ca != order.ca:
            raise Refused("the order is not the request that was approved", citation="CP 4.2.2")
        if request.profile not in self._settings.ca(order.ca).issues:
            # Its CA certifies responders and authorities too: those nobody orders.
            raise Refused(f"{order.ca} does not issue the profile {request.profile!r} to subscribers", citation="CP 1.4.1")

    def _check_approvals(self, order: CertificateOrder, request: Request, batch: ApprovedBatch | Refused) -> None:
        if isinstance(batch, Refused):
            raise batch
        board = self._settings.board(request.board)
        check_approval(batch, board, order.statement, order.proof, request.requester, request.holder)

    def _check_register(self, request: Request, standing: Standing | None) -> None:
        board = self._settings.board(request.board)
        if standing is None:
            raise Refused(f"{request.holder} is not in the register", citation="CP 3.2.3")
        if (barred := standing.barred_for(board.code)) is not None:
            raise Refused(barred, citation="CP 3.2.5")
        if request.register.get("entry") != standing.digest.hex():
            raise Refused("the register entry has changed since the approval", citation="CP 3.2.3")
        if request.subject.get("kind") == "person":
            if self._register_age is None or self._register_age > self._longest_age:
                raise Refused("the register snapshot is too old to decide on", citation="CP 3.2.3")
            if request.subject.get("profession") not in board.professions:
                raise Refused(f"{board.code} does not govern this profession", citation="CP 3.2.5")
            check_person(request, standing)
        else:
            check_structure(request, standing)

    def _render(self, order: CertificateOrder, request: Request, key_hash: bytes, now: datetime) -> Certificate:
        subject = subject_from_record(request.subject)
        if isinstance(subject, PersonSubject) and subject.idnat != request.holder:
            raise Refused("the subject is not the holder", citation="CP 3.2.3")
        return self._build(
            order.ca, request.profile, subject, request.holder, request.board, order.id, order.spki, key_hash, now, None
        )

    def _build(
        self,
        ca_id: str,
        profile: str,
        subject: Any,
        holder: str,
        board: str,
        order_id: str,
        spki: bytes,
        key_hash: bytes,
        now: datetime,
        days: int | None,
    ) -> Certificate:
        ca = self._authority.ca(ca_id)
        compiled = self._authority.compiled(ca_id, profile)
        check_public_key(spki, compiled.profile.subject_keys, known_weak=self._settings.known_weak)
        not_after = _end(now, compiled.profile.validity_days if days is None else days)
        check_able(ca, now, not_after)
        serial = serials.draw(self._entropy)
        self._faults.at("serial.drawn")
        shard = serials.shard_of(serial, ca.view.shards)
        tbs = compiled.render(subject, spki, serial, now, not_after, shard)
        # Blocking, and by a path that shares nothing with the compiler: what is signed is what was ordered (CP 4.3.1).
        if findings := lint(tbs, compiled, now, Particulars(subject, spki, serial, now, not_after, shard)):
            raise Refused(f"lint: {findings[0].code}: {findings[0].detail}", citation=findings[0].citation)
        self._faults.at("lint.done")
        return Certificate(
            ca=ca_id,
            serial=serial,
            profile=profile,
            profile_digest=bytes.fromhex(compiled.digest),
            board=board,
            holder=holder,
            subject=subject.text(),
            spki_hash=key_hash,
            tbs=tbs,
            signature=None,
            not_before=now,
            not_after=not_after,
            shard=shard,
            order_id=order_id,
            state=State.PREPARED,
            prepared_at=now,
        )


@lru_cache(maxsize=64)
def _end(not_before: datetime, days: int) -> datetime:
    """Return the end of validity: the same object for a whole round, which is then told apart from others at no cost."""
    return not_before + timedelta(days=days) - timedelta(seconds=1)


class _Approvals:
    """The approvals of each batch, verified once per transaction: ten thousand requests share two signatures."""

    def __init__(self, tx: IssuanceTransaction, settings: Settings, now: datetime) -> None:
        self._tx, self._settings, self._now = tx, settings, now
        self._known: dict[str, ApprovedBatch | Refused] = {}

    def of(self, batch: str) -> ApprovedBatch | Refused:
        if batch not in self._known:
            try:
                submissions, approvals = (self._tx.acts.of_target(kind, batch) for kind in (SUBMISSION, APPROVAL))
                keys = self._tx.acts.keys
                self._known[batch] = approved_batch(submissions, approvals, keys, self._settings, self._now)
            except Refused as refusal:
                self._known[batch] = refusal
            except Malformed as error:
                self._known[batch] = Refused(str(error), citation="CP 4.2.2")
        return self._known[batch]
