"""The words of the status service (RFC 6960; CP 4.10): facts, authorities, responders and batches.

A *fact* is what the database says about one serial. A *responder* is a delegated OCSP signing certificate (RFC 6960 §4.2.2.2);
several coexist while one is being renewed, because a stored signature stays what the responder of its *batch* made it. An
*authority* is an issuing CA seen through the hashes that requests name it by. Nothing here signs, stores or looks at the clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from cryptography import x509

from trust import der, oids
from trust.algorithms import Algorithm, PublicKey, algorithm_of
from trust.errors import Malformed, Unavailable

SERIAL_SIZE = 16


class Status(StrEnum):
    """CertStatus (RFC 6960 §4.2.1). A certificate on hold is `REVOKED` with reason 6."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


class StatusFact(NamedTuple):
    """What the database says about one serial at one moment."""

    serial: bytes
    """16 octets."""
    status: Status
    revoked_at: datetime | None = None
    """Aware; set exactly when revoked."""
    reason: int | None = None
    """CRLReason (RFC 5280 §5.3.1). None and 0 (unspecified) both say nothing, and are written as nothing."""


class HashForm(NamedTuple):
    """How a CertID names its hash: which one, and whether its AlgorithmIdentifier spells out NULL parameters.

    The answer repeats the form of the question octet for octet, because some clients compare CertIDs as octets.
    """

    name: str
    """``"sha1"`` or ``"sha256"``."""
    null_parameters: bool = True

    @property
    def identifier(self) -> bytes:
        """The AlgorithmIdentifier, DER."""
        dotted = der.oid(oids.SHA1 if self.name == "sha1" else oids.SHA256)
        return der.sequence(dotted, der.null()) if self.null_parameters else der.sequence(dotted)


SHA1 = HashForm("sha1")
"""The form that nearly every client sends, and the one that is pre-signed."""


@dataclass(frozen=True)
class Authority:
    """An issuing CA, as status requests name it: hashes of its subject name and of its public key (RFC 6960 §4.1.1)."""

    ca_id: str
    name_sha1: bytes
    key_sha1: bytes
    name_sha256: bytes
    key_sha256: bytes
    not_before: datetime
    """When the CA began: no status of its certificates is older."""

    @classmethod
    def of(cls, ca_id: str, certificate_der: bytes) -> Authority:
        """Take the hashes from the CA's certificate.

        Raises:
            Malformed: it is not a DER certificate.
        """
        try:
            tbs = list(der.children(der.whole(next(der.children(der.whole(certificate_der, der.SEQUENCE)))[2], der.SEQUENCE)))
            fields = tbs[1:] if tbs[0][0] == 0xA0 else tbs  # skip the explicit version
            name, (_, spki, _) = fields[4][2], fields[5]
            key = list(der.children(spki))[1][1][1:]  # the BIT STRING, without its count of unused bits
            not_before = x509.load_der_x509_certificate(certificate_der).not_valid_before_utc
        except Exception as problem:  # noqa: BLE001 - the library has a dozen exception classes here; each means the same
            raise Malformed(f"not a certificate: {problem}") from None
        return cls(
            ca_id,
            hashlib.sha1(name, usedforsecurity=False).digest(),
            hashlib.sha1(key, usedforsecurity=False).digest(),
            hashlib.sha256(name).digest(),
            hashlib.sha256(key).digest(),
            not_before,
        )

    def hashes(self, name: str) -> tuple[bytes, bytes]:
        """Return (name hash, key hash) under ``"sha1"`` or ``"sha256"``."""
        return (self.name_sha1, self.key_sha1) if name == "sha1" else (self.name_sha256, self.key_sha256)


@dataclass(frozen=True)
class Responder:
    """A certificate that may sign status for one CA, and the name of its key in custody."""

    ca_id: str
    index: int
    """Rank in the line of renewals: the next one is greater."""
    certificate_der: bytes
    key_label: str
    not_after: datetime

    @cached_property
    def public_key(self) -> PublicKey:
        """The public half of its key.

        Raises:
            Malformed: the certificate cannot be read.
        """
        try:
            return x509.load_der_x509_certificate(self.certificate_der).public_key()
        except Exception as problem:  # noqa: BLE001 - the library has a dozen exception classes here; each means the same
            raise Malformed(f"not a responder certificate: {problem}") from None

    @cached_property
    def algorithm(self) -> Algorithm:
        """The signature algorithm of its key.

        Raises:
            Malformed: the key is of a kind that Sceau does not sign with.
        """
        algorithm = algorithm_of(self.public_key)
        if algorithm is None:
            raise Malformed("the responder's key is of a kind that Sceau does not sign with")
        return algorithm

    @cached_property
    def key_hash(self) -> bytes:
        """KeyHash of its ResponderID (RFC 6960 §4.2.1): SHA-1 of the public key, 20 octets."""
        return Authority.of(self.ca_id, self.certificate_der).key_sha1


def newest(responders: Iterable[Responder], at: datetime) -> Responder:
    """Choose the responder to sign with: the last of the line that is still valid.

    Raises:
        Unavailable: all of them have expired.
    """
    valid = [responder for responder in responders if responder.not_after > at]
    if not valid:
        raise Unavailable("no OCSP responder certificate is valid: renew one")
    return max(valid, key=lambda responder: responder.index)


@dataclass(frozen=True)
class Batch:
    """What the signatures of one batch have in common; everything else of a response follows from the record.

    `this_update` is taken *before* the facts are read: a certificate revoked meanwhile is revoked after the moment that the
    answer speaks of (invariant I8).
    """

    number: int
    """Given by `StatusWriter.new_batch`; below 2^31."""
    responder: Responder
    this_update: datetime
    next_update: datetime
    produced_at: datetime
    archive_cutoff: datetime | None = None

    @property
    def good_prefix(self) -> bytes:
        """First four octets of the stored value of a good certificate."""
        return self.number.to_bytes(4, "big")

    @property
    def revoked_prefix(self) -> bytes:
        """The same with the top bit set: a revoked one."""
        return (self.number | 0x80000000).to_bytes(4, "big")


def window(this_update: datetime, validity: timedelta, responder: Responder) -> tuple[datetime, datetime]:
    """Return (thisUpdate, nextUpdate): an answer never outlives the certificate that vouches for it.

    Raises:
        Unavailable: the responder's certificate has expired.
    """
    next_update = min(this_update + validity, responder.not_after)
    if next_update <= this_update:
        raise Unavailable(f"the OCSP responder {responder.key_label} has expired: renew it")
    return this_update, next_update


def archive_cutoff(produced_at: datetime, retention: timedelta | None, authority: Authority) -> datetime | None:
    """Return the archive cutoff date (RFC 6960 §4.4.4): `producedAt` less the retention, and never before the CA began.

    `retention` is how long status outlives a certificate; None, when it does not, gives None: the extension is left out.
    """
    return None if retention is None else max(produced_at - retention, authority.not_before)
