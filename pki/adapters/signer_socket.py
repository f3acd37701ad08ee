"""The Unix socket on which the issuer process signs status for publication.

Frames in, frames out (`pki.status.wire`); what they mean is `pki.status.signer`'s. Overload is refused at the door: beyond
`waiting` questions, or when one has waited longer than its asker does, the reply is `try later` and no key is touched (promise
P10). A custodian that hangs holds up its own threads and nothing else (failure case K04).
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock, Thread
from time import monotonic
from typing import cast

import uvloop

from pki.status.signer import TRY_LATER
from pki.status.wire import FRAME, MAX_ASKED
from trust.errors import Conflict, Unavailable

LOG = logging.getLogger(__name__)
TOGETHER = 8
"""Questions that one thread takes at once: fewer wake-ups under load, and no long wait behind a slow token."""

_Questions = list[tuple[int, bytes]]


class SignerServer:
    """Serves the socket from a thread of its own until `stop`."""

    def __init__(
        self,
        path: Path,
        reply: Callable[[bytes], bytes],
        *,
        workers: int = 4,
        waiting: int = 256,
        deadline: float = 0.8,
        mode: int = 0o660,
    ) -> None:
        """Prepare; nothing listens yet.

        `reply` is `SignerService.reply`, called from `workers` threads. `deadline` is in seconds, a little less than the asker's.
        `mode` is the socket's: who may write to it may ask.
        """
        self.path, self._reply, self._mode = path, reply, mode
        self._waiting, self._deadline = waiting, deadline
        self._pending = 0
        self._pending_lock = Lock()
        self._jobs: SimpleQueue[tuple[_Connection, float, _Questions] | None] = SimpleQueue()
        self._workers = [Thread(target=self._work, name=f"ocsp-signer-{n}", daemon=True) for n in range(workers)]
        self._loop = uvloop.new_event_loop()
        self._thread = Thread(target=self._serve, name="ocsp-signer", daemon=True)
        self._ready = Event()
        self._failure: OSError | None = None
        self._connections: set[_Connection] = set()

    def start(self) -> None:
        """Listen.

        Raises:
            Conflict: another signer listens there.
            Unavailable: the socket cannot be made.
        """
        _clear(self.path)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise Unavailable(f"the signer cannot listen on {self.path}: {self._failure}")
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """Stop listening and close every connection. A thread that hangs in a token is left behind."""
        self._loop.call_soon_threadsafe(self._shut)
        self._thread.join()
        for _ in self._workers:
            self._jobs.put(None)
        self._loop.close()
        self.path.unlink(missing_ok=True)

    def _shut(self) -> None:
        self._server.close()
        for connection in tuple(self._connections):
            connection.close()
        self._loop.call_soon(self._loop.stop)

    def _serve(self) -> None:
        # The whole life of the loop is in this thread: a caller may have a loop of its own.
        asyncio.set_event_loop(self._loop)
        opening = self._loop.create_unix_server(lambda: _Connection(self), str(self.path))
        try:
            self._server = self._loop.run_until_complete(opening)
            os.chmod(self.path, self._mode)  # until here the umask lets in nobody but ourselves
        except OSError as problem:
            self._failure = problem
        finally:
            self._ready.set()
        if self._failure is None:
            self._loop.run_forever()

    def take(self, connection: _Connection, questions: _Questions) -> None:
        """Queue what fits, refuse the rest. Called on the loop."""
        with self._pending_lock:
            room = max(0, self._waiting - self._pending)
            taken, refused = questions[:room], questions[room:]
            self._pending += len(taken)
        now = monotonic()
        for start in range(0, len(taken), TOGETHER):
            self._jobs.put((connection, now, taken[start : start + TOGETHER]))
        if refused:
            connection.send([_frame(number, TRY_LATER) for number, _ in refused])

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            connection, arrived, questions = job
            frames = [_frame(number, self._answer(payload, arrived)) for number, payload in questions]
            with self._pending_lock:
                self._pending -= len(questions)
            try:
                self._loop.call_soon_threadsafe(connection.send, frames)
            except RuntimeError:  # the loop was closed while a token hung
                return

    def _answer(self, payload: bytes, arrived: float) -> bytes:
        if monotonic() - arrived > self._deadline:
            return TRY_LATER
        try:
            return self._reply(payload)
        except Exception:  # a fault of ours must not end the thread that answers others
            LOG.exception("the OCSP signer failed")
            return TRY_LATER


class _Connection(asyncio.Protocol):
    """One publication worker."""

    def __init__(self, server: SignerServer) -> None:
        self._server = server
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one, and does not say so
        self._server._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._server._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data
        questions, at = [], 0
        while len(data) - at >= FRAME.size:
            size, number = FRAME.unpack_from(data, at)
            if size > MAX_ASKED:
                self.close()
                return
            if len(data) - at - FRAME.size < size:
                break
            at += FRAME.size + size
            questions.append((number, data[at - size : at]))
        self._buffer = data[at:]
        if questions:
            self._server.take(self, questions)

    def pause_writing(self) -> None:  # who does not read its answers is not read either
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def send(self, frames: list[bytes]) -> None:
        if self._transport is not None:
            self._transport.write(b"".join(frames))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _frame(number: int, payload: bytes) -> bytes:
    return FRAME.pack(len(payload), number) + payload


def _clear(path: Path) -> None:
    """Remove a socket that nobody listens on any more."""
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            raise Conflict(f"{path} is there and is not a socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise Conflict(f"another signer listens on {path}")
