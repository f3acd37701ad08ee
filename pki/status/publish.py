"""Publishing CRLs: which, when, under which number (RFC 5280 §5; CP 4.9.7, CP 4.9.8).

Each CA has a full list; a CA whose certificates name shards has one list a shard; a CA with `delta` has a delta on its
full list. Entries are kept encoded, and grow: a revocation costs one entry and one signature, not a walk through the
population. Once in half a validity the body is built anew from the inventory, which prunes what expired and proves that
nothing was forgotten.

Numbers grow by compare-and-swap in the database, and the file is put in place only while its number is still the last
(invariant I10): whichever publisher was paused, the sequence that relying parties see never goes back. Nothing is
re-dated: a list says when it was true.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from pki.audit.events import event
from pki.audit.journal import Journal
from pki.faults import Faults
from pki.status.crl import Body, Issuer, Point, assemble, delta_body, finish
from pki.status.crl_sequence import Schedule, following, is_due, is_listed, is_overfull, latest, refuse_regress
from pki.status.ports import CertificatesPort, RevokedRow
from trust import clock
from trust.algorithms import Algorithm
from trust.clock import Clock
from trust.errors import Conflict

LOG = logging.getLogger("sceau.crl")
FULL, DELTA = "full", "delta"
SMALL = 1_000_000
"""Octets up to which the full list follows each revocation at once; a larger one follows within `LARGE_DELAY`."""
LARGE_DELAY = timedelta(minutes=10)
"""CP 4.9.8 promises fifteen minutes."""
OVERLAP_SECONDS = 10
"""How far back each look at the inventory goes: another machine's clock may stamp a change a little in the past."""


@dataclass(frozen=True, slots=True)
class CrlRecord:
    """The last CRL of a CA in one scope: ``full``, ``delta`` or the number of a shard."""

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


class CrlTransaction(Protocol):
    """One transaction of the publisher."""

    @property
    def certificates(self) -> CertificatesPort: ...
    @property
    def crls(self) -> CrlsPort: ...
    @property
    def journal(self) -> Journal: ...


class CrlStore(Protocol):
    """Opens transactions."""

    def write(self) -> AbstractContextManager[CrlTransaction]: ...
    def read(self) -> AbstractContextManager[CrlTransaction]: ...


class FilesPort(Protocol):
    """The repository."""

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


