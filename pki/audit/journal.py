"""The journal: one chain of entries, each a line of canonical JSON (RFC 3647 §5.4; reliability I11, I12).

An entry is ``{"at", "facts", "prev", "seq", "type"}``; `prev` is the leaf hash of the entry before, so that a change shows at
the next line, and every line is a leaf of one Merkle tree whose head is kept with the data and sealed outside
(`pki.audit.seal`). The head is locked, extended and saved through the port inside the caller's transaction: the change and
its entry commit together or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from pki.audit.events import Event
from trust import clock
from trust.canonical import canonical
from trust.errors import Alarm, Malformed
from trust.transparency.merkle import EMPTY_ROOT, HASH_SIZE, Frontier, leaf_hash

TOLERANCE = timedelta(seconds=45)
"""How far behind the journal a moment may be before we stop. A writer looks at the clock, then waits for its turn, half a minute
at most (`pki.adapters.store.engine`), while others write; and the clocks of several machines differ a little."""

Row = tuple[int, str]
"""An entry as stored: its number, counted from 0 without gap, and its line."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the journal stands. Its size is the number of entries, and the number of the next one."""

    frontier: Frontier
    at: datetime
    """Time of the last entry."""
    tip: bytes
    """Leaf hash of the last entry."""
    sealed: Frontier = field(default_factory=Frontier)
    """The tree at the last signed checkpoint."""

    @property
    def size(self) -> int:
        """Number of entries."""
        return self.frontier.size

    def to_bytes(self) -> bytes:
        """Serialise, for the store."""
        return canonical(
            {
                "at": clock.text(self.at),
                "frontier": self.frontier.to_bytes().hex(),
                "sealed": self.sealed.to_bytes().hex(),
                "tip": self.tip.hex(),
            }
        )

    @classmethod
    def from_bytes(cls, octets: bytes) -> Head:
        """Read what `to_bytes` wrote.

        Raises:
            Alarm: it is not that. Only we write a head, so damage to it is never the sender's mistake.
        """
        try:
            record = json.loads(octets)
            frontier, sealed = (Frontier.from_bytes(bytes.fromhex(record[name])) for name in ("frontier", "sealed"))
            head = cls(frontier, clock.parse(record["at"]), bytes.fromhex(record["tip"]), sealed)
        except (ValueError, KeyError, TypeError, Malformed) as error:
            raise Alarm(f"the journal's head cannot be read: {error}") from None
        if len(head.tip) != HASH_SIZE or sealed.size > frontier.size:
            raise Alarm("the journal's head contradicts itself")
        return head


class JournalStore(Protocol):
    """Where entries live. One transaction of the caller spans the three calls."""

    def lock_head(self) -> Head | None:
        """Return the head, None before the first entry, and keep every other writer waiting until the transaction ends."""
        ...

    def add_entries(self, rows: Sequence[Row]) -> None:
        """Store new entries.

        Raises:
            Conflict: an entry of that number exists.
        """
        ...

    def save_head(self, head: Head) -> None:
        """Replace the head that was locked; insert it when there was none.

        Raises:
            Conflict: there was none when it was locked, and now there is.
        """
        ...


class Journal:
    """The only way to write an entry."""

    def __init__(self, store: JournalStore, *, tolerance: timedelta = TOLERANCE) -> None:
        """Write through a store; `tolerance` is how far a clock may lag behind the last entry."""
        self._store = store
        self._tolerance = tolerance

    def append(self, event: Event, *, at: datetime) -> int:
        """Write one event that happened at `at`; return its number.

        Raises:
            Malformed: `at` has no offset.
            Alarm: the clock is behind the journal by more than the tolerance, or the head is damaged.
            Conflict: another writer was faster.
        """
        return self.append_many((event,), at=at)

    def append_many(self, events: Iterable[Event], *, at: datetime) -> int:
        """Write events that happened at `at`, in their order; return the number of the first.

        Entries never go back in time: a clock slightly behind (within the tolerance) is given the time of the last entry.

        Raises:
            Malformed, Alarm, Conflict: as `append`.
        """
        head = self._store.lock_head()
        frontier = head.frontier.copy() if head else Frontier()
        moment, first = self._moment(head, at), frontier.size
        prev, seq, stamp = (head.tip if head else EMPTY_ROOT), first, clock.text(moment)
        rows: list[Row] = []
        leaves: list[bytes] = []
        for event in events:
            line = f'{{"at":"{stamp}","facts":{event.encoded},"prev":"{prev.hex()}","seq":{seq},"type":"{event.type}"}}'
            prev = leaf_hash(line.encode())
            leaves.append(prev)
            rows.append((seq, line))
            seq += 1
        frontier.extend(leaves)
        if rows:
            self._store.add_entries(rows)
            self._store.save_head(Head(frontier, moment, prev, head.sealed if head else Frontier()))
        return first

    def _moment(self, head: Head | None, at: datetime) -> datetime:
        if at.tzinfo is None:
            raise Malformed("the moment of an event has an offset")
        moment = at.astimezone(UTC).replace(microsecond=0)
        if head is None or moment >= head.at:
            return moment
        if head.at - moment > self._tolerance:
            raise Alarm(f"the clock says {clock.text(moment)}, the journal is at {clock.text(head.at)}: nothing is recorded")
        return head.at
