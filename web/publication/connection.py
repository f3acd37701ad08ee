"""One client's connection: replies leave in the order of the requests, and nobody can make us hold much.

While a reply is being signed or streamed, or while the client does not read what it is sent, no further request is read from that
client. Octets are read a turn at a time, so that one client's hundred pipelined requests do not delay another's one. A client
that is refused in mid-body is listened to for a moment more: closing at once would reset the connection and destroy the reply
that says why.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, cast

from web.publication.reading import BODY, HEAD, RequestReader
from web.publication.reply import CLOSE, LargeFile, Reply, Request, busy, is_this_machine, text
from web.publication.sending import send_file
from web.publication.service import Service
from web.publication.settings import Limits
from web.publication.shortcut import Last
from web.publication.status_desk import Pending

TURN = 16_384
"""Octets read from one client before the others have their turn: about a hundred pipelined requests."""
_COALESCE = 65_536
_OPEN, _LINGERING, _ENDED = range(3)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(asyncio.Protocol):
    """The protocol object of one connection."""

    __slots__ = (
        *(
            "_service",
            "_transport",
            "_reader",
            "_state",
            "_plain",
            "_paused",
            "_deaf",
            "_busy",
            "_half_closed",
            "_discarded",
            "_asked",
        ),
        *("_waiting", "_held", "_out", "_out_octets", "_drained", "since"),
    )

    def __init__(self, service: Service) -> None:
        self._service = service
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._reader = RequestReader(self, service.limits)
        self._state = _OPEN
        self._plain = True  # open, nothing held, read or written half: `_settle` alone sets it again
        self._paused = False  # the client does not read what we wrote
        self._deaf = False  # we do not read what it writes
        self._busy: asyncio.Task[None] | _Awaited | None = None  # a reply that is being signed or streamed
        self._half_closed = False  # the client has said that it will send nothing more
        self._discarded = 0
        self._asked: tuple[Request, bytes] | None = None  # the last request answered while reading a segment
        self._waiting: deque[tuple[Request | Reply | None, bytes]] = deque()  # read while another was being answered
        self._held = b""  # not yet given to the reader
        self._out: list[bytes] = []
        self._out_octets = 0
        self._drained: asyncio.Future[None] | None = None
        self.since = service.ticks

    # --- what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Come in, or be told to come back."""
        self._transport = cast(asyncio.Transport, transport)
        if not self._service.admit(self):
            self._emit(busy("busy"), CLOSE)
            self._end()

    def data_received(self, data: bytes) -> None:
        """Read octets, a turn at a time."""
        if self._plain:
            reply = self._service.shortcut.octets(data)
            if reply is not None:
                self.since = self._service.ticks
                if isinstance(reply, bytes):
                    self._transport.write(reply)
                    if type(reply) is Last:
                        self._end()
                else:
                    self._reader.done = reply.line is CLOSE
                    self._ask(reply, reply.line)
                return
            self._plain = False
        if self._state != _OPEN:
            self._discarded += len(data)
            if self._discarded > 64 * self._service.limits.body_octets:
                self.abort()
        elif self._held or len(data) > TURN or self._blocked():
            self._held += data
            self._deaf = True
            self._transport.pause_reading()
            self._take_turn()
        else:
            self._read(data)

    def eof_received(self) -> bool:
        """The client has said all that it had to say; what it asked is still answered."""
        self._half_closed = True
        return self._state == _OPEN and bool(self._blocked() or self._held)  # False: send what is written, then close

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        self._state, self._plain = _ENDED, False
        self._service.guests.discard(self)
        self._service.streams.pop(self, None)
        if self._busy is not None:
            self._busy.cancel()
        self._reader.forget()
        self._waiting.clear()

    def pause_writing(self) -> None:
        """The client is not reading: stop listening to it."""
        self._paused, self._plain = True, False
        self.since = self._service.ticks

    def resume_writing(self) -> None:
        """The client has read: go on."""
        self._paused = False
        self.since = self._service.ticks
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._proceed()

    # --- what the service calls

    def overdue(self, limits: Limits, ticks: float) -> str | None:
        """Say which limit of time has passed."""
        waited = ticks - self.since
        if self._paused or self._state == _ENDED:
            return "write" if waited > limits.write_seconds else None
        if self._state == _LINGERING:
            return "write" if waited > limits.linger_seconds else None
        if self._busy is not None:  # the signer has its own limit; a stream is paused, or progresses
            return None
        if self._reader.phase == HEAD:
            return "head" if waited > limits.head_seconds else None
        if self._reader.phase == BODY:
            return "body" if waited > limits.body_seconds else None
        return "idle" if waited > limits.idle_seconds else None

    def idle(self) -> bool:
        """Nothing is owed to the client."""
        return self._busy is None and not self._paused

    def expire(self) -> None:
        """End a connection that took too long."""
        if self._state != _OPEN or self._paused:
            self.abort()
            return
        if self._reader.phase in (HEAD, BODY):
            self._reader.done = True
            self._emit(text(408, "Requête trop lente. Request too slow.", what="malformed"), CLOSE)
        self._end()

    def abort(self) -> None:
        """End at once, whatever was still to be sent."""
        self._state, self._plain = _ENDED, False
        self._transport.abort()

    # --- what the reader calls

    def take(self, request: Request, line: bytes) -> None:
        """Answer a request, or keep it until those before it are answered."""
        self.since = self._service.ticks
        if self._blocked():
            self._waiting.append((request, line))
        else:
            self._answer(request, line)

    def refuse(self, reply: Reply) -> None:
        """Send a last reply in its turn, then listen for a moment without reading."""
        self._plain = False
        if self._blocked():
            self._waiting.append((reply, CLOSE))
            return
        self._emit(reply, CLOSE)
        self._flush()
        if self._state == _OPEN and not self._transport.is_closing():
            self._state = _LINGERING
            self.since = self._service.ticks
            self._transport.write_eof()
            self._hear()

    def go_on(self) -> None:
        """Tell the client to send its body, after the replies that it is owed."""
        if self._blocked():
            self._waiting.append((None, b""))
        else:
            self._out.append(_CONTINUE)

    # --- reading

    def _blocked(self) -> bool:
        return self._busy is not None or self._paused or bool(self._waiting)

    def _read(self, data: bytes) -> None:
        reader, before = self._reader, self._reader.phase
        reader.feed(data)
        if reader.phase != before:
            self.since = self._service.ticks
        if reader.clean and self._asked is not None:
            self._service.shortcut.learn(data, *self._asked)
        self._asked = None
        if self._out:
            self._flush()
        if reader.done and self._state == _OPEN and not self._blocked():
            self._end()
        self._settle()

    def _take_turn(self) -> None:
        """Give the reader the next `TURN` octets of what is held, unless a reply is in the way."""
        if self._state != _OPEN or self._blocked():
            return
        data, self._held = self._held[:TURN], self._held[TURN:]
        if data:
            self._read(data)
        if self._state != _OPEN:
            return
        if self._held:
            asyncio.get_running_loop().call_soon(self._take_turn)
        elif not self._blocked():
            self._listen()

    def _listen(self) -> None:
        if self._half_closed:
            self._end()
        elif not self._transport.is_closing():
            self._hear()
            self._settle()

    def _hear(self) -> None:
        if self._deaf:
            self._deaf = False
            self._transport.resume_reading()

    def _settle(self) -> None:
        """See whether the next segment may take the shortcut: nothing may be left of those before it."""
        free = self._state == _OPEN and not (self._held or self._half_closed or self._blocked())
        self._plain = free and self._reader.clean and not self._reader.done

    # --- answering

    def _answer(self, request: Request, line: bytes) -> None:
        if request.target in (b"/healthz", b"/metrics") and not request.forwarded:
            request = request._replace(local=self._is_local())
        self._asked = request, line
        reply = self._service.respond(request)
        if not isinstance(reply, Reply):
            self._ask(reply, line)
        elif isinstance(reply.body, LargeFile) and not reply.bodyless:
            if self._service.admit_stream(self):
                self._emit(reply._replace(bodyless=True), line)
                self._begin(self._stream(reply.body))
            else:
                self._emit(busy("busy", seconds=5), line)
        else:
            self._emit(reply, line)

    def _is_local(self) -> bool:
        peer = self._transport.get_extra_info("peername")
        return bool(peer) and is_this_machine(peer[0])

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Answer in a while: what is written leaves now; what comes meanwhile is held."""
        self._plain = False
        self._flush()
        self._busy = asyncio.get_running_loop().create_task(work)

    def _ask(self, pending: Pending, line: bytes) -> None:
        """Have an answer signed: a callback, for a task and its two turns of the loop cost as much as the rest of the answer."""
        self._plain = False
        self._flush()
        self._busy = awaited = _Awaited(self, line)
        self._service.sign(pending, awaited.heard)

    def signed(self, reply: Reply, line: bytes) -> None:
        """Send the answer that was waited for, then go on."""
        self._busy = None
        self._emit(reply, line)
        self._proceed()

    async def _stream(self, file: LargeFile) -> None:
        whole = await send_file(file, self._transport, self._space)
        self._service.streams.pop(self, None)
        self._busy = None
        if whole:
            self._proceed()
        else:
            self.abort()  # its length was announced: the client must see that it did not get it

    async def _space(self) -> bool:
        """Wait until the client has read; False when it is gone."""
        if self._paused:
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained
        self._service.streams[self] = self.since = self._service.ticks
        return self._state == _OPEN

    def _proceed(self) -> None:
        """Answer what waited, as far as possible; then read on, or end."""
        while self._waiting and self._busy is None and not self._paused and self._state == _OPEN:
            item, line = self._waiting.popleft()
            if isinstance(item, Request):
                self._answer(item, line)
            elif item is None:
                self._out.append(_CONTINUE)
            else:
                self.refuse(item)
        self._flush()
        if self._state != _OPEN or self._blocked():
            return
        if self._reader.done:
            self._end()
        elif self._held:
            self._take_turn()
        else:
            self._listen()

    def _emit(self, reply: Reply, line: bytes) -> None:
        """Write a reply into the outgoing pieces."""
        service, body = self._service, reply.body
        service.tally.note(reply.what, reply.status, len(body))
        if reply.status == 304:
            self._out += (service.present.line(304), line, reply.head, b"\r\n")
            return
        self._out += (service.present.line(reply.status), line, reply.head, b"Content-Length: %d\r\n\r\n" % len(body))
        if not reply.bodyless and isinstance(body, bytes):
            self._out.append(body)
            self._out_octets += len(body)
            if self._out_octets > _COALESCE:
                self._flush()

    def _flush(self) -> None:
        if self._out:
            out, self._out, self._out_octets = b"".join(self._out), [], 0
            if not self._transport.is_closing():
                self._transport.write(out)

    def _end(self) -> None:
        """Close when all that was written has left; the sweep sees to it that this does not take for ever."""
        self._flush()
        self._state, self._plain = _ENDED, False
        self.since = self._service.ticks
        self._transport.close()


class _Awaited:
    """A signature on its way to a connection, which may be gone when it comes."""

    __slots__ = ("_connection", "_line")

    def __init__(self, connection: Connection, line: bytes) -> None:
        self._connection: Connection | None = connection
        self._line = line

    def heard(self, reply: Reply) -> None:
        """Pass the reply on."""
        if self._connection is not None:
            self._connection.signed(reply, self._line)

    def cancel(self) -> None:
        """Nobody waits any more."""
        self._connection = None
