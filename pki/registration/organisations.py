"""Structures that boards answer for (RFC 3647 §3.2.2; CP 3.2.2).

An officer declares a structure with its name, its département and the domains of its servers; another officer of the same
board approves exactly that record; only then may its certificates be asked for. A board that no longer answers for a structure
withdraws it, and its certificates end in the same transaction. Each of the three is a signed act over the record, in words that
a person can read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pki.audit.events import event
from pki.authenticators.model import Account, Kind
from pki.inventory.model import Certificate, Reason
from pki.issuance.approvals import Act, statement_of, verify_act
from pki.registration.checks import structure_number
from pki.registration.model import Organisation
from pki.registration.ports import RegistrationStore, RegistrationTransaction
from pki.revocation.changes import end
from pki.settings import Officer, Settings
from trust import clock
from trust.canonical import canonical_hash
from trust.clock import Clock
from trust.entropy import Entropy
from trust.errors import Conflict, Malformed, Missing, Refused
from trust.naming import OrganisationSubject, ServerSubject, is_test_structure, tidy

DECLARATION = "organisation-declaration/1"
ORGANISATION_APPROVAL = "organisation-approval/1"
WITHDRAWAL = "organisation-withdrawal/1"
BY_WITHDRAWAL = "withdrawal"
MAX_DOMAINS = 50
LONGEST_REASON = 200


@dataclass(frozen=True)
class Withdrawn:
    """What a withdrawal ended."""

    organisation: Organisation
    certificates: int


class Organisations:
    """Receives declarations, approvals and withdrawals of structures."""

    def __init__(self, store: RegistrationStore, settings: Settings, time: Clock, entropy: Entropy) -> None:
        """Serve one home."""
        self._store = store
        self._settings = settings
        self._clock = time
        self._entropy = entropy

    def draft(self, officer_id: str, number: str, name: str, department: str, domains: Sequence[str]) -> Organisation:
        """Return what an officer would declare, checked; nothing is kept.

        Raises:
            Missing: no such officer.
            Malformed: a number, name, département or domain that no certificate can hold.
            Refused: a real structure's number for a test authority, or the reverse (CP 3.1.5).
        """
        officer = self._settings.officer(officer_id)
        struct_id = structure_number(number)
        if is_test_structure(struct_id) == (self._settings.mode == "production"):
            which = "test" if self._settings.mode == "production" else "real"
            raise Refused(f"{struct_id} is a {which} number, which this authority does not take", citation="CP 3.1.5")
        name, department = tidy(name), tidy(department)
        names = tuple(sorted({domain.strip().lower() for domain in domains}))
        OrganisationSubject(struct_id, name, department, common_name="x")
        if len(names) > MAX_DOMAINS:
            raise Malformed(f"{len(names)} domains, {MAX_DOMAINS} at most")
        for domain in names:
            if domain.startswith("*"):
                raise Malformed(f"{domain}: a domain is declared without a wildcard")
            ServerSubject(struct_id, name, department, (domain,))
        return Organisation(struct_id, officer.board, name, department, names, officer.id, self._clock.now())

    def declaration_statement(self, draft: Organisation) -> str:
        """Return what the declaring officer signs."""
        facts = {"board": draft.board, "organisation": draft.record()}
        return statement_of(DECLARATION, draft.declared_by, draft.id, draft.declared_at, facts)

    def declare(self, draft: Organisation, act: Act) -> Organisation:
        """Keep a declaration that its officer signed. One that waits for approval is replaced by a newer one of the same board.

        Raises:
            Refused: no mandate, or a signature over something else.
            Conflict: the structure is registered already.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            officer, said = self._verified(tx, act, DECLARATION, "register")
            if (officer.id, said.get("organisation")) != (draft.declared_by, draft.record()) or officer.board != draft.board:
                raise Refused("the signature is over something else than this declaration", citation="CP 3.2.2")
            self._refuse_known(tx, draft)
            self._record_once(tx, act)
            tx.organisations.add(draft)
            tx.journal.append(event("organisation.declared", organisation=draft.id, subject=None, by=officer.id), at=now)
        return draft

    def approval_statement(self, number: str, officer_id: str) -> str:
        """Return what an officer signs to approve a declaration.

        Raises:
            Missing: no such declaration, or not this officer's to see.
        """
        organisation = self.seen_by(number, officer_id)
        facts = {"board": organisation.board, "organisation": organisation.record()}
        return statement_of(ORGANISATION_APPROVAL, officer_id, organisation.id, self._clock.now(), facts)

    def approve(self, act: Act) -> Organisation:
        """Take an approval: from now on certificates may be asked for this structure.

        Raises:
            Refused: no mandate, the officer who declared it, or a signature over something else.
            Conflict: it is approved or withdrawn already.
            Missing: no such declaration for this officer.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            officer, said = self._verified(tx, act, ORGANISATION_APPROVAL, "approve")
            organisation = self._of_board(tx, act.target, officer)
            if organisation.withdrawn_at is not None or organisation.approved_at is not None:
                raise Conflict(f"{organisation.id} is already {'withdrawn' if organisation.withdrawn_at else 'approved'}")
            if officer.id == organisation.declared_by:
                raise Refused("who declares does not approve: another officer must", citation="CP 5.2.2")
            record = organisation.record()
            if said.get("organisation") != record or clock.parse(said["at"]) < organisation.declared_at:
                raise Refused("the signature is over something else than this declaration", citation="CP 3.2.2")
            self._record_once(tx, act)
            tx.organisations.set_approved(organisation.id, now)
            facts = {"organisation": organisation.id, "officer": officer.id, "ordre": officer.board}
            tx.journal.append(event("organisation.approved", hash=canonical_hash(record).hex(), **facts), at=now)
            return tx.organisations.get(organisation.id)

    def withdrawal_statement(self, number: str, officer_id: str, reason: str) -> str:
        """Return what an officer signs to withdraw a structure, for a reason in one short sentence.

        Raises:
            Missing: no such structure, or not this officer's to see.
            Malformed: no reason, or a long one.
        """
        organisation = self.seen_by(number, officer_id)
        if not reason.isprintable() or not 0 < len(reason.strip()) <= LONGEST_REASON:
            raise Malformed(f"the reason is one line of 1 to {LONGEST_REASON} characters")
        facts = {"board": organisation.board, "reason": reason.strip()}
        return statement_of(WITHDRAWAL, officer_id, organisation.id, self._clock.now(), facts)

    def withdraw(self, act: Act) -> Withdrawn:
        """Take a withdrawal: nothing more is issued to the structure, and its certificates end (cessationOfOperation).

        Raises:
            Refused: no mandate, or a signature over something else.
            Conflict: it is withdrawn already.
            Missing: no such structure for this officer.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            officer, said = self._verified(tx, act, WITHDRAWAL, "revoke")
            organisation = self._of_board(tx, act.target, officer)
            if organisation.withdrawn_at is not None:
                raise Conflict(f"{organisation.id} is already withdrawn")
            if clock.parse(said["at"]) < organisation.declared_at:
                raise Refused("the signature is older than this declaration", citation="CP 3.2.2")
            self._record_once(tx, act)
            tx.organisations.set_withdrawn(organisation.id, now)
            self._end_mandate(tx, organisation, officer)
            live = tx.certificates.live_of_holders([organisation.id], now)
            ended = end(tx, live, Reason.CESSATION_OF_OPERATION, now, officer.id)
            # The officer's own words are in the act; the journal holds no free text (`pki.audit.events`).
            facts = {"organisation": organisation.id, "reason": "withdrawn-by-officer", "by": officer.id}
            tx.journal.append(event("organisation.withdrawn", **facts), at=now)
            return Withdrawn(tx.organisations.get(organisation.id), len(ended))

    def _end_mandate(self, tx: RegistrationTransaction, organisation: Organisation, officer: Officer) -> None:
        """End what its administrator could do: declared again one day, it chooses again who that is."""
        now = self._clock.now()
        tx.authenticators.withdraw_account(Account(Kind.STRUCTURE, organisation.id), now)
        for grant in tx.grants.of_holder(organisation.id):
            if grant.withdrawn_at is None:
                tx.grants.withdraw(grant.id, now)
                facts = {"request": grant.id, "subject": grant.holder, "ordre": grant.board, "by": officer.id}
                tx.journal.append(event("grant.withdrawn", reason="withdrawn-by-officer", **facts), at=now)

    def reconcile(self) -> int:
        """End what structures have and should not: those withdrawn anything, the others names outside their domains.

        Returns how many certificates there were. One that was being signed while its structure was withdrawn, or lost a domain,
        is found here.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            known = {each.id: each for each in tx.organisations.all() if each.approved_at or each.withdrawn_at}
            live = tx.certificates.live_of_holders(sorted(known), now)
            over = [each for each in live if known[each.holder].withdrawn_at or not covers(known[each.holder], each)]
            return len(end(tx, over, Reason.CESSATION_OF_OPERATION, now, BY_WITHDRAWAL))

    def of_board(self, board: str | None) -> list[Organisation]:
        """Return the structures of one board, or of all."""
        with self._store.read() as tx:
            return tx.organisations.all(board=board)

    def _verified(self, tx: RegistrationTransaction, act: Act, act_type: str, role: str) -> tuple[Officer, dict[str, Any]]:
        if act.type != act_type:
            raise Refused("this act decides something else", citation="CP 3.2.2")
        return verify_act(act, tx.acts.keys(act.officer), self._settings, role=role, now=self._clock.now())

    def _record_once(self, tx: RegistrationTransaction, act: Act) -> None:
        # A structure may be declared, withdrawn and declared again: a signature serves once.
        if not tx.acts.add(act, self._entropy.octets(16).hex(), self._clock.now()):
            raise Conflict("this act was recorded before: sign a new one")

    def _refuse_known(self, tx: RegistrationTransaction, draft: Organisation) -> None:
        try:
            known = tx.organisations.get(draft.id, lock=True)
        except Missing:
            return
        if known.withdrawn_at is not None:
            return
        if known.board != draft.board:
            raise Conflict(f"{draft.id} is registered by another board")
        if known.approved_at is not None:
            raise Conflict(f"{draft.id} is registered and approved: withdraw it first (its certificates end)")

    def _of_board(self, tx: RegistrationTransaction, organisation_id: str, officer: Officer) -> Organisation:
        organisation = tx.organisations.get(organisation_id, lock=True)
        if organisation.board != officer.board:
            raise Missing(f"no structure is registered under {organisation_id}")  # the same words as for one that does not exist
        return organisation

    def seen_by(self, number: str, officer_id: str) -> Organisation:
        """Return a structure of an officer's board.

        Raises:
            Missing: no such structure, or not this officer's to see.
            Malformed: not the number of a structure.
        """
        officer = self._settings.officer(officer_id)
        with self._store.read() as tx:
            return self._of_board(tx, structure_number(number), officer)


def covers(organisation: Organisation, certificate: Certificate) -> bool:
    """Tell whether every server that a certificate names is under a domain of the structure."""
    return all(organisation.covers(name) for name in json.loads(certificate.subject).get("dns_names", []))
