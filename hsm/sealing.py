"""Sealing a private key under a passphrase: what a file of the software keystore holds (RFC 3647 §6.2.7; CP 6.2.7).

Argon2id (RFC 9106) makes one key-encryption key per keystore from the passphrase; AES-256-GCM seals each PKCS#8 under
it, with everything that the file says in clear (label, algorithm, uses, public key) as associated data, so that no
word of it can be changed. Octets in, octets out: the files are `hsm.software`'s business. Python cannot wipe memory:
whoever reads this process's memory has the keys, which is why it is no HSM.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from trust.canonical import canonical
from trust.entropy import Entropy
from trust.errors import Alarm, Malformed, Refused

STORE_FORMAT, KEY_FORMAT = "sceau-keystore-1", "sceau-key-1"
_NONCE = 12


@dataclass(frozen=True)
class Kdf:
    """The cost of one guess of the passphrase: Argon2id, 64 MiB and three passes unless said (RFC 9106 §4, second choice)."""

    memory_kib: int = 64 * 1024
    passes: int = 3
    lanes: int = 1

    def __post_init__(self) -> None:
        # The ceiling stops a forged file from asking for all the memory of the machine; the floor stops a weak one
        # from being made.
        if not (19 * 1024 <= self.memory_kib <= 1024 * 1024 and 1 <= self.passes <= 16 and 1 <= self.lanes <= 8):
            raise Malformed(
                "the Argon2id parameters of the keystore are out of bounds (19 MiB to 1 GiB, 1 to 16 passes, 1 to 8 lanes)"
            )

    def derive(self, passphrase: bytes, salt: bytes) -> bytes:
        """Return the key-encryption key (32 octets)."""
        return Argon2id(salt=salt, length=32, iterations=self.passes, lanes=self.lanes, memory_cost=self.memory_kib).derive(
            passphrase
        )


@dataclass(frozen=True)
class KeyRecord:
    """What a key file says in clear, authenticated by the seal."""

    label: str
    algorithm: str
    uses: tuple[str, ...]
    public_key: bytes
    """SubjectPublicKeyInfo, DER."""

    def associated(self) -> dict[str, Any]:
        """Return the record as it is written and authenticated."""
        return {
            "format": KEY_FORMAT,
            "label": self.label,
            "algorithm": self.algorithm,
            "uses": sorted(self.uses),
            "public_key": _text(self.public_key),
        }


class Sealer:
    """The key-encryption key of one keystore, at work."""

    def __init__(self, key: bytes, entropy: Entropy) -> None:
        self._cipher = AESGCM(key)
        self._entropy = entropy

    def seal(self, record: KeyRecord, pkcs8: bytes) -> bytes:
        """Return the content of a key file."""
        clear = record.associated()
        nonce = self._entropy.octets(_NONCE)
        sealed = self._cipher.encrypt(nonce, pkcs8, canonical(clear))
        return _file(clear | {"nonce": _text(nonce), "sealed": _text(sealed)})

    def open(self, label: str, content: bytes) -> tuple[KeyRecord, bytes]:
        """Open the content of the key file of `label`; return its record and the PKCS#8.

        Raises:
            Malformed: it is not a whole key file.
            Alarm: the seal is broken: some octet is not what was sealed, or the file carries another key's name.
        """
        fields = _fields(content, KEY_FORMAT)
        nonce, sealed = _octets(fields, "nonce"), _octets(fields, "sealed")
        record = _record(fields)
        if len(nonce) != _NONCE:
            raise Malformed("the nonce of a key file has twelve octets")
        try:
            pkcs8 = self._cipher.decrypt(nonce, sealed, canonical(record.associated()))
        except (InvalidTag, ValueError):
            raise Alarm(f"the seal of key {label} is broken: its file was altered") from None
        if record.label != label:
            raise Alarm(f"the file of key {label} holds key {record.label}: it was moved or copied over")
        return record, pkcs8


def new_store(passphrase: bytes, kdf: Kdf, entropy: Entropy) -> tuple[bytes, Sealer]:
    """Choose a salt; return the content of the keystore's own file and its sealer."""
    salt = entropy.octets(16)
    described = _description(kdf, salt)
    key = kdf.derive(passphrase, salt)
    nonce = entropy.octets(_NONCE)
    # An empty message, sealed: it tells a wrong passphrase from a broken key file.
    check = AESGCM(key).encrypt(nonce, b"", canonical(described))
    return _file(described | {"nonce": _text(nonce), "check": _text(check)}), Sealer(key, entropy)


def open_store(content: bytes, passphrase: bytes, entropy: Entropy) -> Sealer:
    """Open a keystore from the content of its own file.

    Raises:
        Malformed: it is not a whole keystore file, or its parameters are out of bounds.
        Refused: the passphrase does not open it (CP 6.2.8).
    """
    fields = _fields(content, STORE_FORMAT)
    cost = fields.get("argon2id")
    if not isinstance(cost, Mapping) or not all(type(cost.get(name)) is int for name in ("memory_kib", "passes", "lanes")):
        raise Malformed("the keystore does not say how its key is derived")
    kdf = Kdf(cost["memory_kib"], cost["passes"], cost["lanes"])
    salt, nonce, check = _octets(fields, "salt"), _octets(fields, "nonce"), _octets(fields, "check")
    if len(salt) != 16 or len(nonce) != _NONCE:
        raise Malformed("the salt of a keystore has sixteen octets and its nonce twelve")
    key = kdf.derive(passphrase, salt)
    try:
        AESGCM(key).decrypt(nonce, check, canonical(_description(kdf, salt)))
    except InvalidTag:
        raise Refused("the passphrase does not open this keystore, or its parameters were altered", citation="CP 6.2.8") from None
    return Sealer(key, entropy)


def _description(kdf: Kdf, salt: bytes) -> dict[str, Any]:
    return {
        "format": STORE_FORMAT,
        "argon2id": {"memory_kib": kdf.memory_kib, "passes": kdf.passes, "lanes": kdf.lanes},
        "salt": _text(salt),
    }


def _record(fields: dict[str, Any]) -> KeyRecord:
    uses = fields.get("uses")
    if not isinstance(uses, list) or not all(isinstance(use, str) for use in uses):
        raise Malformed("a key file names the uses of its key")
    if not isinstance(fields.get("label"), str) or not isinstance(fields.get("algorithm"), str):
        raise Malformed("a key file names its key and its algorithm")
    return KeyRecord(fields["label"], fields["algorithm"], tuple(uses), _octets(fields, "public_key"))


def _fields(content: bytes, wanted: str) -> dict[str, Any]:
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError):
        raise Malformed(f"not a whole {wanted} file") from None
    if not isinstance(fields, dict) or fields.get("format") != wanted:
        raise Malformed(f"not a {wanted} file")
    return fields


def _octets(fields: Mapping[str, Any], name: str) -> bytes:
    value = fields.get(name)
    if not isinstance(value, str):
        raise Malformed(f"{name} is missing")
    try:
        return base64.b64decode(value.encode("ascii"), validate=True)
    except ValueError:
        raise Malformed(f"{name} is not base64") from None


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _file(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, indent=1).encode() + b"\n"
