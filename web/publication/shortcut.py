"""The same head again: what most status requests on a kept connection begin with (a proxy's, a browser's) has been parsed before.

llhttp always reads the same octets in the same way. So the head of a plain POST that it has read once is remembered together with
the constant part of the question that followed it, and what follows the target in the head of a plain GET. A later segment that
is exactly such a request, and differs in the serial alone, needs no parser; whatever differs in one octet more goes to the
parser. Likewise what the replies about one batch have in common is written once a second. Both together halve the cost of an
answer (`bench/publication.py`) and decide nothing: not about HTTP, not about status.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from trust.errors import Malformed
from web.publication.freshness import Present
from web.publication.get_request import decode
from web.publication.ports import Answering
from web.publication.reply import CLOSE, Reply, Request
from web.publication.status_desk import REQUEST_TYPE, Pending, StatusDesk, content_length, entity_tag_line
from web.publication.tally import Tally

_END = b"\r\n\r\n"
_GET = b"GET /"
_OCSP = b"GET /ocsp/"
_HEADS = 512
_HEAD_OCTETS = 1_024
"""A worker remembers half a megabyte of heads at most: clients that vary them on purpose win nothing but the parser."""
_SERIAL = slice(-16, None)
_ALL_BUT_SERIAL = slice(None, -16)


class Last(bytes):
    """A reply after which the connection ends."""


Files = Callable[[bytes, datetime], Reply | None]
"""Answers a plain GET for a small published file; None for everything else."""

_Frame = tuple[bytes, bytes, bytes, bytes, bytes]


class Shortcut:
    """The heads that one worker has seen, and the frames of its replies for the current second."""

    __slots__ = ("_answering", "_desk", "_files", "_frames", "_heads", "_known", "_present", "_tails", "_tally")

    def __init__(self, answering: Answering, desk: StatusDesk, files: Files, present: Present, tally: Tally) -> None:
        self._answering = answering
        self._files = files
        self._desk = desk
        self._present = present
        self._tally = tally
        self._heads: dict[bytes, tuple[int, bytes]] = {}
        """Head of a POST → length of the body that it announces, and Connection field of the reply."""
        self._tails: dict[bytes, bytes] = {}
        """What follows the target in the head of a GET → Connection field of the reply."""
        self._known: dict[bytes, bytes] = {}
        """Head of a POST that leaves the connection open, and its body but for the serial → what stands for the authority."""
        self._frames: dict[tuple[bytes, int], _Frame] = {}
        """First octets of a stored value and its length → opening of the reply, its length, and the response before the serial,
        between it and the signature, and after."""

    def octets(self, data: bytes) -> bytes | Pending | None:
        """Return the whole reply to a segment that is exactly one request of a form seen before; None for any other segment."""
        authority = self._known.get(data[_ALL_BUT_SERIAL])
        if authority is None:
            return self._get(data) if data.startswith(_GET) else self._post(data)
        serial = data[_SERIAL]
        value = self._answering.value(authority + serial)
        if value is not None:
            frame = self._frames.get((value[:4], len(value))) or self._frame(value)
            if frame is not None:
                self._tally.good(len(value))
                opening, length, before, between, after = frame
                return b"".join((opening, length, before, serial, between, value[4:], after))
        return self._whole(self._desk.post(data[data.find(_END) + 4 :]), b"")

    def new_second(self) -> None:
        """The date and the ages in the replies have changed."""
        self._frames.clear()

    def forget(self) -> None:
        """Another store was published, perhaps with other authorities and other batches."""
        self._frames.clear()
        self._known.clear()

    def learn(self, data: bytes, request: Request, line: bytes) -> None:
        """Remember the head of a segment that the parser has found to be exactly one plain request.

        `line` is the Connection field that its reply had.
        """
        end = data.find(_END) + 4
        conditional = request.if_none_match or request.if_modified_since
        if end > _HEAD_OCTETS or conditional or b"\nexpect" in data[:end].lower():
            return
        if request.method == b"POST" and request.target == b"/ocsp" and request.content_type == REQUEST_TYPE:
            if len(self._heads) >= _HEADS:
                self._heads.clear()
                self._known.clear()
            self._heads[data[:end]] = (len(request.body), line)
        elif data.startswith(_GET) and not request.body:
            if len(self._tails) >= _HEADS:
                self._tails.clear()
            self._tails[data[data.find(b" ", 4) :]] = line

    def _frame(self, value: bytes) -> _Frame | None:
        """Write what replies around values of one batch and length have in common."""
        frame = self._answering.frame(value, self._present.now)
        if frame is None:
            return None
        opening = self._present.opening(frame.this_update, frame.next_update)
        size = len(frame.head) + 16 + len(frame.middle) + len(value) - 4 + len(frame.tail)
        found = self._frames[value[:4], len(value)] = (opening, content_length(size), frame.head, frame.middle, frame.tail)
        return found

    def _post(self, data: bytes) -> bytes | Pending | None:
        """Answer a POST whose head is known."""
        end = data.find(_END) + 4
        known = self._heads.get(data[:end])
        if known is None or end + known[0] != len(data):
            return None
        line = known[1]
        request = data[end:]
        authority = self._answering.authority(request[_ALL_BUT_SERIAL])
        if authority is None:
            return self._whole(self._desk.post(request), line)
        if not line:
            self._known[data[_ALL_BUT_SERIAL]] = authority
        return self._good(authority, request[_SERIAL], line) or self._whole(self._desk.post(request), line)

    def _get(self, data: bytes) -> bytes | Pending | None:
        """Answer a GET of which what follows the target is known."""
        space = data.find(b" ", 4)
        line = self._tails.get(data[space:])
        if line is None:
            return None
        if not data.startswith(_OCSP):
            file = self._files(data[4:space], self._present.now)
            return self._whole(file, line) if file is not None else None
        try:
            request = decode(data[len(_OCSP) : space])
        except Malformed:
            return None  # the parser may have more to say against it
        authority = self._answering.authority(request[_ALL_BUT_SERIAL])
        if authority is None:
            return self._whole(self._desk.get(request), line)
        return self._good(authority, request[_SERIAL], line, named=True) or self._whole(self._desk.get(request), line)

    def _good(self, authority: bytes, serial: bytes, line: bytes, *, named: bool = False) -> bytes | None:
        """Write the reply about a certificate that is stored as good; None when it is not."""
        value = self._answering.value(authority + serial)
        frame = (self._frames.get((value[:4], len(value))) or self._frame(value)) if value is not None else None
        if value is None or frame is None:
            return None
        self._tally.good(len(value))
        opening, length, before, between, after = frame
        body = b"".join((before, serial, between, value[4:], after))
        octets = b"".join((opening, line, entity_tag_line(body) if named else b"", length, body))
        return Last(octets) if line is CLOSE else octets

    def _whole(self, reply: Reply | Pending, line: bytes) -> bytes | Pending:
        """Write a reply that is not the most common one, unless a signature must be waited for."""
        if not isinstance(reply, Reply):
            reply.line = line
            return reply
        assert isinstance(reply.body, bytes)
        size = len(reply.body)
        self._tally.note(reply.what, reply.status, size)
        octets = b"".join((self._present.line(reply.status), line, reply.head, content_length(size), reply.body))
        return Last(octets) if line is CLOSE else octets
