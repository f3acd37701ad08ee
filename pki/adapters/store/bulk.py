"""Many rows in one statement, straight to the driver.

On the issuance path SQLAlchemy's own handling of parameters costs more per row than SQLite does; rows are therefore
tuples, in the order of the columns, and the statement is the same text for both engines but for the mark of a
parameter. Names come from the schema, never from outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table


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


@lru_cache(maxsize=64)
def _insert(table: Table, columns: tuple[str, ...], mark: str) -> str:
    names = ", ".join(table.c[name].name for name in columns)
    return f"INSERT INTO {table.name} ({names}) VALUES ({', '.join([mark] * len(columns))})"


@lru_cache(maxsize=64)
def _update(table: Table, columns: tuple[str, ...], where: tuple[str, ...], mark: str) -> str:
    values = ", ".join(f"{table.c[name].name} = {mark}" for name in columns)
    found = " AND ".join(f"{table.c[name].name} = {mark}" for name in where)
    return f"UPDATE {table.name} SET {values} WHERE {found}"
