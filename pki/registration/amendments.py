"""Other domains for an approved structure (RFC 3647 §3.2.2; CP 3.2.2).

The structure's administrator, or an officer, proposes the domains that it shall have; an officer who did not propose them
approves or refuses exactly these, and an approval ends the certificates of servers under a domain that is no longer there, in the
same transaction. All three are signed acts: the proposal that waits is the last one that no decision answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pki.audit.events import event
from pki.inventory.model import Reason
from pki.issuance.approvals import Act, signed_at, statement_of, verify_act
from pki.issuance.grants import account_of, check_signed_by
from pki.registration.model import Organisation
from pki.registration.organisations import MAX_DOMAINS, covers
from pki.registration.ports import RegistrationStore, RegistrationTransaction
from pki.revocation.changes import end
from pki.settings import Officer, Settings
from trust.canonical import canonical_hash
from trust.clock import Clock
from trust.entropy import Entropy
from trust.errors import Conflict, Malformed, Missing, Refused
from trust.naming import ServerSubject

AMENDMENT = "organisation-amendment/1"
AMENDMENT_APPROVAL = "organisation-amendment-approval/1"
AMENDMENT_REFUSAL = "organisation-amendment-refusal/1"
CITATION = "CP 3.2.2"


@dataclass(frozen=True, slots=True)
class Amendment:
    """What is proposed for a structure."""

    act: Act
    at: datetime
    domains: tuple[str, ...]
    added: tuple[str, ...]
    dropped: tuple[str, ...]

    @property
    def by(self) -> str:
        """Return who proposed it: an officer's identifier, or the account of the structure."""
        return self.act.officer

    @property
    def digest(self) -> str:
        """Return what a decision answers to."""
        return hashlib.sha256(self.act.statement.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Amended:
    """What an approval changed."""

    organisation: Organisation
    certificates: int
    """Ended, for their names are under no domain any more."""


class Amendments:
    """Receives proposals of other domains, and decisions about them."""

    def __init__(self, store: RegistrationStore, settings: Settings, time: Clock, entropy: Entropy) -> None:
        """Serve one home."""
        self._store = store
        self._settings = settings
        self._clock = time
        self._entropy = entropy

    def proposal_statement(self, structure: str, by: str, domains: Sequence[str]) -> str:
        """Return what is signed to propose domains: by an officer of the board, or by the structure's account.

        Raises:
            Missing: no such structure for this officer.
            Malformed: a domain that no certificate can hold, or too many.
            Refused: the structure is not approved.
            Conflict: these are its domains already.
        """
        with self._store.read() as tx:
            organisation = self._approved(tx, structure, by)
        names = _checked(organisation, domains)
        if names == tuple(sorted(organisation.domains)):
            raise Conflict("these are the domains of this structure already")
        facts = {"board": organisation.board, "domains": list(names)}
        return statement_of(AMENDMENT, by, structure, self._clock.now(), facts)

    def propose(self, act: Act) -> Amendment:
        """Keep a proposal; an earlier one that waits is replaced.

        Raises:
            Refused: no mandate, or a signature over something else.
            Conflict: this act served before.
            Missing, Malformed: as `proposal_statement`.
        """
        now = self._clock.now()
        if act.type != AMENDMENT:
            raise Refused("this act decides something else", citation=CITATION)
        with self._store.write() as tx:
            organisation = self._approved(tx, act.target, act.officer, lock=True)
            if act.officer == account_of(organisation.id):
                check_signed_by(act, act.officer, tx.authenticators.keys_of(act.officer), now)
            else:
                self._officer(tx, act, "register", now)
            found = _read(act, organisation)
            if found.domains != _checked(organisation, found.domains) or act.record().get("board") != organisation.board:
                raise Malformed("this is not a proposal of domains for this structure")
            self._record_once(tx, act, now)
            facts = {"organisation": organisation.id, "by": act.officer}
            tx.journal.append(event("organisation.proposed", hash=found.digest, **facts), at=now)
        return found

    def pending(self, structure: str) -> Amendment | None:
        """Return the proposal that waits for a structure.

        Raises:
            Missing: there is no such structure.
        """
        with self._store.read() as tx:
            return _pending(tx, tx.organisations.get(structure))

    def waiting(self, board: str) -> list[tuple[Organisation, Amendment]]:
        """Return what waits for the decision of a board."""
        with self._store.read() as tx:
            concerned = tx.organisations.of_ids(tx.acts.targets(AMENDMENT))
            found = [(each, _pending(tx, each)) for each in concerned if each.board == board and _stands(each)]
        return [(each, amendment) for each, amendment in found if amendment is not None]

    def decision_statement(self, structure: str, officer_id: str, *, reason: str | None = None) -> str:
        """Return what an officer signs to approve what waits, or with a reason to refuse it.

        Raises:
            Missing: no such structure for this officer, or nothing waits.
        """
        with self._store.read() as tx:
            organisation = self._approved(tx, structure, officer_id)
            found = _pending(tx, organisation)
        if found is None:
            raise Missing("nothing is proposed for this structure")
        facts = {"board": organisation.board, "domains": list(found.domains), "answers": found.digest}
        if reason is not None:
            return statement_of(AMENDMENT_REFUSAL, officer_id, structure, self._clock.now(), {**facts, "reason": reason})
        return statement_of(AMENDMENT_APPROVAL, officer_id, structure, self._clock.now(), facts)

    def decide(self, act: Act) -> Amended:
        """Take an officer's decision on what waits.

        Raises:
            Refused: no mandate, who proposed it, or a signature over something else.
            Conflict: something else waits meanwhile, or nothing.
            Missing: no such structure for this officer.
        """
        now = self._clock.now()
        if act.type not in (AMENDMENT_APPROVAL, AMENDMENT_REFUSAL):
            raise Refused("this act decides something else", citation=CITATION)
        with self._store.write() as tx:
            organisation = self._approved(tx, act.target, act.officer, lock=True)
            officer = self._officer(tx, act, "approve", now)
            found = _pending(tx, organisation)
            said = act.record()
            if found is None or said.get("answers") != found.digest:
                raise Conflict("this is not what waits any more: look again")
            if said.get("domains") != list(found.domains) or said.get("board") != organisation.board:
                raise Refused("the signature is over something else than this proposal", citation=CITATION)
            if officer.id == found.by:
                raise Refused("who proposes does not decide: another officer must", citation="CP 5.2.2")
            self._record_once(tx, act, now)
            facts = {"organisation": organisation.id, "officer": officer.id, "ordre": officer.board}
            if act.type == AMENDMENT_REFUSAL:
                tx.journal.append(event("organisation.kept", reason="refused-by-officer", **facts), at=now)
                return Amended(organisation, 0)
            tx.organisations.set_domains(organisation.id, found.domains)
            amended = tx.organisations.get(organisation.id)
            orphans = [each for each in tx.certificates.live_of_holders([amended.id], now) if not covers(amended, each)]
            ended = end(tx, orphans, Reason.CESSATION_OF_OPERATION, now, officer.id)
            record = canonical_hash(amended.record()).hex()
            tx.journal.append(event("organisation.amended", hash=record, certificates=len(ended), **facts), at=now)
            return Amended(amended, len(ended))

    def _approved(self, tx: RegistrationTransaction, structure: str, by: str, *, lock: bool = False) -> Organisation:
        organisation = tx.organisations.get(structure, lock=lock)
        if by != account_of(organisation.id) and self._settings.officer(by).board != organisation.board:
            raise Missing(f"no structure is registered under {structure}")  # the same words as for one that does not exist
        if not _stands(organisation):
            raise Refused("the structure is not approved, or was withdrawn", citation=CITATION)
        return organisation

    def _officer(self, tx: RegistrationTransaction, act: Act, role: str, now: datetime) -> Officer:
        officer, _ = verify_act(act, tx.acts.keys(act.officer), self._settings, role=role, now=now)
        return officer

    def _record_once(self, tx: RegistrationTransaction, act: Act, now: datetime) -> None:
        if not tx.acts.add(act, self._entropy.octets(16).hex(), now):
            raise Conflict("this act was recorded before: sign a new one")


def _stands(organisation: Organisation) -> bool:
    return organisation.approved_at is not None and organisation.withdrawn_at is None


def _checked(organisation: Organisation, domains: Sequence[str]) -> tuple[str, ...]:
    names = tuple(sorted({domain.strip().lower() for domain in domains}))
    if len(names) > MAX_DOMAINS:
        raise Malformed(f"{len(names)} domains, {MAX_DOMAINS} at most")
    for domain in names:
        if domain.startswith("*"):
            raise Malformed(f"{domain}: a domain is declared without a wildcard")
        ServerSubject(organisation.id, organisation.name, organisation.department, (domain,))
    return names


def _read(act: Act, organisation: Organisation) -> Amendment:
    said = act.record()
    domains = said.get("domains")
    if not isinstance(domains, list) or not all(isinstance(each, str) for each in domains):
        raise Malformed("this is not a proposal of domains")
    now, then = set(organisation.domains), set(domains)
    return Amendment(act, signed_at(said), tuple(domains), tuple(sorted(then - now)), tuple(sorted(now - then)))


def _pending(tx: RegistrationTransaction, organisation: Organisation) -> Amendment | None:
    """Return the last proposal that no decision answers, nor one of a later proposal."""
    proposals = [_read(act, organisation) for act in tx.acts.of_target(AMENDMENT, organisation.id)]
    if not proposals:
        return None
    decided = (*tx.acts.of_target(AMENDMENT_APPROVAL, organisation.id), *tx.acts.of_target(AMENDMENT_REFUSAL, organisation.id))
    answered = {act.record().get("answers") for act in decided}
    # What was proposed in an earlier life of the structure, or before what was decided on, is over.
    since = max([organisation.declared_at, *(each.at for each in proposals if each.digest in answered)])
    waiting = [each for each in proposals if each.digest not in answered and each.at >= since]
    return waiting[-1] if waiting else None
