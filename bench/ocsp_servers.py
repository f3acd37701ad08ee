"""The responders that are measured, each in processes of its own on one core: ours, nginx with a Lua table, cfssl, `openssl
ocsp`.

Each is started, checked (its answers decoded, their status, serial and signature), loaded by wrk from the other core, and
stopped. What is measured is the CPU that its processes used, and wrk's latencies.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import format_datetime
from http.client import HTTPConnection
from pathlib import Path

from cryptography import x509
from cryptography.x509 import ocsp

from bench.ocsp_fixture import P256, Fixture, python
from bench.table import cpu_of_pid
from pki.status.model import Status

SERVER_CORE, CLIENT_CORE = "1", "0"
LUA = Path(__file__).with_name("ocsp.lua")
MODULES = Path("/usr/lib/nginx/modules")

NGINX = """
{user}
load_module {modules}/ndk_http_module.so;
load_module {modules}/ngx_http_lua_module.so;
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log crit; worker_rlimit_nofile 65536;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_buffer_size 16k; client_body_in_single_buffer on; tcp_nodelay on;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4;
  scgi_temp_path {folder}/t5;
  open_file_cache max=20000; open_file_cache_valid 60s;
  init_by_lua_block {{
    answers = {{}}
    for line in io.lines("{answers}") do
      local serial, answer = line:match("(%S+) (%S+)")
      answers[ngx.decode_base64(serial)] = ngx.decode_base64(answer)
    end
  }}
  server {{
    listen 127.0.0.1:{port} reuseport;
    location = /ocsp {{ content_by_lua_block {{
      ngx.req.read_body()
      local body = ngx.req.get_body_data()
      local answer = body and answers[body:sub(-16)]
      local header = ngx.header
      header["Content-Type"] = "application/ocsp-response"
      if not answer then
        header["Cache-Control"] = "no-store"
        ngx.print("0\\3\\10\\1\\6")
        return
      end
      header["Content-Length"] = #answer
      header["Last-Modified"] = "{modified}"
      header["Expires"] = "{expires}"
      header["Cache-Control"] = "max-age=60,public,no-transform,must-revalidate"
      ngx.print(answer)
    }} }}
    location / {{ root {www}; default_type application/ocsp-response; add_header Cache-Control "max-age=60,public"; }}
  }}
}}
"""


@dataclass
class Server:
    """One responder at work."""

    name: str
    port: int
    processes: list[int]

    def cpu(self) -> float:
        """CPU seconds of all its processes and their children."""
        return sum(cpu_of_pid(each) for each in family(self.processes))


@dataclass
class Load:
    """What one run of wrk found."""

    cpu_us: float
    """CPU of the server for one request, in microseconds."""
    rate: float
    p99_ms: float


def family(parents: list[int]) -> list[int]:
    """Return processes and their descendants."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found, waiting = [], list(parents)
    while waiting:
        each = waiting.pop()
        found.append(each)
        waiting += children.get(each, [])
    return found


