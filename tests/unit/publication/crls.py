"""Small CRLs by `cryptography`, and a large one by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from trust import der
from trust.algorithms import ALGORITHMS

_KEY = ALGORITHMS["P-256"].generate()


def crl(this_update: datetime, next_update: datetime, *serials: int) -> bytes:
    """Make a signed CRL."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "AC personnes")])
    builder = x509.CertificateRevocationListBuilder().issuer_name(name).last_update(this_update).next_update(next_update)
    for serial in serials:
        revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(this_update).build()
        builder = builder.add_revoked_certificate(revoked)
    return builder.sign(_KEY, SHA256()).public_bytes(Encoding.DER)


def large_crl(this_update: datetime, entries: int = 1_000_000) -> bytes:
    """Make a CRL of 37 octets an entry, with a signature of zeros: what serving it costs does not depend on it."""
    entry = der.sequence(der.tlv(der.INTEGER, b"\x40" + bytes(15)), der.time(this_update))
    algorithm = der.sequence(der.oid("1.2.840.10045.4.3.2"))
    name = der.sequence(der.set_of(der.sequence(der.oid("2.5.4.3"), der.utf8("AC personnes"))))
    times = der.time(this_update) + der.time(this_update + timedelta(days=1))
    tbs = der.sequence(der.integer(1), algorithm, name, times, der.sequence(entry * entries))
    return der.sequence(tbs, algorithm, der.bit_string(bytes(72)))
