"""Signing a certificate revocation list (RFC 5280 §5.1.1.3; CP 4.9.7). The one permitted caller is `pki.status`.

It checks that it is given the head of a TBSCertList announcing this key's algorithm, and nothing of its content: what
a CRL says and when is `pki.status.crl`.
"""

from __future__ import annotations

from pki.signing.door import KeyUse, SigningDoor, SigningKey
from trust import der
from trust.algorithms import Algorithm
from trust.errors import Alarm, Malformed

_VERSION_2 = b"\x02\x01\x01"


class CrlSigner:
    """Signs the CRLs of the authority's CAs."""

    def __init__(self, door: SigningDoor) -> None:
        self._door = door

    def key(self, label: str) -> SigningKey:
        """Return a CA key: its algorithm stands in every CRL.

        Raises:
            Missing: there is no such key.
        """
        return self._door.key(label, KeyUse.CRL)

    def sign(self, label: str, tbs: bytes, *, subject: str) -> bytes:
        """Return the signature by CA key `label` over a TBSCertList, already verified. `subject` names it to the
        witness: list and number.

        Raises:
            Alarm: the octets are no CRL of this key, or the signature does not verify.
            Unavailable: the custodian does not answer.
        """
        key = self.key(label)
        if not _is_list(tbs, key.algorithm):
            raise Alarm(f"what is to be signed as {subject} is not a CRL under key {label}")
        return self._door.sign(key, tbs, subject=subject)


def _is_list(tbs: bytes, algorithm: Algorithm) -> bool:
    """Tell a TBSCertList v2 from anything else that a CA key might sign: after the issuer comes a time, not a validity."""
    try:
        tag, start, end = der.header(tbs)
        head = _VERSION_2 + algorithm.identifier
        if tag != der.SEQUENCE or end != len(tbs) or not tbs.startswith(head, start):
            return False
        issuer, _, after = der.header(tbs, start + len(head))
        return issuer == der.SEQUENCE and der.header(tbs, after)[0] in (der.UTC_TIME, der.GENERALIZED_TIME)
    except Malformed:
        return False
