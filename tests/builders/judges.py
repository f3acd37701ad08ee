"""Software that we did not write, as judges: OpenSSL, GnuTLS, curl and nginx, run as anybody runs them.

Each function runs a program and returns what it said; what it should say is the test's to know. A machine without one of them
skips the test that needs it (`make test` installs them, or names them).
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID

PATIENCE = 60.0


@dataclass(frozen=True)
class Said:
    """What a program answered: its exit code and its words, those of both streams."""

    code: int
    words: str


def program(name: str) -> str:
    """Return where a program is; skip the test when the machine does not have it."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def ask(name: str, *arguments: object, given: bytes | None = None) -> Said:
    """Run a program to its end."""
    done = subprocess.run(
        [program(name), *map(str, arguments)],
        input=given if given is not None else b"",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=PATIENCE,
        check=False,
    )
    return Said(done.returncode, done.stdout.decode("utf-8", "replace"))


def openssl(*arguments: object) -> Said:
    """Run OpenSSL."""
    return ask("openssl", *arguments)


def download(url: str, path: Path) -> Path:
    """Fetch something with curl, which must succeed."""
    said = ask("curl", "--silent", "--show-error", "--fail", "--max-time", "20", "--output", path, url)
    assert said.code == 0, f"{url}: {said.words}"
    return path


def to_pem(der: Path, kind: str = "x509") -> Path:
    """Have OpenSSL rewrite a DER file (``x509``, ``crl``) as PEM, beside it."""
    pem = der.with_suffix(".pem")
    said = openssl(kind, "-inform", "DER", "-in", der, "-out", pem)
    assert said.code == 0, said.words
    return pem


def joined(path: Path, parts: Iterable[Path]) -> Path:
    """Write files one after the other into one: a bundle of PEM."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


@dataclass(frozen=True)
class Addresses:
    """Where a certificate says that its issuer, its status and its list are."""

    ca_issuers: str
    ocsp: str | None
    lists: tuple[str, ...]
    deltas: tuple[str, ...]


def addresses(certificate: x509.Certificate) -> Addresses:
    """Read them."""
    access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    found = {each.access_method: each.access_location.value for each in access}
    lists, deltas = _points(certificate, x509.CRLDistributionPoints), _points(certificate, x509.FreshestCRL)
    return Addresses(
        found[AuthorityInformationAccessOID.CA_ISSUERS], found.get(AuthorityInformationAccessOID.OCSP), lists, deltas
    )


def _points(certificate: x509.Certificate, kind: type[x509.CRLDistributionPoints | x509.FreshestCRL]) -> tuple[str, ...]:
    try:
        points = certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(name.value for point in points for name in point.full_name or ())


@dataclass(frozen=True)
class Chain:
    """The CAs above a certificate, as a relying party that trusts the root fetched them."""

    root: Path
    issuing: Path

    @property
    def openssl(self) -> tuple[object, ...]:
        """How `openssl verify` is told of them."""
        return ("-CAfile", self.root, "-untrusted", self.issuing)


def fetched_chain(publication: str, ca: str, folder: Path) -> Chain:
    """Fetch the root, which a relying party has from elsewhere, and an issuing CA; both in PEM."""
    folder.mkdir(exist_ok=True)
    root, issuing = (to_pem(download(f"{publication}/aia/{each}.cer", folder / f"{each}.der")) for each in ("racine", ca))
    return Chain(root, issuing)


def read(path: Path) -> x509.Certificate:
    """Read the first certificate of a PEM file."""
    return x509.load_pem_x509_certificates(path.read_bytes())[0]


def write(path: Path, certificate: x509.Certificate) -> Path:
    """Write one certificate in PEM."""
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    return path
