"""Reading requests from a stream of octets (RFC 9112), within limits.

llhttp (through httptools) does the parsing and refuses what two parsers could read in two ways: a length said twice, both a
length and chunks, folded lines, bare line feeds. This reader adds what a parser does not know: how large a head or a body may be,
that HTTP/1.1 names a host, which expectations we meet. It says nothing about what is asked; see `site` for that.
"""

from __future__ import annotations

from typing import Protocol

import httptools

from web.publication.reply import CLOSE, KEPT, Reply, Request, bad_request, text
from web.publication.settings import Limits
from web.publication.status_desk import MALFORMED, error

IDLE, HEAD, BODY = range(3)
_ONCE = (b"host", b"content-type", b"expect")
_FORWARDED = (b"forwarded", b"x-forwarded-for", b"via")


class Listener(Protocol):
    """Who hears what was read, in the order of the octets."""

    def take(self, request: Request, line: bytes) -> None:
        """A whole request; `line` is the Connection field that the reply to it must carry, or nothing."""

    def refuse(self, reply: Reply) -> None:
        """The stream cannot be read further: this is the reply, and the last one."""

    def go_on(self) -> None:
        """The client waits for 100 (Continue) before it sends its body (RFC 9110 §10.1.1)."""


class RequestReader:
    """The requests of one connection, one after the other."""

    __slots__ = (
        "_body",
        "_fields",
        "_head_octets",
        "_limits",
        "_line",
        "_listener",
        "_parser",
        "_raw_octets",
        "_taken",
        "_target",
        "clean",
        "done",
        "phase",
    )

    def __init__(self, listener: Listener, limits: Limits) -> None:
        self._listener = listener
        self._limits = limits
        self._parser: httptools.HttpRequestParser | None = None  # made at need: a request that takes the shortcut needs none
        self.phase = IDLE
        self.done = False
        """No further request is read: one said so, or was refused."""
        self.clean = True
        """Every segment so far was exactly one whole request: the parser stands before the first octet of a head."""
        self._taken: list[int] = []  # lengths of the bodies of the requests that the segment being read completed
        self._target = b""
        self._fields: dict[bytes, bytes] = {}
        self._head_octets = 0
        self._raw_octets = 0  # of a request that is not whole yet, since it began or its body did
        self._body = b""
        self._line = b""

    def feed(self, data: bytes) -> None:
        """Read some octets; the listener hears of each request that they complete."""
        unfinished = self.phase != IDLE
        self._taken.clear()
        if self._parser is None:
            self._parser = httptools.HttpRequestParser(self)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # CONNECT, or an offer to speak something else: answered as a plain request, and the last one
        except httptools.HttpParserError:
            self._refuse(bad_request("Requête malformée. Malformed request."))
        if self.phase != IDLE and unfinished and not self._taken:  # the same request as before this segment
            self._weigh(len(data))
        if self.clean:  # chunks, a second request or a missing octet each make the lengths disagree
            self.clean = len(self._taken) == 1 and len(data) == data.find(b"\r\n\r\n") + 4 + self._taken[0]

    def forget(self) -> None:
        """Let go of the parser: it refers to us, and we to it."""
        self._parser = None
        self.done = True

    # --- what llhttp calls

    def on_url(self, url: bytes) -> None:
        """A target begins, or goes on."""
        self.phase = HEAD
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field; a trailer field, after the body, is not looked at."""
        if self.phase == BODY:
            return
        self._head_octets += len(name) + len(value) + 4
        name = name.lower()
        if name in self._fields:
            if name in _ONCE:
                self._refuse(bad_request(f"Champ répété. More than one {name.decode('ascii')} field."))
            value = self._fields[name] + b", " + value
        self._fields[name] = value

    def on_headers_complete(self) -> None:
        """Decide whether the rest is worth reading."""
        self.phase = BODY
        self._raw_octets = 0
        assert self._parser is not None
        kept = self._parser.should_keep_alive() and not self._parser.should_upgrade()
        old = self._parser.get_http_version() == "1.0"
        self._line = CLOSE if not kept else KEPT if old else b""
        refusal = self._refusal(old)
        if refusal is not None:
            self._refuse(refusal)
        elif b"expect" in self._fields and not self.done:
            self._listener.go_on()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body = self._body + body if self._body else body
        if len(self._body) > self._limits.body_octets:
            self._refuse(too_large())

    def on_message_complete(self) -> None:
        """A whole request."""
        self.phase = IDLE
        if self.done:
            return
        fields, target, body, line = self._fields, self._target, self._body, self._line
        self._fields, self._target, self._body, self._head_octets, self._raw_octets = {}, b"", b"", 0, 0
        self.done = line is CLOSE
        self._taken.append(len(body))
        assert self._parser is not None
        forwarded = any(name in fields for name in _FORWARDED)
        get = fields.get
        request = Request(
            self._parser.get_method(),
            target,
            body,
            get(b"content-type", b""),
            get(b"if-none-match", b""),
            get(b"if-modified-since", b""),
            forwarded,
        )
        self._listener.take(request, line)

    # --- limits

    def _refusal(self, old: bool) -> Reply | None:
        """Refuse by the head alone what would be refused anyway."""
        limits, fields = self._limits, self._fields
        if self._head_octets + len(self._target) > limits.head_octets or len(fields) > limits.head_fields:
            return head_too_large()
        if b"host" not in fields and not old:
            return bad_request("HTTP/1.1 demande Host. HTTP/1.1 needs a Host field.")
        if not self._target.startswith(b"/"):
            target = _origin_form(self._target)
            if target is None:
                return bad_request("Cible malformée. Malformed target.")
            self._target = target
        if int(fields.get(b"content-length", b"0")) > limits.body_octets:  # llhttp has seen that it is a number
            return too_large()
        if fields.get(b"expect", b"100-continue").lower() != b"100-continue":
            return text(417, "Attente inconnue. Unknown expectation.", what="expectation")
        return None

    def _weigh(self, octets: int) -> None:
        """Bound what a request may cost before it is whole: a head without end, a body in chunks of one octet."""
        self._raw_octets += octets
        if self.phase == HEAD:
            if self._raw_octets > self._limits.head_octets:
                self._refuse(head_too_large())
        elif self._raw_octets > self._limits.head_octets + 8 * self._limits.body_octets:
            self._refuse(too_large())

    def _refuse(self, reply: Reply) -> None:
        if not self.done:
            self.done = True
            self._listener.refuse(reply)


def too_large() -> Reply:
    """No status request is that long."""
    return error(MALFORMED, status=413)._replace(what="too-large")


def head_too_large() -> Reply:
    """No client of ours needs to say so much before asking."""
    return text(431, "En-têtes trop longs. Header fields too large.", what="too-large")


def _origin_form(target: bytes) -> bytes | None:
    """Turn an absolute-form target (RFC 9112 §3.2.2) into origin form; None when it is neither."""
    scheme, separator, rest = target.partition(b"://")
    if not separator or scheme.lower() not in (b"http", b"https"):
        return None
    return b"/" + rest.partition(b"/")[2]
