"""The keys that officers sign with (RFC 3647 §5.2.3; CP 5.2.3).

The mandate is configuration; the key is a row, entered by the operator, who has seen the officer. A key belongs to one
officer: two mandates behind one key would be one person approving alone. A withdrawn key decides nothing more and is never
taken again.
"""

from __future__ import annotations

import hashlib

from pki.audit.events import event
from pki.authenticators.model import Account, Kind
from pki.issuance.approvals import OfficerKey
from pki.registration.ports import RegistrationStore
from pki.settings import Officer, Settings
from trust.clock import Clock
from trust.errors import Missing, Refused
from trust.keys import check_public_key

KEY_ALGORITHMS = ("P-256", "P-384", "RSA-3072", "RSA-4096", "Ed25519", "ML-DSA-65", "ML-DSA-87")
"""What an officer may sign with: as strong as what the signatures let out (CP 6.1.5)."""


class OfficerKeys:
    """Enters and withdraws officers' keys."""

    def __init__(self, store: RegistrationStore, settings: Settings, time: Clock) -> None:
        """Serve one home."""
        self._store = store
        self._settings = settings
        self._clock = time

    def register(self, officer_id: str, spki: bytes, *, by: str) -> OfficerKey:
        """Enter a key for an officer.

        Raises:
            Missing: no board gives a mandate to this officer.
            Malformed: it is not a public key.
            Refused: a weak key, or one that another officer has.
            Conflict: the officer has this key, or had it.
        """
        officer = self._settings.officer(officer_id)
        check_public_key(spki, KEY_ALGORITHMS, known_weak=self._settings.known_weak)
        now = self._clock.now()
        with self._store.write() as tx:
            if others := set(tx.acts.officers_of_key(spki)) - {officer.id}:
                raise Refused(f"this key is the one of {', '.join(sorted(others))}: each officer has a key", citation="CP 5.2.3")
            tx.acts.add_key(officer.id, spki, now)
            key = hashlib.sha256(spki).hexdigest()
            facts = {"officer": officer.id, "ordre": officer.board, "key": key, "by": by}
            tx.journal.append(event("officer.registered", role=sorted(officer.roles), **facts), at=now)
        return OfficerKey(officer.id, spki, now, None)

    def withdraw(self, officer_id: str, reason: str, *, by: str) -> int:
        """Withdraw the keys of an officer, whether a board still names the officer or not; return how many there were.

        Raises:
            Missing: no key of this officer is in force.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            count = tx.acts.withdraw_keys(officer_id, now) if officer_id.isascii() else 0
            if not count:
                raise Missing(f"no key of {officer_id!r} is in force")
            tx.authenticators.withdraw_account(Account(Kind.OFFICER, officer_id), now)
            board = self._board_of(officer_id)
            tx.journal.append(event("officer.withdrawn", officer=officer_id, ordre=board, reason=reason, by=by), at=now)
        return count

    def keys(self, officer: Officer) -> list[OfficerKey]:
        """Return the keys that an officer ever had."""
        with self._store.read() as tx:
            return tx.acts.keys(officer.id)

    def _board_of(self, officer_id: str) -> str | None:
        try:
            return self._settings.officer(officer_id).board
        except Missing:  # the mandate was taken out of the configuration first: the key goes all the same
            return None
