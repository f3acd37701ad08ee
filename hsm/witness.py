"""The witness: what was asked of the keys, apart from the database (RFC 3647 §5.4.1; invariant I1; threats: issuer compromised).

A line for each signature, written durably *before* the custodian is asked: a token that fails after it signed is then
known too, and nothing can have been signed that is not here. It is compared with the inventory (`sceau audit
reconcile`): a certificate that the database does not know was made behind its back, or was lost by a restore. The
serial is read here from what is signed, not told by whoever asks.

A line has five words: when, use, key, subject, SHA-256 of the octets signed. Signatures of OCSP responses are not
written: two million in a row, by keys that can sign nothing else. Trusted or not: by its place, which whoever runs the
authority chooses (another disk, a pipe to another machine). May be lost: no. May be rolled back: never; it is not part
of a backup, on purpose.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock

from hsm.api import Custodian, KeyDescription, KeyRef, KeyUse
from trust import clock as times
from trust import der
from trust.algorithms import Algorithm, PublicKey
from trust.clock import Clock
from trust.errors import Malformed, Missing, Unavailable

NOT_WRITTEN = KeyUse.OCSP
_CRL_NUMBER = bytes.fromhex("0603551d1404")
"""OID 2.5.29.20, and the tag of the OCTET STRING that follows (RFC 5280 §5.2.3)."""
_LONGEST_LINE = 512
REQUEST = "request"
"""Subject of a certification request that a CA key signs for its own certificate: no certificate came out of it."""
_TORN = 100
"""Torn lines that a witness may have: one for each time that a disk was full or a machine died at the wrong moment."""


@dataclass(frozen=True)
class Witnessed:
    """One line."""

    at: datetime
    use: str
    key: str
    subject: str
    """Serial of a certificate (hexadecimal), number of a list, size of the journal's tree, ``request``, or ``-``: unknown."""
    sha256: bytes


class Witness:
    """Appends to the file. One per process; safe between threads, and between processes (a line is one write)."""

    def __init__(self, path: Path, time: Clock) -> None:
        """Open the file, or make it (readable by its owner alone).

        Raises:
            Unavailable: it cannot be opened: nothing can be signed then.
        """
        self._clock = time
        self._lock = Lock()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            size = os.fstat(self._descriptor).st_size
            # Whoever wrote before us may have died, or found the disk full, in the middle of a line.
            self._torn = size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"
        except OSError as error:
            raise Unavailable(f"the witness {path} cannot be opened: {error.strerror}") from None

    def write(self, use: KeyUse, key: str, many: Sequence[bytes]) -> None:
        """Write down what is about to be asked, durably.

        Raises:
            Unavailable: it cannot be written: nothing may be signed.
        """
        if use is NOT_WRITTEN:
            return
        at = times.text(self._clock.now())
        lines = "".join(f"{at} {use.value} {key} {subject_of(use, data)} {hashlib.sha256(data).hexdigest()}\n" for data in many)
        try:
            with self._lock:
                octets = (b"\n" if self._torn else b"") + lines.encode()
                self._torn = True
                if os.write(self._descriptor, octets) != len(octets):
                    raise Unavailable("the witness cannot be written, so nothing is signed: no room")
                os.fsync(self._descriptor)
                self._torn = False
        except OSError as error:
            raise Unavailable(f"the witness cannot be written, so nothing is signed: {error.strerror}") from None


