"""Holders ask for their own certificates, under what officers granted: activation and renewal (RFC 3647 §4.6, §4.7; CP 4.7).

Practitioners for themselves, administrators for the servers of their structure. The keys are new each time and made by the
holder's device or server; the request is signed with a passkey of the holder, over the RFC 6962 root of what is asked, as
officers sign batches. The subject is that of the register, or of the structure as approved, at that moment. The issuer checks
all of it again (`pki.issuance.grants`). Nothing is kept between the question and the answer: what was signed comes back, and is
compared with what would be asked now.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from pki.audit.events import Event, event
from pki.inventory.model import Certificate, State
from pki.issuance.approvals import Act, covered, statement_of
from pki.issuance.grants import GRACE, account_of, check_signed_by, is_person
from pki.issuance.order import HOLDER_TYPE, CertificateOrder, Grant, OrderState, Request, read_request
from pki.issuance.ports import Standing
from pki.register.entry import RegisterEntry
from pki.registration.applications import Application
from pki.registration.checks import check_snapshot_age, organisation_subject, person_subject
from pki.registration.enrol import register_in_force
from pki.registration.model import Batch, BatchState, RequestRecord
from pki.registration.ports import RegistrationStore, RegistrationTransaction
from pki.registration.possession import ProvenKey, prove_possession
from pki.settings import Settings
from trust import clock
from trust.canonical import canonical
from trust.clock import Clock
from trust.entropy import Entropy
from trust.errors import Conflict, Malformed, Missing, Refused
from trust.naming import OrganisationSubject, PersonSubject, ServerSubject
from trust.transparency.merkle import Tree, leaf_hash, root_of

MOST = 3
"""Certificates that one gesture asks for: authentication, signature, encryption."""
BATCH = "self-"
"""How the batches of holders begin."""
SUPERSEDED_AFTER = timedelta(hours=24)
"""Then the certificate that was renewed ends: its holder has had the time to use the new one everywhere (CP 4.7.3)."""
WINDOW = 3
"""A certificate is renewed in the last third of its life (CP 4.7.1)."""
CITATION = "CP 4.7.1"
SERVERS = "serveur-"
"""How the profiles of servers begin."""


class Asked(NamedTuple):
    """One certificate that a holder asks for."""

    profile: str
    csr: bytes
    """The request in PKCS#10: proof of the key."""
    dns_names: tuple[str, ...] = ()
    """Of a structure's server; nothing for a person."""
    common_name: str = ""
    """Of a structure's application or seal; its name when there is none."""


@dataclass(frozen=True, slots=True)
class SelfDraft:
    """What the holder signs, and what it is about."""

    statement: str
    requests: tuple[str, ...]
    """The statements under the root; they come back with the signature."""


@dataclass(frozen=True, slots=True)
class SelfOrder:
    """What became of one of the requests."""

    profile: str
    state: OrderState
    serial: bytes | None
    failure: str | None


