"""A passkey's signature over something that was shown (W3C Web Authentication level 2, §7.2).

An authenticator signs its own data and the hash of what the browser collected; the collected data carry a challenge. When the
challenge is the SHA-256 of a statement, the assertion is a signature of that statement, which anybody can verify from the
record alone: no session, no server. Registration of passkeys and sign-in are elsewhere; here is only what must be checked again
years later, by the issuer and by an auditor.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import load_der_public_key

from trust.algorithms import algorithm_of
from trust.canonical import canonical
from trust.errors import Malformed

USER_PRESENT, USER_VERIFIED = 0x01, 0x04
SHORTEST_DATA = 37
"""Octets of authenticator data: the hash of the relying party, flags, counter (§6.1)."""
_ORIGIN = re.compile(r"(https?)://([a-z0-9.-]{1,253})(?::[0-9]{1,5})?", re.ASCII)
"""RFC 6454 §6.2: scheme, host, port; as browsers write it, in small letters."""
LARGEST = 16 * 1024
"""Octets of an assertion as it is kept."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """What the authenticator gave."""

    authenticator_data: bytes
    client_data: bytes
    """Collected client data, JSON as the browser wrote it."""
    signature: bytes

    def pack(self) -> bytes:
        """Write the assertion as the octets that are kept as the signature of an act."""
        parts = {"authenticator_data": self.authenticator_data, "client_data": self.client_data, "signature": self.signature}
        return canonical({name: base64.b64encode(part).decode() for name, part in parts.items()})

    @classmethod
    def unpack(cls, packed: bytes) -> Assertion:
        """Read what `pack` wrote.

        Raises:
            Malformed: it is not that.
        """
        if len(packed) > LARGEST:
            raise Malformed("this assertion is too large")
        try:
            parts = json.loads(packed)
            names = ("authenticator_data", "client_data", "signature")
            return cls(*(base64.b64decode(parts[name], validate=True) for name in names))
        except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
            raise Malformed("this is not a passkey's assertion") from None

    @property
    def counter(self) -> int:
        """The signature counter (§6.1.1); 0 from an authenticator that has none."""
        return int.from_bytes(self.authenticator_data[33:37], "big")


def signs(assertion: Assertion, statement: bytes, spki: bytes, relying_party: str) -> bool:
    """Tell whether an assertion is a signature over `statement`, by this key, for this relying party, by a verified user."""
    data = assertion.authenticator_data
    if len(data) < SHORTEST_DATA or data[:32] != hashlib.sha256(relying_party.encode()).digest():
        return False
    if data[32] & (USER_PRESENT | USER_VERIFIED) != USER_PRESENT | USER_VERIFIED:
        return False
    if not _collected_for(assertion.client_data, hashlib.sha256(statement).digest(), relying_party):
        return False
    public_key = load_der_public_key(spki)
    algorithm = algorithm_of(public_key)
    signed = data + hashlib.sha256(assertion.client_data).digest()
    return algorithm is not None and algorithm.verifies(public_key, assertion.signature, signed)


def _collected_for(client_data: bytes, challenge: bytes, relying_party: str) -> bool:
    try:
        said = json.loads(client_data)
    except (ValueError, RecursionError):
        return False
    if not isinstance(said, dict) or said.get("type") != "webauthn.get" or said.get("crossOrigin") not in (None, False):
        return False
    expected = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
    return said.get("challenge") == expected and is_origin_of(said.get("origin"), relying_party)


def is_origin_of(origin: object, relying_party: str) -> bool:
    """Tell whether pages of this origin may ask passkeys of the relying party: its very host, over TLS, or the local machine."""
    if not isinstance(origin, str) or (match := _ORIGIN.fullmatch(origin)) is None:
        return False
    scheme, host = match.groups()
    return host == relying_party and (scheme == "https" or host == "localhost")
