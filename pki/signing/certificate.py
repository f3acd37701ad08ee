"""Signing a certificate (RFC 5280 §4.1.1.3; CP 4.3.1). The one permitted caller is `pki.issuance`.

Signs what issuance prepared, linted and committed, once: the caller hands a one-use token, and the octets must be
those whose hash the intent recorded. It decides nothing of the content and assembles nothing: it returns the signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

from pki.signing.door import KeyUse, SigningDoor, SigningKey
from trust import der
from trust.errors import Alarm, Malformed

_VERSION_3 = b"\xa0\x03\x02\x01\x02"


class PreparedToken(Protocol):
    """A committed intent, good for one signature. Issuance makes it; whoever spends it first has it."""

    @property
    def serial(self) -> bytes:
        """The content octets of the serial number."""
        ...

    @property
    def tbs_sha256(self) -> bytes:
        """SHA-256 of the to-be-signed octets, as the intent recorded it."""
        ...

    def spend(self) -> bytes:
        """Return the to-be-signed octets, once.

        Raises:
            Conflict: the token was spent before.
        """
        ...


class CertificateSigner:
    """Signs the certificates of the authority's CAs."""

    def __init__(self, door: SigningDoor) -> None:
        self._door = door

    def key(self, label: str) -> SigningKey:
        """Return a CA key: its algorithm and public half stand in every certificate.

        Raises:
            Missing: there is no such key.
        """
        return self._door.key(label, KeyUse.CERTIFICATE)

    def sign(self, label: str, token: PreparedToken) -> bytes:
        """Spend the token and return the signature by CA key `label`, already verified with the issuer's public key.

        Raises:
            Conflict: the token was spent before.
            Alarm: the octets are not those of the intent, or are no certificate of this key and serial, or the
                signature does not verify.
            Unavailable: the custodian does not answer. The token is spent all the same: whether it signed is not known.
        """
        (signature,) = self.sign_many(label, [token])
        return signature

    def sign_many(self, label: str, tokens: Sequence[PreparedToken]) -> list[bytes]:
        """Spend tokens and return their signatures in order, all verified. Every token is checked before the key is asked.

        Raises:
            Conflict, Alarm, Unavailable: as `sign`, for one of them; which others were signed is not known.
        """
        key = self.key(label)
        many = [_checked(key, token) for token in tokens]
        return self._door.sign_many(key, many, subjects=[token.serial.hex() for token in tokens])


def _checked(key: SigningKey, token: PreparedToken) -> bytes:
    tbs = token.spend()
    if hashlib.sha256(tbs).digest() != token.tbs_sha256:
        raise Alarm(f"what is to be signed for serial {token.serial.hex()} is not what was linted and recorded")
    # A CRL or an OCSP response signed by this key for this caller would be a forgery; so would another serial.
    if not _is_certificate(tbs, _VERSION_3 + der.tlv(der.INTEGER, token.serial) + key.algorithm.identifier):
        raise Alarm(f"what is to be signed is not a certificate of serial {token.serial.hex()} under key {key.label}")
    return tbs


def _is_certificate(tbs: bytes, head: bytes) -> bool:
    try:
        tag, start, end = der.header(tbs)
    except Malformed:
        return False
    return tag == der.SEQUENCE and end == len(tbs) and tbs.startswith(head, start)
