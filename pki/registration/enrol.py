"""Requests: from applications to a submitted batch (RFC 3647 §4.1, §4.2.1).

`draft` judges each application against the register, the boards and the key rules, and says line by line what it
thinks: that is the dry run. `submit` takes the draft, with the requesting officer's signature over it, and stores it
for approval. The idempotency key of a request is (board, profile, holder, public key): the same file submitted twice
makes the same requests, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pki.audit.events import event
from pki.issuance.approvals import SUBMISSION, Act, covered, statement_of, verify_act
from pki.issuance.order import Request
from pki.issuance.ports import Standing
from pki.registration.applications import Application, LineError
from pki.registration.checks import check_snapshot_age, holder_of_person, organisation_subject, person_subject, structure_number
from pki.registration.model import Batch, BatchState, RequestRecord
from pki.registration.ports import RegistrationStore, RegistrationTransaction
from pki.registration.possession import ProvenKey, prove_possession
from pki.settings import Board, Officer, Settings
from trust import clock
from trust.canonical import canonical
from trust.clock import Clock
from trust.entropy import Entropy
from trust.errors import Malformed, Missing, Refused
from trust.naming import AnySubject
from trust.transparency.merkle import leaf_hash, root_of

_PERSON_PROFILES = "ps-"


@dataclass(frozen=True)
class Draft:
    """What would be submitted, and what would not."""

    batch: str
    board: str
    requester: str
    records: list[RequestRecord] = field(default_factory=list)
    root: bytes = b""
    known: list[tuple[int, RequestRecord]] = field(default_factory=list)
    """Lines whose request exists already: (line, request)."""
    refused: list[LineError] = field(default_factory=list)

    def statement(self, at: datetime) -> str:
        """Return what the requesting officer signs."""
        facts = {"board": self.board, "root": self.root.hex(), "size": len(self.records)}
        return statement_of(SUBMISSION, self.requester, self.batch, at, facts)


@dataclass(frozen=True, slots=True)
class _Judged:
    application: Application
    holder: str
    subject: AnySubject
    key: ProvenKey
    digest: str


class Enrolment:
    """Receives applications for the boards."""

    def __init__(
        self,
        store: RegistrationStore,
        settings: Settings,
        key_algorithms: dict[str, tuple[str, ...]],
        time: Clock,
        entropy: Entropy,
        *,
        channel: str = "cli",
    ) -> None:
        """Serve one home; `key_algorithms` says which keys each profile takes, `channel` where requests come in."""
        self._store = store
        self._settings = settings
        self._key_algorithms = key_algorithms
        self._channel = channel
        self._clock = time
        self._entropy = entropy

    def draft(self, officer_id: str, applications: Sequence[Application | LineError]) -> Draft:
        """Judge applications, without keeping anything.

        Raises:
            Refused: the officer may not ask, or the register in force cannot support any decision.
            Missing: no such officer.
        """
        officer, board, draft = begin_draft(self._settings, officer_id, self._entropy)
        judged: list[_Judged] = []
        with self._store.read() as tx:
            self._judge_all(tx, board, applications, judged, draft)
            self._make_requests(tx, board, officer, judged, draft)
        return draft

    def submit(self, draft: Draft, act: Act) -> Batch:
        """Store a draft that its requester signed.

        Raises:
            Refused: the signature is not the requester's over this draft, or there is nothing in it.
            Malformed: the statement of the act is not one.
            Conflict: some of it was submitted meanwhile: draft again.
        """
        if not draft.records:
            raise Refused("there is nothing to submit", citation="CP 4.1.2")
        now = self._clock.now()
        batch = Batch(draft.batch, draft.board, draft.requester, draft.root, len(draft.records), BatchState.SUBMITTED, now)
        with self._store.write() as tx:
            if act.type != SUBMISSION:
                raise Refused("this act is not a submission", citation="CP 4.1.2")
            officer, said = verify_act(act, tx.acts.keys(act.officer), self._settings, role="register", now=now)
            if (officer.id, act.target, covered(said).batch) != (
                draft.requester,
                draft.batch,
                (officer.board, draft.root, len(draft.records)),
            ):
                raise Refused("the signature is over something else than this draft", citation="CP 4.1.2")
            tx.requests.add(batch, draft.records)
            tx.acts.add(act, self._entropy.octets(16).hex(), now)
            tx.journal.append_many(
                (
                    event(
                        "request.submitted",
                        request=r.id,
                        profile=r.profile,
                        subject=r.holder,
                        key=key,
                        channel=self._channel,
                        by=officer.id,
                    )
                    for r, key in zip(draft.records, _keys(draft.records), strict=True)
                ),
                at=now,
            )
        return batch

    def _judge_all(
        self,
        tx: RegistrationTransaction,
        board: Board,
        applications: Sequence[Application | LineError],
        judged: list[_Judged],
        draft: Draft,
    ) -> None:
        holders: dict[int, str] = {}
        for place, application in enumerate(applications):
            try:
                if isinstance(application, LineError):
                    draft.refused.append(application)
                elif application.profile.startswith(_PERSON_PROFILES):
                    holders[place] = holder_of_person(application.number, self._settings.mode)
                else:
                    holders[place] = structure_number(application.number)
            except (Malformed, Refused) as error:
                assert isinstance(application, Application)
                draft.refused.append(LineError(application.line, application.number, str(error)))
        now = self._clock.now()
        standings = tx.register.standings(list(holders.values()), now)
        if any(holder.startswith("8") for holder in holders.values()):
            check_snapshot_age(tx.register.applied_date(), self._settings.register, now)
        for place, holder in holders.items():
            application = applications[place]
            assert isinstance(application, Application)
            try:
                judged.append(self._judge(tx, board, application, holder, standings.get(holder)))
            except (Malformed, Refused, Missing) as error:
                draft.refused.append(LineError(application.line, application.number, str(error)))
        self._judge_keys(tx, judged, draft)
        draft.refused.sort(key=lambda error: error.line)

    def _judge(
        self, tx: RegistrationTransaction, board: Board, application: Application, holder: str, found: Standing | None
    ) -> _Judged:
        allowed = self._key_algorithms.get(application.profile)
        if allowed is None:
            raise Refused(f"no profile is called {application.profile!r}", citation="CP 1.4.1")
        self._settings.issuer_of(application.profile)
        subject: AnySubject
        if application.profile.startswith(_PERSON_PROFILES):
            subject = person_subject(application, holder, found, board)
        else:
            organisation = tx.organisations.get(holder)
            if organisation.board != board.code:
                raise Missing(f"no structure is registered under {holder}")  # Another board's is not this officer's to see.
            if found is None or found.barred is not None:
                raise Refused(f"{holder}: {found.barred if found else 'not registered'}", citation="CP 3.2.2")
            subject = organisation_subject(application, organisation)
        assert found is not None
        key = prove_possession(application.csr, allowed, known_weak=self._settings.known_weak)
        return _Judged(application, holder, subject, key, found.digest.hex())

    def _judge_keys(self, tx: RegistrationTransaction, judged: list[_Judged], draft: Draft) -> None:
        """Refuse blocked keys, and a key that is someone else's, in the inventory or in this very file (CP 6.1.1)."""
        hashes = [one.key.spki_sha256 for one in judged]
        blocked = tx.blocked_keys.blocked(hashes)
        owners = tx.certificates.holders_of_keys(hashes)
        kept = []
        for one in judged:
            key, line, number = one.key.spki_sha256, one.application.line, one.application.number
            if key in blocked:
                draft.refused.append(LineError(line, number, "this key is known to be compromised [CP 4.9.12]"))
            elif owners.setdefault(key, set()) - {one.holder}:
                draft.refused.append(LineError(line, number, "this key is already someone else's [CP 6.1.1]"))
            else:
                owners[key].add(one.holder)
                kept.append(one)
        judged[:] = kept

    def _make_requests(
        self, tx: RegistrationTransaction, board: Board, officer: Officer, judged: Sequence[_Judged], draft: Draft
    ) -> None:
        snapshot = register_in_force(tx)
        keys = [f"{board.code}:{one.application.profile}:{one.holder}:{one.key.spki_sha256.hex()}" for one in judged]
        known, free = standing_requests(tx, keys)
        at = clock.text(self._clock.now())
        ca_of = {profile: self._settings.issuer_of(profile).id for profile in {one.application.profile for one in judged}}
        seen: dict[str, int] = {}
        for one, key in zip(judged, keys, strict=True):
            if key in known:
                draft.known.append((one.application.line, known[key]))
                continue
            if key in seen:
                draft.refused.append(LineError(one.application.line, one.application.number, f"same request as line {seen[key]}"))
                continue
            seen[key] = one.application.line
            ca = ca_of[one.application.profile]
            draft.records.append(self._request(one, free[key], board, officer, ca, snapshot, at, draft))
        leaves = [leaf_hash(record.statement.encode()) for record in draft.records]
        object.__setattr__(draft, "root", root_of(leaves))

    def _request(
        self, one: _Judged, key: str, board: Board, officer: Officer, ca: str, snapshot: dict[str, str], at: str, draft: Draft
    ) -> RequestRecord:
        request = Request(
            id=self._entropy.octets(16).hex(),
            board=board.code,
            ca=ca,
            profile=one.application.profile,
            holder=one.holder,
            subject=one.subject.record(),
            key=one.key.spki_sha256,
            requester=officer.id,
            register={**snapshot, "entry": one.digest},
        )
        return RequestRecord(
            id=request.id,
            batch=draft.batch,
            position=len(draft.records),
            holder=one.holder,
            profile=request.profile,
            statement=canonical(request.statement(at)).decode(),
            spki=one.key.spki,
            csr=one.key.csr_der,
            idempotency_key=key,
        )


