"""A request that was understood and the reply to it, before either is octets on a wire.

What the socket server and the WSGI entry point have in common, with the few refusals that need no thought. RFC 9110 says what the
statuses mean. A reply's `head` is header lines already encoded, without Date, Content-Length and Connection: those belong to
whoever speaks HTTP.
"""

from __future__ import annotations

import ipaddress
import os
from typing import NamedTuple

OCSP_TYPE = b"application/ocsp-response"
CLOSE, KEPT = b"Connection: close\r\n", b"Connection: keep-alive\r\n"
"""What a reply says of its connection: that it ends, or, to HTTP/1.0, that it does not. Nothing is said of one that goes on."""
NO_STORE = b"Cache-Control: no-store\r\n"
NOSNIFF = b"X-Content-Type-Options: nosniff\r\n"

REASONS = {
    200: b"OK",
    304: b"Not Modified",
    400: b"Bad Request",
    404: b"Not Found",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    413: b"Content Too Large",
    415: b"Unsupported Media Type",
    417: b"Expectation Failed",
    431: b"Request Header Fields Too Large",
    500: b"Internal Server Error",
    503: b"Service Unavailable",
}
STATUS_LINES = {status: b"HTTP/1.1 %d %b\r\n" % (status, reason) for status, reason in REASONS.items()}


class LargeFile:
    """An open file that is too large to hold in memory: read piece by piece, closed when its last reader lets go of it."""

    __slots__ = ("descriptor", "size")

    def __init__(self, descriptor: int, size: int) -> None:
        self.descriptor = descriptor
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __del__(self) -> None:
        os.close(self.descriptor)


class Request(NamedTuple):
    """A whole request, read and within its limits."""

    method: bytes
    target: bytes
    """Origin form, still percent-encoded: ``/crl/personnes.crl``."""
    body: bytes = b""
    content_type: bytes = b""
    if_none_match: bytes = b""
    if_modified_since: bytes = b""
    forwarded: bool = False
    """It says that it was passed on by somebody."""
    local: bool = False
    """It was made on this machine: the connection is from the loopback, and nobody says to have passed it on."""


class Reply(NamedTuple):
    """What to answer."""

    status: int
    head: bytes
    body: bytes | LargeFile
    what: str
    """The word under which it is counted and logged. Never a serial, never a path that a client made up."""
    bodyless: bool = False
    """Announce the length of the body and do not send it (HEAD), or send neither (304)."""


def is_this_machine(address: str) -> bool:
    """Tell whether an address is of the loopback, written as IPv4, as IPv6, or as one inside the other."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def text(status: int, message: str, *, what: str, head: bytes = b"") -> Reply:
    """Make a reply of one line of plain text, never to be cached."""
    lines = b"Content-Type: text/plain; charset=utf-8\r\n" + NOSNIFF + NO_STORE + head
    return Reply(status, lines, message.encode() + b"\n", what)


def not_found() -> Reply:
    """Nothing is published under that name: the same words whether it is hidden, forbidden or absent."""
    return text(404, "Introuvable. Not found.", what="not-found")


def not_allowed(allow: bytes) -> Reply:
    """The resource exists and that method does not apply to it (RFC 9110 §15.5.6 demands Allow)."""
    return text(405, "Méthode non admise ici. Method not allowed here.", what="method", head=b"Allow: " + allow + b"\r\n")


def bad_request(message: str) -> Reply:
    """The request is not HTTP as RFC 9112 writes it."""
    return text(400, message, what="malformed")


def busy(what: str, seconds: int = 1) -> Reply:
    """We could answer that, later."""
    return text(503, "Service saturé, réessayez. Busy, try again.", what=what, head=b"Retry-After: %d\r\n" % seconds)
