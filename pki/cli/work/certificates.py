"""A certificate as the commands show it: in a list, whole, decoded (the public contract of `sceau cert`)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pki.cli._text import at, day, distinguished_name, short_name, table
from pki.inventory.model import Certificate
from trust.algorithms import algorithm_of

HEAD = ("SERIAL", "STATUS", "PROFILE", "HOLDER", "NAME", "UNTIL")


def as_data(certificate: Certificate, now: datetime) -> dict[str, Any]:
    """Return what is said of a certificate in JSON lists."""
    return {
        "serial": certificate.serial.hex(),
        "status": certificate.status_at(now),
        "profile": certificate.profile,
        "subject": distinguished_name(certificate.subject),
        "not_after": at(certificate.not_after),
        "not_before": at(certificate.not_before),
        "name": short_name(certificate.subject),
        "holder": certificate.holder,
        "board": certificate.board or None,
        "ca": certificate.ca,
        "shard": certificate.shard,
        "order": certificate.order_id,
        "key_sha256": certificate.spki_hash.hex(),
        "revoked_at": at(certificate.revoked_at),
        "reason": certificate.reason.standard_name if certificate.reason is not None else None,
        "held_by": certificate.held_by,
    }


def listing(certificates: Sequence[Certificate], now: datetime) -> str:
    """Return a table of certificates."""
    rows = [
        (
            each.serial.hex(),
            each.status_at(now),
            each.profile,
            each.holder,
            short_name(each.subject),
            day(each.not_after),
        )
        for each in certificates
    ]
    return table(HEAD, rows)


def life(certificate: Certificate, now: datetime) -> list[tuple[str, object]]:
    """Return what is known of a certificate, as pairs to show."""
    left = certificate.not_after - now
    until = (
        f"{day(certificate.not_after)} ({left.days} days left)" if left > timedelta() else f"{day(certificate.not_after)} (over)"
    )
    reason = certificate.reason.standard_name if certificate.reason is not None else None
    return [
        ("serial", certificate.serial.hex()),
        ("status", certificate.status_at(now)),
        ("since", None if certificate.revoked_at is None else f"{at(certificate.revoked_at)} ({reason})"),
        ("held by", certificate.held_by),
        ("profile", certificate.profile),
        ("names", short_name(certificate.subject)),
        ("subject", distinguished_name(certificate.subject)),
        ("holder", certificate.holder),
        ("board", certificate.board or None),
        ("issued by", certificate.ca),
        ("from", day(certificate.not_before)),
        ("until", until),
        ("CRL shard", certificate.shard),
        ("key", f"SHA-256 {certificate.spki_hash.hex()}"),
        ("SHA-256", None if certificate.signature is None else hashlib.sha256(certificate.der).hexdigest()),
    ]


def decoded(der: bytes) -> list[tuple[str, object]]:
    """Return what a certificate itself says, as pairs to show."""
    parsed = x509.load_der_x509_certificate(der)
    algorithm = algorithm_of(parsed.public_key())
    pairs: list[tuple[str, object]] = [
        ("version", parsed.version.name),
        ("serial", ":".join(f"{octet:02x}" for octet in parsed.serial_number.to_bytes(16, "big").lstrip(b"\0"))),
        ("signature", parsed.signature_algorithm_oid.dotted_string),
        ("issuer", parsed.issuer.rfc4514_string()),
        ("subject", parsed.subject.rfc4514_string()),
        ("not before", at(parsed.not_valid_before_utc)),
        ("not after", at(parsed.not_valid_after_utc)),
        ("public key", algorithm.name if algorithm else _other_key(parsed.public_key())),
    ]
    for extension in parsed.extensions:
        name = extension.oid._name if extension.oid._name != "Unknown OID" else extension.oid.dotted_string
        pairs.append((f"{name}{' !' if extension.critical else ''}", _extension(extension.value)))
    return pairs


def _other_key(key: object) -> str:
    size = key.key_size if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) else ""
    return f"{type(key).__name__} {size}".strip()


def _extension(value: x509.ExtensionType) -> str:
    match value:
        case x509.SubjectKeyIdentifier():
            return value.digest.hex()
        case x509.AuthorityKeyIdentifier():
            return (value.key_identifier or b"").hex()
        case x509.BasicConstraints():
            return f"CA: {value.ca}" + (f", path length {value.path_length}" if value.path_length is not None else "")
        case x509.KeyUsage():
            names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
            return ", ".join(name for name in (*names, "key_cert_sign", "crl_sign") if getattr(value, name))
        case x509.ExtendedKeyUsage():
            return ", ".join(each._name if each._name != "Unknown OID" else each.dotted_string for each in value)
        case x509.SubjectAlternativeName():
            return ", ".join(_general_name(name) for name in value)
        case x509.AuthorityInformationAccess():
            return ", ".join(f"{each.access_method._name} {_general_name(each.access_location)}" for each in value)
        case x509.CRLDistributionPoints() | x509.FreshestCRL():
            return ", ".join(_general_name(name) for point in value for name in point.full_name or ())
        case x509.CertificatePolicies():
            return ", ".join(each.policy_identifier.dotted_string for each in value)
        case x509.UnrecognizedExtension():
            return value.value.hex()
    return value.public_bytes().hex()


def _general_name(name: x509.GeneralName) -> str:
    if isinstance(name, x509.OtherName):
        text = name.value[2:].decode("utf-8", "backslashreplace")  # a UTF8String: the two octets before it are its header
        return f"{name.type_id.dotted_string} {text}"
    return str(name.value)
