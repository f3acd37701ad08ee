"""The way from a publication worker to the signer of the issuer process: one Unix socket, many questions at once.

Every question has a deadline; when it passes, or the signer is away, the asker hears so and answers `tryLater`. The
connection is made at the first question and again after a loss, not more often than `RETRY` allows. Runs on asyncio or uvloop;
belongs to one loop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from pki.status.wire import FRAME, MAX_REPLY
from trust.errors import Unavailable

RETRY = (0.05, 1.0)
"""Seconds before trying to connect again: at first, and at most."""


Done = Callable[[bytes | None], None]
"""Hears the signer's reply, once: None when there is none in time."""


class SignerClient:
    """Asks one signer. Make it in the worker, on its loop."""

    def __init__(self, path: Path, *, deadline: float = 1.0, waiting: int = 1024) -> None:
        """Name the socket. `deadline` is in seconds; beyond `waiting` questions in flight, more are refused at once."""
        self.path, self._deadline, self._limit = path, deadline, waiting
        self._waiting: dict[int, Done] = {}
        self._due: deque[tuple[float, int]] = deque()
        """When each question is too late, oldest first: one timer serves them all."""
        self._timer: asyncio.TimerHandle | None = None
        self._number = 0
        self._transport: asyncio.Transport | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._pause, self._retry_at = RETRY[0], 0.0
        self._outgoing: list[bytes] = []

    async def ask(self, payload: bytes) -> bytes:
        """Return the signer's reply to an encoded question.

        Raises:
            Unavailable: the signer is away, overloaded, or late.
        """
        heard: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        number = self.request(payload, lambda reply: None if heard.done() else heard.set_result(reply))
        try:
            reply = await heard
        finally:
            self._waiting.pop(number, None)
        if reply is None:
            raise Unavailable("the signer is away, overloaded or late", retry_after=1.0)
        return reply

    def request(self, payload: bytes, done: Done) -> int:
        """Ask, and have `done` called with the reply: never before this returns, and without a task or a timer for each.

        Return the number of the question, 0 when it was refused.
        """
        loop = asyncio.get_running_loop()
        if len(self._waiting) >= self._limit or (self._transport is None and not self._is_coming(loop)):
            loop.call_soon(done, None)
            return 0
        number = self._number = self._number % 0xFFFFFFFF + 1
        self._waiting[number] = done
        due = loop.time() + self._deadline
        self._due.append((due, number))
        if self._timer is None:
            self._timer = loop.call_at(due, self._expire)
        # Questions of one turn of the loop leave in one write.
        if not self._outgoing and self._transport is not None:
            loop.call_soon(self._flush)
        self._outgoing.append(FRAME.pack(len(payload), number) + payload)
        return number

    def close(self) -> None:
        """Hang up; questions in flight are answered with None."""
        if self._connecting is not None:
            self._connecting.cancel()
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()
        self.lost()

    def _flush(self) -> None:
        if self._transport is not None:
            frames, self._outgoing = self._outgoing, []
            self._transport.write(b"".join(frames))

    def _expire(self) -> None:
        """Give up the questions whose time is over, and look again when that of the next one is."""
        loop = asyncio.get_running_loop()
        now, due = loop.time(), self._due
        while due and (due[0][0] <= now or due[0][1] not in self._waiting):
            done = self._waiting.pop(due.popleft()[1], None)
            if done is not None:
                done(None)
        self._timer = loop.call_at(due[0][0], self._expire) if due else None

    def _is_coming(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Tell whether a connection is being made, having begun it if it may be tried now."""
        if self._connecting is None and monotonic() >= self._retry_at:
            self._connecting = loop.create_task(self._connect())
        return self._connecting is not None

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._transport, _ = await loop.create_unix_connection(lambda: _Replies(self), str(self.path))
            self._pause = RETRY[0]
            self._flush()
        except OSError:
            self._retry_at = monotonic() + self._pause
            self._pause = min(2 * self._pause, RETRY[1])
            self.lost()
        finally:
            self._connecting = None

    def answered(self, number: int, reply: bytes) -> None:
        """Hand a reply to its asker, if it still waits."""
        done = self._waiting.pop(number, None)
        if done is not None:
            done(reply)

    def lost(self) -> None:
        """Tell every asker that the connection is gone."""
        self._transport = None
        waiting, self._waiting, self._outgoing = self._waiting, {}, []
        for done in waiting.values():
            done(None)


class _Replies(asyncio.Protocol):
    def __init__(self, client: SignerClient) -> None:
        self._client = client
        self._buffer = b""
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._client.lost()

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data
        at = 0
        while len(data) - at >= FRAME.size:
            size, number = FRAME.unpack_from(data, at)
            if size > MAX_REPLY:
                if self._transport is not None:
                    self._transport.close()
                return
            if len(data) - at - FRAME.size < size:
                break
            at += FRAME.size + size
            self._client.answered(number, data[at - size : at])
        self._buffer = data[at:]
