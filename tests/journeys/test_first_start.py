"""What `make run` does once the libraries are there: `sceau init`, then `sceau serve`, with the real processes."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.builders.served import environment_of, free_base_port
from tests.journeys.test_serve_frame import alive, until

PATIENCE = 60.0


@dataclass
class Authority:
    """A home, and the environment that its commands run in."""

    home: Path
    environment: dict[str, str]

    def command(self, *arguments: str) -> list[str]:
        """The command line of a verb on this home."""
        return [sys.executable, "-P", "-m", "pki.cli.main", *arguments, "--home", str(self.home)]

    def says(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end."""
        return subprocess.run(self.command(*arguments), env=self.environment, capture_output=True, text=True, timeout=PATIENCE)

    def urls(self) -> dict[str, str]:
        """What `sceau urls` lists, from a shell that knows nothing of the base port."""
        bare = {name: value for name, value in self.environment.items() if name != "SCEAU_BASE_PORT"}
        done = subprocess.run(
            self.command("urls", "--json"), env=bare, capture_output=True, text=True, timeout=PATIENCE, check=True
        )
        found: dict[str, str] = json.loads(done.stdout)
        return found


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A new authority without demonstration."""
    made = Authority(tmp_path_factory.mktemp("first") / "home", environment_of(free_base_port()))
    done = made.says("init", "--bare")
    assert done.returncode == 0, done.stderr
    return made


@contextmanager
def started(authority: Authority) -> Iterator[subprocess.Popen[bytes]]:
    """Its processes, once everything was announced."""
    output = authority.home.parent / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(authority.command("serve"), env=authority.environment, stdout=file, stderr=file)
    try:
        until(
            lambda: "Everything runs" in output.read_text() or process.poll() is not None,
            "everything runs",
            PATIENCE,
        )
        assert process.poll() is None, output.read_text()
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE)


@pytest.fixture(scope="module")
def serving(authority: Authority) -> Iterator[subprocess.Popen[bytes]]:
    """Its processes, for those who only look."""
    with started(authority) as process:
        yield process


def test_a_new_authority_is_served_and_says_where(authority: Authority, serving: subprocess.Popen[bytes]) -> None:
    """Every address that `sceau urls` lists is of the process that runs, and the health page answers there."""
    base = f"127.0.0.1:{int(authority.environment['SCEAU_BASE_PORT']) + 1}"
    urls = authority.urls()
    status = {"publication": f"http://{base}", "ocsp": f"http://{base}/ocsp", "crl": f"http://{base}/crl"}
    assert {name: urls[name] for name in status} == status
    pages = f"http://localhost:{authority.environment['SCEAU_BASE_PORT']}"
    assert (urls["authority"], urls["board"]) == (pages, f"{pages}/ordre/")
    with urllib.request.urlopen(urls["board"], timeout=10) as page:  # leads to the door
        assert page.status == 200 and "Connexion" in page.read().decode()
    connection = http.client.HTTPConnection(base, timeout=10)
    for path in ("/healthz", "/aia/racine.cer", "/crl/racine.crl", "/crl/personnes/0.crl", "/chain/personnes.pem"):
        connection.request("GET", path)
        answer = connection.getresponse()
        assert (path, answer.status, bool(answer.read())) == (path, 200, True)
    connection.close()


def test_the_doctor_finds_nothing_wrong_with_what_was_just_made(authority: Authority, serving: subprocess.Popen[bytes]) -> None:
    """Warnings are allowed: this machine may have no time service, and a loopback address is for demonstrations."""
    done = authority.says("doctor", "--json")
    assert [finding for finding in json.loads(done.stdout) if not finding["ok"]] == []
    assert done.returncode == 0


def test_the_same_home_is_not_served_twice(authority: Authority, serving: subprocess.Popen[bytes]) -> None:
    """Neither as a whole nor one service of it."""
    for arguments, name in (((), "serve"), (("--only", "issuer"), "issuer"), (("--only", "publication"), "publication")):
        done = authority.says("serve", *arguments)
        assert done.returncode == 1
        assert done.stderr.startswith(f"sceau: conflict: {name} already runs on {authority.home} (process ")


def test_the_worker_of_the_pages_is_no_fork(serving: subprocess.Popen[bytes]) -> None:
    """A fork keeps the locks that other threads of its parent held: one start in twenty waited for one for ever."""
    (pages,) = (each for each in family_of(serving.pid) if "--only authority" in command_of(each))
    assert any("spawn_main" in command_of(each) for each in children_of(pages))


def test_no_process_is_left_however_it_ends(authority: Authority, serving: subprocess.Popen[bytes]) -> None:
    """Ctrl-C and kill -9 alike: publication's workers too. It is the last here: those that the others look at end."""
    ends(serving, signal.SIGINT)
    with started(authority) as again:
        ends(again, signal.SIGKILL)


def ends(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to the supervisor, and see all of its processes end."""
    family = family_of(process.pid)
    assert len(family) >= 6, "supervisor; issuer; publication and a worker; authority and a worker"
    process.send_signal(number)
    process.wait(PATIENCE)
    until(lambda: not [pid for pid in family if alive(pid)], f"the end of {family}")


def family_of(pid: int) -> list[int]:
    """Return a process and all that it started, and that those started."""
    found = [pid]
    for each in found:
        found += children_of(each)
    return found


def children_of(pid: int) -> list[int]:
    """Return what the threads of a process started."""
    return [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]


def command_of(pid: int) -> str:
    """Return the command line of a process."""
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
