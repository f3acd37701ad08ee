"""Revocation lists as relying parties have them: from a folder, or from where they are published (RFC 5280 §5).

A list is believed by its signature: whoever puts a file in a folder cannot have anybody revoked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pki.bootstrap.home import Home
from pki.inventory.model import REASONS_BY_NAME, Reason
from pki.status.crl_scope import FULL, completed_by, delta_of, file_name
from trust import oids
from trust.errors import Malformed, Missing, Unavailable
from trust.validation.certificate import Certificate, reading
from trust.validation.crl import LARGEST_CRL, RevocationList
from trust.validation.http_client import HttpClient

_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of a list."""

    ca: str
    serial: bytes
    revoked_at: datetime
    reason: Reason


@dataclass(frozen=True)
class Published:
    """One list that somebody was given."""

    ca: str
    scope: str
    number: int
    list: RevocationList

    def entries(self) -> Iterator[Listed]:
        """Yield the entries. One that takes another away (`removeFromCRL`) revokes nothing, and is left out."""
        with reading("CRL"):
            for entry in self.list.parsed:
                extensions = {one.oid.dotted_string: one.value for one in entry.extensions}
                code: Any = extensions.get(oids.REASON_CODE)
                name = code.reason.value if code is not None else Reason.UNSPECIFIED.standard_name
                if name in REASONS_BY_NAME:
                    number = entry.serial_number
                    serial = number.to_bytes(number.bit_length() // 8 + 1, "big")
                    yield Listed(self.ca, serial, entry.revocation_date_utc, REASONS_BY_NAME[name])


def read_folder(home: Home, folder: Path) -> list[Published]:
    """Read the lists below a folder that is, or was, ``publication/www``.

    Raises:
        Missing: it holds no list of this authority.
        Malformed: a list is not one, or is not signed by the CA of its name.
    """
    found = []
    for ca, scope in _names(home, lambda ca: _shards_in(folder / "crl" / ca)):
        try:
            octets = (folder / file_name(ca, scope)).read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise Unavailable(f"cannot read the lists of {folder}: {error.strerror}") from None
        found.append(_believed(home, ca, scope, octets, str(folder / file_name(ca, scope))))
    if not found:
        raise Missing(f"{folder} holds no list of this authority (a folder `crl` is expected in it)")
    return found


def fetch(home: Home, base_url: str) -> tuple[list[Published], list[str]]:
    """Fetch the lists from where they are published; return them, and the addresses of parts that did not answer.

    Raises:
        Unavailable: a full list did not answer. It holds every part; a part that does not answer costs its number only.
        Malformed: as `read_folder`.
    """
    client, found, silent = HttpClient(timeout=_SECONDS), list[Published](), list[str]()
    for ca, scope in _names(home, lambda ca: range(home.settings.ca(ca).shards)):
        url = f"{base_url.rstrip('/')}/{file_name(ca, scope)}"
        try:
            octets = client.get(url, LARGEST_CRL)
        except Unavailable:
            if scope == FULL:
                raise
            if completed_by(scope) is None or home.settings.ca(ca).delta:
                silent.append(url)
            continue
        found.append(_believed(home, ca, scope, octets, url))
    return found, silent


def _names(home: Home, shards: Callable[[str], Iterable[int]]) -> Iterator[tuple[str, str]]:
    """Yield (CA, scope) of every list that the authority may have published."""
    for ca in home.ca_certificates():
        for scope in (*[str(shard) for shard in shards(ca)], FULL):
            yield ca, scope
            yield ca, delta_of(scope)


def _shards_in(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    return sorted(int(path.stem) for path in folder.glob("*.crl") if path.stem.isascii() and path.stem.isdigit())


def _believed(home: Home, ca: str, scope: str, octets: bytes, where: str) -> Published:
    read = RevocationList(octets)
    if why := read.disbelief(Certificate(home.ca_certificates()[ca].der)):
        raise Malformed(f"the list {where} is not believed: {why}")
    if read.number is None:
        raise Malformed(f"the list {where} has no number")
    return Published(ca, scope, read.number, read)
