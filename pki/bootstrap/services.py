"""The processes of an authority: their names, their entry points, and where each answers.

The one table behind `sceau serve`, `sceau urls` and `sceau doctor`. Entry points are named, not imported: the publication
process must not load what signs, nor the issuer what serves (law 2).
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trust.errors import Malformed, Missing

DEFAULT_BASE_PORT = 8400
HIGHEST_BASE_PORT = 65_000
"""Offsets go up to 27."""


@dataclass(frozen=True)
class Service:
    """One process. It answers on a TCP port, or on a Unix socket of the home, or on neither."""

    name: str
    entry: str
    """``module:function``, called in the process as ``function(home) -> int``."""
    takes_stop: bool = False
    """The function is called as ``function(home, stop)``: a `threading.Event` that tells it to end. Others handle SIGTERM
    themselves."""
    port_offset: int | None = None
    """Added to the base port."""
    socket: str | None = None
    """Relative to the home."""
    urls: Mapping[str, str] = field(default_factory=dict)
    """What `sceau urls` says of it: key → path."""
    host: str | None = None
    """The name by which this machine's browsers reach it, where a number will not do: passkeys are bound to a name."""

    def port(self, base_port: int) -> int | None:
        """Return the TCP port it answers on, if any."""
        return None if self.port_offset is None else base_port + self.port_offset

    def address(self, base_port: int, host: str) -> str | None:
        """Return the address to open on this machine, without a final slash; None when it has no network face."""
        port = self.port(base_port)
        name = self.host or (f"[{host}]" if ":" in host else host)
        return None if port is None else f"http://{name}:{port}"


SERVICES = (
    Service("issuer", "pki.bootstrap.issuer:serve", takes_stop=True, socket="run/signer.sock"),
    Service(
        "publication", "web.publication.server:serve", port_offset=1, urls={"publication": "", "ocsp": "/ocsp", "crl": "/crl"}
    ),
    Service(
        "authority",
        "web.authority:serve",
        port_offset=0,
        urls={"authority": "", "board": "/ordre/", "portal": "/moi/", "verify": "/verifier/", "api": "/api/v1"},
        host="localhost",
    ),
)
"""Every process, in the order in which they are started."""


def named(name: str, services: tuple[Service, ...] = SERVICES) -> Service:
    """Return the service of that name.

    Raises:
        Missing: there is none.
    """
    for service in services:
        if service.name == name:
            return service
    raise Missing(f"no service is called {name!r}; known: {', '.join(each.name for each in services)}")


def base_port(environment: Mapping[str, str] | None = None) -> int:
    """Return the base port: ``SCEAU_BASE_PORT``, or 8400.

    Raises:
        Malformed: it is not a port that leaves room for the others.
    """
    text = (os.environ if environment is None else environment).get("SCEAU_BASE_PORT") or str(DEFAULT_BASE_PORT)
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1024 <= int(text) <= HIGHEST_BASE_PORT):
        raise Malformed(f"SCEAU_BASE_PORT is a number from 1024 to {HIGHEST_BASE_PORT}, not {text!r}")
    return int(text)


def reachable(host: str) -> str:
    """Return the address at which this machine reaches what listens on `host`: itself, or the loopback for every address."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)


def listen_host(home: Path) -> str:
    """Return the address that publication listens on: ``[publication] listen`` of the configuration, else the loopback.

    A configuration that cannot be read is its service's to refuse, with its own words; here it counts as silent.
    """
    try:
        table = tomllib.loads((home / "config" / "authority.toml").read_text("utf-8")).get("publication", {})
        host = table.get("listen", "127.0.0.1")
    except (OSError, ValueError, AttributeError, RecursionError):
        return "127.0.0.1"
    return host if isinstance(host, str) else "127.0.0.1"
