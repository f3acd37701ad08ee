"""One snapshot of the database as files, taken while others write; and the way back into an empty schema (CP 5.7.4).

SQLite: its online backup, one file, self-contained. PostgreSQL: COPY of every table, in the text format, inside one REPEATABLE
READ READ ONLY transaction: one state, whatever commits meanwhile. Either is restored to the schema revision that it was taken
from, by the version of Sceau that wrote it. The files of PostgreSQL are read into SQLite too: that is how a backup is proven
where no server is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, LargeBinary, Table, Text, create_engine, func, insert, inspect, select, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from pki.adapters.store.store import Store, Transaction
from pki.adapters.store.tables import SCHEMA, metadata
from trust.errors import Conflict, Malformed, Unavailable

SQLITE, POSTGRESQL = "sqlite", "postgresql"
DATABASE = "sceau.db"
_SUFFIX = ".copy"
_ROWS = 5_000
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}


@dataclass(frozen=True)
class Snapshot:
    """The database at one moment, for as long as the block that opened it lasts."""

    engine: str
    transaction: Transaction
    parts: Callable[[], Iterator[Path]]
    """Writes the files one after the other; each is removed when the next is asked for."""


@contextmanager
def snapshot(store: Store, folder: Path) -> Iterator[Snapshot]:
    """Take a snapshot; its files go into `folder`, which has room for the database and is the owner's alone.

    Raises:
        Unavailable: the database does not answer, or there is no room.
    """
    if store.engine.dialect.name == SQLITE:
        path = folder / DATABASE
        _copy_sqlite(Path(str(store.engine.url.database)), path)
        engine = create_engine(f"sqlite:///file:{path}?mode=ro&immutable=1&uri=true")
        try:
            with engine.connect() as connection:
                yield Snapshot(SQLITE, Transaction(connection), lambda: iter((path,)))
        finally:
            engine.dispose()
            path.unlink(missing_ok=True)
        return
    with answering(), store.engine.connect() as plain:
        connection = plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        yield Snapshot(POSTGRESQL, Transaction(connection), lambda: _copied_out(connection, folder))
        connection.rollback()


@contextmanager
def answering() -> Iterator[None]:
    """Turn what a database, or its driver under us, says of its trouble into ours.

    Raises:
        Malformed: it does not take what is put into it. Unavailable: it does not answer.
    """
    try:
        yield
    except (DataError, IntegrityError, psycopg.DataError, psycopg.IntegrityError) as error:
        raise Malformed(f"the database does not take what the backup holds: {str(error).splitlines()[0]}") from None
    except (DBAPIError, psycopg.Error) as error:
        raise Unavailable(f"the database failed: {str(error).splitlines()[0]}") from None


def counts(connection: Connection) -> dict[str, int]:
    """Return the number of rows of every table."""
    return {table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in _tables()}


def refuse_occupied(connection: Connection) -> None:
    """Check that a database is empty.

    Raises:
        Conflict: it has tables: nothing is ever restored over anything.
    """
    if found := inspect(connection).get_table_names():
        raise Conflict(f"the database is not empty (it has a table {found[0]}): restore into a new one")


def load(connection: Connection, folder: Path) -> None:
    """Fill the empty tables of a schema with the files of a PostgreSQL snapshot.

    Raises:
        Malformed: a file is missing, or is not one.
        Conflict: a table is not empty.
    """
    for table in _tables():
        path = folder / f"{table.name}{_SUFFIX}"
        if not path.is_file():
            raise Malformed(f"the backup has no table {table.name}")
        if connection.execute(select(func.count()).select_from(table)).scalar_one():
            raise Conflict(f"the table {table.name} is not empty: restore into a new database")
        if connection.dialect.name == POSTGRESQL:
            _copy_in(connection, table, path)
        else:
            _insert(connection, table, path)


def _tables() -> list[Table]:
    return list(metadata.sorted_tables)


def _copy_sqlite(source: Path, target: Path) -> None:
    try:
        with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
            # In one step: it reads one snapshot (WAL), and no writer makes it begin again.
            live.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # nothing of it lies in another file
    except sqlite3.Error as error:
        target.unlink(missing_ok=True)
        raise Unavailable(f"the database cannot be copied: {error}") from None


def _copied_out(connection: Connection, folder: Path) -> Iterator[Path]:
    for table in _tables():
        path = folder / f"{table.name}{_SUFFIX}"
        try:
            with path.open("xb") as file, _cursor(connection) as cursor, cursor.copy(_statement(table, "TO STDOUT")) as blocks:
                for block in blocks:
                    file.write(block)
            yield path
        except OSError as error:
            raise Unavailable(f"the database cannot be copied: {error.strerror}") from None
        finally:
            path.unlink(missing_ok=True)


def _copy_in(connection: Connection, table: Table, path: Path) -> None:
    with path.open("rb") as file, _cursor(connection) as cursor, cursor.copy(_statement(table, "FROM STDIN")) as copy:
        while block := file.read(1 << 18):
            copy.write(block)
    for column in table.columns:
        if column.autoincrement is True:
            sequence = "pg_get_serial_sequence(:table, :column)"
            highest = connection.execute(select(func.max(column))).scalar()
            values = {"table": table.name, "column": column.name, "highest": highest or 1, "used": highest is not None}
            connection.execute(text(f"SELECT setval({sequence}, :highest, :used)"), values)


def _cursor(connection: Connection) -> Any:
    driver: Any = connection.connection.driver_connection
    return driver.cursor()


def _statement(table: Table, direction: str) -> bytes:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    return f'COPY "{table.name}" ({columns}) {direction}'.encode()


def _insert(connection: Connection, table: Table, path: Path) -> None:
    names = [column.name for column in table.columns]
    rows: list[dict[str, Any]] = []
    for values in _read(table, path):
        rows.append(dict(zip(names, values, strict=True)))
        if len(rows) == _ROWS:
            connection.execute(insert(table), rows)
            rows.clear()
    if rows:
        connection.execute(insert(table), rows)


def _read(table: Table, path: Path) -> Iterator[list[Any]]:
    """Read a file of COPY's text format, value by value as the columns say."""
    readers = [_reader(column.type) for column in table.columns]
    with path.open("r", encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, 1):
            fields = line.removesuffix("\n").split("\t")
            try:
                yield [None if raw == r"\N" else read(raw) for read, raw in zip(readers, fields, strict=True)]
            except (ValueError, KeyError, IndexError):
                raise Malformed(f"line {number} of the table {table.name} is not a row of it") from None