class WitnessedCustodian:
    """Another custodian, whose every signature is written down first."""

    def __init__(self, behind: Custodian, witness: Witness) -> None:
        self.behind = behind
        self._witness = witness

    def sign(self, ref: KeyRef, use: KeyUse, data: bytes) -> bytes:
        """Write down, then sign.

        Raises:
            Unavailable: it cannot be written down, or the custodian does not answer.
        """
        self._witness.write(use, ref.label, (data,))
        return self.behind.sign(ref, use, data)

    def sign_many(self, ref: KeyRef, use: KeyUse, many: Sequence[bytes]) -> list[bytes]:
        """Write down all of `many`, then sign each.

        Raises:
            Unavailable: they cannot be written down, or the custodian does not answer.
        """
        self._witness.write(use, ref.label, many)
        return self.behind.sign_many(ref, use, many)

    def generate(self, ref: KeyRef, algorithm: Algorithm, uses: frozenset[KeyUse]) -> PublicKey:
        """Make a key, as the custodian behind."""
        return self.behind.generate(ref, algorithm, uses)

    def public_key(self, ref: KeyRef) -> PublicKey:
        """Return the public half, as the custodian behind."""
        return self.behind.public_key(ref)

    def labels(self) -> list[str]:
        """List the names of the keys held."""
        return self.behind.labels()

    def describe(self) -> str:
        """Say what the custodian behind is."""
        return self.behind.describe()

    def description(self, ref: KeyRef) -> KeyDescription:
        """Describe a key, as the custodian behind."""
        return self.behind.description(ref)

    def counts(self) -> dict[tuple[str, KeyUse], int]:
        """Return the signatures made by this process, by (label, use)."""
        return self.behind.counts()


def read(path: Path) -> Iterator[Witnessed]:
    """Read a witness's file, line by line, whatever its size.

    A torn line is left out: whoever wrote it died, or found the disk full, before anything was asked of a key.

    Raises:
        Missing: there is none.
        Malformed: it is another kind of file.
        Unavailable: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            torn = 0
            while line := file.readline(_LONGEST_LINE):
                found = _parsed(line)
                if found is not None:
                    yield found
                elif len(line) >= _LONGEST_LINE or (torn := torn + 1) > _TORN:
                    raise Malformed(f"{path} is not the file of a witness")
    except FileNotFoundError:
        raise Missing(f"there is no witness {path}") from None
    except OSError as error:
        raise Unavailable(f"the witness {path} cannot be read: {error.strerror}") from None


def subject_of(use: KeyUse, data: bytes) -> str:
    """Say of what the octets to be signed are: read from them, never told."""
    try:
        if use is KeyUse.CERTIFICATE:
            return REQUEST if _is_request(data) else _serial(data).hex()
        if use is KeyUse.CRL:
            return str(_crl_number(data))
        if use is KeyUse.CHECKPOINT:
            return str(int(data.split(b"\n")[1]))
    except (Malformed, ValueError, IndexError):
        pass
    return "-"


def _serial(tbs: bytes) -> bytes:
    """Return the serial number's octets of a TBSCertificate (RFC 5280 §4.1)."""
    _, at, _ = der.header(tbs)
    tag, start, end = der.header(tbs, at)
    if tag == 0xA0:  # the version
        tag, start, end = der.header(tbs, end)
    if tag != der.INTEGER:
        raise Malformed("no serial number")
    return tbs[start:end]


def _is_request(data: bytes) -> bool:
    """Tell a CertificationRequestInfo (RFC 2986 §4.1): version 0, a name, a key, attributes, and nothing else."""
    _, at, end = der.header(data)
    if data[at : at + 1] != b"\x02":
        return False  # as every certificate of version 3
    tags: list[tuple[int, bytes]] = []
    while at < end and len(tags) < 5:
        tag, start, at = der.header(data, at)
        tags.append((tag, data[start:at]) if not tags else (tag, b""))
    return tags == [(der.INTEGER, b"\0"), (der.SEQUENCE, b""), (der.SEQUENCE, b""), (0xA0, b"")]


def _crl_number(tbs: bytes) -> int:
    """Return the number of a TBSCertList: among its extensions, which come last (RFC 5280 §5.1)."""
    at = tbs.rfind(_CRL_NUMBER)
    if at < 0:
        raise Malformed("no CRL number")
    _, inside, _ = der.header(tbs, at + len(_CRL_NUMBER) - 1)
    tag, start, end = der.header(tbs, inside)
    if tag != der.INTEGER:
        raise Malformed("no CRL number")
    return int.from_bytes(tbs[start:end], "big")


def _parsed(line: bytes) -> Witnessed | None:
    try:
        at, use, key, subject, digest = line.decode("ascii").split()
        sha256 = bytes.fromhex(digest)
        return Witnessed(times.parse(at), use, key, subject, sha256) if len(sha256) == 32 else None
    except ValueError:
        return None
