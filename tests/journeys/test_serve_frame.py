"""What `sceau serve` promises about processes, seen with two tiny services: announced, restarted, never orphaned or doubled."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pki.bootstrap.lock import holder
from pki.bootstrap.urls import running_urls
from tests.fakes.services import SERVICES

PATIENCE = 20.0


class Serving:
    """A supervisor of the fake services, running."""

    def __init__(self, home: Path, base_port: int) -> None:
        self.home, self.base_port = home, base_port
        self.output = home.parent / "output"
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tests.fakes.services", "supervise", str(home)],
                stdout=output,
                stderr=output,
                env={**os.environ, "SCEAU_BASE_PORT": str(base_port)},
            )

    def said(self) -> str:
        """What it printed so far."""
        return self.output.read_text()

    def has_said(self, words: str, times: int = 1) -> None:
        """Wait for it to print something."""
        until(lambda: self.said().count(words) >= times, f"{words!r} in:\n{self.said()}")

    def is_ready(self) -> None:
        """Wait until both services were announced."""
        self.has_said("ready voice")
        self.has_said("ready door")

    def pid(self, name: str) -> int:
        """The process of one of the services."""
        found = holder(self.home, name)
        assert found is not None
        return found.pid

    def pids(self) -> set[int]:
        """The processes of the services, and the worker that one of them forked."""
        return {self.pid("voice"), self.pid("door"), int((self.home / "worker.pid").read_text())}


def until(condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Wait for something to become true, or fail saying what."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Is this process there, and not merely waiting to be buried?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def free_base_port() -> int:
    """Return a base port whose next one is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1]) - 1


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home."""
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def serving(home: Path) -> Iterator[Serving]:
    """The fake services, supervised; killed at the end if a test left them."""
    running = Serving(home, free_base_port())
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()


def test_each_service_is_announced_with_its_address_when_it_answers(serving: Serving) -> None:
    """And `sceau urls` finds the same, on the port that the supervisor was started with."""
    serving.is_ready()
    address = f"http://127.0.0.1:{serving.base_port + 1}"
    assert f"ready door {address}\n" in serving.said()
    assert running_urls(serving.home, SERVICES) == {"door": address, "bell": f"{address}/bell"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_every_process_and_counts_as_done(serving: Serving, number: signal.Signals) -> None:
    """The workers that a service forked included."""
    serving.is_ready()
    pids = serving.pids()
    serving.process.send_signal(number)
    assert serving.process.wait(PATIENCE) == 0
    assert not [pid for pid in pids if alive(pid)]
    assert running_urls(serving.home, SERVICES) == {}


def test_a_service_that_will_not_stop_is_killed_when_asked_twice(serving: Serving) -> None:
    """A second Ctrl-C does not wait for the grace period."""
    (serving.home / "stubborn").touch()
    serving.is_ready()
    pids = serving.pids()
    began = time.monotonic()
    serving.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    serving.process.send_signal(signal.SIGINT)
    assert serving.process.wait(PATIENCE) == 0
    assert time.monotonic() - began < 5
    assert not [pid for pid in pids if alive(pid)]


def test_no_process_outlives_a_supervisor_that_was_killed(serving: Serving) -> None:
    """kill -9 gives it no chance to say goodbye: the children see the end of the pipe."""
    serving.is_ready()
    pids = serving.pids()
    serving.process.kill()
    serving.process.wait()
    until(lambda: not [pid for pid in pids if alive(pid)], f"the end of {pids}")


def test_a_service_that_dies_is_named_and_started_again(serving: Serving) -> None:
    """With the worker that it left behind swept away first."""
    serving.is_ready()
    before = serving.pids()
    os.kill(serving.pid("door"), signal.SIGKILL)
    serving.has_said("died door signal SIGKILL; starts again in 1 s")
    serving.has_said("ready door", times=2)
    assert len([pid for pid in before if alive(pid)]) == 1, "of the three, only the voice lives on"


def test_a_home_is_served_once(serving: Serving) -> None:
    """The second supervisor names the first, and disturbs nothing."""
    serving.is_ready()
    second = Serving(serving.home, serving.base_port + 100)
    assert second.process.wait(PATIENCE) == 1
    second.has_said(f"sceau: conflict: serve already runs on {serving.home} (process {serving.process.pid})")
    assert all(alive(pid) for pid in serving.pids())


def test_a_taken_port_is_named_with_its_owner_before_anything_starts(home: Path) -> None:
    """And with what to do about it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        running = Serving(home, port - 1)
        assert running.process.wait(PATIENCE) == 1
    assert f"sceau: conflict: port {port} (door) is taken by " in running.said()
    assert f"(process {os.getpid()}): stop it, or choose other ports with SCEAU_BASE_PORT (now {port - 1})" in running.said()
    assert not (home / "run" / "voice.sock").exists()


def test_a_service_that_refuses_to_start_stops_the_whole_with_its_reason(home: Path) -> None:
    """A half-served authority would answer some questions wrongly."""
    (home / "refuse").touch()
    running = Serving(home, free_base_port())
    assert running.process.wait(PATIENCE) == 1
    assert "voice refused to start: refused: the voice has nothing to say [CP 1.1]" in running.said()
    assert running_urls(home, SERVICES) == {}


def test_the_same_home_is_served_again_after_a_stop(serving: Serving) -> None:
    """On the same ports, at once."""
    serving.is_ready()
    serving.process.send_signal(signal.SIGTERM)
    serving.process.wait(PATIENCE)
    again = Serving(serving.home, serving.base_port)
    again.has_said("ready door", times=2)
    again.process.send_signal(signal.SIGTERM)
    assert again.process.wait(PATIENCE) == 0
