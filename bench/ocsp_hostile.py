"""Hostile and ordinary clients at once (W4): does what some do move the p99 of another?

The probe is one client that asks for a stored status every two milliseconds on a kept connection and times each answer. Beside
it: nobody; a thousand connections whose headers never end; clients that send garbage; a flood of questions about serials that
were never issued, compared with an equal flood of ordinary questions.
"""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.ocsp_fixture import Fixture, serials
from bench.ocsp_servers import CLIENT_CORE, LUA, Server
from bench.table import Row, note, within

SLOW = 1_000
PROBES = 1_500


def probe(server: Server, fixture: Fixture, count: int) -> float:
    """Return the p99, in milliseconds."""
    head = b"POST /ocsp HTTP/1.1\r\nHost: a\r\nContent-Type: application/ocsp-request\r\nContent-Length: %d\r\n\r\n"
    questions = [fixture.question(serial) for serial in fixture.sample[:200]]
    times: list[float] = []
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(count):
            body = questions[number % len(questions)]
            began = time.perf_counter()
            connection.sendall(head % len(body) + body)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
            times.append(time.perf_counter() - began)
            time.sleep(0.002)
    return sorted(times)[int(count * 0.99)] * 1e3


@contextmanager
def nobody(server: Server) -> Iterator[None]:
    """No other client."""
    yield


@contextmanager
def slow_heads(server: Server) -> Iterator[None]:
    """A thousand connections that send a header line every now and then and never end."""
    lines, stop = [], threading.Event()
    for _ in range(SLOW):
        line = socket.create_connection(("127.0.0.1", server.port), 10)
        line.sendall(b"GET /crl/personnes.crl HTTP/1.1\r\nHost: a\r\n")
        line.setblocking(False)
        lines.append(line)

    def trickle() -> None:
        while not stop.wait(1.0):
            for number, line in enumerate(lines):
                with suppress(OSError):
                    line.send(b"X: y\r\n")
                if number % 50 == 0:
                    time.sleep(0.01)  # spread over the second, as a thousand strangers would be

    thread = threading.Thread(target=trickle, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        for line in lines:
            line.close()


@contextmanager
def garbage(server: Server) -> Iterator[None]:
    """Some hundred connections a second that send octets of all kinds, or half a request, and leave."""
    code = (
        "import random, socket, sys, time\n"
        "source, port = random.Random(3), int(sys.argv[1])\n"
        "whole = b'POST /ocsp HTTP/1.1\\r\\nHost: a\\r\\nContent-Type: application/ocsp-request\\r\\n'\n"
        "whole += b'Content-Length: 83\\r\\n\\r\\n' + bytes(83)\n"
        "end = time.monotonic() + 60\n"
        "while time.monotonic() < end:\n"
        "    line = socket.create_connection(('127.0.0.1', port), 5)\n"
        "    line.settimeout(0.05)\n"
        "    octets = source.randbytes(source.randrange(1, 4000)) if source.random() < 0.5 else whole[:source.randrange(200)]\n"
        "    try:\n"
        "        line.sendall(octets)\n"
        "        source.random() < 0.3 and line.recv(4096)\n"
        "    except OSError:\n"
        "        pass\n"
        "    line.close()\n"
        "    time.sleep(0.003)\n"
    )
    running = subprocess.Popen(["taskset", "-c", CLIENT_CORE, sys.executable, "-P", "-c", code, str(server.port)])
    try:
        time.sleep(0.5)
        yield
    finally:
        running.terminate()
        running.wait()


def flood(requests: Path) -> Callable[[Server], object]:
    """wrk on four connections, as fast as it can."""

    @contextmanager
    def flooding(server: Server) -> Iterator[None]:
        command = [
            "taskset",
            "-c",
            CLIENT_CORE,
            "wrk",
            "-t1",
            "-c4",
            "-d60",
            "-s",
            str(LUA),
            f"http://127.0.0.1:{server.port}/ocsp",
        ]
        environment = os.environ | {"SCEAU_REQUESTS": str(requests)}
        running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            time.sleep(1.5)
            yield
        finally:
            running.terminate()
            running.wait()

    return flooding


def rows(server: Server, fixture: Fixture, rounds: int, probes: int) -> Iterator[Row]:
    """Measure, alternated; a row per kind of hostility: its p99 over the p99 without it."""
    known = fixture.write_requests(fixture.folder / "known", serials=fixture.sample[:20_000])
    strangers = serials(20_000, 99)
    random.Random(5).shuffle(strangers)
    unknown = fixture.write_requests(fixture.folder / "unknown", serials=strangers)
    kinds: dict[str, Callable[[Server], object]] = {
        "quiet": nobody,
        f"{SLOW} slow headers": slow_heads,
        "garbage": garbage,
        "flood of known serials": flood(known),
        "flood of unknown serials": flood(unknown),
    }
    found: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind, disturbing in kinds.items():
            with disturbing(server):  # type: ignore[attr-defined]
                found[kind].append(probe(server, fixture, probes))
            time.sleep(0.3)
    medians = {kind: sorted(values)[len(values) // 2] for kind, values in found.items()}
    note("p99 of a probe, ms: " + ", ".join(f"{kind} {value:.2f}" for kind, value in medians.items()))
    pairs = (
        (f"{SLOW} slow headers", "quiet"),
        ("garbage", "quiet"),
        ("flood of unknown serials", "flood of known serials"),
    )
    for kind, beside in pairs:
        yield within("W4", f"p99 beside {kind}, over {beside}", "×", medians[kind] / medians[beside], 2)
