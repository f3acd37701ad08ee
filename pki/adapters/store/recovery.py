"""Recovery codes and wrong guesses at them, in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from pki.adapters.store.certificates import moment, seconds
from pki.adapters.store.tables import recovery_codes, recovery_failures
from pki.authenticators.model import Account


class Recoveries:
    """Fills `pki.authenticators.recovery.RecoveryPort`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def replace(self, account: Account, codes: Sequence[bytes], at: datetime) -> None:
        """Store a new sheet of codes; those of an earlier one end."""
        self.end(account, at)
        values = [{"id": code, "account": str(account), "made_at": seconds(at)} for code in codes]
        self._connection.execute(insert(recovery_codes), values)

    def made_at(self, account: Account) -> datetime | None:
        """Return when the sheet that serves was made; None when there is none."""
        statement = select(func.max(recovery_codes.c.made_at)).where(*_open(account))
        found = self._connection.execute(statement).scalar_one()
        return None if found is None else moment(found)

    def is_open(self, account: Account, code: bytes) -> bool:
        """Tell whether a code of an account serves."""
        statement = select(recovery_codes.c.id).where(*_open(account), recovery_codes.c.id == code)
        return self._connection.execute(statement).one_or_none() is not None

    def use(self, account: Account, code: bytes, at: datetime) -> bool:
        """End one code; return False when it does not serve: of two who bring it, one is first."""
        statement = update(recovery_codes).where(*_open(account), recovery_codes.c.id == code).values(ended_at=seconds(at))
        return self._connection.execute(statement).rowcount == 1

    def end(self, account: Account, at: datetime) -> None:
        """End every code of an account."""
        self._connection.execute(update(recovery_codes).where(*_open(account)).values(ended_at=seconds(at)))

    def add_failure(self, claimed: bytes, at: datetime) -> None:
        """Count a wrong code for whom it was claimed to be."""
        self._connection.execute(insert(recovery_failures).values(claimed=claimed, at=seconds(at)))

    def failures(self, claimed: bytes, since: datetime) -> int:
        """Return how many wrong codes there were since then, and forget the older ones of everybody."""
        self._connection.execute(delete(recovery_failures).where(recovery_failures.c.at <= seconds(since)))
        statement = select(func.count()).select_from(recovery_failures).where(recovery_failures.c.claimed == claimed)
        return int(self._connection.execute(statement).scalar_one())


def _open(account: Account) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return recovery_codes.c.account == str(account), recovery_codes.c.ended_at.is_(None)
