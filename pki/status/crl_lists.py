"""The entries of one CA's lists, kept encoded and kept up with the inventory (RFC 5280 §5; CP 4.9.7).

A publisher begins by reading every revoked certificate, once; then it follows the journal, whose entries stand in the order
in which they were committed. Time would not do: a change is stamped when it begins, and a register that is applied to a
million people is committed minutes later, behind the back of whoever looks for what is newer than the last look.

This module keeps entries. When a list is due and under which number is `publish` and `crl_sequence`.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Protocol

from pki.audit.journal import Journal
from pki.inventory.model import Reason
from pki.status.crl import Body, delta_body
from pki.status.crl_scope import FULL, completed_by, delta_of, file_name, shard_of
from pki.status.crl_sequence import Schedule, listed_since
from pki.status.ports import CertificatesPort, RevokedRow
from trust.algorithms import Algorithm

DELTA_MARGIN_SECONDS = 15 * 60
"""How far before its base a delta begins: what was under way when the base was made is on it. An entry that the base has too
does no harm (RFC 5280 §5.2.4)."""
_AT_HAND = 20_000
"""Rows in memory at a time: a million of them would weigh more than the lists."""
_HOLD = Reason.CERTIFICATE_HOLD.value
AT_ONCE = datetime.min.replace(tzinfo=UTC)
"""Since when a list waits that is not as it should be: no delay is left."""


@dataclass(frozen=True, slots=True)
class CrlRecord:
    """The last CRL of a CA in one scope (`crl_scope`)."""

    ca: str
    scope: str
    number: int
    this_update: datetime
    next_update: datetime
    base: int | None
    entries: int
    sha256: bytes


class CrlsPort(Protocol):
    """The sequence of CRLs."""

    def last(self, ca: str, scope: str) -> CrlRecord | None: ...
    def replace(self, previous: CrlRecord | None, new: CrlRecord) -> bool: ...


class ChangesPort(Protocol):
    """The journal, as the publisher follows it."""

    def status_changes(self, start: int) -> tuple[int, list[tuple[str, str, bytes]]]: ...


class CrlTransaction(Protocol):
    """One transaction of the publisher; what it reads belongs together."""

    @property
    def certificates(self) -> CertificatesPort: ...
    @property
    def crls(self) -> CrlsPort: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def journal_table(self) -> ChangesPort: ...


class CrlStore(Protocol):
    """Opens transactions."""

    def write(self) -> AbstractContextManager[CrlTransaction]: ...
    def read(self) -> AbstractContextManager[CrlTransaction]: ...


class FilesPort(Protocol):
    """The repository."""

    def read(self, name: str) -> bytes | None: ...
    def replace(self, name: str, content: bytes, still_last: Callable[[], bool]) -> bool: ...


@dataclass(frozen=True)
class CrlIssuer:
    """What a list says of its issuer, and how often it is made."""

    ca: str
    name_der: bytes
    key_id: bytes
    algorithm: Algorithm
    base_url: str
    shards: int
    """0 for a CA whose certificates name the full list."""
    delta: bool
    validity: timedelta
    delay: timedelta
    """How long a revocation may wait for company."""
    sign: Callable[[bytes, str], bytes]
    """(to-be-signed list, name and number) → signature."""

    @property
    def schedule(self) -> Schedule:
        """A list is made anew at half of its validity, at the latest."""
        return Schedule(self.validity / 2, self.validity)

    def name(self, scope: str) -> str:
        """Return where a list of this CA is published, below the address of the repository."""
        return file_name(self.ca, scope)

    def url(self, scope: str) -> str:
        """Return the URL of a list, as certificates and lists name it."""
        return f"{self.base_url}/{self.name(scope)}"


class Lists:
    """The entries of one CA, by shard. One thread owns it."""

    def __init__(self, issuer: CrlIssuer) -> None:
        self.issuer = issuer
        self.bodies: dict[int, Body] = {}
        self.dirty: dict[str, datetime] = {}
        """Scopes whose list lacks a change, and since when."""
        self.last: dict[str, CrlRecord | None] = {}
        self.built_at: datetime | None = None
        self._next = 0
        """Number of the first journal entry that is not taken in."""
        self._held: set[bytes] = set()
        """Serials that the bodies list as held: what happens to one of them changes an entry, and adds none."""
        self._oldest: CrlRecord | None = None
        """The oldest of the last lists when the bodies were built: who expired before it is left out."""

    @property
    def scopes(self) -> list[str]:
        """The complete lists to publish: shards first, for relying parties read them."""
        shards = [str(shard) for shard in sorted({*range(self.issuer.shards), *self.bodies})] if self.issuer.shards else []
        return [*shards, FULL]

    def together(self, scope: str) -> list[str]:
        """Return a complete list and its delta, if the CA has deltas: the two share one sequence of numbers."""
        return [scope, delta_of(scope)] if self.issuer.delta else [scope]

    def build(self, tx: CrlTransaction, files: FilesPort, now: datetime) -> None:
        """Read every revoked certificate again: those that expired before the last lists are left out (CP 4.10.2)."""
        ca = self.issuer.ca
        self._next, _ = tx.journal_table.status_changes(-1)
        self.last = {each: tx.crls.last(ca, each) for scope in self.scopes for each in self.together(scope)}
        made = [record for record in self.last.values() if record is not None]
        self._oldest = min(made, key=lambda record: record.this_update) if len(made) == len(self.last) else None
        self.bodies = {shard: Body() for shard in range(max(self.issuer.shards, 1))}
        self._held.clear()
        self._fill(tx, None)
        self.built_at = now
        # A crash may have come between the change, its list and the file; what is published may be lost; and another publisher
        # may have published what we were about to.
        records = [record for record in self.last.values() if record is not None]
        self.dirty = {record.scope: AT_ONCE for record in records if not self._is_served(tx, files, record)}

    def look(self, tx: CrlTransaction, now: datetime) -> None:
        """Take in what changed since the last look."""
        self._next, changes = tx.journal_table.status_changes(self._next)
        first: dict[bytes, str] = {}
        for what, ca, serial in changes:
            if ca == self.issuer.ca:
                first.setdefault(serial, what)
        if not first:
            return
        listed = {serial for serial, what in first.items() if what in ("released", "reason_upgraded") or serial in self._held}
        rows = {row[0]: row for row in tx.certificates.revocations_of(list(first))}
        again = set(tx.certificates.shards_of(list(listed)))  # There they stand already, and otherwise.
        for serial, row in rows.items():
            if serial not in listed:
                self._append(row)
        for shard in again:
            self.bodies[shard] = Body()
            self._fill(tx, shard)
        for shard in again | {row[3] for row in rows.values()}:
            self._mark(shard, now)
        self._held -= first.keys() - rows.keys()

    def content(self, scope: str) -> Body:
        """Return the entries of a complete list."""
        return self.full() if scope == FULL else self._body(int(scope))

    def since(self, tx: CrlTransaction, base: CrlRecord) -> Body:
        """Return the entries of a delta that completes a list: what changed since."""
        ca, shard, start = self.issuer.ca, shard_of(base.scope), int(base.this_update.timestamp()) - DELTA_MARGIN_SECONDS
        changed = tx.certificates.revocations(ca, shard, changed_since=start)
        released = [row for row in tx.certificates.releases(ca, start) if shard in (None, row[2])]
        return delta_body(changed, released)

    def full(self) -> Body:
        """Return the entries of all shards, as one body."""
        if len(self.bodies) == 1:
            return next(iter(self.bodies.values()))
        return Body.joined(self.bodies[shard] for shard in sorted(self.bodies))

    def size(self, scope: str) -> int:
        """Return the octets of the entries of a complete list."""
        if scope == FULL:
            return sum(body.size for body in self.bodies.values())
        return self.bodies[int(scope)].size if int(scope) in self.bodies else 0

    def _fill(self, tx: CrlTransaction, shard: int | None) -> None:
        rows = tx.certificates.revocations(self.issuer.ca, shard, live_at=listed_since(self._oldest))
        while some := list(islice(rows, _AT_HAND)):
            by_shard: defaultdict[int, list[RevokedRow]] = defaultdict(list)
            for row in some:
                by_shard[row[3]].append(row)
            for each, part in by_shard.items():
                self._body(each).extend(part)
            self._note_holds(some)

    def _append(self, row: RevokedRow) -> None:
        serial, revoked_at, reason, shard = row
        self._body(shard).append(serial, revoked_at, reason)
        self._note_holds([row])

    def _body(self, shard: int) -> Body:
        body = self.bodies.get(shard)
        if body is None:
            body = self.bodies[shard] = Body()
        return body

    def _note_holds(self, rows: Sequence[RevokedRow]) -> None:
        held = {row[0] for row in rows if row[2] == _HOLD}
        if self._held:
            self._held -= {row[0] for row in rows}
        self._held |= held

    def _is_served(self, tx: CrlTransaction, files: FilesPort, record: CrlRecord) -> bool:
        """Tell whether the file of a list is the last one on record, and lists what the inventory now says."""
        file = files.read(self.issuer.name(record.scope))
        if file is None or hashlib.sha256(file).digest() != record.sha256:
            return False
        complete = completed_by(record.scope)
        if complete is None:
            body = self.content(record.scope)
        else:
            base = self.last.get(complete)
            if base is None or record.base != base.number:
                return False
            # Made with its list, a delta is empty: whether the list is up to date was asked of the list.
            body = Body(delta=True) if record.number == base.number else self.since(tx, base)
        return len(body) == record.entries and body.octets in file

    def _mark(self, shard: int, now: datetime) -> None:
        for scope in [*([str(shard)] if self.issuer.shards else []), FULL]:
            for each in self.together(scope):
                self.dirty.setdefault(each, now)
