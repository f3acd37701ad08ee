"""Enrolments: officers ask that people may obtain certificates by themselves, others grant it (RFC 3647 §4.1.2; CP 4.1.2).

No key is known yet: each person will make their own, with a passkey that a one-time link lets them register. Officers approve
the person, as the register knows them, and the profiles. Drafts, signatures and approvals are those of `enrol` and `decide`: an
enrolment is a request like another, and a batch may hold ten thousand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pki.audit.events import event
from pki.authenticators.model import Account
from pki.issuance.approvals import Act, statement_of, verify_act
from pki.issuance.grants import account_of
from pki.issuance.order import ENROLMENT, Grant, Request
from pki.registration.applications import Application, LineError
from pki.registration.checks import check_snapshot_age, holder_of_person, person_subject
from pki.registration.enrol import Draft, Enrolment, begin_draft, register_in_force, standing_requests
from pki.registration.model import Batch, RequestRecord
from pki.registration.ports import RegistrationStore, RegistrationTransaction
from pki.settings import Board, Officer, Settings
from trust import clock
from trust.canonical import canonical
from trust.clock import Clock
from trust.entropy import Entropy
from trust.errors import Conflict, Malformed, Missing, Refused
from trust.naming import PersonSubject
from trust.transparency.merkle import leaf_hash, root_of

PERSONAL = "ps-"
"""How the profiles of practitioners begin."""
GRANT_WITHDRAWAL = "grant-withdrawal/1"
LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class GrantApplication:
    """What is claimed of one person."""

    rpps: str
    profiles: tuple[str, ...]
    family_name: str = ""
    given_name: str = ""
    line: int = 0
    """Where it stands in the file, for the report; 0 when there is no file."""
    email: str = ""
    """Where the ordre would send the link; officers approve it with the rest. Empty when there is none."""


@dataclass(frozen=True, slots=True)
class _Judged:
    application: GrantApplication
    subject: PersonSubject
    profiles: tuple[str, ...]
    digest: str


class Grants:
    """Receives enrolments, and says what was granted."""

    def __init__(self, store: RegistrationStore, settings: Settings, enrolment: Enrolment, time: Clock, entropy: Entropy) -> None:
        """Serve one home; `enrolment` stores what is submitted."""
        self._store = store
        self._settings = settings
        self._enrolment = enrolment
        self._clock = time
        self._entropy = entropy

    def draft(self, officer_id: str, applications: Sequence[GrantApplication | LineError]) -> Draft:
        """Judge applications, without keeping anything.

        Raises:
            Refused: the officer may not ask, or the register in force cannot support any decision.
            Missing: no such officer.
        """
        officer, board, draft = begin_draft(self._settings, officer_id, self._entropy)
        with self._store.read() as tx:
            judged = self._judge_all(tx, board, applications, draft)
            self._make_requests(tx, board, officer, judged, draft)
        draft.refused.sort(key=lambda error: error.line)
        return draft

    def submit(self, draft: Draft, act: Act) -> Batch:
        """Store a draft that its requester signed.

        Raises:
            Refused, Malformed, Conflict: as `Enrolment.submit`.
        """
        return self._enrolment.submit(draft, act)

    def of_holder(self, holder: str) -> list[Grant]:
        """Return what was granted to a person, latest first."""
        with self._store.read() as tx:
            return tx.grants.of_holder(holder)

    def of_board(self, board: str, *, limit: int, waiting_only: bool = False) -> list[Grant]:
        """Return what a board granted and stands, latest first; `waiting_only`: to people who have not entered yet."""
        with self._store.read() as tx:
            return tx.grants.of_board(board, limit=limit, waiting_only=waiting_only)

    def seen_by(self, grant_id: str, officer_id: str) -> Grant:
        """Return a grant of an officer's board, withdrawn or not.

        Raises:
            Missing: no such grant, or not this officer's to see.
        """
        officer = self._settings.officer(officer_id)
        with self._store.read() as tx:
            return _of_board(tx, grant_id, officer)

    def withdrawal_statement(self, grant_id: str, officer_id: str, reason: str) -> str:
        """Return what an officer signs to withdraw a grant, for a reason in one short sentence.

        Raises:
            Missing: no such grant, or not this officer's to see.
            Malformed: no reason, or a long one.
        """
        grant = self.seen_by(grant_id, officer_id)
        if not reason.isprintable() or not 0 < len(reason.strip()) <= LONGEST_REASON:
            raise Malformed(f"the reason is one line of 1 to {LONGEST_REASON} characters")
        facts = {"board": grant.board, "holder": grant.holder, "reason": reason.strip()}
        return statement_of(GRANT_WITHDRAWAL, officer_id, grant.id, self._clock.now(), facts)

    def withdraw(self, act: Act) -> Grant:
        """Take a withdrawal: certificates stay, nothing more is obtained, and a link that leads to nothing any more ends.

        Raises:
            Refused: no mandate, or a signature over something else.
            Conflict: it is withdrawn already.
            Missing: no such grant for this officer.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            if act.type != GRANT_WITHDRAWAL:
                raise Refused("this act decides something else", citation="CP 4.7.2")
            officer, said = verify_act(act, tx.acts.keys(act.officer), self._settings, role="revoke", now=now)
            grant = _of_board(tx, act.target, officer)
            if (said.get("board"), said.get("holder")) != (grant.board, grant.holder):
                raise Refused("the signature is over something else than this grant", citation="CP 4.7.2")
            if grant.withdrawn_at is not None or not tx.acts.add(act, self._entropy.octets(16).hex(), now):
                raise Conflict("this grant is already withdrawn")
            tx.grants.withdraw(grant.id, now)
            if all(each.withdrawn_at is not None for each in tx.grants.of_holder(grant.holder)):
                tx.authenticators.end_entries(Account.parse(account_of(grant.holder)), now)
            # The officer's own words are in the act; the journal holds no free text (`pki.audit.events`).
            facts = {"request": grant.id, "subject": grant.holder, "ordre": grant.board, "by": officer.id}
            tx.journal.append(event("grant.withdrawn", reason="withdrawn-by-officer", **facts), at=now)
            return replace(grant, withdrawn_at=now)

    def _judge_all(
        self, tx: RegistrationTransaction, board: Board, applications: Sequence[GrantApplication | LineError], draft: Draft
    ) -> list[_Judged]:
        holders: list[tuple[GrantApplication, str]] = []
        for application in applications:
            if isinstance(application, LineError):
                draft.refused.append(application)
                continue
            try:
                holders.append((application, holder_of_person(application.rpps, self._settings.mode)))
            except (Malformed, Refused) as error:
                draft.refused.append(LineError(application.line, application.rpps, str(error)))
        now = self._clock.now()
        check_snapshot_age(tx.register.applied_date(), self._settings.register, now)
        standings = tx.register.standings([holder for _, holder in holders], now)
        judged = []
        for application, holder in holders:
            try:
                profiles = self._profiles(application.profiles)
                names = (application.family_name, application.given_name)
                where = application.email or None
                claimed = Application(application.rpps, profiles[0], b"", *names, where, line=application.line)
                found = standings.get(holder)
                subject = person_subject(claimed, holder, found, board)
                assert found is not None
                judged.append(_Judged(application, subject, profiles, found.digest.hex()))
            except (Malformed, Refused, Missing) as error:
                draft.refused.append(LineError(application.line, application.rpps, str(error)))
        return judged

    def _profiles(self, asked: Sequence[str]) -> tuple[str, ...]:
        profiles = tuple(sorted(set(asked)))
        if not profiles:
            raise Malformed("an enrolment says which certificates the person may obtain")
        for profile in profiles:
            if not profile.startswith(PERSONAL):
                raise Refused(f"{profile} is not a profile of practitioners", citation="CP 1.4.1")
            self._settings.issuer_of(profile)
        return profiles

    def _make_requests(
        self, tx: RegistrationTransaction, board: Board, officer: Officer, judged: Sequence[_Judged], draft: Draft
    ) -> None:
        snapshot = register_in_force(tx)
        keys = [f"{board.code}:{ENROLMENT}:{one.subject.idnat}:{'+'.join(one.profiles)}" for one in judged]
        known, free = standing_requests(tx, keys)
        at = clock.text(self._clock.now())
        seen: dict[str, int] = {}
        for one, key in zip(judged, keys, strict=True):
            line, number = one.application.line, one.application.rpps
            if key in known:
                draft.known.append((line, known[key]))
            elif key in seen:
                draft.refused.append(LineError(line, number, f"same request as line {seen[key]}"))
            else:
                seen[key] = line
                draft.records.append(self._record(one, free[key], board, officer, snapshot, at, draft))
        leaves = [leaf_hash(record.statement.encode()) for record in draft.records]
        object.__setattr__(draft, "root", root_of(leaves))

    def _record(
        self, one: _Judged, key: str, board: Board, officer: Officer, snapshot: dict[str, str], at: str, draft: Draft
    ) -> RequestRecord:
        request = Request(
            id=self._entropy.octets(16).hex(),
            board=board.code,
            ca="",
            profile=ENROLMENT,
            holder=one.subject.idnat,
            subject=one.subject.record(),
            key=b"",
            requester=officer.id,
            register={**snapshot, "entry": one.digest},
            profiles=one.profiles,
        )
        statement = canonical(request.statement(at)).decode()
        place = len(draft.records)
        return RequestRecord(request.id, draft.batch, place, request.holder, ENROLMENT, statement, b"", b"", key)


def _of_board(tx: RegistrationTransaction, grant_id: str, officer: Officer) -> Grant:
    grant = tx.grants.get(grant_id)
    if grant.board != officer.board:
        raise Missing(f"no grant is called {grant_id}")  # the same words as for one that does not exist
    return grant
