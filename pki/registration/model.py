"""What registration keeps: batches of requests, organisations, sanctions, snapshots (RFC 3647 §4.1, §4.2).

Every request belongs to a batch, be it a batch of one: officers approve batches, and the batch is what an approval's
Merkle root is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from pki.register.sanctions import DecisionKind


class BatchState(IntEnum):
    """Where a batch stands. The numbers are what the database stores."""

    SUBMITTED = 0
    APPROVED = 1
    REFUSED = 2


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests submitted together by one officer of one board."""

    id: str
    board: str
    requester: str
    root: bytes
    """RFC 6962 root over the statements, in order of position."""
    size: int
    state: BatchState
    submitted_at: datetime
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request: the statement that officers approve, and the key it is for."""

    id: str
    batch: str
    position: int
    holder: str
    profile: str
    statement: str
    spki: bytes
    csr: bytes
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Organisation:
    """A structure that a board answers for: its number, its name as in certificates, the domain names of its servers."""

    id: str
    """Struct_IdNat: ``1`` + FINESS or ``3`` + SIRET."""
    board: str
    name: str
    department: str
    domains: tuple[str, ...]
    declared_by: str
    declared_at: datetime
    approved_at: datetime | None = None
    withdrawn_at: datetime | None = None

    def record(self) -> dict[str, Any]:
        """Return what the approving officer signs, and what certificates are then bound to."""
        return {
            "id": self.id,
            "board": self.board,
            "name": self.name,
            "department": self.department,
            "domains": sorted(self.domains),
        }

    def covers(self, dns_name: str) -> bool:
        """Tell whether a server name is one of the declared domains or under one."""
        return any(dns_name == domain or dns_name.endswith("." + domain) for domain in self.domains)


@dataclass(frozen=True, slots=True)
class Sanction:
    """One decision of an ordre about a person."""

    id: str
    idnat: str
    board: str
    decision: DecisionKind
    reference: str
    effective_at: datetime
    recorded_at: datetime
    lifted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """A register extraction that was read and kept."""

    sha256: str
    content_sha256: str
    register_date: datetime
    lines: int
    people: int
    refused_lines: int
    file: str
    imported_at: datetime
    applied_at: datetime | None = None
