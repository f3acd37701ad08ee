"""What revocation needs of a database: small, and filled by `pki.adapters.store`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from pki.audit.journal import Journal
from pki.inventory.model import Certificate
from pki.issuance.approvals import Act, OfficerKey
from pki.issuance.ports import Standing


class CertificatesPort(Protocol):
    """The inventory, as revocation uses it."""

    def get(self, serial: bytes, *, lock: bool = False) -> Certificate: ...
    def of_key(self, spki_hash: bytes, *, lock: bool = False) -> list[Certificate]: ...
    def of_holder(self, holder: str, *, lock: bool = False) -> list[Certificate]: ...
    def save(self, changed: Iterable[Certificate], at: datetime) -> None: ...


class BlockedKeysPort(Protocol):
    """Keys that will never be certified again."""

    def block(self, spki_hash: bytes, why: str, at: datetime) -> bool: ...


class OutboxPort(Protocol):
    """Where changes of status wait to be published."""

    def add(self, ca: str, serials: Sequence[bytes]) -> None: ...


class ActsPort(Protocol):
    """Officers' acts and keys."""

    def add(self, act: Act, act_id: str, at: datetime) -> bool: ...
    def keys(self, officer: str) -> list[OfficerKey]: ...


class AuthenticatorsPort(Protocol):
    """Passkeys of holders."""

    def keys_of(self, account: str) -> list[OfficerKey]: ...


class RegisterPort(Protocol):
    """The register in force, and the decisions of ordres."""

    def standings(self, holders: Sequence[str], now: datetime) -> dict[str, Standing]: ...


class ChangeTransaction(Protocol):
    """What a change of status writes, whoever causes it."""

    @property
    def certificates(self) -> CertificatesPort: ...
    @property
    def outbox(self) -> OutboxPort: ...
    @property
    def journal(self) -> Journal: ...


class LossTransaction(ChangeTransaction, Protocol):
    """What ending everything of a person writes, within somebody else's transaction."""

    @property
    def blocked_keys(self) -> BlockedKeysPort: ...


class RevocationTransaction(LossTransaction, Protocol):
    """One transaction, with everything that revocation reads and writes."""

    @property
    def acts(self) -> ActsPort: ...
    @property
    def authenticators(self) -> AuthenticatorsPort: ...
    @property
    def register(self) -> RegisterPort: ...


class RevocationStore(Protocol):
    """Opens transactions."""

    def write(self) -> AbstractContextManager[RevocationTransaction]: ...
    def read(self) -> AbstractContextManager[RevocationTransaction]: ...
