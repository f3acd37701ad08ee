"""The way from a publication worker to the signer of the issuer process: one Unix socket, many questions at once.

Every question has a deadline; when it passes, or the signer is away, the asker hears `Unavailable` and answers `tryLater`. The
connection is made at the first question and again after a loss, not more often than `RETRY` allows. Runs on asyncio or uvloop;
belongs to one loop.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import monotonic

from pki.status.wire import FRAME, MAX_REPLY
from trust.errors import Unavailable

RETRY = (0.05, 1.0)
"""Seconds before trying to connect again: at first, and at most."""


class SignerClient:
    """Asks one signer. Make it in the worker, on its loop."""

    def __init__(self, path: Path, *, deadline: float = 1.0, waiting: int = 1024) -> None:
        """Name the socket. `deadline` is in seconds; beyond `waiting` questions in flight, more are refused at once."""
        self.path, self._deadline, self._limit = path, deadline, waiting
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
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
        if len(self._waiting) >= self._limit:
            raise Unavailable("too many questions wait for the signer", retry_after=1.0)
        number = self._number = (self._number + 1) & 0xFFFFFFFF
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._deadline):
                if self._transport is None:
                    await self._connected()
                self._send(FRAME.pack(len(payload), number) + payload)
                reply: bytes = await future
                return reply
        except TimeoutError:
            raise Unavailable("the signer is late", retry_after=1.0) from None
        finally:
            del self._waiting[number]
            if future.done() and not future.cancelled():
                future.exception()  # heard of, even when the deadline came first
            future.cancel()

    def close(self) -> None:
        """Hang up; questions in flight hear `Unavailable`."""
        if self._connecting is not None:
            self._connecting.cancel()
        if self._transport is not None:
            self._transport.close()

    def _send(self, frame: bytes) -> None:
        # Questions of one turn of the loop leave in one write.
        if not self._outgoing:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outgoing.append(frame)

    def _flush(self) -> None:
        frames, self._outgoing = self._outgoing, []
        if self._transport is not None:
            self._transport.write(b"".join(frames))

    async def _connected(self) -> None:
        if self._connecting is None:
            if monotonic() < self._retry_at:
                raise Unavailable("the signer is away", retry_after=1.0)
            self._connecting = asyncio.ensure_future(self._connect())
            self._connecting.add_done_callback(_heard)
        await asyncio.shield(self._connecting)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._transport, _ = await loop.create_unix_connection(lambda: _Replies(self), str(self.path))
            self._pause = RETRY[0]
        except OSError as problem:
            self._retry_at = monotonic() + self._pause
            self._pause = min(2 * self._pause, RETRY[1])
            raise Unavailable(f"the signer is away: {problem}", retry_after=1.0) from None
        finally:
            self._connecting = None

    def answered(self, number: int, reply: bytes) -> None:
        """Hand a reply to its asker, if it still waits."""
        future = self._waiting.get(number)
        if future is not None and not future.done():
            future.set_result(reply)

    def lost(self) -> None:
        """Tell every asker that the connection is gone."""
        self._transport = None
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(Unavailable("the signer hung up", retry_after=1.0))


def _heard(connecting: asyncio.Task[None]) -> None:
    if not connecting.cancelled():
        connecting.exception()  # every asker may have left before it failed


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
