"""Writes the corpus of broken certificates beside this file: ``python -m tests.corpus.certificates.generate``.

Each file is one certificate damaged in one way, made from octets with keys that never change, so that writing the corpus again
gives the same files. The name says what must come of it: ``….malformed.der`` is refused by the reader, ``….odd.der`` is read and
never valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trust import der, oids

FOLDER = Path(__file__).parent
KEY = Ed25519PrivateKey.from_private_bytes(b"\x11" * 32)
ED25519 = der.sequence(der.oid(oids.ED25519))
KEY_INFO = der.sequence(ED25519, der.bit_string(KEY.public_key().public_bytes_raw()))
SERIAL = der.integer(0x41 << 120 | 0xC0FFEE)
VERSION_3 = der.explicit(0, der.integer(2))
VALIDITY = der.sequence(der.tlv(der.UTC_TIME, b"260101000000Z"), der.tlv(der.UTC_TIME, b"290101000000Z"))
TRUE, EXPLICIT_FALSE, BER_TRUE = b"\x01\x01\xff", b"\x01\x01\x00", b"\x01\x01\x01"


def name(common: bytes = "Praticien d’essai".encode(), tag: int = der.UTF8_STRING) -> bytes:
    """A name with one attribute."""
    return der.sequence(der.set_of(der.sequence(der.oid(oids.COMMON_NAME), der.tlv(tag, common))))


def extension(oid: str, value: bytes, critical: bytes = b"") -> bytes:
    """One extension; `critical` is the encoding of its flag."""
    return der.sequence(der.oid(oid), critical, der.octet_string(value))


BASIC = extension(oids.BASIC_CONSTRAINTS, der.sequence())
USAGE = extension(oids.KEY_USAGE, b"\x03\x02\x07\x80", TRUE)
CLIENT = extension(oids.EXTENDED_KEY_USAGE, der.sequence(der.oid(oids.USAGE_CLIENT_AUTH)))
EXTENSIONS = (BASIC, USAGE, CLIENT)


def certificate(
    *,
    version: bytes = VERSION_3,
    serial: bytes = SERIAL,
    inner: bytes = ED25519,
    outer: bytes = ED25519,
    issuer: bytes = name(),
    validity: bytes = VALIDITY,
    subject: bytes = name(),
    key: bytes = KEY_INFO,
    extensions: tuple[bytes, ...] | None = EXTENSIONS,
    after: bytes = b"",
    signature: bytes | None = None,
) -> bytes:
    """A certificate, self-signed, with whatever is given in place of the right thing."""
    rest = der.explicit(3, der.sequence(*extensions)) if extensions is not None else b""
    tbs = der.sequence(version, serial, inner, issuer, validity, subject, key, rest, after)
    return der.sequence(tbs, outer, signature if signature is not None else der.bit_string(KEY.sign(tbs)))


def with_extension(oid: str, value: bytes, critical: bytes = b"") -> bytes:
    """A certificate with one more extension."""
    return certificate(extensions=(*EXTENSIONS, extension(oid, value, critical)))


def time_pair(not_before: tuple[int, bytes], not_after: tuple[int, bytes]) -> bytes:
    """A validity of two times, each a tag and its octets."""
    return der.sequence(der.tlv(*not_before), der.tlv(*not_after))


def corpus() -> Mapping[str, bytes]:
    """Every file: name and octets."""
    return {**_lengths(), **_fields(), **_extensions(), **_odd()}


def _lengths() -> dict[str, bytes]:
    good = certificate()
    content = good[4:]
    tbs_start = 4
    return {
        "empty.malformed.der": b"",
        "one-octet.malformed.der": b"\x30",
        "text.malformed.der": b"this is not a certificate",
        "null.malformed.der": der.null(),
        "empty-sequence.malformed.der": der.sequence(),
        "pem-of-nothing.malformed.der": b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "pem-not-base64.malformed.der": b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
        "pem-unfinished.malformed.der": b"-----BEGIN CERTIFICATE-----\nMIIB",
        "half.malformed.der": good[: len(good) // 2],
        "without-last-octet.malformed.der": good[:-1],
        "cut-in-length.malformed.der": good[:2],
        "trailing-octet.malformed.der": good + b"\x00",
        "two-certificates.malformed.der": good + good,
        "long-form-length.malformed.der": b"\x30\x83" + len(content).to_bytes(3, "big") + content,
        "indefinite-length.malformed.der": b"\x30\x80" + content + b"\x00\x00",
        "length-too-great.malformed.der": b"\x30\x82\xff\xff" + content,
        "inner-long-form-length.malformed.der": der.sequence(
            b"\x30\x83" + b"\x00" + good[tbs_start + 2 : tbs_start + 4] + good[tbs_start + 4 :]
        ),
        "high-tag.malformed.der": b"\x3f\x81\x01" + good[2:],
        "nested-4000-deep.malformed.der": _nested(4000),
        "oversized.malformed.der": with_extension("2.25.99", bytes(70_000)),
    }


def _fields() -> dict[str, bytes]:
    utc, general = der.UTC_TIME, der.GENERALIZED_TIME
    good = (utc, b"290101000000Z")
    rsa_name = der.sequence(der.oid(oids.SHA256_WITH_RSA), der.null())
    return {
        "version-4.malformed.der": certificate(version=der.explicit(0, der.integer(3))),
        "version-negative.malformed.der": certificate(version=der.explicit(0, der.integer(-1))),
        "serial-zero.malformed.der": certificate(serial=der.integer(0)),
        "serial-negative.malformed.der": certificate(serial=der.integer(-5)),
        "serial-21-octets.malformed.der": certificate(serial=der.integer(1 << 160)),
        "serial-padded.malformed.der": certificate(serial=b"\x02\x03\x00\x00\x05"),
        "serial-empty.malformed.der": certificate(serial=b"\x02\x00"),
        "algorithms-differ.malformed.der": certificate(outer=rsa_name),
        "month-13.malformed.der": certificate(validity=time_pair((utc, b"261301000000Z"), good)),
        "no-seconds.malformed.der": certificate(validity=time_pair((utc, b"2601010000Z"), good)),
        "no-zone.malformed.der": certificate(validity=time_pair((utc, b"260101000000"), good)),
        "offset.malformed.der": certificate(validity=time_pair((utc, b"260101000000+0100"), good)),
        "fraction.malformed.der": certificate(validity=time_pair((general, b"20260101000000.5Z"), good)),
        "year-text.malformed.der": certificate(validity=time_pair((utc, b"AA0101000000Z"), good)),
        "one-time.malformed.der": certificate(validity=der.sequence(der.tlv(*good))),
        "field-after-extensions.malformed.der": certificate(after=der.null()),
        "signature-not-bits.malformed.der": certificate(signature=der.octet_string(bytes(64))),
        "signature-empty-bits.malformed.der": certificate(signature=b"\x03\x00"),
        "signature-9-unused-bits.malformed.der": certificate(signature=der.bit_string(bytes(64), 9)),
        "name-not-utf8.odd.der": certificate(subject=name(b"\xff\xfe")),
        "name-without-value.malformed.der": certificate(
            subject=der.sequence(der.set_of(der.sequence(der.oid(oids.COMMON_NAME))))
        ),
        "name-empty-set.odd.der": certificate(subject=der.sequence(der.set_of())),
        "key-without-algorithm.malformed.der": certificate(key=der.sequence(der.bit_string(bytes(33)))),
    }


def _extensions() -> dict[str, bytes]:
    short_address = der.sequence(der.implicit(7, b"\x7f\x00\x00"))
    return {
        "duplicate-extension.malformed.der": certificate(extensions=(*EXTENSIONS, BASIC)),
        "duplicate-unknown-extension.malformed.der": certificate(extensions=(extension("2.25.99", b"\x05\x00"),) * 2),
        "extensions-empty.odd.der": certificate(extensions=()),
        "extensions-in-version-1.malformed.der": certificate(version=b""),
        "critical-ber-true.malformed.der": with_extension("2.25.99", b"\x05\x00", BER_TRUE),
        "critical-explicit-false.malformed.der": with_extension("2.25.99", b"\x05\x00", EXPLICIT_FALSE),
        "basic-constraints-garbage.malformed.der": certificate(extensions=(extension(oids.BASIC_CONSTRAINTS, b"\xff\xff"),)),
        "basic-constraints-trailing.malformed.der": certificate(
            extensions=(extension(oids.BASIC_CONSTRAINTS, der.sequence() + b"\x00"),)
        ),
        "path-length-negative.malformed.der": certificate(
            extensions=(extension(oids.BASIC_CONSTRAINTS, der.sequence(der.boolean(True), der.integer(-1))),)
        ),
        "key-usage-not-bits.malformed.der": certificate(extensions=(BASIC, extension(oids.KEY_USAGE, der.integer(1)), CLIENT)),
        "key-usage-empty.malformed.der": certificate(extensions=(BASIC, extension(oids.KEY_USAGE, b""), CLIENT)),
        "extended-usage-empty.malformed.der": certificate(
            extensions=(BASIC, USAGE, extension(oids.EXTENDED_KEY_USAGE, der.sequence()))
        ),
        "policies-empty.odd.der": with_extension(oids.CERTIFICATE_POLICIES, der.sequence()),
        "alternative-name-short-address.malformed.der": with_extension(oids.SUBJECT_ALTERNATIVE_NAME, short_address),
        "key-identifier-not-octets.malformed.der": with_extension(oids.SUBJECT_KEY_IDENTIFIER, der.integer(5)),
        "distribution-point-garbage.malformed.der": with_extension(oids.CRL_DISTRIBUTION_POINTS, der.sequence(der.integer(1))),
        "information-access-garbage.malformed.der": with_extension(oids.AUTHORITY_INFORMATION_ACCESS, der.sequence(der.null())),
    }


def _odd() -> dict[str, bytes]:
    unknown = der.sequence(der.oid("2.25.77"))
    off_curve = der.bit_string(b"\x04" + b"\x01" * 64)
    p256 = der.sequence(der.oid(oids.KEY_EC), der.oid(oids.CURVE_P256))
    small = der.sequence(der.oid(oids.KEY_EC), der.oid("1.3.132.0.9"))
    return {
        "good-but-nobody-s.odd.der": certificate(),
        "version-1.odd.der": certificate(version=b"", extensions=None),
        "version-3-without-extensions.odd.der": certificate(extensions=None),
        "unknown-signature-algorithm.odd.der": certificate(inner=unknown, outer=unknown),
        "unknown-key-algorithm.odd.der": certificate(key=der.sequence(unknown, der.bit_string(bytes(33)))),
        "unknown-curve.odd.der": certificate(key=der.sequence(small, der.bit_string(b"\x04" + bytes(40)))),
        "point-off-the-curve.odd.der": certificate(key=der.sequence(p256, off_curve)),
        "point-at-infinity.odd.der": certificate(key=der.sequence(p256, der.bit_string(b"\x00"))),
        "key-too-short.odd.der": certificate(key=der.sequence(ED25519, der.bit_string(bytes(31)))),
        "signature-too-short.odd.der": certificate(signature=der.bit_string(bytes(3))),
        "unknown-critical-extension.odd.der": with_extension("2.25.99", b"\x05\x00", TRUE),
        "expired-before-it-began.odd.der": certificate(
            validity=time_pair((der.UTC_TIME, b"290101000000Z"), (der.UTC_TIME, b"260101000000Z"))
        ),
        "no-subject.odd.der": certificate(subject=der.sequence()),
        "subject-with-controls.odd.der": certificate(subject=name(b"a\x00b\r\n\x1b[31m")),
    }


def _nested(depth: int) -> bytes:
    octets = b""
    for _ in range(depth):
        octets = der.sequence(octets)
    return octets


def main() -> None:
    """Write every file, and remove what is no longer made."""
    made = corpus()
    for path in FOLDER.glob("*.der"):
        if path.name not in made:
            path.unlink()
    for file, octets in made.items():
        (FOLDER / file).write_bytes(octets)
    print(f"{len(made)} files in {FOLDER.name}")


if __name__ == "__main__":
    main()
