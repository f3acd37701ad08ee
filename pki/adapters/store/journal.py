"""The journal, its head and its checkpoints, in the database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, LargeBinary, Select, bindparam, cast, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from pki.adapters.store.bulk import driver_rows, insert_many
from pki.adapters.store.certificates import seconds
from pki.adapters.store.tables import checkpoints, journal, journal_head
from pki.audit.journal import Head, Row
from trust.errors import Conflict

STATUS_CHANGES = ("abandoned", "recovered", "revoked", "held", "released", "reason_upgraded")
"""What happens to a certificate (`pki.audit.events`) that lists of revoked ones must follow."""
_END = 9
"""Characters at the end of a line that tell the entries of a change of status from those of issuance."""
_ENDS = [f'"type":"certificate.{what}"}}'[-_END:] for what in STATUS_CHANGES]

# Every turn of the issuer says these many times: they are put together once.
_HEAD = select(journal_head.c.head).where(journal_head.c.one == 1)
_HEAD_HELD = _HEAD.with_for_update()
_NEW_HEAD = update(journal_head).where(journal_head.c.one == 1).values(head=bindparam("octets"))
_LAST = select(func.max(journal.c.seq))


def _changes(among: ColumnElement[bool]) -> Select[str]:
    these = journal.c.seq >= bindparam("start"), journal.c.seq < bindparam("stop"), among
    return select(journal.c.entry).where(*these).order_by(journal.c.seq)


# The type is the last word of a line (`pki.audit.journal`): the database passes over all that is issued. It compares a few last
# characters, for four entries a certificate come by here; as octets, for SQLite would count the characters of a text from its
# beginning, which costs it four times as much.
_CHANGES = {
    "sqlite": _changes(
        func.substr(cast(journal.c.entry, LargeBinary), -_END, type_=LargeBinary).in_([text.encode() for text in _ENDS])
    ),
    "postgresql": _changes(func.right(journal.c.entry, _END).in_(_ENDS)),
}


class JournalTable:
    """Fills `pki.audit.journal.JournalStore`: the head's row is the lock that makes writers take turns."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock_head(self) -> Head | None:
        """Return the head and hold it until the transaction ends (SQLite: the write transaction itself holds everything)."""
        row = self._connection.execute(_HEAD_HELD).one_or_none()
        return None if row is None else Head.from_bytes(bytes(row[0]))

    def add_entries(self, rows: Sequence[Row]) -> None:
        """Store entries.

        Raises:
            Conflict: another writer has taken one of these numbers.
        """
        try:
            insert_many(self._connection, journal, ("seq", "entry"), list(rows))
        except IntegrityError:
            raise Conflict("another writer was faster in the journal") from None

    def save_head(self, head: Head) -> None:
        """Store the head.

        Raises:
            Conflict: somebody else wrote the first entry.
        """
        octets = head.to_bytes()
        if self._connection.execute(_NEW_HEAD, {"octets": octets}).rowcount:
            return
        try:
            self._connection.execute(insert(journal_head).values(one=1, head=octets))
        except IntegrityError:
            raise Conflict("another writer was faster in the journal") from None

    def head(self) -> Head | None:
        """Return the head without holding it."""
        row = self._connection.execute(_HEAD).one_or_none()
        return None if row is None else Head.from_bytes(bytes(row[0]))

    def entries(self, start: int = 0, stop: int | None = None, page: int = 10_000) -> Iterator[Row]:
        """Walk the entries from a number on, to before `stop`, in order."""
        while stop is None or start < stop:
            statement = select(journal.c.seq, journal.c.entry).where(journal.c.seq >= start).order_by(journal.c.seq).limit(page)
            if stop is not None:
                statement = statement.where(journal.c.seq < stop)
            rows: list[Row] = driver_rows(self._connection.execute(statement))
            if not rows:
                return
            yield from rows
            start = rows[-1][0] + 1

    def tells_of_key(self, label: str) -> bool:
        """Tell whether an entry says that a key of the authority was made, or found, under that label."""
        line = f'%"label":"{label}"%"type":"key.%'  # a label has neither % nor _ in it
        return self._connection.execute(select(journal.c.seq).where(journal.c.entry.like(line)).limit(1)).first() is not None

    def status_changes(self, start: int) -> tuple[int, list[tuple[str, str, bytes]]]:
        """Return the number of the next entry, and what entries from `start` on say of status, in order: (what, CA, serial).

        With `start` below 0, only the number.
        """
        last = self._connection.execute(_LAST).scalar()
        following = 0 if last is None else last + 1
        if not 0 <= start < following:
            return following, []
        statement = _CHANGES[self._connection.dialect.name]
        found = []
        for (line,) in self._connection.execute(statement, {"start": start, "stop": following}):
            entry = json.loads(line)
            facts, what = entry["facts"], entry["type"].removeprefix("certificate.")
            if what in STATUS_CHANGES:
                found.append((what, facts["ca"], bytes.fromhex(facts["serial"])))
        return following, found

    def add_checkpoint(self, size: int, note: str, signed_at: datetime) -> None:
        """Keep a signed checkpoint.

        Raises:
            Conflict: one of that size is kept.
        """
        try:
            self._connection.execute(insert(checkpoints).values(size=size, note=note, signed_at=seconds(signed_at)))
        except IntegrityError:
            raise Conflict(f"a checkpoint of {size} entries is kept already") from None

    def last_checkpoint(self) -> str | None:
        """Return the newest checkpoint."""
        return self._connection.execute(
            select(checkpoints.c.note).order_by(checkpoints.c.size.desc()).limit(1)
        ).scalar_one_or_none()

    def all_checkpoints(self) -> list[str]:
        """Return the signed checkpoints, smallest first."""
        return [row[0] for row in self._connection.execute(select(checkpoints.c.note).order_by(checkpoints.c.size))]
