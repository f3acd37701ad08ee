"""The software keystore: keys in sealed files, for development and demonstration (RFC 3647 §6.2.1; CP 6.2.1).

A directory holds `keystore.json` (how the passphrase becomes a key) and one `LABEL.key` per key (`hsm.sealing`). It
keeps the promises of a `Custodian` but for one: the keys are in this process's memory. So it says what it is, and
refuses an authority in production, whose keys live in a certified module. Trusted or not: the files are
authenticated, their directory is not trusted. May be lost: never. May be rolled back: yes, to any state that holds
the same keys; there is nothing in it that moves.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from hsm.api import KeyDescription, KeyRef, KeyUse
from hsm.sealing import Kdf, KeyRecord, Sealer, new_store, open_store
from hsm.uses import LABEL, SignatureCounts, check_label, refuse_mixed_uses, refuse_other_use
from trust.algorithms import CUSTODY_ALGORITHMS, Algorithm, PrivateKey, PublicKey, spki
from trust.entropy import Entropy
from trust.errors import Alarm, Conflict, Malformed, Missing, Refused, Unavailable

MODES = ("demo", "test")
"""The modes of an authority whose keys may live in software (limits.toml, `custody.software_keystore_modes`)."""
_STORE = "keystore.json"
_SUFFIX = ".key"
_LARGEST = 64 * 1024
"""Octets; the largest key file (ML-DSA-87) has some 4,000."""


@dataclass(frozen=True)
class _Held:
    """A key that was unsealed. `private` never leaves this module."""

    algorithm: Algorithm
    uses: frozenset[KeyUse]
    private: PrivateKey
    public: PublicKey


class SoftwareKeystore:
    """A `Custodian` over a directory of sealed files. Safe between threads; several processes may use one directory."""

    def __init__(self, directory: Path, passphrase: bytes, *, mode: str, entropy: Entropy) -> None:
        """Open an existing keystore.

        Raises:
            Refused: the authority is in production (CP 6.2.1), the directory is open to others (CP 6.2.7), or the
                passphrase is not the right one (CP 6.2.8).
            Missing: there is no keystore there.
            Malformed: its file is not whole.
        """
        _refuse_mode(mode)
        self._directory = directory
        _refuse_open_directory(directory)
        self._sealer: Sealer = open_store(_read(directory / _STORE), passphrase, entropy)
        self._entropy = entropy
        # Owned by _hold: keys unsealed so far, by label. A key file never changes, so neither does an entry.
        self._held: dict[str, _Held] = {}
        self._lock = Lock()
        self._counts = SignatureCounts()

    @classmethod
    def create(
        cls, directory: Path, passphrase: bytes, *, mode: str, entropy: Entropy, kdf: Kdf | None = None
    ) -> SoftwareKeystore:
        """Make a new, empty keystore (its directory too) and open it.

        Raises:
            Refused: the authority is in production (CP 6.2.1).
            Conflict: there is a keystore there already.
        """
        _refuse_mode(mode)
        with _storage(directory):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        content, _ = new_store(passphrase, kdf or Kdf(), entropy)
        _write_new(directory / _STORE, content, entropy)
        return cls(directory, passphrase, mode=mode, entropy=entropy)

    def describe(self) -> str:
        """Say what this custodian is, for `doctor`, the start banner and every transcript."""
        return "software keystore, not for production"

    def generate(self, ref: KeyRef, algorithm: Algorithm, uses: frozenset[KeyUse]) -> PublicKey:
        """Make a key, seal it and write it durably; return its public half.

        Raises:
            Conflict: a key of that name exists.
            Refused: no use, or uses that never share a key (CP 6.1.7).
            Malformed: the label is not one.
            Unavailable: the directory cannot be written.
        """
        path = self._path(ref)
        refuse_mixed_uses(ref.label, uses)
        if path.exists():  # known before the cost of a key; `_write_new` is what decides
            raise Conflict(f"key {ref.label} exists already")
        private = algorithm.generate()
        public = private.public_key()
        record = KeyRecord(ref.label, algorithm.name, tuple(sorted(uses)), spki(public))
        pkcs8 = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        _write_new(path, self._sealer.seal(record, pkcs8), self._entropy)
        return public

    def public_key(self, ref: KeyRef) -> PublicKey:
        """Return the public half. The seal is checked first: it is what a CA certificate will be made of.

        Raises:
            Missing: no such key.
            Alarm, Malformed: the key file was altered, or is not whole.
        """
        return self._hold(ref).public

    def sign(self, ref: KeyRef, use: KeyUse, data: bytes) -> bytes:
        """Sign `data` with the algorithm of the key, hashing included.

        Raises:
            Missing: no such key.
            Refused: the key was not made for that use (CP 6.1.7).
            Alarm, Malformed: the key file was altered, or is not whole.
        """
        held = self._held.get(ref.label) or self._hold(ref)
        refuse_other_use(ref.label, held.uses, use)
        signature = held.algorithm.sign(held.private, data)
        self._counts.add(ref.label, use)
        return signature

    def sign_many(self, ref: KeyRef, use: KeyUse, many: Sequence[bytes]) -> list[bytes]:
        """Sign each of `many`, one after the other.

        Raises:
            Missing, Refused, Alarm, Malformed: as `sign`.
        """
        return [self.sign(ref, use, data) for data in many]

    def labels(self) -> list[str]:
        """List the names of the keys held, sorted. Nothing is unsealed."""
        with _storage(self._directory):
            names = [name.removesuffix(_SUFFIX) for name in os.listdir(self._directory) if name.endswith(_SUFFIX)]
        return sorted(name for name in names if LABEL.fullmatch(name))

    def description(self, ref: KeyRef) -> KeyDescription:
        """Describe a key.

        Raises:
            Missing, Alarm, Malformed: as `public_key`.
        """
        held = self._hold(ref)
        fingerprint = hashlib.sha256(spki(held.public)).hexdigest()
        return KeyDescription(ref.label, held.algorithm.name, tuple(sorted(held.uses)), fingerprint, "software keystore")

    def counts(self) -> dict[tuple[str, KeyUse], int]:
        """Return the signatures made by this process, by (label, use)."""
        return self._counts.taken()

    def _hold(self, ref: KeyRef) -> _Held:
        with self._lock:
            held = self._held.get(ref.label)
            if held is None:
                held = self._held[ref.label] = _unsealed(*self._sealer.open(ref.label, _read(self._path(ref))))
            return held

    def _path(self, ref: KeyRef) -> Path:
        check_label(ref.label)  # it becomes the name of a file
        return self._directory / (ref.label + _SUFFIX)


def _unsealed(record: KeyRecord, pkcs8: bytes) -> _Held:
    algorithm = CUSTODY_ALGORITHMS.get(record.algorithm)
    if algorithm is None:
        raise Malformed(f"key {record.label} is of an algorithm unknown here: {record.algorithm}")
    try:
        # pyca's validation of an RSA key takes 33 to 103 ms and asks whether a stranger forged it. No stranger can:
        # the seal was checked one # line ago, over octets that we made. The public halves are compared below, and
        # signatures are verified before they are released.
        private = load_der_private_key(pkcs8, None, unsafe_skip_rsa_key_validation=True)
        uses = frozenset(KeyUse(use) for use in record.uses)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Malformed(f"key {record.label} is sealed, but is not a key that this version reads") from None
    public = private.public_key()
    if spki(public) != record.public_key:
        raise Alarm(f"the two halves of key {record.label} do not belong together")
    return _Held(algorithm, uses, private, public)


def _refuse_mode(mode: str) -> None:
    if mode not in MODES:
        reason = f"a software keystore cannot hold the keys of an authority in mode {mode!r}: use a certified module (PKCS#11)"
        raise Refused(reason, citation="CP 6.2.1")


def _refuse_open_directory(directory: Path) -> None:
    with _storage(directory):
        mode = stat.S_IMODE(directory.stat().st_mode)
    if mode & 0o077:
        raise Refused(f"{directory} is open to others (mode {mode:04o}); make it 0700", citation="CP 6.2.7")


def _read(path: Path) -> bytes:
    with _storage(path), open(path, "rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise Malformed(f"{path.name} is larger than any file of a keystore")
    return content


def _write_new(path: Path, content: bytes, entropy: Entropy) -> None:
    """Write a file that did not exist, whole or not at all, and make it durable.

    The octets are safe on disk under another name before the real name appears; `link` refuses a name that exists, so
    that of two processes generating one label exactly one wins, and no key is ever overwritten.
    """
    draft = path.with_name(f".{path.name}.{entropy.octets(8).hex()}")
    with _storage(path):
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        finally:
            os.unlink(draft)
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


@contextmanager
def _storage(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals into ours."""
    try:
        yield
    except FileExistsError:
        raise Conflict(f"{path.name} exists already") from None
    except (FileNotFoundError, NotADirectoryError):
        raise Missing(f"there is no {path.name} in the keystore") from None
    except OSError as error:
        raise Unavailable(f"the keystore does not answer: {path.name}: {error.strerror}") from error