class SelfService:
    """Takes the requests of holders."""

    def __init__(
        self,
        store: RegistrationStore,
        settings: Settings,
        key_algorithms: Mapping[str, tuple[str, ...]],
        time: Clock,
        entropy: Entropy,
    ) -> None:
        """Serve one home; `key_algorithms` says which keys each profile takes."""
        self._store = store
        self._settings = settings
        self._key_algorithms = key_algorithms
        self._clock = time
        self._entropy = entropy

    def prepare(self, holder: str, asked: Sequence[Asked]) -> SelfDraft:
        """Judge what a holder asks, and write what the holder signs.

        Raises:
            Refused: no grant, no right to practise, a name outside the approved domains, a key that is not acceptable, or
                nothing to renew yet.
            Malformed: a request is not one.
        """
        if not 0 < len(asked) <= MOST or len({each.profile for each in asked}) != len(asked):
            raise Malformed(f"one gesture asks for 1 to {MOST} certificates of different profiles")
        now = self._clock.now()
        with self._store.read() as tx:
            statements = [
                canonical(self._request(tx, holder, each, now)[0].statement(clock.text(now))).decode() for each in asked
            ]
        requests = [read_request(statement) for statement in statements]
        facts = {
            "board": requests[0].board,
            "root": root_of([leaf_hash(statement.encode()) for statement in statements]).hex(),
            "size": len(statements),
        }
        if len({request.board for request in requests}) != 1:
            raise Refused("these certificates are granted by different ordres: ask one after the other", citation=CITATION)
        batch = BATCH + self._entropy.octets(16).hex()
        return SelfDraft(statement_of(HOLDER_TYPE, account_of(holder), batch, now, facts), tuple(statements))

    def submit(self, act: Act, statements: Sequence[str], csrs: Sequence[bytes]) -> str:
        """Take what a holder signed, and hand the orders to the issuer; return the batch.

        Raises:
            Refused: the signature is not by a passkey of the holder over this, or it no longer stands.
            Malformed: what comes back is not what went out.
            Conflict: it was submitted before.
        """
        now = self._clock.now()
        if not 0 < len(statements) == len(csrs) <= MOST or act.type != HOLDER_TYPE or not act.target.startswith(BATCH):
            raise Malformed("this is not what was to be signed")
        requests = [read_request(statement) for statement in statements]
        holder = requests[0].holder
        leaves = [leaf_hash(statement.encode()) for statement in statements]
        tree = Tree(leaves)
        with self._store.write() as tx:
            self._check_act(tx, act, holder, tree.root(), requests, now)
            records, orders = [], []
            for place, (request, statement, csr) in enumerate(zip(requests, statements, csrs, strict=True)):
                expected, key = self._request(tx, holder, _asked(request, csr), now, request_id=request.id)
                if canonical(expected.statement(_at(statement))).decode() != statement:
                    raise Conflict("the register, or what was granted, has changed meanwhile: ask again")
                name = f"{request.board}:{request.profile}:{holder}:{key.spki_sha256.hex()}"
                records.append(
                    RequestRecord(request.id, act.target, place, holder, request.profile, statement, key.spki, csr, name)
                )
                proof = tree.inclusion(place).to_bytes()
                orders.append(CertificateOrder(request.id, act.target, request.ca, statement, proof, key.spki))
            batch = Batch(
                act.target, requests[0].board, act.officer, tree.root(), len(records), BatchState.APPROVED, now, decided_at=now
            )
            tx.requests.add(batch, records)
            tx.requests.set_state(batch.id, BatchState.APPROVED, now)
            tx.acts.add(act, self._entropy.octets(16).hex(), now)
            tx.orders.add(orders, now)
            if is_person(holder):  # servers change keys one by one: their administrator says when the old one ends
                tx.successions.add([order.id for order in orders], now + SUPERSEDED_AFTER)
            tx.journal.append_many(self._events(records, leaves, act.officer), at=now)
        return act.target

    def state(self, batch: str, holder: str) -> list[SelfOrder]:
        """Return what became of the requests of a batch of this holder.

        Raises:
            Missing: this holder has no such batch.
        """
        with self._store.read() as tx:
            found = tx.requests.batch(batch)
            if found.requester != account_of(holder):
                raise Missing(f"no batch of requests is called {batch}")
            profiles = {record.id: record.profile for record in tx.requests.of_batch(batch)}
            orders = tx.orders.of_batch(batch)
        return [SelfOrder(profiles[order.id], order.state, order.serial, order.failure) for order in orders]

    def credentials(self, holder: str) -> list[Certificate]:
        """Return what was issued to a holder, newest first."""
        with self._store.read() as tx:
            found = [each for each in tx.certificates.of_holder(holder) if each.signature is not None]
        return found[::-1]

    def renewable(self, certificate: Certificate, now: datetime) -> bool:
        """Tell whether the holder may ask for its successor: in the last third of its life, until a month after its end."""
        if certificate.state is State.REVOKED or certificate.state is State.HELD:
            return False
        return now >= renewal_begins(certificate) and now <= certificate.not_after + GRACE

    def _request(
        self, tx: RegistrationTransaction, holder: str, asked: Asked, now: datetime, *, request_id: str = ""
    ) -> tuple[Request, ProvenKey]:
        profile = asked.profile
        grant = self._grant(tx, holder, profile)
        found = tx.register.standings([holder], now).get(holder)
        if found is None:
            raise Refused(f"{holder} is not in the register", citation="CP 3.2.3")
        subject: PersonSubject | OrganisationSubject | ServerSubject
        if is_person(holder):
            self._check_time(tx, holder, profile, now)
            subject = self._person(tx, holder, asked, found, grant, now)
        else:
            subject = _structure(tx, holder, asked, found, grant)
        key = prove_possession(asked.csr, self._key_algorithms[profile], known_weak=self._settings.known_weak)
        if tx.blocked_keys.blocked([key.spki_sha256]):
            raise Refused("this key is known to be compromised", citation="CP 4.9.12")
        if tx.certificates.holders_of_keys([key.spki_sha256]):
            raise Refused("this key was certified before: each certificate has a new one", citation="CP 4.7.1")
        request = Request(
            id=request_id or self._entropy.octets(16).hex(),
            board=grant.board,
            ca=self._settings.issuer_of(profile).id,
            profile=profile,
            holder=holder,
            subject=subject.record(),
            key=key.spki_sha256,
            requester=account_of(holder),
            register={**register_in_force(tx), "entry": found.digest.hex()},
            grant=grant.id,
        )
        return request, key

    def _person(
        self, tx: RegistrationTransaction, holder: str, asked: Asked, found: Standing, grant: Grant, now: datetime
    ) -> PersonSubject:
        check_snapshot_age(tx.register.applied_date(), self._settings.register, now)
        entry = RegisterEntry.parse(found.entry)
        application = Application(holder, asked.profile, asked.csr, entry.family_name, entry.given_name)
        return person_subject(application, holder, found, self._settings.board(grant.board))

    def _grant(self, tx: RegistrationTransaction, holder: str, profile: str) -> Grant:
        for grant in tx.grants.of_holder(holder):
            if grant.withdrawn_at is None and profile in grant.profiles:
                return grant
        raise Refused("no officer granted this certificate", citation="CP 4.7.2")

    def _check_time(self, tx: RegistrationTransaction, holder: str, profile: str, now: datetime) -> None:
        live = [
            each
            for each in tx.certificates.of_holder(holder)
            if each.profile == profile and each.state in (State.ISSUED, State.HELD) and each.not_after > now
        ]
        if any(each.state is State.HELD for each in live):
            raise Refused("a certificate of this kind is on hold: its hold ends first", citation="CP 4.9.16")
        if any(now < renewal_begins(each) for each in live):
            raise Refused("the certificate of this kind is still too young to be renewed", citation=CITATION)

    def _check_act(
        self, tx: RegistrationTransaction, act: Act, holder: str, root: bytes, requests: Sequence[Request], now: datetime
    ) -> None:
        if covered(act.record()).batch != (requests[0].board, root, len(requests)):
            raise Refused("the signature is over something else than this", citation="CP 4.2.2")
        check_signed_by(act, account_of(holder), tx.authenticators.keys_of(act.officer), now)

    def _events(self, records: Sequence[RequestRecord], leaves: Sequence[bytes], by: str) -> list[Event]:
        written = []
        for record, leaf in zip(records, leaves, strict=True):
            facts = {"request": record.id, "profile": record.profile, "subject": record.holder}
            key = record.idempotency_key.rpartition(":")[2]
            written.append(event("request.submitted", key=key, channel="portal", by=by, **facts))
            written.append(event("order.written", order=record.id, approvals=[by], hash=leaf.hex(), **facts))
        return written


