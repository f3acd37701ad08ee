"""Inside a service's process: its lock, its signal to end, and its tie to the supervisor.

A supervised process holds the reading end of a pipe whose other end only the supervisor has. When the supervisor dies, in
whatever way, the pipe ends and the process ends too: no orphan keeps a port or a key.
"""

from __future__ import annotations

import importlib
import logging
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pki.bootstrap.lock import HomeLock
from pki.bootstrap.services import Service, base_port

GRACE_SECONDS = 12.0
"""For a process to end by itself once it was told to: longer than any service takes to let its last replies arrive."""


def run(service: Service, home: Path, lifeline: int | None = None) -> int:
    """Run one service in this process until it ends, and return its exit code.

    `lifeline` is the pipe to the supervisor, for a supervised process, which then leads its own process group.

    Raises:
        Conflict: the service runs on this home already.
        SceauError: what the service raises.
    """
    _log_to_standard_error()
    with HomeLock(home, service.name, base_port()):
        entry = _entry(service)
        stop = threading.Event()
        if service.takes_stop:
            _on_signal(stop.set)
        if lifeline is not None:
            os.set_inheritable(lifeline, False)
            threading.Thread(target=_watch, args=(lifeline,), name="lifeline", daemon=True).start()
        code: int = entry(home, stop) if service.takes_stop else entry(home)
        return code


def _entry(service: Service) -> Callable[..., int]:
    module, function = service.entry.split(":")
    found: Callable[..., int] = getattr(importlib.import_module(module), function)
    return found


def _log_to_standard_error() -> None:
    # Diagnostics, which may be lost: what must never be is in the journal. Standard error is the supervisor's file, or systemd's.
    line = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, format=line, datefmt="%Y-%m-%dT%H:%M:%SZ")
    logging.Formatter.converter = time.gmtime


def _on_signal(act: Callable[[], None]) -> None:
    """Have SIGTERM and SIGINT call `act`, from a thread of its own.

    Not from the handler itself: it runs in the middle of whatever the main thread was doing, perhaps inside the very event that
    it would set, and would then wait for itself for ever.
    """
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)

    def wait() -> None:
        select.select([reading], [], [])
        act()

    threading.Thread(target=wait, name="signals", daemon=True).start()


def _watch(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass  # the supervisor never writes; only the end of the pipe has a meaning
    # The whole group: a service whose answer to SIGTERM is to die at once would leave its workers untold.
    os.killpg(os.getpgrp(), signal.SIGTERM)
    threading.Event().wait(GRACE_SECONDS)
    os.killpg(os.getpgrp(), signal.SIGKILL)
