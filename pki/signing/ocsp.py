"""Signing an OCSP response (RFC 6960 §4.2.1; CP 4.9.9). The one permitted caller is `pki.status`.

Signs ResponseData with a delegated responder's key, which can sign nothing else. A population is signed in one go:
verifying each would cost three times the signature, so one in sixty-four is verified, and all of them once one was
wrong (`door`).
"""

from __future__ import annotations

from collections.abc import Sequence

from pki.signing.door import KeyUse, SigningDoor, SigningKey
from trust.errors import Alarm

VERIFIED_EVERY = 64
"""The first signature of a process and then one in this many are verified: 1 microsecond each on average, measured."""


class OcspSigner:
    """Signs the responses of the authority's responders."""

    def __init__(self, door: SigningDoor) -> None:
        self._door = door
        self._made = 0  # approximate between threads, which is enough for a sample

    def key(self, label: str) -> SigningKey:
        """Return a responder key: its SHA-1 is the responder identifier.

        Raises:
            Missing: there is no such key.
        """
        return self._door.key(label, KeyUse.OCSP)

    def sign(self, label: str, response_data: bytes, *, subject: str = "ocsp") -> bytes:
        """Return the signature by responder key `label` over ResponseData.

        Raises:
            Alarm: the octets are no ResponseData, or the signature does not verify.
            Unavailable: the custodian does not answer.
        """
        if not _is_response_data(response_data):
            raise Alarm(f"what is to be signed is not OCSP ResponseData (key {label})")
        verify = self._made % VERIFIED_EVERY == 0
        self._made += 1
        return self._door.sign(self.key(label), response_data, subject=subject, verify=verify)

    def sign_many(self, label: str, many: Sequence[bytes]) -> list[bytes]:
        """Return the signatures by responder key `label` over each ResponseData, in order: the key is asked once.

        Raises:
            Alarm, Unavailable: as `sign`, for one of them.
        """
        if not all(map(_is_response_data, many)):
            raise Alarm(f"what is to be signed is not OCSP ResponseData (key {label})")
        first = -self._made % VERIFIED_EVERY
        self._made += len(many)
        return self._door.sign_many(self.key(label), many, sample=slice(first, None, VERIFIED_EVERY))


def _is_response_data(data: bytes) -> bool:
    """Tell ResponseData by its first element, the responder identifier [1] or [2]; it runs two million times in a row."""
    if len(data) < 40 or data[0] != 0x30:
        return False
    start = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
    return data[start : start + 1] in (b"\xa1", b"\xa2")
