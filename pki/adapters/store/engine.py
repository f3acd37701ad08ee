"""Opening the database, and refusing one that could lose a committed row (reliability B07, invariant I1).

SQLite runs in WAL with ``synchronous=FULL``: with NORMAL, the last commits before a power cut may vanish, and a
vanished intent is a signature without a record. PostgreSQL must have ``fsync``, ``full_page_writes`` and
``synchronous_commit`` on: with the last one off, 262 of 40,105 acknowledged rows were lost in the measured crash.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from trust.errors import Refused, Unavailable

BUSY_SECONDS = 30.0


def open_engine(url: str) -> Engine:
    """Open a database and check that it keeps what it acknowledges.

    Raises:
        Refused: its durability settings are unsafe; the message names the setting.
        Unavailable: it does not answer.
    """
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
        _prepare_sqlite(engine)
    else:
        engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), pool_pre_ping=True, pool_size=4)
        _prepare_postgresql(engine)
    try:
        _check_durability(engine)
    except Refused:
        raise
    except DBAPIError as error:
        raise Unavailable(f"the database does not answer: {error.__class__.__name__}: {str(error).splitlines()[0]}") from None
    return engine


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver's own transaction control would begin late and without a lock; we begin ourselves.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-65536")


def _prepare_postgresql(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        # A session may not lower what the server promises, whatever the role's defaults say.
        connection.autocommit = True
        connection.execute("SET synchronous_commit = on")
        connection.execute("SET lock_timeout = '30s'")
        connection.autocommit = False


def _check_durability(engine: Engine) -> None:
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            level = connection.execute(text("PRAGMA synchronous")).scalar_one()
            mode = connection.execute(text("PRAGMA journal_mode")).scalar_one()
            if level < 2 or mode != "wal":
                raise Refused(
                    f"SQLite runs with synchronous={level}, journal_mode={mode}; FULL and WAL are needed", citation="CPS 5.5.3"
                )
            return
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            # The server's value, not this session's: another session would inherit it.
            value = connection.execute(
                text("SELECT coalesce(reset_val, setting) FROM pg_settings WHERE name = :name"), {"name": name}
            ).scalar_one()
            if value in ("off", "local"):
                raise Refused(f"PostgreSQL runs with {name}={value}: a committed row could be lost", citation="CPS 5.5.3")
