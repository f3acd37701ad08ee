"""Signed notes: a short text and the signatures of those who vouch for it (C2SP signed-note, Ed25519).

Reads strictly, verifies with keys named in advance and ignores the signatures of strangers, as the specification demands.
Signing goes through a callable, because private keys stay with their custodian. What the text says is not its business: see
`checkpoint`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from trust.errors import Alarm, Malformed

Sign = Callable[[bytes], bytes]
"""Gives octets to the custodian of an Ed25519 key and returns the 64 octets of the signature."""

LONGEST_NOTE = 64 * 1024
MOST_SIGNATURES = 32
_DASH = "\u2014 "


class SignatureType(IntEnum):
    """The kinds of signature read here, by their registered octet (C2SP signed-note, signature types)."""

    ED25519 = 0x01
    COSIGNATURE = 0x04
    """A witness: Ed25519 over a time and the text (C2SP tlog-cosignature)."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A key that somebody trusts, under the name it signs with."""

    name: str
    public_key: bytes
    """Ed25519, 32 octets (RFC 8032)."""
    type: SignatureType = SignatureType.ED25519

    def __post_init__(self) -> None:
        """Refuse a name or a key that no note can carry.

        Raises:
            Malformed: empty name, name with a space or a plus sign, key that is not 32 octets.
        """
        _check_name(self.name)
        if len(self.public_key) != 32:
            raise Malformed("an Ed25519 public key is 32 octets")

    @property
    def key_id(self) -> bytes:
        """Four octets that tell this key from others of the same name; an identifier, not a proof."""
        return sha256(self.name.encode() + b"\n" + bytes((self.type,)) + self.public_key).digest()[:4]

    def __str__(self) -> str:
        """Write the key as one line that `parse` reads: name, identifier, type and key."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(bytes((self.type,)) + self.public_key)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read a key from its line.

        Raises:
            Malformed: not such a line, unknown type, or an identifier that is not that of the key.
        """
        parts = text.strip().split("+", 2)
        if len(parts) != 3:
            raise Malformed("a verifier key is name+identifier+key")
        encoded = _octets(parts[2], "verifier key")
        if not encoded or encoded[0] not in tuple(SignatureType):
            raise Malformed("a verifier key of an unknown type")
        key = cls(parts[0], encoded[1:], SignatureType(encoded[0]))
        if key.key_id.hex() != parts[1]:
            raise Malformed(f"the identifier of the key {key.name} is {key.key_id.hex()}, not {parts[1]}")
        return key


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: who says to have signed, and the octets."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        """Write the line, without its end."""
        return f"{_DASH}{self.name} {_base64(self.key_id + self.signature)}"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, which ends with a newline, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        """Write the note."""
        return f"{self.text}\n" + "".join(f"{signature}\n" for signature in self.signatures)

    def verified_by(self, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
        """Return those of the keys that signed this note; signatures by other keys do not count for or against it.

        Raises:
            Alarm: a signature that claims to be by one of the keys is not.
        """
        signed: list[VerifierKey] = []
        for key in keys:
            mine = [line for line in self.signatures if line.name == key.name and line.key_id == key.key_id]
            for line in mine:
                if not _verifies(key, line.signature, self.text):
                    raise Alarm(f"this note carries a signature in the name of {key.name} that its key did not make")
            if mine:
                signed.append(key)
        return tuple(signed)


def sign_note(text: str, key: VerifierKey, sign: Sign, *, at: int | None = None) -> Note:
    """Sign a text; `at`, in seconds since 1970, is for cosignatures and only for them.

    Raises:
        Malformed: a text that no note can carry.
        Alarm: what the custodian returned is not a signature by this key.
    """
    _check_text(text)
    if (at is not None) != (key.type is SignatureType.COSIGNATURE):
        raise Malformed("a cosignature has a time, another signature has none")
    stamp = b"" if at is None else at.to_bytes(8, "big")
    octets = stamp + sign(_signed(text, stamp))
    if not _verifies(key, octets, text):
        raise Alarm(f"the custodian's signature does not verify with the key of {key.name}")
    return Note(text, (Signature(key.name, key.key_id, octets),))


def parse_note(note: str) -> Note:
    """Read a note strictly. Its signatures are read, not believed: call `verified_by`.

    Raises:
        Malformed: it is not a note, or is longer than any that we accept.
    """
    if len(note) > LONGEST_NOTE:
        raise Malformed(f"a note of more than {LONGEST_NOTE} characters")
    text, separator, block = note.rpartition("\n\n")
    if not separator or not block.endswith("\n"):
        raise Malformed("a note is a text, an empty line and signature lines that each end")
    text += "\n"
    _check_text(text)
    lines = block[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise Malformed(f"a note with more than {MOST_SIGNATURES} signatures")
    return Note(text, tuple(_parse_signature(line) for line in lines))


def _parse_signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise Malformed("a signature line is a dash, a name and a signature")
    _check_name(name)
    octets = _octets(encoded, "signature")
    if len(octets) < 5:
        raise Malformed("a signature has a key identifier of four octets, and then something")
    return Signature(name, octets[:4], octets[4:])


def _verifies(key: VerifierKey, octets: bytes, text: str) -> bool:
    stamp, signature = (octets[:8], octets[8:]) if key.type is SignatureType.COSIGNATURE else (b"", octets)
    if len(signature) != 64:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature, _signed(text, stamp))
    except (InvalidSignature, ValueError):
        return False
    return True


def _signed(text: str, stamp: bytes) -> bytes:
    """Return the octets under a signature: the text, after the header and the time of a cosignature."""
    header = f"cosignature/v1\ntime {int.from_bytes(stamp, 'big')}\n" if stamp else ""
    return f"{header}{text}".encode()


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Malformed("a note is valid UTF-8") from None
    if text in ("", "\n") or not text.endswith("\n") or any(character < " " and character != "\n" for character in text):
        raise Malformed("the text of a note ends with a newline and holds no other control character")


def _check_name(name: str) -> None:
    if not name or "+" in name or any(character.isspace() or character < " " for character in name):
        raise Malformed(f"not the name of a key: {name!r}")


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _octets(encoded: str, what: str) -> bytes:
    try:
        octets = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(f"the {what} is not base64") from None
    if _base64(octets) != encoded:
        raise Malformed(f"the {what} has more than one base64 form, this is not the right one")
    return octets
