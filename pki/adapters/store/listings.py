"""Long lists, a page at a time, for programs: a page begins after the last line of the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from pki.adapters.store.certificates import seconds
from pki.adapters.store.tables import batches, certificates, requests
from pki.inventory.model import State
from pki.registration.model import BatchState


class Listings:
    """Finds what a page holds, by name; the rows are read by whoever knows them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def certificates(
        self,
        board: str,
        *,
        holder: str | None,
        profile: str | None,
        states: Sequence[State] | None,
        ends_before: datetime | None,
        ends_from: datetime | None,
        after: tuple[int, bytes] | None,
        limit: int,
    ) -> list[tuple[int, bytes]]:
        """Return (when it was prepared, serial) of the certificates of a board that match, newest first, after a place."""
        c = certificates.c
        where: list[ColumnElement[bool]] = [c.board == board]
        wanted = None if states is None else [state.value for state in states]
        where.append(c.state != State.PREPARED.value if wanted is None else c.state.in_(wanted))
        where += [column == value for column, value in ((c.holder, holder), (c.profile, profile)) if value is not None]
        if ends_before is not None:
            where.append(c.not_after < seconds(ends_before))
        if ends_from is not None:
            where.append(c.not_after >= seconds(ends_from))
        if after is not None:
            where.append(or_(c.prepared_at < after[0], and_(c.prepared_at == after[0], c.serial > after[1])))
        statement = select(c.prepared_at, c.serial).where(*where).order_by(c.prepared_at.desc(), c.serial).limit(limit)
        return [(row[0], bytes(row[1])) for row in self._connection.execute(statement)]

    def batches(
        self, board: str, *, state: BatchState | None, after: tuple[int, str] | None, limit: int
    ) -> list[tuple[int, str]]:
        """Return (when it was submitted, identifier) of the batches of a board, newest first, after a place."""
        c = batches.c
        where: list[ColumnElement[bool]] = [c.board == board]
        if state is not None:
            where.append(c.state == state.value)
        if after is not None:
            where.append(or_(c.submitted_at < after[0], and_(c.submitted_at == after[0], c.id > after[1])))
        statement = select(c.submitted_at, c.id).where(*where).order_by(c.submitted_at.desc(), c.id).limit(limit)
        return [(row[0], row[1]) for row in self._connection.execute(statement)]

    def requests(self, batch: str, *, after: int, limit: int) -> Sequence[str]:
        """Return the identifiers of the requests of a batch, in order of position, after one."""
        c = requests.c
        statement = select(c.id).where(c.batch == batch, c.position > after).order_by(c.position).limit(limit)
        return [row[0] for row in self._connection.execute(statement)]
