"""One worker process: an event loop, a listening socket, and a pulse twice a second that does all that is not answering.

The pulse sweeps slow clients out, asks the clock, looks whether the issuer published another status store, posts the counts,
writes the access log, and stops the worker when the process that started it is gone.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

from trust.clock import Clock
from web.publication.access_log import AccessLog
from web.publication.connection import Connection
from web.publication.counters import Board
from web.publication.freshness import Present
from web.publication.health import report
from web.publication.ports import Answering, Signer
from web.publication.repository import Repository
from web.publication.service import SWEEP_SECONDS, Service
from web.publication.settings import Settings
from web.publication.shortcut import Shortcut
from web.publication.site import Site
from web.publication.status_desk import StatusDesk
from web.publication.tally import Tally

_GRACE = 5.0
"""Seconds that a stopping worker gives to replies on their way."""


class Worker:
    """What one process serves, and its pulse."""

    def __init__(
        self,
        settings: Settings,
        answering: Answering,
        clock: Clock,
        *,
        signer: Signer | None = None,
        board: Board | None = None,
        number: int = 0,
    ) -> None:
        self._answering = answering
        self._board = board or Board(number + 1)
        self._number = number
        self._parent = os.getppid()
        self._present = Present(clock, settings.limits.cache_seconds)
        self._repository = Repository(settings.www, settings.limits.cache_seconds)
        self._log = AccessLog(settings.log)
        self._tally = Tally(self._log, settings.limits.log_one_in)
        self._desk = StatusDesk(answering, self._present, self._tally)
        site = Site(self._desk, self._repository, self._present, self.health, self.metrics)
        shortcut = Shortcut(answering, self._desk, self._repository.plain, self._present, self._tally)
        answering.on_change = shortcut.forget
        self.service = Service(site.respond, shortcut, self._present, settings.limits, self._tally, signer)
        self._tally.resume(self._board.row(number))  # a worker that takes another's place goes on counting where it stopped

    async def run(self, listening: socket.socket, stop: asyncio.Event) -> None:
        """Serve until `stop` is set or the process that started this one is gone."""
        loop = asyncio.get_running_loop()
        self.service.refresh()
        self.service.sweep(loop.time())
        server = await loop.create_server(lambda: Connection(self.service), sock=listening, backlog=1_024)
        while not stop.is_set() and os.getppid() == self._parent:
            await self.pulse()
            try:
                await asyncio.wait_for(stop.wait(), SWEEP_SECONDS)
            except TimeoutError:
                continue
        server.close()
        await self._leave(loop)

    async def pulse(self) -> None:
        """Do what is done twice a second."""
        service, loop = self.service, asyncio.get_running_loop()
        service.refresh()
        service.sweep(loop.time())
        self._answering.look()
        self._board.post(self._number, self._tally.sums(), len(service.guests))
        lines = self._log.take()
        if lines:
            await loop.run_in_executor(None, self._log.write, lines)

    async def _leave(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let replies on their way arrive, then end every connection."""
        until = loop.time() + _GRACE
        for guest in list(self.service.guests):
            if guest.idle():
                guest.expire()
        while self.service.guests and loop.time() < until:
            await asyncio.sleep(0.02)
        for guest in list(self.service.guests):
            guest.abort()
        await self.pulse()

    def metrics(self) -> str:
        """Write the measurements of all workers."""
        self._board.post(self._number, self._tally.sums(), len(self.service.guests))
        return self._board.text()

    def health(self) -> dict[str, Any]:
        """Say whether what this worker needs is there."""
        return report(self._answering, self._repository, self._present.now) | {"connections": len(self.service.guests)}


def run_worker(make: Callable[[], Worker], listening: socket.socket) -> None:
    """Run a worker on uvloop until SIGTERM or SIGINT; `make` is called inside the process that serves, after any fork."""
    import uvloop  # here: the WSGI entry point does not need it

    async def serve() -> None:
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        await make().run(listening, stop)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
