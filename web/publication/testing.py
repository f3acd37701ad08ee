"""A publication worker on a port of its own, for our tests and for those of integrators: the real one, in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvloop

from web.publication.server import listening_sockets
from web.publication.settings import Settings
from web.publication.worker import Worker


@contextmanager
def running(worker: Worker, settings: Settings) -> Iterator[int]:
    """Serve in a thread; yield the port (give port 0 in `settings` for any that is free)."""
    listening = listening_sockets(settings)[0]
    ready, stops = threading.Event(), list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]()

    async def serve() -> None:
        stop = asyncio.Event()
        stops.append((asyncio.get_running_loop(), stop))
        asyncio.get_running_loop().call_soon(ready.set)
        await worker.run(listening, stop)

    def main() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=main, daemon=True)
    thread.start()
    try:
        ready.wait(10)
        yield listening.getsockname()[1]
    finally:
        for loop, stop in stops:
            loop.call_soon_threadsafe(stop.set)
        thread.join(15)
        listening.close()
