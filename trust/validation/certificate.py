"""A certificate as validation reads it: once, strictly, then immutable (RFC 5280 §4.1).

`cryptography` parses; this adds what it leaves to the caller: size limit, inner and outer signature algorithm the same,
positive serial, the raw octets of both names (two names are the same here when their DER is). It judges nothing: see `chain`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from trust import der, oids
from trust.algorithms import Algorithm, PublicKey, algorithm_of
from trust.errors import Malformed

LARGEST_CERTIFICATE = 64 * 1024
"""Octets. An ML-DSA-87 certificate is about 8,000; more than this is not a certificate but an attack on the parser."""

_SHORT_NAMES = {
    x509.ObjectIdentifier(oids.SURNAME): "SN",
    x509.ObjectIdentifier(oids.GIVEN_NAME): "GN",
    x509.ObjectIdentifier(oids.TITLE): "title",
    x509.ObjectIdentifier(oids.ORGANISATION_IDENTIFIER): "organizationIdentifier",
}
"""What RFC 4514 leaves as numbers, and people read as words."""

LIBRARY_ERRORS = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    Warning,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What `cryptography` was seen or is documented to raise on hostile input: not only ValueError, and
under ``-W error`` also its warnings about encodings that it still tolerates."""


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn every exception of a parsing library into ours.

    Raises:
        Malformed: `what` cannot be read.
    """
    try:
        yield
    except LIBRARY_ERRORS as error:
        detail = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise Malformed(f"this is not a {what} that can be read: {detail}") from None


class Certificate:
    """One certificate, read. Compare and hash by its octets."""

    __slots__ = ("__dict__", "algorithm_identifier", "der", "issuer", "key_info", "parsed", "serial", "subject", "tbs")

    def __init__(self, octets: bytes) -> None:
        """Read a DER certificate.

        Raises:
            Malformed: it is not one, or breaks a rule that makes every relying party refuse it.
        """
        if len(octets) > LARGEST_CERTIFICATE:
            raise Malformed(f"a certificate of {len(octets)} octets is larger than any that we read")
        self._walk(octets)
        with reading("certificate"):
            self.parsed = x509.load_der_x509_certificate(octets)
        self.der = octets

    @classmethod
    def read(cls, octets: bytes) -> Certificate:
        """Read one certificate, DER or PEM.

        Raises:
            Malformed: it is neither, or there are several.
        """
        found = read_all(octets)
        if len(found) != 1:
            raise Malformed(f"expected one certificate, found {len(found)}")
        return found[0]

    def _walk(self, octets: bytes) -> None:
        """Find the raw fields. Before pyca parses, which warns of some bad serials where we refuse them."""
        _, start, _ = der.header(octets)
        _, inner, end = der.header(octets, start)
        self.tbs = octets[start:end]
        _, _, after = der.header(octets, end)
        self.algorithm_identifier = octets[end:after]
        tag, _, place = der.header(octets, inner)
        if tag != 0xA0:  # the version, absent in version 1
            place = inner
        _, number, place = der.header(octets, place)
        serial = octets[number:place]
        if not 0 < len(serial) <= 20 or serial[0] & 0x80 or not any(serial):
            raise Malformed("a serial number is positive and has at most 20 octets (RFC 5280 §4.1.2.2)")
        self.serial = int.from_bytes(serial, "big")
        fields = []
        for _ in range(5):  # signature, issuer, validity, subject, subjectPublicKeyInfo (RFC 5280 §4.1)
            _, _, after = der.header(octets, place)
            fields.append(octets[place:after])
            place = after
        algorithm, self.issuer, _, self.subject, self.key_info = fields
        if algorithm != self.algorithm_identifier:
            raise Malformed("the signature algorithm inside the certificate is not the one outside (RFC 5280 §4.1.1.2)")

    def __eq__(self, other: object) -> bool:
        """Two certificates are the same when their octets are."""
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        """Hash of the octets."""
        return hash(self.der)

    @cached_property
    def not_before(self) -> datetime:
        """First second of validity, UTC."""
        return self.parsed.not_valid_before_utc

    @cached_property
    def not_after(self) -> datetime:
        """Last second of validity, UTC."""
        return self.parsed.not_valid_after_utc

    @cached_property
    def extensions(self) -> dict[str, x509.Extension[Any]]:
        """Extensions by OID.

        Raises:
            Malformed: one cannot be read, or stands there twice (RFC 5280 §4.2).
        """
        with reading("certificate"):
            found = {extension.oid.dotted_string: extension for extension in self.parsed.extensions}
        if found and self.parsed.version is not x509.Version.v3:
            raise Malformed("a certificate with extensions is of version 3 (RFC 5280 §4.1.2.1)")
        return found

    def extension(self, oid: str) -> Any:
        """Return the value of an extension, or None when the certificate has not got it."""
        found = self.extensions.get(oid)
        return found.value if found else None

    @cached_property
    def public_key(self) -> PublicKey | None:
        """The subject's public key, or None when it is of a kind that cannot be loaded."""
        try:
            return self.parsed.public_key()
        except LIBRARY_ERRORS:
            return None

    @cached_property
    def algorithm(self) -> Algorithm | None:
        """What the subject's key signs with, or None when it is none of our algorithms."""
        return algorithm_of(self.public_key) if self.public_key is not None else None

    @cached_property
    def key_octets(self) -> bytes:
        """The subject's public key as OCSP and key identifiers hash it: the BIT STRING without its count of unused bits."""
        parts = list(der.children(der.whole(self.key_info, der.SEQUENCE)))
        return parts[1][1][1:]

    @property
    def is_ca(self) -> bool:
        """Whether basicConstraints says that this is a certification authority."""
        constraints = self.extension(oids.BASIC_CONSTRAINTS)
        return bool(constraints is not None and constraints.ca)

    @property
    def path_length(self) -> int | None:
        """How many authorities may stand below this one, or None when it sets no limit (RFC 5280 §4.2.1.9)."""
        constraints = self.extension(oids.BASIC_CONSTRAINTS)
        return constraints.path_length if constraints is not None else None

    @property
    def is_self_issued(self) -> bool:
        """Whether issuer and subject are the same name (RFC 5280 §3.2)."""
        return self.issuer == self.subject

    @cached_property
    def key_identifier(self) -> bytes | None:
        """What this certificate calls its key (subjectKeyIdentifier)."""
        value = self.extension(oids.SUBJECT_KEY_IDENTIFIER)
        return value.digest if value is not None else None

    @cached_property
    def issuer_key_identifier(self) -> bytes | None:
        """What this certificate calls its issuer's key (authorityKeyIdentifier)."""
        value = self.extension(oids.AUTHORITY_KEY_IDENTIFIER)
        return value.key_identifier if value is not None else None

    @cached_property
    def subject_name(self) -> x509.Name:
        """The subject, parsed.

        Raises:
            Malformed: an attribute cannot be read.
        """
        with reading("certificate"):
            return self.parsed.subject

    @cached_property
    def name(self) -> str:
        """The subject for people, RFC 4514; the serial when there is none that can be read."""
        return _for_people(lambda: self.parsed.subject) or f"serial {self.serial:x}"

    @property
    def issuer_name(self) -> str:
        """The issuer for people, RFC 4514."""
        return _for_people(lambda: self.parsed.issuer) or "not named"

    def is_signed_by(self, issuer: Certificate) -> bool | None:
        """Tell whether the issuer's key made this signature; None when it names an algorithm that we do not use with that key."""
        return signature_by(issuer, self.algorithm_identifier, self.parsed.signature, self.tbs)


def signature_by(signer: Certificate, identifier: bytes, signature: bytes, data: bytes) -> bool | None:
    """Verify a signature with the key of a certificate. Only the one algorithm that we use with that kind of key counts.

    Returns None, never False, when another algorithm is named: nothing was verified, so nothing is known.
    """
    algorithm = signer.algorithm
    if algorithm is None or identifier != algorithm.identifier:
        return None
    return algorithm.verifies(signer.public_key, signature, data)


def _for_people(name: Callable[[], x509.Name]) -> str:
    try:
        text = name().rfc4514_string(_SHORT_NAMES)
    except LIBRARY_ERRORS:
        return ""
    return "".join(character if character.isprintable() else f"\\{ord(character):02X}" for character in text)


def read_all(octets: bytes) -> list[Certificate]:
    """Read the certificates of a file: one in DER, or any number in PEM.

    Raises:
        Malformed: not certificates.
    """
    if not octets.lstrip().startswith(b"-----BEGIN"):
        return [Certificate(octets)]
    with reading("PEM file"):
        parsed: Callable[[bytes], list[x509.Certificate]] = x509.load_pem_x509_certificates
        found = [certificate.public_bytes(Encoding.DER) for certificate in parsed(octets)]
    return [Certificate(one) for one in found]
