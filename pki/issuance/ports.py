"""What issuance needs of a database: small, and filled by `pki.adapters.store`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pki.audit.journal import Journal
from pki.inventory.model import Certificate
from pki.issuance.approvals import Act, OfficerKey
from pki.issuance.order import CertificateOrder, Grant


@dataclass(frozen=True, slots=True)
class Standing:
    """What the register says of a holder at this moment."""

    entry: str
    """Canonical line of the register, or canonical record of the organisation."""
    digest: bytes
    barred: str | None = None
    """Why nothing may be issued whoever asks: gone from the register, not approved, withdrawn; None when nothing is."""
    sanctions: tuple[tuple[str, str], ...] = ()
    """Decisions of ordres in force: (board, what it decided). A person with two professions may be barred from one of them."""

    def barred_for(self, board: str) -> str | None:
        """Say why nothing may be issued under a board; None when nothing stands against it."""
        if self.barred is not None:
            return self.barred
        return next((what for sanctioning, what in self.sanctions if sanctioning == board), None)


class CertificatesPort(Protocol):
    """The inventory, as issuance uses it."""

    def add_prepared(self, prepared: Sequence[Certificate], instance: str) -> None: ...
    def set_issued(self, signatures: Sequence[tuple[bytes, bytes]], at: datetime) -> None: ...
    def open_intents(self, instance: str) -> list[Certificate]: ...
    def save(self, changed: Sequence[Certificate], at: datetime) -> None: ...
    def get(self, serial: bytes, *, lock: bool = False) -> Certificate: ...
    def holders_of_keys(self, spki_hashes: Sequence[bytes]) -> dict[bytes, set[str]]: ...
    def of_holder(self, holder: str, *, lock: bool = False) -> list[Certificate]: ...


class OrdersPort(Protocol):
    """The orders, as issuance uses them."""

    def take(self, limit: int) -> list[CertificateOrder]: ...
    def set_prepared(self, prepared: Sequence[tuple[str, bytes]]) -> None: ...
    def set_done(self, order_ids: Sequence[str]) -> None: ...
    def set_failed(self, failed: Sequence[tuple[str, str]]) -> None: ...
    def reopen(self, order_ids: Sequence[str]) -> None: ...
    def of_revoked_intents(self, instance: str) -> list[str]: ...


class ActsPort(Protocol):
    """Officers' acts and keys."""

    def of_target(self, act_type: str, target: str) -> list[Act]: ...
    def keys(self, officer: str) -> list[OfficerKey]: ...


class GrantsPort(Protocol):
    """What officers granted."""

    def get(self, grant_id: str) -> Grant: ...


class AuthenticatorsPort(Protocol):
    """The keys that people sign with."""

    def keys_of(self, account: str, *, lock: bool = False) -> list[OfficerKey]: ...


class RegisterPort(Protocol):
    """The register, as issuance uses it: it decides nothing anew, it checks that what was decided on still stands."""

    def standings(self, holders: Sequence[str], now: datetime) -> dict[str, Standing]: ...
    def applied_date(self) -> datetime | None: ...


class BlockedKeysPort(Protocol):
    """Keys that will never be certified again."""

    def blocked(self, spki_hashes: Sequence[bytes]) -> set[bytes]: ...


class OutboxPort(Protocol):
    """Where changes of status wait to be published."""

    def add(self, ca: str, serials: Sequence[bytes]) -> None: ...


class IssuanceTransaction(Protocol):
    """One transaction, with everything that issuance reads and writes."""

    @property
    def certificates(self) -> CertificatesPort: ...
    @property
    def orders(self) -> OrdersPort: ...
    @property
    def acts(self) -> ActsPort: ...
    @property
    def grants(self) -> GrantsPort: ...
    @property
    def authenticators(self) -> AuthenticatorsPort: ...
    @property
    def register(self) -> RegisterPort: ...
    @property
    def blocked_keys(self) -> BlockedKeysPort: ...
    @property
    def outbox(self) -> OutboxPort: ...
    @property
    def journal(self) -> Journal: ...


class IssuanceStore(Protocol):
    """Opens transactions: committed when the block ends, undone when it raises."""

    def write(self) -> AbstractContextManager[IssuanceTransaction]: ...