class _Lists:
    """The encoded entries of one CA, by shard, kept up with the inventory. One thread owns it."""

    def __init__(self, issuer: CrlIssuer) -> None:
        self.issuer = issuer
        self.bodies: dict[int, Body] = {}
        self.dirty: dict[str, datetime] = {}
        """Scopes whose list lacks a change, and since when."""
        self.last: dict[str, CrlRecord | None] = {}
        self.built_at: datetime | None = None
        self._seen = 0
        self._recent: dict[tuple[bytes, int], None] = {}

    @property
    def scopes(self) -> list[str]:
        """The lists to publish: shards first, for relying parties read them; the delta follows its full list."""
        shards = [str(shard) for shard in sorted({*range(self.issuer.shards), *self.bodies})] if self.issuer.shards else []
        return [*shards, FULL, *([DELTA] if self.issuer.delta else [])]

    def build(self, tx: CrlTransaction, now: datetime) -> None:
        """Read every revoked certificate again: those that expired before the last lists are left out (CP 4.10.2)."""
        ca = self.issuer.ca
        self.last = {scope: tx.crls.last(ca, scope) for scope in self.scopes}
        made = [record for record in self.last.values() if record is not None]
        oldest = min(made, key=lambda record: record.this_update) if len(made) == len(self.last) else None
        live_at = int(oldest.this_update.timestamp()) if oldest else 0
        rows = [row for row in tx.certificates.revocations(ca, None, live_at=live_at) if is_listed(row[1], row[3], oldest)]
        self.bodies = {shard: Body() for shard in range(max(self.issuer.shards, 1))}
        for row in rows:
            self._append(row)
        self._seen = int(now.timestamp())
        self._recent = {(row[0], row[5]): None for row in rows if row[5] >= self._seen - OVERLAP_SECONDS}
        self.built_at = now
        # What changed since (or just before) the last lists may not be on them: a crash came between commit and publication.
        for row in rows:
            for scope in self._scopes_of(row[4]):
                record = self.last.get(scope)
                if record is not None and row[5] >= int(record.this_update.timestamp()) - OVERLAP_SECONDS:
                    self.dirty.setdefault(scope, now)

    def look(self, tx: CrlTransaction, now: datetime) -> None:
        """Take in what changed since the last look."""
        since = self._seen - OVERLAP_SECONDS
        again: set[int] = set()
        for row in tx.certificates.revocations(self.issuer.ca, None, changed_since=since):
            serial, revoked_at, _, _, shard, changed_at = row
            if (serial, changed_at) in self._recent:
                continue
            self._recent[serial, changed_at] = None
            self._mark(shard, now)
            if changed_at > revoked_at:
                again.add(shard)  # It may stand there already, with another reason.
            else:
                self._append(row)
        for serial, released_at, shard in tx.certificates.releases(self.issuer.ca, since):
            if (serial, released_at) not in self._recent:
                self._recent[serial, released_at] = None
                self._mark(shard, now)
                again.add(shard)
        for shard in again:
            self.bodies[shard] = Body()
            for row in tx.certificates.revocations(self.issuer.ca, shard):
                self._append(row)
        self._seen = max(self._seen, int(now.timestamp()))
        horizon = self._seen - 2 * OVERLAP_SECONDS
        if self._recent and next(iter(self._recent))[1] < horizon:
            self._recent = {key: None for key in self._recent if key[1] >= horizon}

    def full(self) -> Body:
        """Return the entries of all shards, as one body."""
        if len(self.bodies) == 1:
            return next(iter(self.bodies.values()))
        return Body.joined(self.bodies[shard] for shard in sorted(self.bodies))

    @property
    def size(self) -> int:
        """Octets of the entries of all shards."""
        return sum(body.size for body in self.bodies.values())

    def _append(self, row: RevokedRow) -> None:
        serial, revoked_at, reason, _, shard, _ = row
        self.bodies.setdefault(shard, Body()).append(serial, revoked_at, reason)

    def _mark(self, shard: int, now: datetime) -> None:
        for scope in self._scopes_of(shard):
            self.dirty.setdefault(scope, now)

    def _scopes_of(self, shard: int) -> list[str]:
        own = [str(shard)] if self.issuer.shards else []
        return [*own, FULL, *([DELTA] if self.issuer.delta else [])]


