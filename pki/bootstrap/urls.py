"""Where the services of a home answer at this moment (`sceau urls`)."""

from __future__ import annotations

from pathlib import Path

from pki.bootstrap import ports
from pki.bootstrap.lock import holder
from pki.bootstrap.services import SERVICES, Service, listen_host, reachable


def running_urls(home: Path, services: tuple[Service, ...] = SERVICES) -> dict[str, str]:
    """Return name → address for every service that holds its lock on this home and answers on the port it was started with."""
    found: dict[str, str] = {}
    host = listen_host(home)
    for service in services:
        who = holder(home, service.name)
        if who is None or not who.base_port or not ports.answers(service, home, who.base_port, host):
            continue
        address = service.address(who.base_port, reachable(host))
        found |= {key: f"{address}{path}" for key, path in service.urls.items()}
    return found
