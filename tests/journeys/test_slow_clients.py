"""Slow clients before the pages, behind nginx as `docs/operate` sets it up (reliability W10): they stop nobody."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.builders.judges import ask, program
from tests.builders.nginx import nginx
from tests.builders.served import SCEAU, free_base_port, until
from tests.world import World

pytestmark = pytest.mark.xdist_group("nginx")

EXAMPLE = Path(__file__).parents[2] / "docs" / "operate" / "nginx-pages.conf"
PORT = 6
"""Of nginx, after the authority's base port."""
OF_EACH_KIND = 20
HEAD = b"POST /moi/perte HTTP/1.1\r\nHost: localhost\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000\r\n\r\nnumero="
READ = b"GET /static/sceau.css HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50


@dataclass
class Crowd:
    """Clients that send a byte at a time, or read nothing."""

    port: int
    """Where they knock."""
    pages: int
    """Where the pages are."""
    slow_heads: list[socket.socket] = field(default_factory=list)
    slow_bodies: list[socket.socket] = field(default_factory=list)
    slow_readers: list[socket.socket] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def arrive(self) -> None:
        """Connect, and begin."""
        origin = f"Origin: http://localhost:{self.pages}\r\n".encode()  # a page of ours: what is foreign is refused unread
        kinds = ((self.slow_heads, HEAD), (self.slow_bodies, HEAD + origin + FORM), (self.slow_readers, READ))
        for kind, beginning in kinds:
            for _ in range(OF_EACH_KIND):
                one = socket.socket()
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                one.connect(("127.0.0.1", self.port))
                one.sendall(beginning)
                kind.append(one)

    def drip(self) -> None:
        """Send a byte for each, again and again; those that were sent away are left alone."""
        while not self.over.wait(0.1):
            for one in [*self.slow_heads, *self.slow_bodies]:
                try:
                    one.send(b"x")
                except OSError:
                    continue

    def leave(self) -> None:
        """Go."""
        self.over.set()
        for one in [*self.slow_heads, *self.slow_bodies, *self.slow_readers]:
            one.close()


@contextmanager
def pages(home: Path, base_port: int) -> Iterator[None]:
    """Run the very process of the pages."""
    environment = os.environ | {"SCEAU_BASE_PORT": str(base_port)}
    log = home.parent / "pages.out"
    with log.open("wb") as output:
        command = [*SCEAU, "serve", "--only", "authority", "--home", str(home)]
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            until(lambda: process.poll() is not None or visit(base_port, "/healthz") == "200", "the pages answer")
            assert process.poll() is None, log.read_text()
            yield
        finally:
            process.terminate()
            process.wait(30)


def visit(port: int, path: str) -> str:
    """Open a page with curl; return its status."""
    told = ("--silent", "--output", "/dev/null", "--max-time", "20", "--write-out", "%{http_code}")
    return ask("curl", *told, f"http://127.0.0.1:{port}{path}").words


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """Sixty of them at the door of an authority's pages, each kind in the same number."""
    program("nginx")
    folder, base_port = tmp_path_factory.mktemp("slow"), free_base_port()
    world = World(folder / "home")
    said = EXAMPLE.read_text(encoding="utf-8")
    lines = [line for line in said.splitlines() if "ssl_certificate" not in line]
    servers = "\n".join(lines).replace("listen 443 ssl", f"listen 127.0.0.1:{base_port + PORT}")
    servers = servers.replace("127.0.0.1:8400", f"127.0.0.1:{base_port}").replace("header_timeout 10s", "header_timeout 2s")
    found = Crowd(base_port + PORT, base_port)
    with pages(folder / "home", base_port), nginx(folder / "nginx", servers, base_port + PORT):
        found.arrive()
        threading.Thread(target=found.drip, daemon=True).start()
        yield found
        found.leave()
    world.close()


def test_slow_clients_stop_nobody(crowd: Crowd) -> None:
    """While they drip, everybody else is served, page after page."""
    for _ in range(10):
        assert [visit(crowd.port, path) for path in ("/moi/connexion", "/ordre/connexion", "/")] == ["200", "200", "200"]


def test_the_pages_never_see_a_request_that_is_not_there_whole(crowd: Crowd) -> None:
    """More of them than the pages have threads, and the pages have all their threads for others: nginx keeps the pieces."""
    from web.authority import THREADS
    from web.board.live import MOST

    assert len(crowd.slow_bodies) > THREADS + MOST
    assert visit(crowd.pages, "/moi/connexion") == "200"


def test_who_does_not_end_a_head_is_sent_away(crowd: Crowd) -> None:
    """Whatever it sends meanwhile: the time is for all of it."""

    def sent_away(one: socket.socket) -> bool:
        one.settimeout(0.05)
        try:
            return one.recv(4096) == b"" or b"408" in one.recv(4096)
        except TimeoutError:
            return False
        except OSError:
            return True

    for one in crowd.slow_heads:
        until(lambda one=one: sent_away(one), "a slow head is sent away")  # type: ignore[misc]


def test_nobody_else_comes_to_the_pages_without_the_proxy() -> None:
    """They listen on this machine alone: straight at them, as many slow bodies as they have threads stop everybody."""
    from web.authority import LISTEN

    assert LISTEN == "127.0.0.1"