class CrlPublisher:
    """Publishes the lists of every CA of a home. One thread drives it."""

    def __init__(
        self, store: CrlStore, issuers: list[CrlIssuer], files: FilesPort, time: Clock, *, faults: Faults | None = None
    ) -> None:
        """Join the inventory, the CAs and the repository."""
        self._store = store
        self._files = files
        self._clock = time
        self._faults = faults or Faults()
        self._lists = [_Lists(issuer) for issuer in issuers]

    def publish_due(self, *, now: bool = False) -> int:
        """Publish the lists that are due; `now` does not wait for company. Return how many were published.

        Raises:
            Alarm: the clock is behind a published list; a signature does not verify.
            Unavailable: the database, the custodian or the disk does not answer.
        """
        published = 0
        for lists in self._lists:
            moment = self._clock.now()
            with self._store.read() as tx:
                if lists.built_at is None or moment - lists.built_at >= lists.issuer.validity / 2:
                    lists.build(tx, moment)
                lists.look(tx, moment)
            for scope in lists.scopes:
                if self._is_due(lists, scope, moment, at_once=now):
                    published += self._publish(lists, scope)
        return published

    def publish_all(self, ca: str | None = None) -> int:
        """Publish every list (of one CA, if said), due or not: an operator's wish. Return how many."""
        published = 0
        for lists in self._lists:
            if ca in (None, lists.issuer.ca):
                with self._store.read() as tx:
                    lists.build(tx, self._clock.now())
                published += sum(self._publish(lists, scope) for scope in lists.scopes)
        return published

    def _is_due(self, lists: _Lists, scope: str, now: datetime, *, at_once: bool) -> bool:
        since = lists.dirty.get(scope)
        delay = lists.issuer.delay
        if scope == FULL and lists.size > SMALL:
            delay = max(delay, LARGE_DELAY)
        changed = since is not None and (at_once or now - since >= delay)
        return is_due(lists.last.get(scope), lists.issuer.schedule, now, changed=changed)

    def _publish(self, lists: _Lists, scope: str) -> int:
        issuer, now = lists.issuer, self._clock.now()
        previous = lists.last.get(scope)
        self._faults.at("crl.read")
        together = (FULL, DELTA) if scope in (FULL, DELTA) else (scope,)
        state = following(latest(*(lists.last.get(each) for each in together)), issuer.schedule, now)
        body, base = self._content(lists, scope)
        tbs = assemble(
            Issuer(issuer.name_der, issuer.key_id, issuer.algorithm),
            state.number,
            state.this_update,
            state.next_update,
            body,
            point=Point(_url(issuer, scope), only_users=True) if scope not in (FULL, DELTA) else None,
            delta_base=base,
            freshest_url=_url(issuer, DELTA) if scope == FULL and issuer.delta else None,
        )
        encoded = finish(tbs, issuer.sign(tbs, f"{issuer.ca}/{scope} {state.number}"))
        self._faults.at("crl.signed")
        record = CrlRecord(
            issuer.ca,
            scope,
            state.number,
            state.this_update,
            state.next_update,
            base,
            len(body),
            hashlib.sha256(encoded).digest(),
        )
        if not self._record(previous, record):
            with self._store.read() as tx:
                lists.build(tx, now)  # Another publisher was faster: its list stands, ours is thrown away.
            return 0
        self._files.replace(_name(issuer, scope), encoded, lambda: self._is_last(record))
        self._faults.at("crl.renamed")
        lists.last[scope] = record
        lists.dirty.pop(scope, None)
        if scope not in (FULL, DELTA) and is_overfull(body):
            LOG.warning(
                "shard %s/%s has %d entries: configure more shards for new certificates [CP 7.2]", issuer.ca, scope, len(body)
            )
        return 1

    def _content(self, lists: _Lists, scope: str) -> tuple[Body, int | None]:
        """Return the entries of a list and, for a delta, the number of the full list it completes."""
        if scope == FULL:
            return lists.full(), None
        if scope != DELTA:
            return lists.bodies.setdefault(int(scope), Body()), None
        full = lists.last.get(FULL)
        assert full is not None, "the full list is published before its delta"
        since = int(full.this_update.timestamp())
        with self._store.read() as tx:
            changed = tx.certificates.revocations(lists.issuer.ca, None, changed_since=since)
            released = tx.certificates.releases(lists.issuer.ca, since)
        return delta_body((row[:5] for row in changed), released), full.number

    def _record(self, previous: CrlRecord | None, record: CrlRecord) -> bool:
        with self._store.write() as tx:
            try:
                refuse_regress(tx.crls.last(record.ca, record.scope), record)
            except Conflict:
                return False
            if not tx.crls.replace(previous, record):
                return False
            tx.journal.append(
                event(
                    "crl.published",
                    ca=record.ca,
                    shard=None if record.scope == FULL else record.scope,
                    number=record.number,
                    this_update=clock.text(record.this_update),
                    next_update=clock.text(record.next_update),
                    entries=record.entries,
                    sha256=record.sha256.hex(),
                ),
                at=record.this_update,
            )
        return True

    def _is_last(self, record: CrlRecord) -> bool:
        with self._store.read() as tx:
            last = tx.crls.last(record.ca, record.scope)
        return last is not None and last.number == record.number


def _url(issuer: CrlIssuer, scope: str) -> str:
    return f"{issuer.base_url}/{_name(issuer, scope)}"


def _name(issuer: CrlIssuer, scope: str) -> str:
    if scope == FULL:
        return f"crl/{issuer.ca}.crl"
    return f"crl/{issuer.ca}-delta.crl" if scope == DELTA else f"crl/{issuer.ca}/{scope}.crl"
