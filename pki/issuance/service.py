"""The one issuance path (RFC 3647 §4.3): prepare, commit the intent, sign, verify, commit the certificate.

Order of things, and why: the intent (TBS, hashes) is durable before the signature exists (invariant I1); the signature
is verified before anybody sees it; certificate, journal and outbox are one commit. Whatever dies between the two
commits leaves an open intent; `recover` revokes it, because its signature may exist, and the order is taken again under
a new serial. Batches: one commit for the intents, one for the results, for one person or ten thousand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pki.audit.events import LONGEST_TEXT, Event, event
from pki.faults import Faults
from pki.inventory.model import Certificate, Reason, State, assemble
from pki.issuance.authority import Authority
from pki.issuance.order import CertificateOrder
from pki.issuance.ports import IssuanceStore, IssuanceTransaction
from pki.issuance.prepare import Preparer, Token
from pki.settings import Settings
from pki.signing.certificate import CertificateSigner
from trust import clock
from trust.clock import Clock
from trust.entropy import Entropy
from trust.errors import Alarm, Conflict, Refused
from trust.naming import Subject

MAX_BATCH = 500


class _DrawnTwice(Conflict):
    """A serial number was drawn that exists already."""


class _Overtaken(Conflict):
    """A key was blocked while the round was prepared."""


@dataclass(frozen=True)
class Outcome:
    """What one round did."""

    issued: int
    refused: int


class IssuanceService:
    """Takes orders and issues; also issues what the authority itself needs."""

    def __init__(
        self,
        authority: Authority,
        store: IssuanceStore,
        signer: CertificateSigner,
        settings: Settings,
        time: Clock,
        entropy: Entropy,
        *,
        instance: str,
        faults: Faults | None = None,
    ) -> None:
        self._authority = authority
        self._store = store
        self._signer = signer
        self._clock = time
        self._faults = faults or Faults()
        self._preparer = Preparer(authority, settings, entropy, self._faults)
        self._instance = instance

    def recover(self) -> int:
        """Revoke the intents that this instance left open, and put their orders back; return how many.

        Only the holder of the instance's lock may call it: another process's intents are not ours to judge.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            # An intent whose key was compromised was revoked where it stood; its order is taken again too, and refused.
            tx.orders.reopen(tx.orders.of_revoked_intents(self._instance))
            return self._abandon(tx, tx.certificates.open_intents(self._instance), now)

    def run_once(self, limit: int = MAX_BATCH) -> Outcome:
        """Take up to `limit` pending orders and bring each to its end, issued or refused.

        Raises:
            Unavailable: the database or the custodian does not answer; open intents wait for `recover`.
            Alarm: a signature did not verify, or the clock went backwards.
        """
        prepared, refused = self._prepare_round(limit)
        if prepared:
            self._faults.at("intent.committed")
            self._finish(prepared)
        return Outcome(len(prepared), refused)

    def issue_own(
        self,
        ca: str,
        profile: str,
        subject: Subject,
        holder: str,
        spki: bytes,
        *,
        days: int | None = None,
        judge: Callable[[Certificate], None] | None = None,
    ) -> Certificate:
        """Issue a certificate of the authority itself: an issuing CA, an OCSP responder.

        No order row carries these, on purpose: whoever could write an order must not obtain a responder's certificate.
        `judge` sees the intent after our own lint and before anything is recorded: a ceremony has others judge it too.

        Raises:
            Refused: profile, key, validity or lint say no; or `judge` does.
        """
        now = self._clock.now()
        certificate = self._preparer.own(ca, profile, subject, holder, spki, days, now)
        if judge is not None:
            judge(certificate)
        with self._store.write() as tx:
            self._commit_intents(tx, [certificate])
        (signature,) = self._finish([certificate])
        return replace(certificate, signature=signature, state=State.ISSUED)

    def _prepare_round(self, limit: int) -> tuple[list[Certificate], int]:
        for _ in range(3):
            try:
                with self._store.write() as tx:
                    orders = tx.orders.take(limit)
                    self._faults.at("req.parsed")
                    return self._prepare_taken(tx, orders) if orders else ([], 0)
            except _Overtaken:
                return self._prepare_round(limit)
            except _DrawnTwice:
                continue  # The whole round is drawn again (failure case I06).
        raise Alarm("serial numbers repeat: the random generator is broken; nothing is issued")

    def _prepare_taken(self, tx: IssuanceTransaction, orders: Sequence[CertificateOrder]) -> tuple[list[Certificate], int]:
        now = self._clock.now()
        outcome = self._preparer.prepare(orders, tx, now)
        if outcome.prepared:
            self._commit_intents(tx, outcome.prepared)
            # Our entries are in the journal, which makes writers take turns: whoever blocked a key before us is seen now, and
            # whoever does after us sees our intents (invariant I6). PostgreSQL shows later statements later states.
            if tx.blocked_keys.blocked([c.spki_hash for c in outcome.prepared]):
                raise _Overtaken("a key of this round was blocked meanwhile")
            tx.orders.set_prepared([(c.order_id, c.serial) for c in outcome.prepared])
        if outcome.refused:
            tx.orders.set_failed([(order.id, str(refusal)) for order, refusal in outcome.refused])
            tx.journal.append_many([_failed(order, refusal) for order, refusal in outcome.refused], at=now)
        self._faults.at("audit.presign")
        return outcome.prepared, len(outcome.refused)

    def _commit_intents(self, tx: IssuanceTransaction, prepared: Sequence[Certificate]) -> None:
        try:
            tx.certificates.add_prepared(prepared, self._instance)
        except Conflict as conflict:
            raise _DrawnTwice(str(conflict)) from None
        tx.journal.append_many([_prepared(certificate) for certificate in prepared], at=prepared[0].prepared_at)

    def _finish(self, prepared: Sequence[Certificate]) -> list[bytes]:
        """Sign committed intents, verify, and record; return the signatures, in the same order.

        From here a failure leaves the intents open for `recover`.
        """
        if self._clock.now() < prepared[0].prepared_at:
            raise Alarm("the clock went backwards between intent and signature; nothing is signed [CP 6.8]")
        signatures = self._sign(prepared)
        self._faults.at("sig.verified")
        with self._store.write() as tx:
            # A batch may take long to sign, and others have written in the journal meanwhile: the commit has its own time.
            now = self._clock.now()
            issued = list(zip(prepared, signatures, strict=True))
            tx.certificates.set_issued([(c.serial, signature) for c, signature in issued], now)
            orders = [c.order_id for c in prepared if not c.order_id.startswith("own:")]
            if orders:
                tx.orders.set_done(orders)
            for ca_id in {c.ca for c in prepared}:
                tx.outbox.add(ca_id, [c.serial for c in prepared if c.ca == ca_id])
            tx.journal.append_many([_issued(c, signature) for c, signature in issued], at=now)
        self._faults.at("issued.committed")
        self._faults.at("response.before")
        return signatures

    def _sign(self, prepared: Sequence[Certificate]) -> list[bytes]:
        """Have each signed by its CA's key, all of one key at once; return the signatures in the order of `prepared`."""
        by_key: dict[str, list[int]] = {}
        for index, certificate in enumerate(prepared):
            by_key.setdefault(self._authority.ca(certificate.ca).key, []).append(index)
        signatures: dict[int, bytes] = {}
        for key, places in by_key.items():
            for _ in places:
                self._faults.at("hsm.before")
            made = self._signer.sign_many(key, [Token(prepared[index]) for index in places])
            for index, signature in zip(places, made, strict=True):
                signatures[index] = signature
                self._faults.at("hsm.after")
        return [signatures[index] for index in range(len(prepared))]

    def _abandon(self, tx: IssuanceTransaction, intents: Sequence[Certificate], now: datetime) -> int:
        if not intents:
            return 0
        revoked = [intent.revoked(Reason.UNSPECIFIED, max(now, intent.prepared_at)) for intent in intents]
        tx.certificates.save(revoked, now)
        tx.orders.reopen([c.order_id for c in intents if not c.order_id.startswith("own:")])
        for ca_id in {c.ca for c in intents}:
            tx.outbox.add(ca_id, [c.serial for c in intents if c.ca == ca_id])
        tx.journal.append_many(
            [
                event("certificate.abandoned", serial=c.serial.hex(), order=c.order_id, ca=c.ca, reason="signature-uncertain")
                for c in intents
            ],
            at=now,
        )
        return len(intents)


def _prepared(c: Certificate) -> Event:
    return event(
        "certificate.prepared",
        serial=c.serial.hex(),
        order=c.order_id,
        ca=c.ca,
        profile=c.profile,
        profile_hash=c.profile_digest.hex(),
        subject=c.holder,
        key=c.spki_hash.hex(),
        tbs=hashlib.sha256(c.tbs).hexdigest(),
    )


def _issued(c: Certificate, signature: bytes) -> Event:
    return event(
        "certificate.issued",
        serial=c.serial.hex(),
        order=c.order_id,
        ca=c.ca,
        sha256=hashlib.sha256(assemble(c.tbs, signature)).hexdigest(),
        not_after=clock.text(c.not_after),
    )


def _failed(order: CertificateOrder, refusal: Refused) -> Event:
    return event("order.failed", order=order.id, reason=refusal.reason[:LONGEST_TEXT], citation=refusal.citation)
