"""Ways to make the world fail at a chosen place: the honest small programs of these tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import event

from hsm.api import Custodian, KeyDescription, KeyRef, KeyUse
from pki.faults import Faults
from tests.world import World
from trust.algorithms import Algorithm, PublicKey
from trust.testing import FixedClock


class Doing(Faults):
    """Fault points that do something of the test's the nth time that one of them is passed."""

    def __init__(self, point: str, do: Callable[[], object], nth: int = 1) -> None:
        """Do it at that point."""
        super().__init__()
        self.passed: list[str] = []
        """Every point passed, in order."""
        self._at, self._do, self._left = point, do, nth

    def at(self, point: str) -> None:
        """Pass a fault point."""
        self.passed.append(point)
        if point == self._at:
            self._left -= 1
            if self._left == 0:
                self._do()


class BusyClock:
    """A clock whose reader is then kept waiting, while others go first."""

    def __init__(self, clock: FixedClock, meanwhile: Callable[[], object]) -> None:
        """Tell the time of another clock; after the first look, let `meanwhile` happen."""
        self._clock = clock
        self._meanwhile: Callable[[], object] | None = meanwhile

    def now(self) -> datetime:
        """Return the time, then let the others go first."""
        moment, meanwhile, self._meanwhile = self._clock.now(), self._meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return moment


class SlowCustodian:
    """Another custodian behind which something happens before each signature of a use, as long as `meanwhile` says what."""

    def __init__(self, behind: Custodian, use: KeyUse) -> None:
        """Stand before a custodian."""
        self._behind, self._use = behind, use
        self.meanwhile: Callable[[], object] | None = None

    def generate(self, ref: KeyRef, algorithm: Algorithm, uses: frozenset[KeyUse]) -> PublicKey:
        """Make a key."""
        return self._behind.generate(ref, algorithm, uses)

    def public_key(self, ref: KeyRef) -> PublicKey:
        """Return the public half."""
        return self._behind.public_key(ref)

    def sign(self, ref: KeyRef, use: KeyUse, data: bytes) -> bytes:
        """Sign, after what happens meanwhile."""
        if use is self._use and self.meanwhile is not None:
            self.meanwhile()
        return self._behind.sign(ref, use, data)

    def sign_many(self, ref: KeyRef, use: KeyUse, many: Sequence[bytes]) -> list[bytes]:
        """Sign each of `many`, as `sign` does."""
        return [self.sign(ref, use, data) for data in many]

    def description(self, ref: KeyRef) -> KeyDescription:
        """Describe a key."""
        return self._behind.description(ref)

    def labels(self) -> list[str]:
        """List the names of the keys held."""
        return self._behind.labels()

    def counts(self) -> dict[tuple[str, KeyUse], int]:
        """Return the signatures made, by (label, use)."""
        return self._behind.counts()

    def describe(self) -> str:
        """Say what is behind."""
        return self._behind.describe()


@contextmanager
def refusing(world: World, table: str, when: str, condition: str = "") -> Iterator[None]:
    """Have the database itself refuse a change, by a trigger: ``UPDATE`` of ``certificates`` where ``NEW.holder = '…'``."""
    where = f"WHEN ({condition})" if condition else ""
    refusal = "refused by trigger"
    if world.store.engine.dialect.name == "sqlite":
        made = [f"CREATE TRIGGER refusing BEFORE {when} ON {table} {where} BEGIN SELECT RAISE(ABORT, '{refusal}'); END"]
        unmade = ["DROP TRIGGER refusing"]
    else:
        made = [
            f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''{refusal}''; END'",
            f"CREATE TRIGGER refusing BEFORE {when} ON {table} FOR EACH ROW {where} EXECUTE FUNCTION refuse()",
        ]
        unmade = [f"DROP TRIGGER refusing ON {table}", "DROP FUNCTION refuse"]
    _execute(world, made)
    yield
    _execute(world, unmade)


def _execute(world: World, statements: list[str]) -> None:
    with world.store.write() as tx:
        for statement in statements:
            tx.connection.exec_driver_sql(statement)


@contextmanager
def full_disk(world: World, pages_left: int) -> Iterator[None]:
    """Let a SQLite database grow by so many pages and no more, as on a full disk."""
    with world.store.read() as tx:
        most = tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one() + pages_left

    def limit(connection: Any, _record: object, _proxy: object) -> None:
        connection.execute(f"PRAGMA max_page_count={most}")

    def lift(connection: Any, _record: object, _proxy: object) -> None:
        connection.execute("PRAGMA max_page_count=1073741823")

    engine = world.store.engine
    event.listen(engine, "checkout", limit)
    yield
    event.remove(engine, "checkout", limit)
    event.listen(engine, "checkout", lift)


def cut(world: World) -> None:
    """Have the server end every connection to a PostgreSQL database of a world."""
    with world.store.engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
