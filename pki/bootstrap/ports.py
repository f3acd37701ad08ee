"""Who listens: whether a service answers, whether a port is free, and who has it when it is not.

Used before anything is started, so that a taken port is named with its owner instead of failing inside one process of several.
"""

from __future__ import annotations

import errno
import http.client
import socket
from pathlib import Path

from pki.bootstrap.services import Service, reachable
from trust.errors import Conflict

PROBE_SECONDS = 1.0
_LISTEN = "0A"
"""The state of a listening socket in the kernel's table (proc(5), tcp)."""


def answers(service: Service, home: Path, base_port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether a service answers now: its health page, or its socket. One that has neither is taken at its word."""
    port = service.port(base_port)
    if port is not None:
        return _healthy(reachable(host), port)
    return service.socket is None or _accepts(home / service.socket)


def refuse_taken(service: Service, base_port: int, host: str = "127.0.0.1") -> None:
    """Check that the port of a service is free.

    Raises:
        Conflict: it is taken; the text names the process when the kernel lets us see it, and what to do.
    """
    port = service.port(base_port)
    if port is None:
        return
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As servers do: a port whose last connections are still being closed (TIME_WAIT) is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Conflict(
                    f"port {port} ({service.name}) is taken by {owner_of(port) or 'another process'}: stop it, "
                    f"or choose other ports with SCEAU_BASE_PORT (now {base_port}), such as SCEAU_BASE_PORT={base_port + 1000}"
                ) from None
            raise Conflict(f"{service.name} cannot listen on {host}:{port}: {error.strerror}") from error


def owner_of(port: int) -> str | None:
    """Return ``name (process N)`` of the process that listens on a TCP port, when it is ours to see."""
    inodes = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not inodes:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(link.readlink()) in inodes for link in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:
            continue  # somebody else's process, or one that has just ended
    return None


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in (row.split() for row in rows):
            if fields[3] == _LISTEN and int(fields[1].rsplit(":", 1)[1], 16) == port:
                found.add(fields[9])
    return found


def _healthy(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(PROBE_SECONDS)
        try:
            probe.connect(str(path))
        except (OSError, ValueError):
            return False
    return True
