"""Two tiny services and a program that supervises them, to watch the supervisor at work without an authority.

``door`` answers on a port, ``voice`` on a Unix socket. A file in the home makes them
misbehave: ``refuse`` (the voice does not start), ``stubborn`` (the door and its worker ignore SIGTERM).
"""

from __future__ import annotations

import http.server
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from pki.bootstrap import child
from pki.bootstrap.services import Service, base_port, named
from pki.bootstrap.supervisor import News, Supervisor
from pki.cli import _output
from trust.errors import Refused, SceauError

SERVICES = (
    Service("voice", "tests.fakes.services:voice", takes_stop=True, socket="run/voice.sock"),
    Service("door", "tests.fakes.services:door", port_offset=1, urls={"door": "", "bell": "/bell"}),
)


def voice(home: Path, stop: threading.Event) -> int:
    """Accept on a socket of the home until told to stop."""
    if (home / "refuse").exists():
        raise Refused("the voice has nothing to say", citation="CP 1.1")
    path = home / "run" / "voice.sock"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        stop.wait()
    return 0


def door(home: Path) -> int:
    """Answer the health page, from a process that also left a worker behind it."""
    if (home / "stubborn").exists():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    worker = os.fork()
    if not worker:
        while True:
            signal.pause()
    (home / "worker.pid").write_text(str(worker))
    http.server.ThreadingHTTPServer(("127.0.0.1", base_port() + 1), _Healthy).serve_forever()
    return 0


class _Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Say that all is well."""
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of it."""


def command(service: Service, home: Path, lifeline: int) -> Sequence[str]:
    """Return the command line that runs one of these services."""
    return [sys.executable, "-P", "-m", "tests.fakes.services", "child", str(home), service.name, str(lifeline)]


def tell(news: News) -> None:
    """Print news as words: what, service, text."""
    print(news.what, news.service, news.text, flush=True)


def main(arguments: Sequence[str]) -> int:
    """``supervise HOME``, or ``child HOME NAME LIFELINE``."""
    role, home = arguments[0], Path(arguments[1])
    try:
        if role == "child":
            return child.run(named(arguments[2], SERVICES), home, int(arguments[3]))
        return Supervisor(home, SERVICES, base_port(), tell, command).run()
    except SceauError as error:
        _output.complain(error, as_json=False)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
