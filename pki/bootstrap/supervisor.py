"""Runs every process of an authority on one machine, as children (`sceau serve`).

Each child leads its own process group, writes what it says to ``HOME/log/<name>.out``, and holds the reading end of a pipe that
ends with this process (`pki.bootstrap.child`). A child that dies after it has worked is started again, later each time; one
that refuses to start stops the whole, because a half-served authority answers some questions wrongly. Production uses systemd
units instead (`--only`).
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType

from pki.bootstrap import ports
from pki.bootstrap.child import GRACE_SECONDS
from pki.bootstrap.lock import HomeLock, held, holder
from pki.bootstrap.services import Service, listen_host, reachable
from trust.errors import Missing, Unavailable

TICK_SECONDS = 0.1
LONGEST_DELAY = 30.0
STEADY_SECONDS = 60.0
"""A child that lived this long is healthy: its next death starts the delays anew."""
SLOW_SECONDS = 30.0
LARGEST_LOG = 5_000_000


@dataclass(frozen=True)
class News:
    """Something that the operator should read: `what` is ``ready``, ``slow``, ``died`` or ``stopped``."""

    service: str
    what: str
    text: str


Command = Callable[[Service, Path, int], Sequence[str]]
"""The command line that runs a service of a home, given the descriptor of its lifeline."""


def own_command(service: Service, home: Path, lifeline: int) -> Sequence[str]:
    """Return the command line of a child: this program, for one service."""
    # -P: the directory that we happen to be in is not a source of modules.
    serve = [sys.executable, "-P", "-m", "pki.cli.main", "serve", "--only", service.name]
    return [*serve, "--home", str(home), "--lifeline", str(lifeline)]


@dataclass
class _Child:
    """One service and its present process. Only `Supervisor` touches it."""

    service: Service
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    answered: bool = False
    has_worked: bool = False
    called_slow: bool = False
    deaths: int = 0
    due: float = field(default=0.0)
    """When to start it, on the monotonic clock."""


class Supervisor:
    """The children of one home, and the loop that watches them."""

    def __init__(
        self,
        home: Path,
        services: Sequence[Service],
        base_port: int,
        tell: Callable[[News], None],
        command: Command = own_command,
    ) -> None:
        self.home, self.base_port, self.tell, self.command = home, base_port, tell, command
        self.host = listen_host(home)
        self.children = [_Child(service, home / "log" / f"{service.name}.out") for service in services]

    def run(self) -> int:
        """Serve until SIGINT, SIGTERM or SIGHUP; every child has ended when this returns 0.

        Raises:
            Missing: the home does not exist.
            Conflict: the home is served already, or a port is taken. Nothing was started.
            Unavailable: a service refused to start. Everything was stopped.
        """
        if not self.home.is_dir():
            raise Missing(f"there is no authority in {self.home}: `sceau init --home {self.home}` makes one")
        with ExitStack() as stack:
            stack.enter_context(HomeLock(self.home, "serve", self.base_port))
            self._refuse_conflicts()
            (self.home / "log").mkdir(mode=0o700, exist_ok=True)
            signals = stack.enter_context(_Signals())
            lifeline, ours = os.pipe2(os.O_CLOEXEC)
            stack.callback(os.close, ours)
            stack.callback(os.close, lifeline)
            stack.callback(self._stop, signals)
            while not signals.asked_to_stop:
                for child in self.children:
                    self._look_after(child, lifeline)
                signals.wait(TICK_SECONDS if self._something_pending() else None)
        return 0

    def _refuse_conflicts(self) -> None:
        for child in self.children:
            if holder(self.home, child.service.name):
                raise held(self.home, child.service.name)
        for child in self.children:
            ports.refuse_taken(child.service, self.base_port, self.host)

    def _something_pending(self) -> bool:
        return any(child.process is None or not child.answered for child in self.children)

    def _look_after(self, child: _Child, lifeline: int) -> None:
        if child.process is None:
            if time.monotonic() >= child.due:
                self._start(child, lifeline)
        elif _has_ended(child.process):
            self._bury(child, child.process)
        elif not child.answered and ports.answers(child.service, self.home, self.base_port, self.host):
            child.answered = child.has_worked = True
            self.tell(News(child.service.name, "ready", child.service.address(self.base_port, reachable(self.host)) or ""))
        elif not child.answered and not child.called_slow and time.monotonic() - child.started > SLOW_SECONDS:
            child.called_slow = True
            self.tell(News(child.service.name, "slow", f"no answer yet after {SLOW_SECONDS:g} s (what it says: {child.log})"))

    def _start(self, child: _Child, lifeline: int) -> None:
        with suppress(OSError):
            if child.log.stat().st_size > LARGEST_LOG:
                child.log.replace(child.log.with_suffix(".out.1"))
        with open(child.log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as log:
            child.process = subprocess.Popen(
                self.command(child.service, self.home, lifeline),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lifeline,),
                start_new_session=True,  # a Ctrl-C on the terminal is ours; they are told in order
                env={**os.environ, "SCEAU_BASE_PORT": str(self.base_port), "PYTHONUNBUFFERED": "1"},
            )
        child.started, child.answered, child.called_slow = time.monotonic(), False, False

    def _bury(self, child: _Child, process: subprocess.Popen[bytes]) -> None:
        _kill_group(process)  # workers that it may have left; its number is still its own until we wait for it
        code = process.wait()
        child.process = None
        if not child.has_worked and code > 0:
            raise Unavailable(
                f"{child.service.name} refused to start: {_last_line(child.log)} (all it said: {child.log})", retry_after=0
            )
        child.deaths = 1 if time.monotonic() - child.started > STEADY_SECONDS else child.deaths + 1
        delay = min(LONGEST_DELAY, 2.0 ** (child.deaths - 1))
        child.due = time.monotonic() + delay
        how = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
        self.tell(News(child.service.name, "died", f"{how}; starts again in {delay:g} s (what it said: {child.log})"))

    def _stop(self, signals: _Signals) -> None:
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            with suppress(ProcessLookupError):
                process.terminate()
        signals.asked_to_stop = False  # asked a second time: at once
        deadline = time.monotonic() + GRACE_SECONDS
        while any(not _has_ended(process) for process in running) and time.monotonic() < deadline and not signals.asked_to_stop:
            signals.wait(TICK_SECONDS)
        for child in self.children:
            if child.process is not None:
                _kill_group(child.process)
                child.process.wait()
                self.tell(News(child.service.name, "stopped", ""))


class _Signals:
    """The signals that concern the loop, turned into octets of a pipe so that one `select` waits for them and for the time."""

    STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.asked_to_stop = False

    def __enter__(self) -> _Signals:
        self._reading, self._writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._before = {number: signal.getsignal(number) for number in (*self.STOPPING, signal.SIGCHLD)}
        for number, handler in self._before.items():
            if number is not signal.SIGHUP or handler is not signal.SIG_IGN:  # nohup means what it says
                signal.signal(number, self._handle)
        self._wakeup = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._reading)
        os.close(self._writing)

    def wait(self, seconds: float | None) -> None:
        """Return at the next signal, or after `seconds`."""
        select.select([self._reading], [], [], seconds)
        with suppress(BlockingIOError):
            os.read(self._reading, 4096)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.asked_to_stop = self.asked_to_stop or number in self.STOPPING


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether a child has ended, leaving it unwaited for: its process group then still bears its number."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace")[-4000:].splitlines() if line.strip()]
    return lines[-1].removeprefix("sceau: ") if lines else "it said nothing"
