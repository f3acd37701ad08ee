"""Who can open a backup: age recipients (X25519), one of which may be a group of people (CP 6.2.4).

A backup is one age file (age-encryption.org/v1): `age -d -i IDENTITY` opens it without us. The group's identity is an age secret
key of 32 random octets, which exist in memory only, until they are in m of n hands (`hsm.shares`); what remains is the public
recipient. An age file says nothing of who made it: whoever knows a recipient can write one, hence the journal's signed
checkpoints inside, and the key that auditors keep.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import pyrage

from hsm import shares
from trust.entropy import Entropy
from trust.errors import Malformed, Missing, Refused, SceauError, Unavailable, shown

RECIPIENT = "backup-recipient.txt"
"""File of the configuration: the group's recipient, public, and any other that every backup is for."""
_SECRET_PREFIX = "age-secret-key-"
_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_LARGEST_KEYS = 64 * 1024


@dataclass(frozen=True, slots=True)
class Group:
    """The shares of a new group, and who it is to everybody else."""

    shares: tuple[str, ...]
    recipient: str

    @property
    def fingerprint(self) -> str:
        """What a sheet says of the recipient: the holder compares it with the one of the command."""
        return fingerprint(self.recipient)


class Writer(Protocol):
    """Takes octets."""

    def write(self, octets: bytes, /) -> int: ...
    def flush(self) -> None: ...


def fingerprint(recipient: str) -> str:
    """Return the first 16 digits of the SHA-256 of a recipient, in groups of four."""
    digits = hashlib.sha256(recipient.encode()).hexdigest()[:16].upper()
    return " ".join(digits[start : start + 4] for start in range(0, 16, 4))


def new_group(threshold: int, count: int, entropy: Entropy) -> Group:
    """Make an identity, split it, and forget it: only the shares and the recipient are returned.

    Raises:
        Refused: as `hsm.shares.split`.
    """
    secret = entropy.octets(shares.SECRET_OCTETS)
    words = shares.split(secret, threshold, count, entropy)
    return Group(tuple(words), str(identity_of(secret).to_public()))


def identity_of(secret: bytes) -> Any:
    """Return the age identity whose X25519 scalar these 32 octets are."""
    return pyrage.x25519.Identity.from_str(_bech32(_SECRET_PREFIX, secret).upper())


def identity_of_shares(words: Sequence[str]) -> Any:
    """Join shares into the group's identity, in memory.

    Raises:
        Malformed, Conflict, Missing, Refused: as `hsm.shares.join`.
    """
    return identity_of(shares.join(words))


@dataclass(frozen=True, slots=True)
class Looked:
    """Sheets that somebody brought, each looked at by itself: nothing was joined."""

    set_name: str
    threshold: int
    numbers: tuple[int, ...]
    lacking: int
    """How many more of the set are needed; 0 when they suffice."""


def look(text: str) -> Looked:
    """Say what the sheets in a text are.

    Raises:
        Malformed, Refused, Conflict, Missing: as `hsm.shares.shares_in` and `together`.
    """
    words = shares.shares_in(text)
    told, lacking = shares.together(words)
    return Looked(told.set_name, told.threshold, tuple(shares.describe(each).number for each in words), lacking)


def identities_of_words(text: str) -> list[Any]:
    """Join the sheets in a text into the group's identity, in memory.

    Raises:
        Malformed, Conflict, Missing, Refused: as `hsm.shares.join`.
    """
    return [identity_of_shares(shares.shares_in(text))]


def recipients_in(text: str) -> list[str]:
    """Read recipients, one a line; ``#`` begins a comment.

    Raises:
        Malformed: a line is not an age recipient of kind X25519.
    """
    found = []
    for line in _lines(text):
        try:
            found.append(str(pyrage.x25519.Recipient.from_str(line)))
        except pyrage.RecipientError:
            raise Malformed(f"not a recipient (age1…): {shown(line[:80])}") from None
    return found


def recipients_of(given: Sequence[str], config: Path) -> list[str]:
    """Return whom a backup is for: those given, each a recipient or a file of recipients, and those that the configuration names.

    Raises:
        Malformed: one is neither.
        Missing: nobody could open it.
    """
    found: list[str] = []
    for each in given:
        found += recipients_in(each if each.startswith("age1") else _read(Path(each)))
    standing = config / RECIPIENT
    if standing.exists():
        found += recipients_in(_read(standing))
    if not found:
        raise Missing(f"nobody could open this backup: name a recipient, or make a group (`sceau shares create`: {standing})")
    return list(dict.fromkeys(found))


def identities_in(text: str) -> list[Any]:
    """Read age identities, as `age-keygen` writes them.

    Raises:
        Malformed: a line is not one, or there is none. What was there is not repeated: it may be a secret.
    """
    found = []
    for number, line in enumerate(_lines(text), 1):
        try:
            found.append(pyrage.x25519.Identity.from_str(line))
        except pyrage.IdentityError:
            raise Malformed(f"line {number} is not an age identity (AGE-SECRET-KEY-1…)") from None
    if not found:
        raise Malformed("there is no age identity in it")
    return found


