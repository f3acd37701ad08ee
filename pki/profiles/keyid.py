"""The identifier of a public key (RFC 7093 §2, method 1): 160 bits of SHA-256, over the key's own octets.

RFC 5280 §4.2.1.2 proposes SHA-1; RFC 7093 takes the same twenty octets from a hash that is still in good standing. Relying
parties compare the octets and never compute them, so the choice is ours.
"""

from __future__ import annotations

import hashlib

from trust import der
from trust.errors import Malformed

SIZE = 20


def key_identifier(spki_der: bytes) -> bytes:
    """Return the 20 octets that stand for a public key, given as a SubjectPublicKeyInfo.

    Raises:
        Malformed: it is not a SubjectPublicKeyInfo.
    """
    return hashlib.sha256(public_key_octets(spki_der)).digest()[:SIZE]


def public_key_octets(spki_der: bytes) -> bytes:
    """Return the content of the BIT STRING of a SubjectPublicKeyInfo, without its count of unused bits.

    Raises:
        Malformed: it is not a SubjectPublicKeyInfo.
    """
    tag, start, end = der.header(spki_der)
    _, _, algorithm_end = der.header(spki_der, start)
    bits, key_start, key_end = der.header(spki_der, algorithm_end)
    shaped = (tag, bits) == (der.SEQUENCE, der.BIT_STRING) and end == key_end == len(spki_der)
    if not shaped or spki_der[key_start : key_start + 1] != b"\0":
        raise Malformed("not a SubjectPublicKeyInfo")
    return spki_der[key_start + 1 :]