def _structure(
    tx: RegistrationTransaction, holder: str, asked: Asked, found: Standing, grant: Grant
) -> OrganisationSubject | ServerSubject:
    organisation = tx.organisations.get(holder)
    if organisation.board != grant.board or found.barred is not None:
        raise Refused(f"{holder}: {found.barred or 'another ordre answers for it'}", citation="CP 3.2.2")
    if asked.profile.startswith(SERVERS) != bool(asked.dns_names):
        raise Malformed("a server has DNS names, and nothing else has")
    application = Application(holder, asked.profile, asked.csr, common_name=asked.common_name, dns_names=asked.dns_names)
    return organisation_subject(application, organisation)


def _asked(request: Request, csr: bytes) -> Asked:
    """Return what was asked, from the statement that was made of it: names of servers are the holder's to choose."""
    names = request.subject.get("dns_names", [])
    if not isinstance(names, list):
        raise Malformed("dns_names of a subject is a list")
    return Asked(request.profile, csr, tuple(map(str, names)), str(request.subject.get("common_name", "")))


def renewal_begins(certificate: Certificate) -> datetime:
    """Return when a certificate may be renewed: when a third of its life is left."""
    return certificate.not_after - (certificate.not_after - certificate.not_before) / WINDOW


def _at(statement: str) -> str:
    return str(json.loads(statement)["at"])
