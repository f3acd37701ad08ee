"""Worlds on both engines: SQLite, and a PostgreSQL cluster that the tests start for themselves.

The cluster is Debian's own binaries over a data directory of ours, reached by a Unix socket, with the durable settings that the
product demands. One a test process (a worker of xdist is one), stopped at its end, and by the kernel if the process is killed.
Each test has its own database, copied from one where the authority was made and has published once.

Where PostgreSQL is not installed, tests on it are skipped with the line that installs it, and fail with it under ``CI=true``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Generic, TypeVar

import psycopg
import pytest

from tests.tokens import tokens
from tests.world import Made, World
from trust.testing import FixedClock

INSTALL = "apt-get install -y postgresql"
ENGINES = ("sqlite", "postgresql", "softhsm")
"""The last is SQLite with the authority's keys in a PKCS#11 token."""
START_SECONDS = 30.0
_SETTINGS = {
    "listen_addresses": "''",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "autovacuum": "off",  # databases live a second
    "max_connections": "60",
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def swift_directory() -> str | None:
    """Return a directory in memory, where a durable write costs nothing, or None for the usual one.

    What the tests kill is processes, not the machine: what was written is there for the next process all the same.
    """
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Cluster:
    """A PostgreSQL server of this process's own."""

    def __init__(self, binaries: Path) -> None:
        """Make it and start it."""
        self._binaries = binaries
        self._folder = TemporaryDirectory(prefix="sceau-pg-", dir=swift_directory(), ignore_cleanup_errors=True)
        self.directory = Path(self._folder.name)
        self._data = self.directory / "data"
        self._names = count(1)
        self._user = _server_user()
        if self._user is not None:
            os.chown(self.directory, self._user.pw_uid, self._user.pw_gid)
        self._log = self.directory / "log"
        self._initialise()
        self._process = self._start()

    def url(self, database: str) -> str:
        """Return the URL of one database."""
        return f"postgresql://postgres@/{database}?host={self.directory}&port=5432"

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements, each by itself, as the server's owner."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def query(self, question: str, database: str = "postgres") -> Any:
        """Return the one value that a question has, in a session of its own."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            row = connection.execute(question.encode()).fetchone()
        assert row is not None
        return row[0]

    def new_database(self, template: str = "template1") -> str:
        """Copy a database (to which nobody is connected) and return the name of the copy."""
        name = f"sceau_{next(self._names)}"
        # File by file, which costs half of what going through the log does for so small a template.
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return name

    def drop(self, database: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def stop(self) -> None:
        """Stop the server, cleanly, and remove its files."""
        self._process.send_signal(signal.SIGINT)  # its fast shutdown, which waits for nobody
        self._process.wait(START_SECONDS)
        self._folder.cleanup()

    def _initialise(self) -> None:
        options = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"]
        command = [*self._as_server(), str(self._binaries / "initdb"), "-D", str(self._data), *options]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.directory)
        assert done.returncode == 0, done.stderr
        settings = _SETTINGS | {"unix_socket_directories": f"'{self.directory}'"}
        with (self._data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())

    def _start(self) -> subprocess.Popen[bytes]:
        command = [*self._as_server(), str(self._binaries / "postgres"), "-D", str(self._data)]
        with self._log.open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.directory, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
                return process
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > deadline:
                    process.kill()
                    raise AssertionError(f"PostgreSQL did not start:\n{self._log.read_text()}") from None
                time.sleep(0.05)

    def _as_server(self) -> list[str]:
        # PostgreSQL refuses root. SIGINT on our death is its fast and clean shutdown.
        command = ["setpriv", "--pdeathsig", "INT"]
        if self._user is not None:
            command += ["--reuid", str(self._user.pw_uid), "--regid", str(self._user.pw_gid), "--clear-groups"]
        return command


def _server_user() -> pwd.struct_passwd | None:
    if os.getuid():
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise AssertionError("no user to run PostgreSQL as: neither postgres nor nobody exists")


def installed() -> Path | None:
    """Return the folder of the newest PostgreSQL that is installed, None when there is none."""
    debian = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if debian:
        return max(debian, key=lambda path: int(path.parent.name))
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """This process's PostgreSQL."""
    binaries = installed()
    if binaries is None:
        reason = f"PostgreSQL is not installed; as root: {INSTALL}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    running = Cluster(binaries)
    yield running
    running.stop()


Story = TypeVar("Story")


class Worlds(Generic[Story]):
    """Makes worlds on one engine, each a copy of one where something happened already."""

    def __init__(self, cluster: Cluster | None, begin: Callable[[World], Story], *, token: str | None = None) -> None:
        """Make them on a cluster, or on SQLite, with keys in a token if said.

        `begin` is what happens to the first, and returns what tests know of it.
        """
        self._cluster = cluster
        self._kept = TemporaryDirectory(prefix="sceau-worlds-", dir=swift_directory())
        self._databases: dict[Path, str] = {}
        folder, url = Path(self._kept.name), None
        if cluster is not None:
            self._template = cluster.new_database()
            url = cluster.url(self._template)
        first = World(folder / "first", database_url=url, token=token)
        self.story = begin(first)
        self._moment = first.clock.now()
        self._made: Made = first.keep(folder / "made")

    def make(self, directory: Path) -> World:
        """Make a world in a directory that does not exist yet."""
        clock = FixedClock(self._moment)
        if self._cluster is None:
            return World(directory, made=self._made, clock=clock)
        database = self._databases[directory] = self._cluster.new_database(self._template)
        return World(directory, made=self._made, clock=clock, database_url=self._cluster.url(database))

    @contextmanager
    def world(self) -> Iterator[World]:
        """Make a world for the length of a block."""
        with TemporaryDirectory(prefix="sceau-", dir=swift_directory()) as folder:
            world = self.make(Path(folder) / "home")
            yield world
            self.end(world)

    def end(self, world: World) -> None:
        """Close a world and remove its database."""
        world.close()
        world.store.engine.dispose()
        if self._cluster is not None:
            self._cluster.drop(self._databases.pop(world.directory))


def first_publication(world: World) -> None:
    """Let the issuer have its first turns: responders are certified, lists and answers are out."""
    world.issuer.turn_until_idle()


_WORLDS: dict[tuple[str, str], Worlds[Any]] = {}
"""By engine and beginning, for this process."""


def worlds_on(engine: str, request: pytest.FixtureRequest, begin: Callable[[World], Story]) -> Worlds[Story]:
    """Return this process's maker of worlds with that beginning; the request finds the cluster if there must be one."""
    name = (engine, begin.__qualname__)
    if name not in _WORLDS:
        if engine == "softhsm":
            tokens()
            _WORLDS[name] = Worlds(None, begin, token="worlds")
        else:
            _WORLDS[name] = Worlds(request.getfixturevalue("cluster") if engine == "postgresql" else None, begin)
    return _WORLDS[name]


@pytest.fixture(params=ENGINES)
def world_on(request: pytest.FixtureRequest) -> Iterator[World]:
    """An authority on each engine, with officers, an empty register, and a clock that the test moves."""
    with worlds_on(request.param, request, first_publication).world() as world:
        yield world
