"""One route of the API: where it is, who may call it, what it takes and gives. Serving and describing both read this table.

A shape is a `msgspec.Struct`: it reads what is sent (a field that it does not have is refused), writes what is answered, and is
the schema in the description. Nothing is described by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import msgspec

from pki.authenticators.model import Account, Kind
from pki.authenticators.tokens import Scope
from pki.bootstrap.office import Office
from pki.settings import Board, Officer
from trust.errors import Refused

VERSION = "v1"
BASE = f"/api/{VERSION}"
SMALL = 256 * 1024
"""Octets of a body, unless its route says more: a statement with the longest list of exceptions fits."""
JSON = "application/json"
OCTETS = "application/octet-stream"
Serial = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$", description="Serial number of a certificate: 16 octets, hex.")]
Identifier = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$", description="16 octets, hex.")]
Number = Annotated[str, msgspec.Meta(pattern="^[0-9A-Z]{9,20}$", description="National number of a person or a structure.")]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$", description="SHA-256, hex.")]
Word = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z-]{0,39}$")]

PATH_PARAMETERS: Mapping[str, Any] = {
    "serial": Serial,
    "batch": Identifier,
    "request": Identifier,
    "number": Number,
    "sha256": Sha256,
    "kind": Word,
}
"""What may stand in an address, by its name there."""


class Shape(msgspec.Struct, kw_only=True):
    """What is answered. More fields may come: clients ignore those that they do not know."""


class Sent(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is sent. A field that is not known is refused: a mistake in a name would be taken for a default."""


class Nothing(Sent):
    """An empty object."""


class For(Enum):
    """Who may call a route."""

    ANYBODY = "anybody"
    OFFICERS = "officers"
    BOTH = "officers and structures"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, and how that is known."""

    account: Account
    board: str
    """The ordre of an officer, or the one that answers for a structure."""
    scopes: frozenset[Scope]
    way: str
    """The token or the certificate, as logs call it."""
    ends_at: datetime
    """When it serves no more, if nothing ends it before."""

    @property
    def is_officer(self) -> bool:
        """Whether an officer calls, and not the administrator of a structure's servers."""
        return self.account.kind is Kind.OFFICER


@dataclass(frozen=True)
class Call:
    """One call, read and allowed."""

    office: Office
    principal: Principal | None
    path: Mapping[str, str]
    query: Any = None
    body: Any = None
    memory: dict[str, Any] = field(default_factory=dict)
    """What a module keeps between calls; the application's, so that it ends with it."""

    @property
    def who(self) -> Principal:
        """Who calls. Only on a route that is not everybody's."""
        assert self.principal is not None
        return self.principal

    @property
    def officer(self) -> Officer:
        """The officer who calls."""
        return self.office.home.settings.officer(self.who.account.id)

    @property
    def board(self) -> Board:
        """The ordre at work."""
        return self.office.home.settings.board(self.who.board)

    def require_role(self, role: str) -> None:
        """Stop here unless the mandate of the officer gives that role.

        Raises:
            Refused: it does not.
        """
        if role not in self.officer.roles:
            raise Refused(f"{self.officer.id} does not hold the role {role!r}", citation="CP 5.2.1")


@dataclass(frozen=True)
class Created:
    """An answer with 201, and where what was made is."""

    answer: Shape
    location: str


@dataclass(frozen=True)
class Route:
    """One route."""

    method: str
    path: str
    name: str
    """Of the operation: unique, and what logs say."""
    summary: str
    run: Callable[[Call], Any]
    answer: Any
    """The shape of the answer; `str` for text of another media type."""
    body: type[Sent] | None = None
    query: type[Sent] | None = None
    scope: Scope = Scope.READ
    audience: For = For.OFFICERS
    status: int = 200
    media: str = JSON
    conflicts: bool = False
    missing: bool = False
    """What is sent may name what does not exist; what its address names always may."""
    largest: int = SMALL
    """Octets of a body."""
    takes_file: bool = False
    """The body is a file; what the route does reads it."""
    tag: str = field(default="")

    @property
    def parameters(self) -> list[str]:
        """The names in its address."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]

    @property
    def refusals(self) -> list[int]:
        """The statuses that it may answer besides its own."""
        found = {400, 429, 503}
        if self.audience is not For.ANYBODY:
            found |= {401, 403}
        if self.body is not None or self.takes_file:
            found |= {403, 413, 415}
        if self.parameters or self.missing or self.status == 201:
            found.add(404)
        if self.conflicts:
            found.add(409)
        return sorted(found)
