"""Sums over all ordres, for who runs the machine: counts by profile and by ordre, and nothing of anybody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, case, func, select

from pki.adapters.store.certificates import moment, seconds
from pki.adapters.store.tables import batches, certificates
from pki.inventory.model import State
from pki.registration.model import BatchState


class Totals:
    """Counts, in the database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ending(self, begins: datetime, ends: Sequence[datetime]) -> dict[str, list[int]]:
        """Count the living certificates that end from one moment until each of the others, by profile; the last is the latest."""
        c = certificates.c
        living = c.state.in_([State.ISSUED.value, State.HELD.value])
        within = [func.sum(case((c.not_after < seconds(end), 1), else_=0)) for end in ends]
        between = and_(c.not_after >= seconds(begins), c.not_after < seconds(max(ends)))
        statement = select(c.profile, *within).where(living, between).group_by(c.profile).order_by(c.profile)
        return {row[0]: [int(count) for count in row[1:]] for row in self._connection.execute(statement)}

    def waiting(self) -> dict[str, tuple[int, datetime]]:
        """Count the batches that wait for a decision, by ordre, with the moment since when the oldest does."""
        c = batches.c
        statement = select(c.board, func.count(), func.min(c.submitted_at)).where(c.state == BatchState.SUBMITTED.value)
        return {row[0]: (row[1], moment(row[2])) for row in self._connection.execute(statement.group_by(c.board))}
