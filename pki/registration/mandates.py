"""Who administers the servers of a structure: granted by officers as a practitioner's certificates are (CP 4.1.2, CP 3.2.2).

An officer asks that the administrator of an approved structure may obtain its certificates, another approves; from then on the
administrator asks with a passkey, for names under the approved domains, and nobody else is needed (`selfservice`). The enrolment
is a request like another; who holds the passkeys is the structure's to say, by the link that the ordre hands over.
"""

from __future__ import annotations

from datetime import timedelta

from pki.authenticators.entries import Entries, Made
from pki.authenticators.model import Account, Kind
from pki.issuance.approvals import Act
from pki.issuance.order import ENROLMENT, Grant, Request
from pki.registration.enrol import Draft, Enrolment, begin_draft, register_in_force, standing_requests
from pki.registration.model import Batch, Organisation, RequestRecord
from pki.registration.ports import RegistrationStore, RegistrationTransaction
from pki.settings import Settings
from trust import clock
from trust.canonical import canonical
from trust.clock import Clock
from trust.entropy import Entropy
from trust.errors import Missing, Refused
from trust.naming import OrganisationSubject
from trust.transparency.merkle import leaf_hash, root_of

PROFILES = ("org-authentification", "org-cachet", "serveur-tls-ec", "serveur-tls-rsa")
"""What a structure may have."""
INVITATION = timedelta(days=7)
"""How long the administrator's first link lives (CP 5.2.3)."""


class Mandates:
    """Receives the choice of an administrator, and makes the link by which the administrator comes."""

    def __init__(
        self, store: RegistrationStore, settings: Settings, enrolment: Enrolment, entries: Entries, time: Clock, entropy: Entropy
    ) -> None:
        """Serve one home; `enrolment` stores what is submitted, `entries` makes links."""
        self._store = store
        self._settings = settings
        self._enrolment = enrolment
        self._entries = entries
        self._clock = time
        self._entropy = entropy

    def draft(self, officer_id: str, structure: str) -> Draft:
        """Write the request that the administrator of a structure may obtain its certificates; nothing is kept.

        Raises:
            Refused: the officer may not ask, or the structure is not approved.
            Missing: no such structure for this officer.
        """
        officer, board, draft = begin_draft(self._settings, officer_id, self._entropy)
        with self._store.read() as tx:
            organisation = self._approved(tx, structure, board.code)
            key = f"{board.code}:{ENROLMENT}:{structure}"
            known, free = standing_requests(tx, [key])
            found = tx.register.standings([structure], self._clock.now()).get(structure)
            snapshot = register_in_force(tx)
        if key in known:
            draft.known.append((0, known[key]))
            return draft
        if found is None or found.barred is not None:
            raise Refused(f"{structure}: {found.barred if found else 'not registered'}", citation="CP 3.2.2")
        subject = OrganisationSubject(structure, organisation.name, organisation.department, organisation.name)
        request = Request(
            id=self._entropy.octets(16).hex(),
            board=board.code,
            ca="",
            profile=ENROLMENT,
            holder=structure,
            subject=subject.record(),
            key=b"",
            requester=officer.id,
            register={**snapshot, "entry": found.digest.hex()},
            profiles=tuple(each for each in PROFILES if each in self._issued),
        )
        statement = canonical(request.statement(clock.text(self._clock.now()))).decode()
        draft.records.append(RequestRecord(request.id, draft.batch, 0, structure, ENROLMENT, statement, b"", b"", free[key]))
        object.__setattr__(draft, "root", root_of([leaf_hash(statement.encode())]))
        return draft

    def submit(self, draft: Draft, act: Act) -> Batch:
        """Store a draft that its requester signed.

        Raises:
            Refused, Malformed, Conflict: as `Enrolment.submit`.
        """
        return self._enrolment.submit(draft, act)

    def of(self, structure: str) -> Grant | None:
        """Return what stands for the administrator of a structure; None when nobody was chosen."""
        with self._store.read() as tx:
            return next((each for each in tx.grants.of_holder(structure) if each.withdrawn_at is None), None)

    def invite(self, officer_id: str, structure: str) -> Made:
        """Make the link and the code by which the administrator registers a passkey; earlier links end.

        Raises:
            Refused: the officer may not, the structure is not approved, or two officers have not agreed yet.
            Missing: no such structure for this officer.
        """
        officer, board, _ = begin_draft(self._settings, officer_id, self._entropy)
        with self._store.read() as tx:
            self._approved(tx, structure, board.code)
            grants = tx.grants.of_holder(structure)
        if not any(each.withdrawn_at is None for each in grants):
            raise Refused("nobody may administer this structure yet: officers agree first", citation="CP 4.7.2")
        return self._entries.invite(Account(Kind.STRUCTURE, structure), INVITATION, by=officer.id, with_code=True)

    @property
    def _issued(self) -> frozenset[str]:
        return frozenset(profile for ca in self._settings.cas for profile in ca.issues)

    def _approved(self, tx: RegistrationTransaction, structure: str, board: str) -> Organisation:
        organisation = tx.organisations.get(structure)
        if organisation.board != board:
            raise Missing(f"no structure is registered under {structure}")  # the same words as for one that does not exist
        if organisation.approved_at is None or organisation.withdrawn_at is not None:
            raise Refused("the structure is not approved, or was withdrawn", citation="CP 3.2.2")
        return organisation
