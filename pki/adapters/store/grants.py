"""Grants, in the database: what officers approved that people may obtain by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, insert, select, update

from pki.adapters.store.certificates import moment, seconds
from pki.adapters.store.tables import grants, passkeys, successions
from pki.issuance.grants import PEOPLE
from pki.issuance.order import Grant
from trust.errors import Missing


class Grants:
    """Fills what registration and issuance need of grants."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, given: Sequence[Grant]) -> None:
        """Store grants that were approved."""
        values = [
            {
                "id": grant.id,
                "batch": grant.batch,
                "board": grant.board,
                "holder": grant.holder,
                "profiles": " ".join(grant.profiles),
                "statement": grant.statement,
                "proof": grant.proof,
                "approved_at": seconds(grant.approved_at),
            }
            for grant in given
        ]
        if values:
            self._connection.execute(insert(grants), values)

    def get(self, grant_id: str) -> Grant:
        """Return a grant.

        Raises:
            Missing: there is none of that name.
        """
        row = self._connection.execute(select(grants).where(grants.c.id == grant_id)).one_or_none()
        if row is None:
            raise Missing(f"no grant is called {grant_id}")
        return _grant(row)

    def of_holder(self, holder: str) -> list[Grant]:
        """Return the grants of a person, withdrawn or not, latest first."""
        statement = select(grants).where(grants.c.holder == holder).order_by(grants.c.approved_at.desc(), grants.c.id)
        return [_grant(row) for row in self._connection.execute(statement)]

    def of_ids(self, grant_ids: Sequence[str]) -> list[Grant]:
        """Return those of these grants that exist, withdrawn or not."""
        return [_grant(row) for row in self._connection.execute(select(grants).where(grants.c.id.in_(grant_ids)))]

    def of_batch(self, batch: str) -> list[Grant]:
        """Return what a batch of enrolments gave, withdrawn or not."""
        return [_grant(row) for row in self._connection.execute(select(grants).where(grants.c.batch == batch))]

    def of_board(self, board: str, *, limit: int, waiting_only: bool = False, batch: str | None = None) -> list[Grant]:
        """Return the latest grants of a board that stand, or of one batch; `waiting_only`: to people who have no passkey yet."""
        statement = select(grants).where(grants.c.board == board, grants.c.withdrawn_at.is_(None))
        if batch is not None:
            statement = statement.where(grants.c.batch == batch)
        if waiting_only:
            entered = exists().where(passkeys.c.account == "person:" + grants.c.holder, passkeys.c.withdrawn_at.is_(None))
            statement = statement.where(~entered, grants.c.holder.startswith(PEOPLE))  # structures have pages of their own
        ordered = statement.order_by(grants.c.approved_at.desc(), grants.c.holder).limit(limit)
        return [_grant(row) for row in self._connection.execute(ordered)]

    def withdraw(self, grant_id: str, at: datetime) -> None:
        """Withdraw a grant: nothing more is obtained under it."""
        live = (grants.c.id == grant_id, grants.c.withdrawn_at.is_(None))
        self._connection.execute(update(grants).where(*live).values(withdrawn_at=seconds(at)))


class Successions:
    """Orders whose certificate will take the place of older ones."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, order_ids: Sequence[str], due_at: datetime) -> None:
        """Note that what these orders give will supersede, from a moment on."""
        rows = [{"order_id": order_id, "due_at": seconds(due_at)} for order_id in order_ids]
        self._connection.execute(insert(successions), rows)

    def take_due(self, now: datetime, limit: int) -> list[str]:
        """Return orders whose moment has come, and forget them."""
        due = select(successions.c.order_id).where(successions.c.due_at <= seconds(now)).order_by(successions.c.due_at)
        found = [row[0] for row in self._connection.execute(due.limit(limit).with_for_update(skip_locked=True))]
        if found:
            self._connection.execute(delete(successions).where(successions.c.order_id.in_(found)))
        return found


def _grant(row: Row[Any]) -> Grant:
    return Grant(
        id=row.id,
        batch=row.batch,
        board=row.board,
        holder=row.holder,
        profiles=tuple(row.profiles.split()),
        statement=row.statement,
        proof=bytes(row.proof),
        approved_at=moment(row.approved_at),
        withdrawn_at=None if row.withdrawn_at is None else moment(row.withdrawn_at),
    )
