"""The publication service: several workers on one port, and the process that keeps them alive.

`serve` binds one listening socket per worker (``SO_REUSEPORT``: the kernel spreads connections over them), forks the workers,
replaces one that dies, and stops them all on SIGTERM, on SIGINT, or when whoever started it is gone. The sockets belong to this
process: a worker that dies leaves the connections that nobody has taken yet to the one that replaces it. No key and no database
is within reach of any of these processes.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from pki.status.traffic import Recorder, path_in
from trust.clock import Clock, SystemClock
from trust.errors import Malformed, Unavailable
from web.publication.counters import Board
from web.publication.settings import Settings, read_settings
from web.publication.status import connect
from web.publication.worker import Worker, run_worker

_RECEIVE_BUFFER = 32_768
"""Requests are small: what a client can make the kernel hold for us is, too."""
_WATCH_SECONDS = 0.25
_STOP_SECONDS = 10.0

MakeWorker = Callable[[Settings, Board, int], Worker]


def listening_sockets(settings: Settings) -> list[socket.socket]:
    """Bind one socket per worker to the same address; port 0 means any that is free.

    Raises:
        Unavailable: the address is taken, or not ours.
    """
    sockets: list[socket.socket] = []
    port = settings.port
    try:
        for _ in range(settings.workers):
            one = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET, socket.SOCK_STREAM)
            sockets.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            one.bind((settings.host, port))
            port = one.getsockname()[1]
    except OSError as error:
        for one in sockets:
            one.close()
        raise Unavailable(f"cannot listen on {settings.host} port {port}: {error.strerror}") from error
    return sockets


def make_worker(settings: Settings, board: Board, number: int, clock: Clock | None = None) -> Worker:
    """Make the worker that serves a home's status store and published files."""
    answering, signer = connect(settings)
    return Worker(settings, answering, clock or SystemClock(), signer=signer, board=board, number=number)


class Supervisor:
    """The parent of the workers."""

    def __init__(self, settings: Settings, make: MakeWorker = make_worker) -> None:
        self._settings = settings
        self._make = make
        self._board = Board(settings.workers)
        self._sockets = listening_sockets(settings)
        self._workers: dict[int, int] = {}  # process id to number
        self._due: dict[int, float] = dict.fromkeys(range(settings.workers), 0.0)  # number to when it may be started
        self._delay = 0.1
        self._stopping = False
        self._parent = os.getppid()
        self._clock = SystemClock()
        self._traffic = Recorder(path_in(settings.home))

    @property
    def port(self) -> int:
        """The port that is served."""
        port: int = self._sockets[0].getsockname()[1]
        return port

    def run(self) -> int:
        """Serve until told to stop; return the exit code."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._stop)
        while not self._stopping and os.getppid() == self._parent:
            self._start_due()
            self._reap()
            self._tell()
            time.sleep(_WATCH_SECONDS)  # a signal interrupts it
        return self._end()

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _start_due(self) -> None:
        for number, when in list(self._due.items()):
            if when <= time.monotonic():
                del self._due[number]
                self._workers[self._fork(number)] = number

    def _fork(self, number: int) -> int:
        process = os.fork()
        if process:
            return process
        code = 1
        try:
            for other, one in enumerate(self._sockets):
                if other != number:
                    one.close()
            run_worker(lambda: self._make(self._settings, self._board, number), self._sockets[number])
            code = 0
        except BaseException:  # noqa: BLE001 - the end of a process: say why on the way out, whatever it was
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)  # never back into the parent's code

    def _reap(self) -> None:
        for process, number in self._ended():
            self._due[number] = time.monotonic() + self._delay
            self._delay = min(10.0, self._delay * 2)  # a worker that cannot start must not keep a core busy trying
            print(f"publication: worker {number} (process {process}) ended, starting another", file=sys.stderr, flush=True)
        if self._workers:
            self._delay = max(0.1, self._delay * 0.98)

    def _tell(self) -> None:
        """Leave in the home how much is answered, for whoever looks after the machine."""
        now = self._clock.now()
        if self._traffic.due(now):
            self._traffic.add(self._board.sums(), now)

    def _ended(self) -> list[tuple[int, int]]:
        """Take the workers that have ended off the list: (process id, number) of each."""
        gone = [(process, number) for process, number in self._workers.items() if os.waitpid(process, os.WNOHANG)[0]]
        for process, _ in gone:
            del self._workers[process]
        return gone

    def _end(self) -> int:
        for process in self._workers:
            os.kill(process, signal.SIGTERM)
        until = time.monotonic() + _STOP_SECONDS
        while self._workers and time.monotonic() < until:
            self._ended()
            time.sleep(0.02)
        for process in self._workers:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
        for one in self._sockets:
            one.close()
        return 0


def serve(home: Path) -> int:
    """Publish a home directory until told to stop; return the exit code (0 stopped, 1 could not start)."""
    try:
        supervisor = Supervisor(read_settings(home))
    except (Malformed, Unavailable) as error:
        print(f"publication: {error}", file=sys.stderr)
        return 1
    return supervisor.run()
