"""Checks of what is served: each process answers, and at the address that the certificates give to the world."""

from __future__ import annotations

import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from pki.bootstrap import ports
from pki.bootstrap.checks import Finding, bad, check, good, warning
from pki.bootstrap.lock import holder
from pki.bootstrap.services import SERVICES, Service, listen_host, named, reachable

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@check("services")
def services(home: Path) -> list[Finding]:
    """Does every process that was started answer?"""
    return [_judge(service, home) for service in SERVICES]


@check("address in certificates")
def baked_address(home: Path) -> Finding | list[Finding]:
    """Is the address written into every certificate one that this machine's publication answers on?"""
    base_url = _base_url(home)
    if not base_url:
        return []  # no authority here, or one whose configuration cannot be read: other checks say so
    parts = urlsplit(base_url)
    if parts.hostname not in _LOOPBACK:
        return good(f"certificates point to {base_url}: whoever checks them must reach it from outside")
    who = holder(home, "publication")
    served = named("publication").port(who.base_port) if who else None
    if served is not None and served != parts.port:
        return bad(
            f"certificates point to {base_url}, but publication answers on port {served}",
            "serve with the SCEAU_BASE_PORT that the home was made with, or set base_url in authority.toml and issue again",
        )
    return warning(
        f"certificates point to {base_url}: only this machine can check them", "for more than a demo: a public base_url at init"
    )


def _judge(service: Service, home: Path) -> Finding:
    who = holder(home, service.name)
    if who is None:
        return warning(f"{service.name} is not running", f"sceau serve --home {home}")
    host = listen_host(home)
    if ports.answers(service, home, who.base_port, host):
        where = service.address(who.base_port, reachable(host))
        return good(f"{service.name} answers{f' on {where}' if where else ''} (process {who.pid})")
    return bad(
        f"{service.name} runs (process {who.pid}) and does not answer",
        f"read {home}/log/{service.name}.out; then stop and serve again",
    )


def _base_url(home: Path) -> str:
    path = home / "config" / "authority.toml"
    try:
        return str(tomllib.loads(path.read_text("utf-8"))["publication"]["base_url"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