def listens(port: int) -> bool:
    """Tell whether somebody listens, without connecting: `openssl ocsp` 3.0 spins for ever when a client says nothing."""
    tables = (path for path in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")) if path.exists())
    rows = (row.split() for table in tables for row in table.read_text().splitlines()[1:])
    return any(row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port for row in rows)


def free_port() -> int:
    """Find a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def process(command: list[str], port: int, *, seconds: float = 120.0, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server on its core until the block ends; wait until it listens."""
    pinned = ["taskset", "-c", SERVER_CORE, *command]
    running = subprocess.Popen(pinned, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + seconds
        while True:
            if running.poll() is not None:
                raise RuntimeError(f"{command[0]} ended with {running.returncode}")
            if listens(port):
                break
            if time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} does not listen")
            time.sleep(0.1)
        yield running
    finally:
        running.terminate()
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


@contextmanager
def ours(fixture: Fixture) -> Iterator[Server]:
    """The publication service, one worker."""
    config = fixture.folder / "config"
    config.mkdir(exist_ok=True)
    (config / "authority.toml").write_text("[publication]\nworkers = 1\n")
    code = "import sys, pathlib; from web.publication.server import serve; sys.exit(serve(pathlib.Path(sys.argv[1])))"
    port = free_port()
    with process(
        [*python(), "-c", code, str(fixture.folder)], port, SCEAU_BASE_PORT=str(port - 1), PYTHONPATH=os.getcwd()
    ) as running:
        yield Server("ours", port, [running.pid])


@contextmanager
def live_signer(fixture: Fixture) -> Iterator[int]:
    """The OCSP signer of the issuer process: the real one behind its socket, with facts in memory; yield its process."""
    command = [*python(), "-m", "bench.ocsp_signer", str(fixture.folder)]
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    running = subprocess.Popen(["taskset", "-c", SERVER_CORE, *command], env=environment, stdout=subprocess.PIPE)
    try:
        assert running.stdout is not None
        running.stdout.readline()  # it says when it listens
        yield running.pid
    finally:
        running.terminate()
        running.wait(10)


def has_nginx_lua() -> bool:
    """nginx and its Lua module are installed."""
    return bool(nginx_path()) and (MODULES / "ngx_http_lua_module.so").exists()


def nginx_path() -> str | None:
    """Find nginx."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


@contextmanager
def nginx(fixture: Fixture) -> Iterator[Server]:
    """nginx with every sampled answer in a Lua table, and the published files."""
    folder = fixture.folder / "nginx"
    folder.mkdir(exist_ok=True)
    answers = folder / "answers"
    if not answers.exists():
        with answers.open("w") as file:
            for serial, answer in fixture.answers():
                file.write(f"{base64.b64encode(serial).decode()} {base64.b64encode(answer).decode()}\n")
    _, answer = next(fixture.answers())
    decoded = ocsp.load_der_ocsp_response(answer)
    assert decoded.next_update_utc is not None
    port = free_port()
    configuration = NGINX.format(
        user="user root;" if os.geteuid() == 0 else "",  # so that its worker may read a folder of ours
        modules=MODULES,
        folder=folder,
        answers=answers,
        port=port,
        www=fixture.folder / "publication" / "www",
        modified=format_datetime(decoded.this_update_utc, usegmt=True),
        expires=format_datetime(decoded.next_update_utc, usegmt=True),
    )
    (folder / "nginx.conf").write_text(configuration)
    binary = nginx_path()
    assert binary is not None
    with process([binary, "-p", str(folder), "-c", str(folder / "nginx.conf")], port) as running:
        yield Server("nginx + Lua table", port, [running.pid])


@contextmanager
def cfssl(fixture: Fixture) -> Iterator[Server]:
    """Debian's cfssl, which serves ready answers from a file."""
    path = fixture.folder / "cfssl.responses"
    if not path.exists():
        path.write_text("\n".join(base64.b64encode(answer).decode() for _, answer in fixture.answers()) + "\n")
    port = free_port()
    command = ["cfssl", "ocspserve", "-port", str(port), "-address", "127.0.0.1", "-responses", str(path), "-path", "/ocsp"]
    with process([*command, "-loglevel", "5"], port) as running:
        yield Server("cfssl ocspserve", port, [running.pid])


@contextmanager
def openssl(fixture: Fixture) -> Iterator[Server]:
    """`openssl ocsp`, which signs each answer."""
    index = fixture.folder / "index.txt"
    if not index.exists():
        index.with_name("index.txt.attr").write_text("unique_subject = no\n")
        with index.open("w") as file:
            for serial in sorted(fixture.sample):
                fact = fixture.fact(serial)
                state = "R\t300101000000Z\t260115000000Z,keyCompromise" if fact.status is Status.REVOKED else "V\t300101000000Z\t"
                file.write(f"{state}\t{serial.hex().upper()}\tunknown\t/CN=mesure\n")
    port = free_port()
    keys = ["-CA", str(fixture.ca_pem), "-rsigner", str(fixture.responder_pem), "-rkey", str(fixture.responder_key)]
    with process(
        ["openssl", "ocsp", "-port", str(port), "-index", str(index), *keys, "-ndays", "3", "-ignore_err"], port
    ) as running:
        yield Server("openssl ocsp", port, [running.pid])


def verify(server: Server, fixture: Fixture, *, nonces: bool = False, count: int = 100) -> None:
    """Decode and check answers before anything is measured: status, serial, signature, nonce."""
    responder = x509.load_der_x509_certificate(fixture.responder.certificate_der).public_key()
    for number, serial in enumerate(fixture.sample[:count]):
        nonce = bytes((number,)) * 16 if nonces else b""
        connection = HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request("POST", "/ocsp", fixture.question(serial, nonce), {"Content-Type": "application/ocsp-request"})
        answer = ocsp.load_der_ocsp_response(connection.getresponse().read())
        connection.close()
        assert answer.serial_number == int.from_bytes(serial, "big"), server.name
        assert answer.certificate_status.name == fixture.fact(serial).status.name, server.name
        assert P256.verifies(responder, answer.signature, answer.tbs_response_bytes), server.name
        if nonces:
            assert any(getattr(each.value, "nonce", None) == nonce for each in answer.extensions), server.name


def load_each(server: Server, bodies: list[bytes], seconds: float, clients: int = 4) -> float:
    """Return the CPU µs for one request when each has a connection of its own, asked by a few threads of ours.

    Not by wrk: it begins with a connection on which it says nothing, and `openssl ocsp` spins on that one for ever.
    """
    fields = b"Host: a\r\nConnection: close\r\nContent-Type: application/ocsp-request\r\n"
    head = b"POST /ocsp HTTP/1.1\r\n" + fields + b"Content-Length: %d\r\n\r\n"
    requests = [head % len(body) + body for body in bodies]
    counts, end = [0] * clients, time.monotonic() + seconds

    def ask(which: int) -> None:
        while time.monotonic() < end:
            with socket.create_connection(("127.0.0.1", server.port), 20) as line:
                line.sendall(requests[(which + counts[which] * clients) % len(requests)])
                answer = line.recv(65_536)
                while more := line.recv(65_536):
                    answer += more
            assert b" 200 " in answer[:20], answer[:200]
            counts[which] += 1

    threads = [threading.Thread(target=ask, args=(which,)) for which in range(clients)]
    before = server.cpu()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (server.cpu() - before) / sum(counts) * 1e6


def load(server: Server, requests: Path, connections: int, seconds: float) -> Load:
    """Load a server with wrk from the other core; a second to warm up, then the measure."""
    environment = os.environ | {"SCEAU_REQUESTS": str(requests)}
    url = f"http://127.0.0.1:{server.port}/ocsp"
    command = ["taskset", "-c", CLIENT_CORE, "wrk", "-t1", f"-c{connections}", "--latency", "-s", str(LUA), "--timeout", "10s"]
    subprocess.run([*command, "-d1", url], env=environment, capture_output=True, timeout=120, check=True)
    before = server.cpu()
    ended = subprocess.run(
        [*command, f"-d{seconds:g}", url], env=environment, capture_output=True, text=True, timeout=300, check=True
    )
    used = server.cpu() - before
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", ended.stdout)
    if refused:
        raise RuntimeError(f"{server.name}: {refused.group()}")
    count = int(re.search(r"(\d+) requests in", ended.stdout)[1])  # type: ignore[index]
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", ended.stdout)[1])  # type: ignore[index]
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", ended.stdout)
    assert p99 is not None
    return Load(used / count * 1e6, rate, float(p99[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99[2]])
