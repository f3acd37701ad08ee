"""Signing a certification request for a key of the authority (RFC 2986; CP 3.2.1). The one permitted caller makes requests
for an issuing CA whose root is elsewhere.

Signs a CertificationRequestInfo that names the very key it is signed with, and nothing else: a CA key shows that it is held,
once, to those who will certify it.
"""

from __future__ import annotations

from pki.signing.door import KeyUse, SigningDoor, SigningKey
from trust import der
from trust.algorithms import spki
from trust.errors import Alarm, Malformed

_VERSION_1 = b"\x02\x01\x00"


class RequestSigner:
    """Signs requests for the authority's own keys."""

    def __init__(self, door: SigningDoor) -> None:
        self._door = door

    def key(self, label: str) -> SigningKey:
        """Return a CA key: its public half stands in the request.

        Raises:
            Missing: there is no such key.
        """
        return self._door.key(label, KeyUse.CERTIFICATE)

    def sign(self, label: str, info: bytes) -> bytes:
        """Return the signature by CA key `label` over a CertificationRequestInfo, already verified.

        Raises:
            Alarm: the octets are no request for this key, or the signature does not verify.
            Unavailable: the custodian does not answer.
        """
        key = self.key(label)
        if not _is_request(info, spki(key.public_key)):
            raise Alarm(f"what is to be signed is not a request for the key {label}")
        return self._door.sign(key, info, subject="request")


def _is_request(info: bytes, public_key: bytes) -> bool:
    """Tell a CertificationRequestInfo from anything else that a CA key might sign: version 0, one name, the key, no wish."""
    try:
        tag, start, end = der.header(info)
        name, _, after = der.header(info, start + len(_VERSION_1))
    except Malformed:
        return False
    shaped = tag == name == der.SEQUENCE and end == len(info) and info.startswith(_VERSION_1, start)
    return shaped and info[after:] == public_key + b"\xa0\x00"
