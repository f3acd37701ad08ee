"""What the status producers need of a database: small, and filled by `pki.adapters.store`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from pki.audit.journal import Journal

StatusRow = tuple[bytes, int, int | None, int | None]
"""Serial, state (`pki.inventory.model.State`), revoked at and reason, in seconds and CRLReason numbers."""

RevokedRow = tuple[bytes, int, int | None, int]
"""Serial, revoked at (seconds), CRLReason, shard: what a list says, and no column more, for a million rows are read."""


class CertificatesPort(Protocol):
    """The inventory, as status reads it."""

    def statuses(self, serials: Sequence[bytes]) -> list[StatusRow]: ...
    def status_stretch(self, ca: str, after: bytes, limit: int) -> tuple[list[StatusRow], bytes | None]: ...
    def revocations(self, ca: str, shard: int | None, *, changed_since: int = 0, live_at: int = 0) -> Iterator[RevokedRow]: ...
    def revocations_of(self, serials: Sequence[bytes]) -> list[RevokedRow]: ...
    def releases(self, ca: str, since: int) -> list[tuple[bytes, int, int]]: ...
    def shards_of(self, serials: Sequence[bytes]) -> list[int]: ...
    def shards(self, ca: str) -> list[int]: ...


class OutboxPort(Protocol):
    """Changes of status that wait to be published."""

    def read(self, limit: int) -> list[tuple[int, str, bytes]]: ...
    def clear(self, ids: Sequence[int]) -> None: ...


class StatusTransaction(Protocol):
    """One transaction of a status producer."""

    @property
    def certificates(self) -> CertificatesPort: ...
    @property
    def outbox(self) -> OutboxPort: ...
    @property
    def journal(self) -> Journal: ...


class StatusStore(Protocol):
    """Opens transactions."""

    def write(self) -> AbstractContextManager[StatusTransaction]: ...
    def read(self) -> AbstractContextManager[StatusTransaction]: ...
