"""An officer at work on a machine: a private key in a file, a passphrase in another, signed acts (RFC 3647 §5.2.3; CP 5.2.3).

The key is the officer's own, made and kept where the officer says: an encrypted PKCS#8 that OpenSSL reads too. It is no key of
the authority and never enters its custody; what it signs is judged by registration and again by the issuer.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from hsm import passphrase
from pki.bootstrap.home import Home
from pki.issuance.approvals import Act
from pki.settings import Officer
from trust.algorithms import ALGORITHMS, Algorithm, PrivateKey, algorithm_of, spki
from trust.errors import Conflict, Malformed, Missing, Refused, Unavailable

LARGEST = 64 * 1024
"""Octets of a key file; an encrypted RSA-4096 key has some 3,500."""
FOLDER = Path("secrets") / "officers"
"""Of a demonstration's home: where the keys of its invented officers are."""


@dataclass(frozen=True)
class Signer:
    """An officer whose private key is open in this process."""

    officer: Officer
    key: PrivateKey = field(repr=False)
    algorithm: Algorithm

    def sign(self, statement: str) -> Act:
        """Sign a statement that a service wrote for this officer."""
        said = json.loads(statement)
        signature = self.algorithm.sign(self.key, statement.encode())
        return Act(self.officer.id, said["type"], said["target"], statement, signature)

    @property
    def spki(self) -> bytes:
        """The public half."""
        return spki(self.key.public_key())


def open_signer(home: Home, officer_id: str, key_file: Path | None, passphrase_file: Path | None) -> Signer:
    """Open an officer's key; in a demonstration, the one that `sceau init` made when no file is named.

    Raises:
        Missing: no such officer, or no such file.
        Refused: a file that is not protected as it should be.
        Malformed: it is not a private key, or the passphrase is not its own.
    """
    officer = home.settings.officer(officer_id)
    folder = home.settings.home / FOLDER
    if key_file is None and home.settings.mode != "production" and (folder / f"{officer.id}.pem").exists():
        key_file, passphrase_file = folder / f"{officer.id}.pem", passphrase_file or folder / "passphrase"
    if key_file is None or passphrase_file is None:
        raise Missing(f"{officer.id} signs with a private key: name its file with --key, its passphrase's with --passphrase-file")
    key = open_key(key_file, passphrase_file)
    algorithm = algorithm_of(key.public_key())
    if algorithm is None:
        raise Malformed(f"{key_file}: a key of an algorithm that no act is signed with")
    return Signer(officer, key, algorithm)


def open_key(key_file: Path, passphrase_file: Path | None) -> PrivateKey:
    """Read a private key: an encrypted PKCS#8 in PEM, or a plain one that only its owner reads when no passphrase is named.

    Raises:
        Missing: no such file.
        Refused: the passphrase file, or a plain key, is open to others (CP 6.4.2).
        Malformed: not a private key, or another passphrase.
    """
    secret = None if passphrase_file is None else passphrase.from_file(passphrase_file)
    content = _read(key_file, private=secret is None)
    try:
        return load_pem_private_key(content, secret)
    except TypeError:
        if secret is None:
            raise Missing(f"{key_file} is encrypted: name the file of its passphrase with --passphrase-file") from None
        reason = f"{key_file} is not encrypted: `openssl pkcs8 -topk8 -in {key_file}` protects it by a passphrase"
        raise Refused(reason, citation="CP 6.4.2") from None
    except (ValueError, UnsupportedAlgorithm):
        raise Malformed(f"{key_file} is not a private key in PEM, or {passphrase_file} does not hold its passphrase") from None


def make_key(key_file: Path, passphrase_file: Path | None, algorithm: str = "P-256") -> PrivateKey:
    """Make a key and write it to a new file that only its owner reads, encrypted when a passphrase is given.

    Raises:
        Conflict: the file is there already: a key is never replaced.
        Missing, Refused: the passphrase file is not there, or not protected.
        Malformed: no such algorithm.
    """
    if algorithm not in ALGORITHMS:
        raise Malformed(f"no algorithm is called {algorithm!r}; known: {', '.join(ALGORITHMS)}")
    key = ALGORITHMS[algorithm].generate()
    content = seal(key, None if passphrase_file is None else passphrase.from_file(passphrase_file))
    try:
        handle = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise Conflict(f"{key_file} exists already, and a key is never replaced") from None
    except OSError as error:
        raise Unavailable(f"cannot write {key_file}: {error.strerror}") from error
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return key


def seal(key: PrivateKey, secret: bytes | None) -> bytes:
    """Return a private key as PKCS#8 in PEM, encrypted under a passphrase if there is one."""
    encryption = NoEncryption() if secret is None else BestAvailableEncryption(secret)
    content: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    return content


def _read(path: Path, *, private: bool) -> bytes:
    try:
        with path.open("rb") as file:
            if private and os.fstat(file.fileno()).st_mode & 0o077:
                raise Refused(f"{path} is open to others; make it 0600", citation="CP 6.4.2")
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise Missing(f"there is no key file {path}") from None
    except OSError as error:
        raise Unavailable(f"cannot read {path}: {error.strerror}") from error
    if len(content) > LARGEST:
        raise Malformed(f"{path} is larger than any key")
    return content
