"""The service as a process: workers, signals, and what it must never have loaded."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.publication.client import ask, get, post
from tests.unit.publication.crls import crl
from tests.unit.status import toy
from trust.clock import SystemClock

SERVE = "import sys, pathlib; from web.publication.server import serve; sys.exit(serve(pathlib.Path(sys.argv[1])))"


def free_base_port() -> int:
    """Find a base port whose successor is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port - 1


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(port)


class Served:
    """A home and the process that publishes it."""

    def __init__(self, home: Path, code: str = SERVE) -> None:
        self.home = home
        self.serial = toy.serials(1)[0]
        shop = toy.Shop(home / "publication" / "status", now=SystemClock().now())
        shop.publish(toy.good(self.serial))
        shop.writer.close()
        crls = home / "publication" / "www" / "crl"
        crls.mkdir(parents=True)
        (crls / "personnes.crl").write_bytes(crl(shop.now, shop.now + toy.DAY))
        (home / "config").mkdir()
        (home / "config" / "authority.toml").write_text("[publication]\nworkers = 2\n")
        base = free_base_port()
        self.port = base + 1
        environment = os.environ | {"SCEAU_BASE_PORT": str(base)}
        self.process = subprocess.Popen([sys.executable, "-P", "-c", code, str(home)], env=environment, stderr=subprocess.PIPE)
        wait_for(self.port)

    def workers(self, count: int = 2) -> set[int]:
        """Ask until that many workers have said who they are."""
        found: set[int] = set()
        deadline = time.monotonic() + 10
        while len(found) < count and time.monotonic() < deadline:
            found.add(json.loads(ask(self.port, get(b"/healthz")).body)["worker"])
        return found

    def is_answering(self) -> bool:
        """Ask for a status."""
        try:
            return ask(self.port, post(toy.request(self.serial))).status == 200
        except OSError:
            return False

    def ends(self, seconds: float = 10) -> int:
        """Wait for the end; return the exit code."""
        return self.process.wait(seconds)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A service with two workers."""
    made = Served(tmp_path)
    yield made
    made.process.kill()
    made.process.wait()


def gone(process: int) -> bool:
    """Tell whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def all_gone(processes: set[int], seconds: float = 10) -> bool:
    """Wait until processes have ended."""
    deadline = time.monotonic() + seconds
    while not all(gone(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.05)
    return all(gone(process) for process in processes)


def test_two_workers_answer_on_one_port_and_count_together(served: Served) -> None:
    """Whichever worker is asked tells the sums of both."""
    assert len(served.workers()) == 2
    for _ in range(20):
        assert served.is_answering()
    time.sleep(1.2)

    lines = ask(served.port, get(b"/metrics")).body.decode().splitlines()
    assert 'sceau_publication_replies_total{what="ocsp-good"} 20' in lines


def test_a_worker_that_dies_is_replaced_and_its_counts_are_not_lost(served: Served) -> None:
    """The other one answers meanwhile; no counter goes back."""
    workers = served.workers()
    for _ in range(10):
        assert served.is_answering()
    time.sleep(1.2)
    os.kill(min(workers), signal.SIGKILL)

    assert all_gone({min(workers)})
    deadline = time.monotonic() + 10
    while len(served.workers() - workers) < 1 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert served.is_answering()
    lines = ask(served.port, get(b"/metrics")).body.decode().splitlines()
    assert any(line.startswith('sceau_publication_replies_total{what="ocsp-good"} 1') for line in lines)


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_when_told(served: Served, name: signal.Signals) -> None:
    """Exit code 0, no worker left, the port free again."""
    workers = served.workers()
    served.process.send_signal(name)

    assert served.ends() == 0
    assert all_gone(workers)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", served.port))


def test_no_worker_outlives_a_supervisor_that_was_killed(served: Served) -> None:
    """kill -9 gives nobody a chance to say goodbye: the workers notice."""
    workers = served.workers()
    served.process.kill()

    assert all_gone(workers)


def test_it_ends_when_whoever_started_it_is_gone(tmp_path: Path) -> None:
    """An orphan would hold the port against the next one."""
    code = (
        f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-P', '-c', {SERVE!r}, *sys.argv[1:]]); time.sleep(60)"
    )
    served = Served(tmp_path, code)
    workers = served.workers()
    served.process.kill()
    served.process.wait()

    assert all_gone(workers)


def test_a_port_that_is_taken_is_said_so(tmp_path: Path) -> None:
    """Exit code 1 and one line."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "authority.toml").write_text("")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        environment = os.environ | {"SCEAU_BASE_PORT": str(port - 1)}
        command = [sys.executable, "-P", "-c", SERVE, str(tmp_path)]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)

    assert ended.returncode == 1
    assert ended.stderr == f"publication: cannot listen on 127.0.0.1 port {port}: Address already in use\n"


def test_no_key_and_no_database_is_within_reach(tmp_path: Path) -> None:
    """What the process has loaded, the way to the signer included, knows neither custody, nor signing, nor SQL."""
    code = (
        "import sys, pathlib, web.publication.server, web.publication.wsgi, web.publication.testing;"
        "from web.publication.settings import Settings;"
        "web.publication.server.make_worker(Settings(pathlib.Path(sys.argv[1])), web.publication.counters.Board(1), 0);"
        "print(' '.join(sys.modules))"
    )
    loaded = subprocess.run(
        [sys.executable, "-P", "-c", code, str(tmp_path)], check=True, capture_output=True, text=True
    ).stdout.split()

    forbidden = {
        "hsm",
        "pki.signing",
        "sqlalchemy",
        "psycopg",
        "pki.adapters.store",
        "pki.issuance",
        "pki.registration",
        "relying",
        "flask",
    }
    assert not {name for name in loaded if any(name == each or name.startswith(each + ".") for each in forbidden)}
