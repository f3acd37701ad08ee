"""A snapshot of PostgreSQL as files, and the two ways back: into PostgreSQL, and into SQLite to be proven."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, text

from pki.adapters.store.dump import answering, counts, create_schema, fresh_sqlite, load, refuse_occupied, snapshot
from pki.adapters.store.store import Store
from pki.adapters.store.tables import certificates, contacts, metadata, outbox
from tests.databases import Cluster, cluster
from trust.errors import Conflict, Malformed

__all__ = ["cluster"]

WORDS = [
    "plain",
    "",
    "tab\tand\nline\rand \\ backslash",
    "\\",
    "\\\\",
    "\\n is not a line",
    "\\N",
    "ends with \\",
    "\\\t\\\n",
    "é — œ 漢 🜁",
    "\b\f\v\x01\x7f",
    "'quotes' \"too\"",
]
OCTETS = [b"", b"\x00", bytes(range(256)), b"\\x00", b"\t\n\\N"]


def fill(connection: Connection) -> None:
    """Put the texts and octets that trouble somebody into an empty schema."""
    rows = [{"account": f"{rank}:{word}", "address": word, "changed_at": rank} for rank, word in enumerate(WORDS)]
    connection.execute(insert(contacts), rows)
    connection.execute(insert(outbox), [{"ca": "personnes", "serial": octets} for octets in OCTETS])
    blank: dict[str, Any] = dict.fromkeys(("not_before", "not_after", "shard", "prepared_at", "changed_at"), 1 << 40)
    blank |= {"shard": 3, "state": 1, "revoked_at": None, "reason": None, "held_by": None, "released_at": None, "signature": None}
    words = {"ca": "a", "profile": "", "board": "", "holder": "h", "subject": "{}", "order_id": "o", "instance": "i"}
    for octets in OCTETS:
        connection.execute(
            insert(certificates).values(serial=octets, profile_digest=octets, spki_hash=b"", tbs=octets, **words, **blank)
        )


def everything(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, in an order of its own."""
    found = {}
    for table in metadata.sorted_tables:
        rows = connection.execute(select(table)).all()
        plain = [tuple(bytes(each) if isinstance(each, memoryview) else each for each in row) for row in rows]
        found[table.name] = sorted(plain, key=repr)
    return found


@pytest.fixture
def taken(cluster: Cluster, tmp_path: Path) -> tuple[Path, dict[str, list[tuple[Any, ...]]]]:
    """The files of a snapshot, and what was in the database."""
    store = Store.open(cluster.url(cluster.new_database()))
    store.create()
    with store.engine.begin() as connection:
        fill(connection)
        was = everything(connection)
    workshop, kept = tmp_path / "workshop", tmp_path / "kept"
    workshop.mkdir()
    kept.mkdir()
    with snapshot(store, workshop) as shot:
        before = counts(shot.transaction.connection)
        with store.engine.begin() as connection:  # somebody writes meanwhile
            connection.execute(insert(contacts).values(account="late", address="late", changed_at=1))
        for part in shot.parts():
            (kept / part.name).write_bytes(part.read_bytes())
        assert counts(shot.transaction.connection) == before
    assert list(workshop.iterdir()) == []
    store.engine.dispose()
    return kept, was


def test_it_comes_back_into_postgresql(cluster: Cluster, taken: tuple[Path, dict[str, list[tuple[Any, ...]]]]) -> None:
    """Every value; and numbers that the database gives go on after the last."""
    store = Store.open(cluster.url(cluster.new_database()))
    with answering(), store.engine.begin() as connection:
        refuse_occupied(connection)
        create_schema(connection)
        load(connection, taken[0])
    store.check_schema()
    with store.engine.begin() as connection:
        assert everything(connection) == taken[1]
        connection.execute(insert(outbox).values(ca="personnes", serial=b"next"))
        ids = [row[0] for row in connection.execute(select(outbox.c.id).order_by(outbox.c.id))]
        assert ids == list(range(1, len(OCTETS) + 2))
        with pytest.raises(Conflict, match="not empty"):
            refuse_occupied(connection)
    store.engine.dispose()


def test_it_is_read_into_sqlite(tmp_path: Path, taken: tuple[Path, dict[str, list[tuple[Any, ...]]]]) -> None:
    """The same values: what is proven there is what was saved."""
    engine = fresh_sqlite(tmp_path / "proof.db")
    with engine.begin() as connection:
        load(connection, taken[0])
        assert everything(connection) == taken[1]
    engine.dispose()


@pytest.mark.parametrize("line", ["a\tb", "a\tb\tc\td", "a\tb\tnumber", "a\t\\q\t1"])
def test_a_file_that_is_none_is_refused(
    cluster: Cluster, tmp_path: Path, taken: tuple[Path, dict[str, list[tuple[Any, ...]]]], line: str
) -> None:
    """By either engine, and the one transaction leaves nothing."""
    (taken[0] / "contacts.copy").write_text(f"{line}\n")
    engine = fresh_sqlite(tmp_path / "proof.db")
    with pytest.raises(Malformed, match="line 1 of the table contacts"), engine.begin() as connection:
        load(connection, taken[0])
    engine.dispose()
    if "q" in line:
        return  # PostgreSQL reads a backslash before any other letter as that letter
    store = Store.open(cluster.url(cluster.new_database()))
    with pytest.raises(Malformed, match="does not take"), answering(), store.engine.begin() as connection:
        create_schema(connection)
        load(connection, taken[0])
    with store.engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")).scalar() == 0
    store.engine.dispose()
