"""A database that could forget what it acknowledged is refused at the start (promise P30, failure case B07)."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from pki.adapters.store.store import Store
from pki.bootstrap.home import open_home
from tests.databases import START_SECONDS, Cluster
from tests.world import World
from trust.errors import Refused, Unavailable

SERVER_WIDE = [("fsync", "off"), ("full_page_writes", "off"), ("synchronous_commit", "off"), ("synchronous_commit", "local")]


@contextmanager
def server_set(cluster: Cluster, name: str, value: str) -> Iterator[None]:
    """Run a server under another setting, as its administrator can while it runs."""
    was = cluster.query(f"SHOW {name}")
    _set(cluster, f"ALTER SYSTEM SET {name} = {value}", name, value)
    try:
        yield
    finally:
        _set(cluster, f"ALTER SYSTEM RESET {name}", name, was)


def _set(cluster: Cluster, statement: str, name: str, wanted: str) -> None:
    cluster.execute(statement, "SELECT pg_reload_conf()")
    deadline = time.monotonic() + START_SECONDS
    while cluster.query(f"SHOW {name}") != wanted:
        assert time.monotonic() < deadline, f"the server did not take {name} = {wanted}"
        time.sleep(0.01)


@pytest.fixture
def url(cluster: Cluster) -> Iterator[str]:
    """A database of the test's own."""
    database = cluster.new_database()
    yield cluster.url(database)
    cluster.execute("ALTER ROLE postgres RESET ALL")
    cluster.drop(database)


@pytest.mark.parametrize(("name", "value"), SERVER_WIDE)
def test_a_server_that_acknowledges_too_early_is_refused(cluster: Cluster, url: str, name: str, value: str) -> None:
    """The message names the setting; with the setting mended, the same database is taken."""
    with server_set(cluster, name, value), pytest.raises(Refused, match=rf"{name}={value}.*CPS 5\.5\.3"):
        Store.open(url)

    Store.open(url).engine.dispose()


@pytest.mark.parametrize("where", ["ROLE postgres", "DATABASE {database}", "ROLE postgres IN DATABASE {database}"])
def test_a_role_or_a_database_that_acknowledges_too_early_is_refused(cluster: Cluster, url: str, where: str) -> None:
    """Our own session would set it right for itself; another one, a person's, would not."""
    database = url.partition("@/")[2].partition("?")[0]
    place = where.format(database=database)
    cluster.execute(f"ALTER {place} SET synchronous_commit = off")

    with pytest.raises(Refused, match="synchronous_commit=off"):
        Store.open(url)


def test_each_session_waits_for_the_disk_whatever_the_server_says_later(cluster: Cluster, url: str) -> None:
    """An administrator who changes the server's mind while we run does not change ours."""
    store = Store.open(url)
    with server_set(cluster, "synchronous_commit", "off"), store.read() as tx:
        told = tx.connection.exec_driver_sql("SHOW synchronous_commit").scalar_one()
    store.engine.dispose()

    assert told == "on"


def test_a_home_on_an_unsafe_server_does_not_open(cluster: Cluster, url: str, tmp_path: Path) -> None:
    """Whatever process begins by opening its home stops there."""
    world = World(tmp_path / "home", database_url=url)
    world.store.engine.dispose()

    with server_set(cluster, "fsync", "off"), pytest.raises(Refused, match="fsync=off"):
        open_home(tmp_path / "home")


@pytest.mark.parametrize("weakness", ["PRAGMA synchronous=NORMAL", "PRAGMA synchronous=OFF", "PRAGMA journal_mode=DELETE"])
def test_an_sqlite_that_does_not_wait_for_the_disk_is_refused(tmp_path: Path, weakness: str) -> None:
    """Whatever made it so: here, somebody else's code in our process, after our own settings were made."""

    def weaken(connection: Any, _record: object, _proxy: object) -> None:
        connection.execute(weakness)

    event.listen(Pool, "checkout", weaken)
    try:
        with pytest.raises(Refused, match="FULL and WAL are needed"):
            Store.open(f"sqlite:///{tmp_path / 'sceau.db'}")
    finally:
        event.remove(Pool, "checkout", weaken)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    """It acknowledges, and keeps nothing."""
    with pytest.raises(Refused, match="FULL and WAL are needed"):
        Store.open(url)


def test_an_sqlite_file_that_was_made_otherwise_is_brought_to_wal(tmp_path: Path) -> None:
    """Its journal mode is kept in the file; what is kept of `synchronous` is nothing, each of our connections sets it."""
    path = tmp_path / "sceau.db"
    made = sqlite3.connect(path)
    made.execute("PRAGMA journal_mode=DELETE")
    made.execute("CREATE TABLE t (x)")
    made.close()

    store = Store.open(f"sqlite:///{path}")

    with store.read() as tx:
        told = [tx.connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "synchronous")]
    store.engine.dispose()
    assert told == ["wal", 2]


def test_a_database_that_is_not_there_is_said_to_be_unavailable(cluster: Cluster, tmp_path: Path) -> None:
    """Not a traceback: the one line that the server gave."""
    for url in (cluster.url("nobody_made_it"), f"sqlite:///{tmp_path / 'nowhere' / 'sceau.db'}"):
        with pytest.raises(Unavailable, match="the database does not answer"):
            Store.open(url)
