"""What the publication process is told: where it listens, what it reads, what it allows a client (ASVS 2.4, 13.1).

Read once, at start, from ``HOME/config/authority.toml`` and the base port. Every value has a default that is right for a demo; an
unknown or senseless one stops the start. Nothing here is asked again while serving.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from trust.errors import Malformed, shown

DEFAULT_BASE_PORT = 8400
PUBLICATION_OFFSET = 1


@dataclass(frozen=True)
class Limits:
    """What one worker grants. Durations are in seconds, sizes in octets; each is a ceiling, none a target."""

    body_octets: int = 10_240
    """Largest request body. A status request for one certificate is 83 octets, with a long nonce under 300."""
    head_octets: int = 8_192
    """Largest request line and headers together. A GET status request of `body_octets` would not fit: RFC 5019 §5 stops at
    255."""
    head_fields: int = 64
    head_seconds: float = 10.0
    """From the first octet of a request to the end of its headers, however many packets it takes."""
    body_seconds: float = 10.0
    idle_seconds: float = 60.0
    """Between two requests of a kept connection."""
    write_seconds: float = 20.0
    """For a client to take what its transport holds (some 64 KiB): a slower reader is cut."""
    linger_seconds: float = 2.0
    """For a client that was refused to stop sending, so that it can read why before the connection ends."""
    connections: int = 4_096
    """At once, in one worker. One more takes the place of the longest silent one, or is told to come back."""
    streams: int = 128
    """Large files being sent at once by one worker: each holds two pieces of 64 KiB."""
    signer_requests: int = 64
    """Requests waiting at once for a live signature. One more is told ``tryLater``: a queue longer than the patience of those in
    it only makes everybody late."""
    signer_seconds: float = 1.0
    cache_seconds: int = 60
    """How long a shared cache may keep an answer or a CRL, even though nextUpdate is later: a revocation is invisible behind a
    cache for at most that long."""
    log_one_in: int = 100
    """Successful requests that are written to the access log: one in so many. Refusals all are, as far as the buffer holds."""


@dataclass(frozen=True)
class Settings:
    """A publication process: addresses, folders, workers and limits."""

    home: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_BASE_PORT + PUBLICATION_OFFSET
    workers: int = 2
    nonce: Literal["sign", "ignore"] = "sign"
    """Whether a request with a nonce gets a fresh signature or the ready answer (RFC 9654 §2.1 allows both)."""
    limits: Limits = field(default_factory=Limits)

    @property
    def www(self) -> Path:
        """The folder of published files."""
        return self.home / "publication" / "www"

    @property
    def store(self) -> Path:
        """The folder of the compact status store."""
        return self.home / "publication" / "status"

    @property
    def signer(self) -> Path:
        """The socket of the signer of status answers."""
        return self.home / "run" / "signer.sock"

    @property
    def log(self) -> Path:
        """The access log."""
        return self.home / "log" / "publication.log"


def read_settings(home: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of a home directory.

    Raises:
        Malformed: ``authority.toml`` is absent or not TOML, or a value in ``[publication]`` is unknown or senseless.
    """
    path = home / "config" / "authority.toml"
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # not there, not TOML, not UTF-8, a number or a depth without end
        raise Malformed(f"{path}: {error}") from error
    table, ocsp = document.get("publication", {}), document.get("ocsp", {})
    if not isinstance(table, dict) or not isinstance(ocsp, dict):
        raise Malformed(f"{path}: [publication] and [ocsp] are tables")
    nonce = ocsp.get("nonce", "sign")
    if nonce not in ("sign", "ignore"):
        raise Malformed(f"{path}: ocsp.nonce is 'sign' or 'ignore', not {shown(nonce)}")
    workers = _whole(path, "workers", table.get("workers", min(2, os.cpu_count() or 1)), 1, 64)
    host = table.get("listen", "127.0.0.1")
    if not isinstance(host, str):
        raise Malformed(f"{path}: publication.listen is an address in quotes")
    base = _whole(path, "SCEAU_BASE_PORT", _base_port(environment or os.environ), 1, 65_000)
    return Settings(home, host, base + PUBLICATION_OFFSET, workers, nonce, _limits(path, table.get("limits", {})))


def _base_port(environment: Mapping[str, str]) -> object:
    given = environment.get("SCEAU_BASE_PORT", str(DEFAULT_BASE_PORT))
    return int(given) if given.isascii() and given.isdigit() else given


def _limits(path: Path, table: Any) -> Limits:
    known = {each.name: each.type for each in fields(Limits)}
    if not isinstance(table, dict) or not known.keys() >= table.keys():
        raise Malformed(f"{path}: [publication.limits] knows only {', '.join(sorted(known))}")
    for name, value in table.items():
        whole = known[name] == "int"
        if type(value) not in ((int,) if whole else (int, float)) or not 0 < value < 10**9:
            kind = "whole number" if whole else "number"
            raise Malformed(f"{path}: publication.limits.{name} is a positive {kind}, not {shown(value)}")
    return Limits(**table)


def _whole(path: Path, name: str, value: object, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise Malformed(f"{path}: {name} is a whole number from {least} to {most}, not {shown(value)}")
    return value
