"""A practitioner lost the phone, or had it stolen: everything ends at once, on a recovery code (RFC 3647 §4.9.3; CP 4.9.2).

Passkeys are withdrawn, sessions and open links end, certificates are revoked, what was granted is withdrawn: in one transaction.
Who has the device can do nothing more with it, and neither can its owner, until the ordre grants anew with two officers. What a
code does not do: let anybody in.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from pki.audit.events import event
from pki.audit.journal import Journal
from pki.authenticators.model import Account, Kind
from pki.authenticators.passkeys import Passkeys
from pki.authenticators.ports import AuthenticatorsPort, OfficerKeysPort
from pki.authenticators.recovery import Recovery, RecoveryPort, wrong
from pki.inventory.model import Certificate, State
from pki.registration.checks import holder_of_person
from pki.registration.ports import GrantsPort
from pki.revocation.ports import BlockedKeysPort, CertificatesPort, OutboxPort
from pki.revocation.service import Revocation
from pki.settings import Settings
from trust.clock import Clock
from trust.errors import Malformed, Refused

RECOVERY = "recovery"
"""What was refused, as it is counted."""
BEING_SIGNED = 20
"""Looks, a pause apart, at what the issuer was signing when the loss was reported."""


class LossTransaction(Protocol):
    """One transaction, with everything that ends."""

    @property
    def authenticators(self) -> AuthenticatorsPort: ...
    @property
    def acts(self) -> OfficerKeysPort: ...
    @property
    def recovery(self) -> RecoveryPort: ...
    @property
    def certificates(self) -> CertificatesPort: ...
    @property
    def blocked_keys(self) -> BlockedKeysPort: ...
    @property
    def outbox(self) -> OutboxPort: ...
    @property
    def grants(self) -> GrantsPort: ...
    @property
    def journal(self) -> Journal: ...


class LossStore(Protocol):
    """Opens transactions."""

    def write(self) -> AbstractContextManager[LossTransaction]: ...
    def read(self) -> AbstractContextManager[LossTransaction]: ...


@dataclass(frozen=True, slots=True)
class Ended:
    """What a report ended."""

    passkeys: int
    certificates: list[Certificate]


class Losses:
    """Makes sheets of recovery codes for people, and takes reports of losses."""

    def __init__(
        self,
        store: LossStore,
        settings: Settings,
        recovery: Recovery,
        passkeys: Passkeys,
        revocation: Revocation,
        time: Clock,
        pause: Callable[[float], None],
    ) -> None:
        """Serve one home; `pause` waits so many seconds."""
        self._store = store
        self._settings = settings
        self._recovery = recovery
        self._passkeys = passkeys
        self._revocation = revocation
        self._clock = time
        self._pause = pause

    def new_sheet(self, account: Account) -> list[str]:
        """Make recovery codes for somebody who is signed in; those of an earlier sheet end."""
        with self._store.write() as tx:
            return self._recovery.make(tx, account)

    def report(self, number: str, code: str) -> Ended:
        """End everything of the person who has this number, on a recovery code.

        Raises:
            Refused: number and code do not go together; the same words whether the person is known or not.
            Unavailable: too many wrong codes came for this number within an hour.
        """
        try:
            account = Account(Kind.PERSON, holder_of_person(number, self._settings.mode))
        except (Malformed, Refused):
            raise wrong() from None
        with self._store.write() as tx:
            known = self._recovery.check(tx, account, code)
            if not known:
                tx.authenticators.note_refusal(RECOVERY, self._clock.now())
        if not known:
            raise wrong()
        ended = self._end_all(account, code)
        return Ended(ended.passkeys, ended.certificates + self._end_what_was_being_signed(account))

    def _end_all(self, account: Account, code: str) -> Ended:
        by = f"recovery:{account.id}"
        now = self._clock.now()
        with self._store.write() as tx:
            # Rows first, the journal after them, as everywhere: nobody waits in a circle.
            for passkey in tx.authenticators.passkeys_of(account):
                tx.authenticators.passkey(passkey.id)
            self._recovery.spend(tx, account, code)
            certificates = self._revocation.by_loss(tx, account.id, by)
            passkeys = self._passkeys.withdraw_all(tx, account, by=by)
            tx.authenticators.end_entries(account, now)
            for grant in tx.grants.of_holder(account.id):
                if grant.withdrawn_at is None:
                    tx.grants.withdraw(grant.id, now)
                    facts = {"request": grant.id, "subject": grant.holder, "ordre": grant.board, "by": by}
                    tx.journal.append(event("grant.withdrawn", reason="loss-reported", **facts), at=now)
            tx.journal.append(event("recovery.used", account=str(account), certificates=len(certificates)), at=now)
        return Ended(passkeys, certificates)

    def _end_what_was_being_signed(self, account: Account) -> list[Certificate]:
        """Revoke what the issuer had begun before the passkeys ended; it begins nothing more for them.

        Mostly there is nothing, or it is signed within a moment. What still is not is revoked before it is signed.
        """
        for _ in range(BEING_SIGNED):
            with self._store.read() as tx:
                if all(each.state is not State.PREPARED for each in tx.certificates.of_holder(account.id)):
                    break
            self._pause(0.1)
        with self._store.write() as tx:
            return self._revocation.by_loss(tx, account.id, f"recovery:{account.id}", intents=True)
