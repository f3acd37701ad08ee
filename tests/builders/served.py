"""A whole authority at work: what `sceau init` makes, served by `sceau serve`, asked through commands and over HTTP.

The demonstration is made once in a process, by the real command; each module works on its own copy of that home, at the same
address, which is baked in every certificate. Services are asked as strangers ask them; only `Served.here` calls the product.
"""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from pki.cli import main as command
from tests.builders.keystore import make_keystore

PATIENCE = 90.0
"""Seconds that anything may take on a machine that does other things too; nothing here waits when it has what it waits for."""


def until(condition: Callable[[], bool], what: str, patience: float = PATIENCE, pause: float = 0.05) -> float:
    """Wait for something to become true and return after how many seconds it did; fail saying what never did."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < patience, f"never happened: {what}"
        time.sleep(pause)
    return time.monotonic() - began


def report(request: pytest.FixtureRequest, words: str) -> None:
    """Have a figure printed at the end of the run (`tests/conftest.py`)."""
    request.node.user_properties.append(("report", words))


def free_base_port() -> int:
    """Return a port that is free, with the nine after it, below those that the kernel lends to clients.

    A port that the kernel lends may be the near end of somebody's connection at the moment when a server wants it.
    """
    lowest_lent = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    candidates = list(range(12_000, min(lowest_lent, 32_000) - 10, 10))
    random.Random(os.getpid()).shuffle(candidates)
    return next(port for port in candidates if all(_is_free(port + offset) for offset in range(10)))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@dataclass
class Served:
    """A home, the environment of its commands, and the processes that serve it when it is served."""

    home: Path
    base_port: int
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def publication(self) -> str:
        """Where it publishes."""
        return f"http://127.0.0.1:{self.base_port + 1}"

    @property
    def www(self) -> Path:
        """The folder that is published."""
        return self.home / "publication" / "www"

    @property
    def environment(self) -> dict[str, str]:
        """What a shell would give the commands."""
        return environment_of(self.base_port)

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run one command line to its end."""
        return subprocess.run(
            [*SCEAU, *map(str, arguments), "--home", str(self.home)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
        )

    def does(self, *arguments: object) -> Any:
        """Run a command that must succeed, and return what it answers in JSON."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return json.loads(done.stdout)

    def here(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run the same command line in this process, which saves the second that another takes to start."""
        output, complaints = io.StringIO(), io.StringIO()
        line = [*map(str, arguments), "--home", str(self.home)]
        with redirect_stdout(output), redirect_stderr(complaints):
            code = command.main(line)
        return subprocess.CompletedProcess(line, code, output.getvalue(), complaints.getvalue())

    def says(self, *arguments: object) -> str:
        """Return what a command that must succeed prints, run in this process."""
        done = self.here(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout

    def start(self) -> float:
        """Serve; return after how many seconds everything runs."""
        log = self.home.parent / "serve.out"
        with log.open("wb") as output:
            self.process = process = subprocess.Popen(
                [*SCEAU, "serve", "--home", str(self.home)], env=self.environment, stdout=output, stderr=output
            )
        waited = until(lambda: "Everything runs" in log.read_text() or process.poll() is not None, "everything runs")
        assert process.poll() is None, log.read_text()
        return waited

    def stop(self) -> None:
        """Stop every process, as Ctrl-C does; kill them if they do not."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            assert self.process.wait(PATIENCE) == 0
        finally:
            self.process.kill()
            self.process.wait()
            self.process = None

    def certificate(self, serial: str, path: Path) -> Path:
        """Write a certificate to a file, in PEM."""
        path.write_text(self.says("cert", "show", serial, "--pem"))
        return path


SCEAU = [sys.executable, "-P", "-m", "pki.cli.main"]
"""The command, as the one that `make run` installs calls it."""


def environment_of(base_port: int) -> dict[str, str]:
    """What a shell would give commands on a home of that port: compiled modules are kept, as they are for everybody."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, "SCEAU_BASE_PORT": str(base_port)}


@cache
def _made(options: Sequence[str]) -> tuple[TemporaryDirectory[str], int]:
    """Make a demonstration once, by the command that everybody types."""
    folder, port = TemporaryDirectory(prefix="sceau-served-"), free_base_port()
    make_keystore(Path(folder.name) / "home")
    made = Served(Path(folder.name) / "home", port).run("init", *options)
    assert made.returncode == 0, made.stderr
    return folder, port


@contextmanager
def serving(directory: Path, *options: str, prepare: Callable[[Path], None] | None = None) -> Iterator[Served]:
    """Serve a copy of the demonstration that `sceau init` makes with these options, under a directory; stop it at the end.

    `prepare` changes the copy before it is served.
    """
    folder, port = _made(options)
    shutil.copytree(Path(folder.name) / "home", directory / "home", symlinks=True)
    running = Served(directory / "home", port)
    if prepare is not None:
        prepare(running.home)
    running.start()
    try:
        yield running
    finally:
        running.stop()
