"""Sealing: a signed checkpoint of the journal at regular times (RFC 3647 §5.4.4; reliability P19).

Before each signature the entries since the last checkpoint are read back and hashed again, and the last checkpoint must be
ours and be the beginning of what is signed now: whoever rewrites the past and waits for us to sign it gets an alarm instead.
The checkpoint is then published and kept by auditors; a checkpoint that stays beside the data proves nothing against whoever
owns the data.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Protocol

from pki.audit.journal import Head, JournalStore, Row
from trust.errors import Alarm, Conflict
from trust.transparency.checkpoint import Checkpoint, open_checkpoint
from trust.transparency.merkle import EMPTY_ROOT, Frontier, leaf_hash
from trust.transparency.note import Sign, VerifierKey

_AT_ONCE = 10_000
"""Entries read back and hashed together."""


class SealStore(JournalStore, Protocol):
    """What sealing asks of the store, besides what writing does."""

    def head(self) -> Head | None:
        """Return the head without locking it."""
        ...

    def entries(self, start: int, stop: int) -> Iterable[Row]:
        """Return the entries numbered from `start` to before `stop`, in order."""
        ...

    def last_checkpoint(self) -> str | None:
        """Return the newest checkpoint kept."""
        ...

    def add_checkpoint(self, size: int, note: str, signed_at: datetime) -> None:
        """Keep a checkpoint.

        Raises:
            Conflict: one of that size is kept.
        """
        ...


class Sealer:
    """Signs checkpoints in the name of one journal. The key's name is the journal's origin."""

    def __init__(self, key: VerifierKey, sign: Sign) -> None:
        """Sign as `key`, through the callable that reaches its custodian."""
        self._key = key
        self._sign = sign

    def seal(self, store: SealStore, *, at: datetime, published: str | None = None) -> str | None:
        """Sign the journal as it stands; return the note, or None when nothing was written since the last one.

        `published` is the newest checkpoint found outside the database. Writers wait only while the result is stored, not
        while the entries are read or the custodian signs.

        Raises:
            Alarm: the entries, the head, the last checkpoint or the published one contradict each other. Nothing is signed.
            Conflict: somebody else sealed meanwhile.
        """
        head, frontier = self.examine(store, published=published)
        if head is None or head.size == head.sealed.size:
            return None
        note = str(Checkpoint(self._key.name, frontier.size, frontier.root()).signed(self._key, self._sign))
        locked = store.lock_head()
        if locked is None or locked.sealed.size != head.sealed.size:
            raise Conflict("another process sealed the journal meanwhile")
        store.add_checkpoint(frontier.size, note, at)
        store.save_head(replace(locked, sealed=frontier))
        return note

    def examine(self, store: SealStore, *, published: str | None = None) -> tuple[Head | None, Frontier]:
        """Check that entries, head, last checkpoint and the published one agree; return the head, and the tree of the entries.

        Signs and stores nothing.

        Raises:
            Alarm: they contradict each other.
        """
        head = store.head()
        previous = self._previous(store.last_checkpoint(), head)
        if published is not None:
            self._agrees_with(published, previous)
        if head is None or head.size == head.sealed.size:
            return head, head.sealed if head else Frontier()
        return head, _replay(store, head)

    def _previous(self, note: str | None, head: Head | None) -> Checkpoint:
        """Return the last checkpoint, once it is ours and the head continues it."""
        sealed = head.sealed if head else Frontier()
        previous = open_checkpoint(note, self._key) if note else Checkpoint(self._key.name, 0, EMPTY_ROOT)
        if (previous.origin, previous.size, previous.root) != (self._key.name, sealed.size, sealed.root()):
            raise Alarm(f"the journal says it was sealed at {sealed.size} entries, the last checkpoint says {previous.size}")
        return previous

    def _agrees_with(self, note: str, previous: Checkpoint) -> None:
        """Compare with what is published. One that is older only means that publishing was late."""
        published = open_checkpoint(note, self._key)
        if published.origin != previous.origin:
            raise Alarm(f"the published checkpoint is of {published.origin}, this journal is {previous.origin}")
        if published.size > previous.size:
            raise Alarm(
                f"a checkpoint of {published.size} entries is published, the journal knows of {previous.size}: it went back"
            )
        if published.size == previous.size and published.root != previous.root:
            raise Alarm(f"two different checkpoints of {previous.size} entries carry our signature")


def _replay(store: SealStore, head: Head) -> Frontier:
    """Hash the entries since the last checkpoint again, and check that they lead to the head."""
    frontier, tip = head.sealed.copy(), b""
    entries = iter(store.entries(frontier.size, head.size))
    while some := list(islice(entries, _AT_ONCE)):
        expected = range(frontier.size, frontier.size + len(some))
        if [number for number, _ in some] != list(expected):
            missing, found = next((one, other[0]) for one, other in zip(expected, some, strict=True) if one != other[0])
            raise Alarm(f"entry {missing} of the journal is missing; found {found}")
        leaves = [leaf_hash(line.encode()) for _, line in some]
        frontier.extend(leaves)
        tip = leaves[-1]
    if frontier.size != head.size or frontier.edge != head.frontier.edge or tip != head.tip:
        raise Alarm(f"the entries from {head.sealed.size} on are not those that were written; verify the journal")
    return frontier
