"""An honest store in memory: the twin of the database for tests of whoever writes to the journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from pki.audit.journal import Head, Row
from trust.errors import Conflict


class MemoryStore:
    """Keeps entries, head and checkpoints in lists. The head goes through its octets, as it would in a database."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.notes: list[tuple[int, str, datetime]] = []
        self._head: bytes | None = None

    def head(self) -> Head | None:
        """Return the head."""
        return Head.from_bytes(self._head) if self._head else None

    def lock_head(self) -> Head | None:
        """Return the head; there is only one writer here."""
        return self.head()

    def add_entries(self, rows: Sequence[Row]) -> None:
        """Store entries, whose numbers must continue those that are here."""
        for row in rows:
            if row[0] != len(self.rows):
                raise Conflict(f"entry {row[0]} after {len(self.rows)} entries")
            self.rows.append(row)

    def save_head(self, head: Head) -> None:
        """Replace the head."""
        self._head = head.to_bytes()

    def entries(self, start: int, stop: int) -> Iterable[Row]:
        """Return the entries numbered from `start` to before `stop`."""
        return self.rows[start:stop]

    def last_checkpoint(self) -> str | None:
        """Return the newest checkpoint."""
        return self.notes[-1][1] if self.notes else None

    def add_checkpoint(self, size: int, note: str, signed_at: datetime) -> None:
        """Keep a checkpoint."""
        self.notes.append((size, note, signed_at))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Undo everything that was written inside when it ends with an exception."""
        rows, notes, head = len(self.rows), len(self.notes), self._head
        try:
            yield
        except BaseException:
            del self.rows[rows:], self.notes[notes:]
            self._head = head
            raise
