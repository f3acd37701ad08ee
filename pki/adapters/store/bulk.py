"""Many rows in one statement, straight to the driver.

On the issuance path SQLAlchemy's own handling of parameters and of columns costs more per row than SQLite does; rows
are therefore tuples, in the order of the columns, and the statement is the same text for both engines but for the mark
of a parameter. Names come from the schema, never from outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, CursorResult, Table

AT_ONCE = 500
"""Values that one statement looks for."""


def driver_rows(result: CursorResult[Any]) -> list[Any]:
    """Read a result to its end, as the driver has it: a tuple for each row, with nothing of SQLAlchemy around it."""
    cursor: Any = result.cursor
    rows: list[Any] = cursor.fetchall()
    result.close()
    return rows


def select_in(
    connection: Connection, table: Table, columns: tuple[str, ...], key: str, values: Sequence[Any]
) -> Iterator[tuple[Any, ...]]:
    """Yield the columns, as the driver has them, of the rows whose `key` is one of the values; in no promised order.

    All of them are read before the first is given, so that the caller may use the connection.
    """
    sqlite = connection.dialect.name == "sqlite"
    for start in range(0, len(values), AT_ONCE):
        some = tuple(values[start : start + AT_ONCE])
        statement = _select(table, columns, key, len(some) if sqlite else None)
        yield from driver_rows(connection.exec_driver_sql(statement, some if sqlite else (list(some),)))


def update_in(connection: Connection, table: Table, column: str, value: Any, key: str, values: Sequence[Any]) -> None:
    """Give one value to a column of the rows whose `key` is one of the values."""
    sqlite = connection.dialect.name == "sqlite"
    for start in range(0, len(values), AT_ONCE):
        some = tuple(values[start : start + AT_ONCE])
        among = _among(table.c[key].name, len(some) if sqlite else None)
        statement = f"UPDATE {table.name} SET {table.c[column].name} = {_mark(connection)} WHERE {among}"
        connection.exec_driver_sql(statement, (value, *some) if sqlite else (value, list(some)))


def delete_in(connection: Connection, table: Table, key: str, values: Sequence[Any]) -> None:
    """Delete the rows whose `key` is one of the values."""
    sqlite = connection.dialect.name == "sqlite"
    for start in range(0, len(values), AT_ONCE):
        some = tuple(values[start : start + AT_ONCE])
        statement = f"DELETE FROM {table.name} WHERE {_among(table.c[key].name, len(some) if sqlite else None)}"
        connection.exec_driver_sql(statement, some if sqlite else (list(some),))


def insert_many(connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows given as tuples in the order of `columns`."""
    if rows:
        connection.exec_driver_sql(_insert(table, columns, _mark(connection)), list(rows))


def update_many(
    connection: Connection, table: Table, columns: tuple[str, ...], where: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> int:
    """Update rows given as tuples: the new values of `columns`, then the values of `where` that find the row; return how many
    changed."""
    if not rows:
        return 0
    return connection.exec_driver_sql(_update(table, columns, where, _mark(connection)), list(rows)).rowcount


def _mark(connection: Connection) -> str:
    return "?" if connection.dialect.name == "sqlite" else "%s"


def _among(name: str, count: int | None) -> str:
    """Write the condition: SQLite wants a mark for each value, PostgreSQL takes a list."""
    return f"{name} = ANY(%s)" if count is None else f"{name} IN ({', '.join('?' * count)})"


@lru_cache(maxsize=64)
def _select(table: Table, columns: tuple[str, ...], key: str, count: int | None) -> str:
    names = ", ".join(table.c[name].name for name in columns)
    return f"SELECT {names} FROM {table.name} WHERE {_among(table.c[key].name, count)}"


@lru_cache(maxsize=64)
def _insert(table: Table, columns: tuple[str, ...], mark: str) -> str:
    names = ", ".join(table.c[name].name for name in columns)
    return f"INSERT INTO {table.name} ({names}) VALUES ({', '.join([mark] * len(columns))})"


@lru_cache(maxsize=64)
def _update(table: Table, columns: tuple[str, ...], where: tuple[str, ...], mark: str) -> str:
    values = ", ".join(f"{table.c[name].name} = {mark}" for name in columns)
    found = " AND ".join(f"{table.c[name].name} = {mark}" for name in where)
    return f"UPDATE {table.name} SET {values} WHERE {found}"
