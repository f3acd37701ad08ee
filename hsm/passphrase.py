"""Where the passphrase of a keystore comes from (RFC 3647 §6.4; CP 6.4.1).

From a file that only its owner reads, or from a systemd credential. Never from the command line or the environment:
both are shown to every process of the machine, inherited by children and kept by shells.
"""

from __future__ import annotations

import hmac
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from trust.entropy import Entropy
from trust.errors import Conflict, Malformed, Missing, Refused, Unavailable

SHORTEST, LONGEST = 16, 1024
"""Octets. Sixteen random characters already exceed what a memory-hard KDF lets anybody try."""
SHORTEST_PIN = 4
"""Octets of a token's PIN: the token counts attempts, and PKCS#11 leaves the length to it."""


def from_file(path: Path, *, shortest: int = SHORTEST) -> bytes:
    """Read a passphrase file: its owner's alone (no permission for group or others), one line.

    Raises:
        Missing: there is no such file.
        Refused: it is open to others, or too short (CP 6.4.2).
        Malformed: it is not one line of text.
    """
    return _read(path, shortest, forbidden=0o077)


def from_credential(name: str, environment: Mapping[str, str], *, shortest: int = SHORTEST) -> bytes:
    """Read a systemd credential (``LoadCredentialEncrypted=name:…``) from the directory that systemd gave the service.

    `environment` is the process environment: it names the directory, and holds no secret. For a service with its own
    user, systemd grants the read by an ACL, which shows as a group permission (0440): group-readable is therefore
    accepted here, and only here.

    Raises:
        Missing: the service has no credential directory, or none of that name.
        Refused, Malformed: as `from_file`.
    """
    directory = environment.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise Missing("this process was given no systemd credential directory")
    if not name or "/" in name or name.startswith("."):
        raise Malformed(f"not the name of a credential: {name!r}")
    return _read(Path(directory) / name, shortest, forbidden=0o037)


def write_new(path: Path, entropy: Entropy) -> bytes:
    """Make a passphrase of 256 random bits, write it to a new file that only its owner reads, and return it.

    Raises:
        Conflict: the file exists (it may be what opens somebody's keys: it is never replaced).
    """
    passphrase = entropy.octets(32).hex().encode()
    _write(path, passphrase)
    return passphrase


def keep(path: Path, secret: bytes) -> None:
    """Write a secret that somebody gave to a file that only its owner reads; nothing to do when it holds that very secret.

    Raises:
        Conflict: the file exists and holds another.
    """
    try:
        _write(path, secret)
    except Conflict:
        if not hmac.compare_digest(from_file(path, shortest=1), secret):
            raise


def _write(path: Path, passphrase: bytes) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise Conflict(f"{path} exists already") from None
    except OSError as error:
        raise Unavailable(f"cannot write {path}: {error.strerror}") from error
    with os.fdopen(handle, "wb") as file:
        file.write(passphrase + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not make us wait for its writer


def _read(path: Path, shortest: int, *, forbidden: int) -> bytes:
    try:
        # The permissions are read from the open file, not from its name: nothing can be swapped in between.
        with open(path, "rb", opener=_opener) as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise Refused(f"{path} is not an ordinary file", citation="CP 6.4.2")
            if state.st_mode & forbidden:
                mode = stat.S_IMODE(state.st_mode)
                raise Refused(f"{path} is open to others (mode {mode:04o}); make it 0600", citation="CP 6.4.2")
            content = file.read(LONGEST + 2)
    except FileNotFoundError:
        raise Missing(f"there is no passphrase file {path}") from None
    except OSError as error:
        raise Unavailable(f"cannot read {path}: {error.strerror}") from error
    passphrase = content.removesuffix(b"\n").removesuffix(b"\r")
    if b"\n" in passphrase or b"\0" in passphrase or len(passphrase) > LONGEST:
        raise Malformed(f"{path} does not hold one line of at most {LONGEST} octets")
    if len(passphrase) < shortest:
        raise Refused(f"the passphrase in {path} is shorter than {shortest} octets", citation="CP 6.4.2")
    return passphrase
