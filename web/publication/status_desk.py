"""Certificate status over HTTP (RFC 6960 appendix A, RFC 5019): from the octets of a question to a reply with its cache headers.

What the answer says is decided in `pki.status.answer`; this desk gives it its HTTP status and tells caches what they may do with
it. It keeps nothing: an answer past its nextUpdate is refused here once more, whoever produced it (reliability P8).
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

from trust import der
from web.publication.freshness import Present
from web.publication.ports import Answer, Answering
from web.publication.reply import NO_STORE, OCSP_TYPE, Reply
from web.publication.tally import Tally

REQUEST_TYPE = b"application/ocsp-request"
_TYPE = b"Content-Type: " + OCSP_TYPE + b"\r\n"

MALFORMED, INTERNAL, LATER = (der.sequence(der.enumerated(status)) for status in (1, 2, 3))
"""Responses without a signature: an OCSPResponse that is only a status (RFC 6960 §4.2.1)."""

_ERRORS = {
    1: (400, "ocsp-malformed"),
    2: (500, "ocsp-internal"),
    3: (503, "ocsp-later"),
    5: (200, "ocsp-signature"),
    6: (200, "ocsp-unauthorized"),
}
"""HTTP status of each OCSPResponseStatus that is an error. "Unauthorized" is a true answer: we do not know that certificate."""


def error(body: bytes, *, status: int | None = None, head: bytes = b"") -> Reply:
    """Reply with one of the unsigned responses; `status` replaces the HTTP status that it usually has."""
    usual, what = _ERRORS.get(body[-1], _ERRORS[2])
    if usual == 503:
        head += b"Retry-After: 1\r\n"
    return Reply(status or usual, _TYPE + NO_STORE + head, body, what)


class Pending:
    """A reply that waits for a live signature."""

    __slots__ = ("_answer", "_bodyless", "_desk", "line")

    def __init__(self, desk: StatusDesk, answer: Answer, bodyless: bool) -> None:
        self._desk = desk
        self._answer = answer
        self._bodyless = bodyless
        self.line = b""
        """The Connection field that the reply will have."""

    @property
    def payload(self) -> bytes:
        """What the signer is asked."""
        return self._answer.needs_signer or b""

    def complete(self, signed: bytes | None) -> Reply:
        """Make the reply from what the signer said; None when it said nothing in time."""
        return self._desk.wrap(self._answer.complete(signed))._replace(bodyless=self._bodyless)


class StatusDesk:
    """Where a question about a certificate becomes a reply."""

    def __init__(self, answering: Answering, present: Present, tally: Tally) -> None:
        self._answering = answering
        self._present = present
        self._tally = tally

    def post(self, request: bytes, *, bodyless: bool = False) -> Reply | Pending:
        """Answer the octets of a request."""
        answer = self._ask(request)
        return self.wrap(answer) if answer.needs_signer is None else Pending(self, answer, bodyless)

    def get(self, request: bytes, if_none_match: bytes = b"", *, bodyless: bool = False) -> Reply | Pending:
        """Answer the octets of a request that came in a URL: the same answer, and a name for caches to ask again by."""
        reply = self.post(request, bodyless=bodyless)
        if not isinstance(reply, Reply):
            return reply
        if NO_STORE in reply.head or not isinstance(reply.body, bytes):
            return reply._replace(bodyless=bodyless)
        line = entity_tag_line(reply.body)
        head = reply.head + line
        if if_none_match and line[6:-2] in if_none_match:
            return Reply(304, head.removeprefix(_TYPE), b"", reply.what, True)
        return Reply(200, head, reply.body, reply.what, bodyless)

    def wrap(self, answer: Answer) -> Reply:
        """Give an answer its HTTP form."""
        body = answer.body
        if len(body) == len(LATER):
            return error(body)
        until = answer.next_update
        if until is None or answer.this_update is None or until <= self._present.now:
            return error(LATER)
        head = self._present.cache_lines(answer.this_update, until) if answer.cacheable else _TYPE + NO_STORE
        return Reply(200, head, body, f"ocsp-{answer.kind}")

    def _ask(self, request: bytes) -> Answer:
        try:
            return self._answering.answer(request, self._present.now)
        except Exception:  # noqa: BLE001 - the edge of the process: a defect costs one answer, never the connection or the worker
            self._tally.event("faults")
            return _Failed()


def entity_tag_line(body: bytes) -> bytes:
    """Name a response by its octets (RFC 5019 §6.2 has SHA-1 do this; any name that changes with them will do)."""
    return b'ETag: "%b"\r\n' % sha256(body).hexdigest()[:32].encode()


@lru_cache(maxsize=1_024)
def content_length(size: int) -> bytes:
    """Write Content-Length and end the head. Responses of one responder have some ten different sizes."""
    return b"Content-Length: %d\r\n\r\n" % size


class _Failed:
    """What is said when our own code fails."""

    body = INTERNAL
    kind = "internal"
    cacheable = False
    this_update = next_update = needs_signer = None

    def complete(self, reply: bytes | None) -> _Failed:
        return self
