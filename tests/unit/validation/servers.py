"""A small HTTP server on this machine that answers as it is told, well or badly: what status clients are tried against."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Publication:
    """Answers by path; counts what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes | int] = {}
        """Octets to send with 200, or another status."""
        self.responder: Callable[[bytes], bytes] | None = None
        """What answers an OCSP request."""
        self.asked: list[str] = []
        self.url = ""

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and octets for a request."""
        self.asked.append(path)
        if path == "/ocsp" and self.responder:
            return 200, self.responder(body)
        found = self.answers.get(path, 404)
        return (found, b"") if isinstance(found, int) else (200, found)


@contextmanager
def serving() -> Iterator[Publication]:
    """Serve on a free port of the loopback address."""
    publication = Publication()

    class Handler(BaseHTTPRequestHandler):
        """HTTP/1.0, one request per connection."""

        def do_GET(self) -> None:
            """Answer."""
            status, octets = publication.answer(self.path, self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(octets)))
            self.end_headers()
            self.wfile.write(octets)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    publication.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield publication
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def saying(octets: bytes, *, pause: float = 0.0, piece: int = 1_000_000) -> Iterator[str]:
    """Send these octets to whoever connects, piece by piece with pauses, then hang up: a server that keeps no rule."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            while not stop.is_set():
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.settimeout(5)
                    connection.recv(65536)
                    for start in range(0, len(octets), piece):
                        connection.sendall(octets[start : start + piece])
                        time.sleep(pause)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        listener.close()


def closed_port() -> str:
    """A URL at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