def begin_draft(settings: Settings, officer_id: str, entropy: Entropy) -> tuple[Officer, Board, Draft]:
    """Return an empty draft of an officer who may ask, with the officer and the board.

    Raises:
        Refused: the officer does not hold that role.
        Missing: no such officer.
    """
    officer = settings.officer(officer_id)
    if "register" not in officer.roles:
        raise Refused(f"{officer.id} does not hold the role 'register'", citation="CP 5.2.1")
    return officer, settings.board(officer.board), Draft(entropy.octets(16).hex(), officer.board, officer.id)


def register_in_force(tx: RegistrationTransaction) -> dict[str, str]:
    """Say, for a request, which register it is judged by."""
    applied = tx.register.applied()
    return {"snapshot": applied.sha256, "date": clock.text(applied.register_date)} if applied else {}


def _keys(records: Sequence[RequestRecord]) -> list[str | None]:
    """Return the key of each request, as the journal says it; an enrolment has none yet."""
    keys = [record.idempotency_key.rpartition(":")[2].partition("#")[0] for record in records]
    return [key if record.spki else None for key, record in zip(keys, records, strict=True)]


def standing_requests(tx: RegistrationTransaction, keys: Sequence[str]) -> tuple[dict[str, RequestRecord], dict[str, str]]:
    """Return the requests that these keys stand for, and for every key the one under which a new request may be made.

    A request that ended without a certificate (refused, set aside, its order failed) may be made again: the new one has a
    number behind its key, and the old one stays what it was.
    """
    known: dict[str, RequestRecord] = {}
    free = {key: key for key in keys}
    unsettled, number = list(free), 1
    while unsettled:
        found = tx.requests.by_idempotency_keys([free[key] for key in unsettled])
        ended = tx.requests.ended([record.id for record in found.values()])
        again = []
        number += 1
        for key in unsettled:
            record = found.get(free[key])
            if record is not None and record.id not in ended:
                known[key] = record
            elif record is not None:
                free[key] = f"{key}#{number}"
                again.append(key)
        unsettled = again
    return known, free
