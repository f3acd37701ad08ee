"""The same head again: what most status requests on a kept connection begin with (a proxy's, a browser's) has been parsed before.

llhttp always reads the same octets in the same way. So the head of a plain POST that it has read once is remembered together with
the constant part of the question that followed it, and what follows the target in the head of a plain GET. A later segment that
is exactly such a request, and differs in the serial alone, needs no parser; whatever differs in one octet more goes to the
parser. Likewise what the replies about one batch have in common is written once a second. Both together halve the cost of an
answer (`bench/publication.py`) and decide nothing: not about HTTP, not about status.
"""

from __future__ import annotations

from trust.errors import Malformed
from web.publication.freshness import Present
from web.publication.get_request import decode
from web.publication.ports import Answering, Frame
from web.publication.reply import Reply, Request
from web.publication.status_desk import REQUEST_TYPE, Pending, StatusDesk, content_length, entity_tag_line
from web.publication.tally import Tally

_END = b"\r\n\r\n"
_GET = b"GET /ocsp/"
_HEADS = 512
_HEAD_OCTETS = 1_024
"""A worker remembers half a megabyte of heads at most: clients that vary them on purpose win nothing but the parser."""
_SERIAL = slice(-16, None)
_ALL_BUT_SERIAL = slice(None, -16)


class Shortcut:
    """The heads that one worker has seen, and the frames of its replies for the current second."""

    __slots__ = ("_answering", "_desk", "_frames", "_known", "_present", "_tails", "_tally")

    def __init__(self, answering: Answering, desk: StatusDesk, present: Present, tally: Tally) -> None:
        self._answering = answering
        self._desk = desk
        self._present = present
        self._tally = tally
        self._known: dict[bytes, bytes] = {}
        """Head of a POST and its body but for the serial → what stands for the authority that the body names."""
        self._tails: set[bytes] = set()
        """What follows the target in the head of a GET."""
        self._frames: dict[tuple[bytes, int], tuple[bytes, bytes, bytes]] = {}
        """First octets of a stored value and its length → the reply before the serial, between it and the signature, and
        after."""

    def octets(self, data: bytes) -> bytes | Pending | None:
        """Return the whole reply to a segment that is exactly one request of a form seen before; None for any other segment."""
        authority = self._known.get(data[_ALL_BUT_SERIAL])
        if authority is None:
            return self._get(data) if data.startswith(_GET) else None
        serial = data[_SERIAL]
        value = self._answering.value(authority + serial)
        if value is not None:
            frame = self._frames.get((value[:4], len(value))) or self._frame(value)
            if frame is not None:
                self._tally.good(len(value))
                before, between, after = frame
                return b"".join((before, serial, between, value[4:], after))
        return self._whole(self._desk.post(data[data.find(_END) + 4 :]))

    def new_second(self) -> None:
        """The date and the ages in the replies have changed."""
        self._frames.clear()

    def forget(self) -> None:
        """Another store was published, perhaps with other authorities and other batches: learn again."""
        self._frames.clear()
        self._known.clear()

    def learn(self, data: bytes, request: Request) -> None:
        """Remember the form of a segment that the parser has found to be exactly one plain request, on a connection to be
        kept."""
        end = data.find(_END) + 4
        if end > _HEAD_OCTETS or request.if_none_match or b"\nexpect" in data[:end].lower():
            return
        if request.method == b"POST" and request.target == b"/ocsp" and request.content_type == REQUEST_TYPE:
            authority = self._answering.authority(request.body[_ALL_BUT_SERIAL])
            if authority is not None:
                if len(self._known) >= _HEADS:
                    self._known.clear()
                self._known[data[_ALL_BUT_SERIAL]] = authority
        elif data.startswith(_GET) and not request.body:
            if len(self._tails) >= _HEADS:
                self._tails.clear()
            self._tails.add(data[data.find(b" ", len(_GET)) :])

    def _frame(self, value: bytes) -> tuple[bytes, bytes, bytes] | None:
        """Write what replies around values of one batch and length have in common."""
        frame = self._answering.frame(value, self._present.now)
        if frame is None:
            return None
        before = self._present.opening(frame.this_update, frame.next_update) + content_length(_size(frame, value)) + frame.head
        found = self._frames[value[:4], len(value)] = (before, frame.middle, frame.tail)
        return found

    def _get(self, data: bytes) -> bytes | Pending | None:
        space = data.find(b" ", len(_GET))
        if data[space:] not in self._tails:
            return None
        try:
            request = decode(data[len(_GET) : space])
        except Malformed:
            return None  # the parser may have more to say against it
        authority = self._answering.authority(request[_ALL_BUT_SERIAL])
        value = self._answering.value(authority + request[_SERIAL]) if authority is not None else None
        frame = self._answering.frame(value, self._present.now) if value is not None else None
        if value is None or frame is None:
            return self._whole(self._desk.get(request))
        self._tally.good(len(value))
        opening = self._present.opening(frame.this_update, frame.next_update)
        body = b"".join((frame.head, request[_SERIAL], frame.middle, value[4:], frame.tail))
        return b"".join((opening, entity_tag_line(body), content_length(len(body)), body))

    def _whole(self, reply: Reply | Pending) -> bytes | Pending:
        """Write a reply that is not the most common one."""
        if not isinstance(reply, Reply):
            return reply
        assert isinstance(reply.body, bytes)
        size = len(reply.body)
        self._tally.note(reply.what, reply.status, size)
        return b"".join((self._present.line(reply.status), reply.head, content_length(size), reply.body))


def _size(frame: Frame, value: bytes) -> int:
    return len(frame.head) + 16 + len(frame.middle) + len(value) - 4 + len(frame.tail)