def _reader(kind: Any) -> Callable[[str], Any]:
    if isinstance(kind, LargeBinary):
        return lambda raw: bytes.fromhex(raw[3:]) if raw.startswith("\\\\x") else _refuse(raw)
    return _unescaped if isinstance(kind, Text) else int


def _refuse(raw: str) -> bytes:
    raise ValueError(f"not octets: {raw[:20]}")


def _unescaped(raw: str) -> str:
    if "\\" not in raw:
        return raw
    first, *rest = raw.split("\\")
    parts, literal = [first], False
    for piece in rest:
        # Two backslashes in a row are one: the empty piece between them stands for it, and the next piece is as it is.
        if literal:
            parts.append(piece)
            literal = False
        elif piece:
            parts.append(_ESCAPES[piece[0]] + piece[1:])
        else:
            parts.append("\\")
            literal = True
    return "".join(parts)


def create_schema(connection: Connection) -> None:
    """Bring an empty database to the schema of this version, within the caller's transaction."""
    from pki.adapters.store.migrate import upgrade_on

    upgrade_on(connection)


def schema_of(transaction: Transaction) -> str:
    """Return the revision of a snapshot's schema."""
    found = transaction.connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return str(found or "none")


def fresh_sqlite(path: Path) -> Engine:
    """Make an empty SQLite database of this version's schema in a new file, quickly: for what is thrown away."""
    if path.exists():
        raise Conflict(f"{path} is there already")
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES (:schema)"), {"schema": SCHEMA})
    return engine
