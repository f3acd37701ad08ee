"""Behind a caching proxy, as most sites will run it (O12, W2)."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.x509 import ocsp

from tests.unit.publication.client import Line, get, post
from tests.unit.publication.conftest import Town
from tests.unit.status import toy
from trust.clock import SystemClock

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CEILING = 1

CONFIGURATION = """
worker_processes 1; daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  proxy_cache_path {folder}/cache keys_zone=status:1m;
  server {{
    listen 127.0.0.1:{port};
    client_body_in_single_buffer on; client_max_body_size 10k;
    location / {{
      proxy_pass http://127.0.0.1:{behind}; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_cache status; proxy_cache_methods GET HEAD POST; proxy_cache_key "$request_method$request_uri|$request_body";
      add_header X-Cache $upstream_cache_status;
    }}
  }}
}}
"""


@pytest.fixture
def proxied(town: Town, tmp_path: Path) -> Iterator[int]:
    """nginx with a cache in front of a worker that grants caches one second; the port of nginx."""
    if NGINX is None:
        pytest.skip("nginx is not installed")
    town.clock.moment = town.shop.now = SystemClock().now()
    town.opens(cache_seconds=CEILING)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    folder = tmp_path / "nginx"
    folder.mkdir()
    (folder / "nginx.conf").write_text(CONFIGURATION.format(folder=folder, port=port, behind=town.port))
    process = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield port
    process.terminate()
    process.wait(10)


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_revocation_is_seen_through_a_cache_when_its_time_is_over(town: Town, proxied: int, method: str) -> None:
    """O12: asked every 100 ms, no `good` said after the revocation, and none at all after the ceiling (and the cache's
    second)."""
    serial = toy.serials(1)[0]
    asked = toy.request(serial)
    question = post(asked) if method == "POST" else get(b"/ocsp/" + quote(b64encode(asked).decode(), safe="").encode())
    town.shop.publish(toy.good(serial))
    with Line(proxied) as line:
        first = [line.say(question).hear().fields["x-cache"] for _ in range(3)]
        assert first[0] == "MISS" and "HIT" in first  # it does cache
        town.shop.now = revoked_at = SystemClock().now()
        town.shop.publish(toy.revoked(serial, at=revoked_at))
        revoked, late, last = time.monotonic(), [], None
        while time.monotonic() < revoked + CEILING + 2:
            answer = ocsp.load_der_ocsp_response(line.say(question).hear().body)
            last = answer.certificate_status
            if last is ocsp.OCSPCertStatus.GOOD:
                assert answer.produced_at_utc <= revoked_at
                late.append(time.monotonic() - revoked)
            time.sleep(0.1)

    assert max(late, default=0.0) < CEILING + 1.1
    assert last is ocsp.OCSPCertStatus.REVOKED


def test_errors_and_nonces_are_not_kept_by_the_cache(town: Town, proxied: int) -> None:
    """O02 through a cache: unknown a moment ago, good now."""
    serial = toy.serials(1)[0]
    question = post(toy.request(serial))
    with Line(proxied) as line:
        assert [line.say(question).hear().fields["x-cache"] for _ in range(3)] == ["MISS"] * 3
        town.shop.publish(toy.good(serial))

        answer = ocsp.load_der_ocsp_response(line.say(question).hear().body)
        assert answer.certificate_status is ocsp.OCSPCertStatus.GOOD


def test_what_is_for_this_machine_alone_does_not_pass_the_proxy(town: Town, proxied: int) -> None:
    """The proxy is on this machine; who asks it may not be."""
    with Line(proxied) as line:
        assert [line.say(get(target)).hear().status for target in (b"/healthz", b"/metrics")] == [404, 404]
