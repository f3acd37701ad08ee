"""A client that says exactly the octets it is told to, and reads replies one by one."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import NamedTuple, Self


class Response(NamedTuple):
    """One reply, read."""

    status: int
    fields: dict[str, str]
    body: bytes

    @property
    def caching(self) -> str:
        """What caches are told."""
        return self.fields.get("cache-control", "")


class Line:
    """One TCP connection."""

    def __init__(self, port: int, *, receive_buffer: int = 0, timeout: float = 10.0) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        # Each octet is a packet, at once: waiting for acknowledgements made three hundred of them take seconds.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        self._left = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.socket.close()

    def say(self, data: bytes) -> Self:
        """Send octets."""
        self.socket.sendall(data)
        return self

    def hear(self, *, head_only: bool = False) -> Response:
        """Read one reply."""
        while b"\r\n\r\n" not in self._left:
            self._more()
        end = self._left.index(b"\r\n\r\n")
        head = bytes(self._left[:end])
        del self._left[: end + 4]
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        size = 0 if head_only else int(fields.get("content-length", "0"))
        while len(self._left) < size:
            self._more()
        body = bytes(self._left[:size])
        del self._left[:size]
        return Response(int(first.split()[1]), fields, body)

    def is_over(self) -> bool:
        """Wait for the end of the connection; tell whether nothing more came before it."""
        try:
            return not self._left and self.socket.recv(1) == b""
        except ConnectionResetError:
            return not self._left

    def _more(self) -> None:
        data = self.socket.recv(65_536)
        if not data:
            raise EOFError(f"the connection ended after {self._left!r}")
        self._left += data


def post(body: bytes, content_type: bytes = b"application/ocsp-request", *, more: bytes = b"") -> bytes:
    """Write a POST to the responder."""
    fields = b"Host: ocsp.example\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b" % (content_type, len(body), more)
    return b"POST /ocsp HTTP/1.1\r\n" + fields + b"\r\n" + body


def get(target: bytes, *, more: bytes = b"", method: bytes = b"GET") -> bytes:
    """Write a GET."""
    return method + b" " + target + b" HTTP/1.1\r\nHost: crl.example\r\n" + more + b"\r\n"


def ask(port: int, request: bytes) -> Response:
    """Ask one thing on a connection of its own."""
    with Line(port) as line:
        return line.say(request).hear(head_only=request.startswith(b"HEAD"))
