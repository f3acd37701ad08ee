"""A CA that signs lists, rows of revoked certificates, and the same list made by pyca's builder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

from cryptography import x509

from pki.status.crl import Issuer, Row
from trust.algorithms import ALGORITHMS, PrivateKey

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
KEY_ID = bytes(range(20))
NAME = x509.Name(
    [
        x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "FR"),
        x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Ordre d'essai"),
        x509.NameAttribute(x509.NameOID.COMMON_NAME, "AC Personnes, démonstration"),
    ]
)
REASONS = (None, 0, 1, 2, 3, 4, 5, 6, 9, 10)

_FLAGS = {
    1: x509.ReasonFlags.key_compromise,
    2: x509.ReasonFlags.ca_compromise,
    3: x509.ReasonFlags.affiliation_changed,
    4: x509.ReasonFlags.superseded,
    5: x509.ReasonFlags.cessation_of_operation,
    6: x509.ReasonFlags.certificate_hold,
    8: x509.ReasonFlags.remove_from_crl,
    9: x509.ReasonFlags.privilege_withdrawn,
    10: x509.ReasonFlags.aa_compromise,
}


@cache
def ca_key(name: str) -> PrivateKey:
    """The key of the CA, one per algorithm."""
    return ALGORITHMS[name].generate()


def issuer(name: str = "P-256") -> Issuer:
    """The CA as the lists know it."""
    return Issuer(NAME.public_bytes(), KEY_ID, ALGORITHMS[name])


def serial(number: int) -> bytes:
    """The serial of that number: ours in form, the same at each run."""
    octets = Random(number).randbytes(16)
    return bytes([0x40 | octets[0] & 0x3F]) + octets[1:]


def rows(count: int, *, since: datetime = NOW - timedelta(days=300)) -> list[Row]:
    """Revoked certificates, of every reason in turn, some hours apart, all valid for a year more."""
    start, until = int(since.timestamp()), int((NOW + timedelta(days=365)).timestamp())
    return [(serial(n), start + 7919 * n, REASONS[n % len(REASONS)], until, 0) for n in range(count)]


def built(
    entries: Sequence[tuple[bytes, int, int | None, int | None]],
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
    *,
    name: str = "P-256",
    this_update: datetime = NOW,
    next_update: datetime = NOW + DAY,
) -> bytes:
    """Return the TBSCertList that pyca's builder makes of the same facts: (serial, revoked at, reason, invalidity date)."""
    revoked = [_entry(*entry) for entry in entries]
    # The constructor takes the whole list: `add_revoked_certificate` copies it at each call.
    builder = x509.CertificateRevocationListBuilder(NAME, this_update, next_update, [], revoked)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    digest: Any = ALGORITHMS[name].digest
    return builder.sign(ca_key(name), digest).tbs_certlist_bytes


def _entry(number: bytes, at: int, reason: int | None, invalidity_date: int | None) -> x509.RevokedCertificate:
    builder = (
        x509.RevokedCertificateBuilder().serial_number(int.from_bytes(number)).revocation_date(datetime.fromtimestamp(at, UTC))
    )
    if reason:
        builder = builder.add_extension(x509.CRLReason(_FLAGS[reason]), False)
    if invalidity_date is not None:
        builder = builder.add_extension(x509.InvalidityDate(datetime.fromtimestamp(invalidity_date, UTC)), False)
    return builder.build()