def encrypt(chunks: Iterator[bytes], out: Writer, recipients: Sequence[str]) -> None:
    """Encrypt octets as they come, for all recipients; memory does not grow with them.

    Raises:
        Unavailable: they cannot be written. What the chunks raise goes through.
    """
    reader, writer = _Reader(chunks), _Guarded(out)
    try:
        pyrage.encrypt_io(reader, writer, [pyrage.x25519.Recipient.from_str(each) for each in recipients])
    except (pyrage.EncryptError, OSError) as error:
        raise reader.failure or writer.failure or Unavailable(f"the backup cannot be encrypted: {error}") from None


@contextmanager
def decrypted(path: Path, identities: Sequence[Any]) -> Iterator[IO[bytes]]:
    """Open a backup for reading, decrypted as it is read; at the end of the block the whole file has been authenticated.

    Raises:
        Missing: there is no such file.
        Refused: none of these identities opens it.
        Malformed: it is not an age file, or it was cut or altered.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise Missing(f"there is no file {path}") from None
    except OSError as error:
        raise Unavailable(f"cannot read {path}: {error.strerror}") from None
    with file:
        pipe_out, pipe_in = os.pipe()
        worker = _Decryption(file, os.fdopen(pipe_in, "wb"), identities)
        worker.start()
        reading = os.fdopen(pipe_out, "rb")
        try:
            yield reading
            while reading.read(1 << 16):
                pass  # to the end: the last part of an age file says that nothing was cut
        except Exception:
            reading.close()
            worker.join()
            if worker.failure is not None and not worker.abandoned:
                raise _named(worker.failure, path) from None
            raise
        reading.close()
        worker.join()
        if worker.failure is not None:
            raise _named(worker.failure, path)


class _Decryption(threading.Thread):
    """Decrypts into a pipe, for a reader that pulls: the library pushes."""

    def __init__(self, source: IO[bytes], sink: IO[bytes], identities: Sequence[Any]) -> None:
        super().__init__(name="backup-decryption", daemon=True)
        self._source = source
        self._sink = sink
        self._identities = list(identities)
        self.failure: str | None = None
        self.abandoned = False
        """Whether it was the reader who stopped."""

    def run(self) -> None:
        writer = _Guarded(self._sink)
        try:
            pyrage.decrypt_io(self._source, writer, self._identities)
        except (pyrage.DecryptError, OSError) as error:  # a bad last part comes as an error of the system
            self.failure, self.abandoned = str(error), writer.failure is not None
        finally:
            with suppress(OSError):
                self._sink.close()


class _Reader:
    """Octets that come in chunks, read as a file; keeps what the chunks raised, which the library would turn into a text."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")
        self.failure: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        while not self._rest:
            try:
                chunk = next(self._chunks, None)
            except BaseException as error:
                self.failure = error
                raise
            if chunk is None:
                return b""
            self._rest = memoryview(chunk)
        taken = self._rest if size < 0 else self._rest[:size]
        self._rest = self._rest[len(taken) :]
        return bytes(taken)


class _Guarded:
    """A writer that keeps why it failed."""

    def __init__(self, out: Writer | IO[bytes]) -> None:
        self._out = out
        self.failure: SceauError | None = None

    def write(self, octets: bytes) -> int:
        try:
            self._out.write(octets)
        except OSError as error:
            self.failure = Unavailable(f"the backup cannot be written: {error.strerror}")
            raise
        return len(octets)

    def flush(self) -> None:
        try:
            self._out.flush()
        except OSError as error:
            self.failure = Unavailable(f"the backup cannot be written: {error.strerror}")
            raise


def _named(failure: str, path: Path) -> SceauError:
    if "No matching keys" in failure:
        return Refused(f"what was given does not open {path}: it is for other recipients", citation="CP 6.2.4")
    return Malformed(f"{path} is not a whole backup: it was cut or altered, or never was one ({failure})")


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_KEYS).decode("utf-8")
    except FileNotFoundError:
        raise Missing(f"there is no file {path}, and it is no recipient (age1…) either") from None
    except UnicodeDecodeError:
        raise Malformed(f"{path} is not text") from None
    except OSError as error:
        raise Unavailable(f"cannot read {path}: {error.strerror}") from None


def _bech32(prefix: str, octets: bytes) -> str:
    """Write octets in Bech32 (BIP 173), in small letters."""
    bits = int.from_bytes(octets, "big")
    count = -(-len(octets) * 8 // 5)
    bits <<= count * 5 - len(octets) * 8
    data = [bits >> 5 * place & 31 for place in reversed(range(count))]
    expanded = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    checked = _polymod([*expanded, *data, 0, 0, 0, 0, 0, 0]) ^ 1
    data += [checked >> 5 * place & 31 for place in reversed(range(6))]
    return f"{prefix}1{''.join(_ALPHABET[value] for value in data)}"


def _polymod(values: Sequence[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            checksum ^= generator if top >> bit & 1 else 0
    return checksum
