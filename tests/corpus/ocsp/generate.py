"""Writes the corpus of odd OCSP requests: one file each, whose name begins with what the answer must be.

``python -m tests.corpus.ocsp.generate`` writes the files; a test makes them again in memory and demands the same octets and no
stranger in the folder. The CA they ask about exists nowhere: its hashes are made up, so that the files never change.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from pki.status.model import Authority, HashForm
from tests.unit.status.toy import NONCE, extension, nonce_extension, request
from trust import der

FOLDER = Path(__file__).parent
COUNT = 93
"""How many there are: a file that is lost, or added without a thought, fails the suite."""

CA = Authority(
    "corpus",
    hashlib.sha1(b"name").digest(),
    hashlib.sha1(b"key").digest(),
    hashlib.sha256(b"name").digest(),
    hashlib.sha256(b"key").digest(),
    datetime(2026, 1, 1, tzinfo=UTC),
)
GOOD, REVOKED, ABSENT = bytes.fromhex("41" * 16), bytes.fromhex("52" * 16), bytes.fromhex("63" * 16)

_STRANGE = der.oid("1.3.6.1.4.1.99999.1")
_BASIC = der.oid("1.3.6.1.5.5.7.48.1.1")


def _ask(serial: bytes = GOOD, **odd: object) -> bytes:
    return request(serial, CA, **odd)  # type: ignore[arg-type]


def _asked(*parts: bytes, tbs: bytes = b"") -> bytes:
    return der.sequence(der.sequence(*parts) + tbs)


def _single(identifier: bytes) -> bytes:
    return _asked(der.sequence(der.sequence(identifier)))


def _cert_id(algorithm: bytes, name_hash: bytes, key_hash: bytes, serial: bytes = der.tlv(der.INTEGER, GOOD)) -> bytes:
    return der.sequence(algorithm, der.octet_string(name_hash), der.octet_string(key_hash), serial)


def _algorithm(identifier: str) -> bytes:
    return der.sequence(der.tlv(der.OID, bytes.fromhex(identifier)), der.null())


def _hashed(dotted: str, size: int, parameters: bytes = b"\x05\x00") -> bytes:
    return _single(_cert_id(der.sequence(der.oid(dotted), parameters), bytes(size), bytes(size)))


def corpus() -> dict[str, bytes]:
    """Return every case: name of the file → octets."""
    return {
        f"{name}.der": octets for name, octets in (*_right(), *_elsewhere(), *_broken_octets(), *_broken_grammar(), *_nonces())
    }


def _right() -> list[tuple[str, bytes]]:
    ignorable = extension(_STRANGE, b"\x05\x00")
    locator = extension(der.oid("1.3.6.1.5.5.7.48.1.7"), der.sequence(der.sequence()))
    requestor = der.explicit(1, der.tlv(0x82, b"relais.example"))
    signature = der.explicit(0, der.sequence(der.sequence(der.oid("1.2.840.10045.4.3.2")), der.bit_string(bytes(70))))
    return [
        ("good-plain", _ask()),
        ("good-ignorable-extension", _ask(extensions=(ignorable,))),
        ("good-acceptable-responses", _ask(extensions=(extension(der.oid("1.3.6.1.5.5.7.48.1.4"), der.sequence(_BASIC)),))),
        ("good-service-locator", _ask(single_extensions=(locator,))),
        ("good-requestor-name", _ask(requestor=requestor)),
        ("good-signature-not-checked", _ask(signature=signature)),
        ("revoked-plain", _ask(REVOKED)),
        ("signer-sha1-without-parameters", _ask(form=HashForm("sha1", False))),
        ("signer-sha256", _ask(form=HashForm("sha256"))),
        ("signer-sha256-without-parameters", _ask(form=HashForm("sha256", False))),
        ("signer-critical-nonce", _ask(extensions=(extension(NONCE, der.octet_string(bytes(16)), critical=True),))),
    ]


def _elsewhere() -> list[tuple[str, bytes]]:
    grave = extension(_STRANGE, b"\x05\x00", critical=True)
    return [
        ("foreign-issuer", _ask(name_hash=bytes(20), key_hash=bytes(20))),
        ("foreign-right-key-wrong-name", _ask(name_hash=bytes(20))),
        ("foreign-right-name-wrong-key", _ask(key_hash=bytes(20))),
        ("foreign-sha384", _hashed("2.16.840.1.101.3.4.2.2", 48)),
        ("foreign-sha512", _hashed("2.16.840.1.101.3.4.2.3", 64)),
        ("foreign-md5", _hashed("1.2.840.113549.2.5", 16)),
        ("foreign-hash-nobody-knows", _hashed("1.3.6.1.4.1.99999.7", 3, b"")),
        ("missing-never-issued", _ask(ABSENT)),
        ("missing-never-issued-sha256", _ask(ABSENT, form=HashForm("sha256"))),
        ("missing-serial-one", _ask(b"\x01")),
        ("missing-serial-zero", _ask(b"\x00")),
        ("missing-serial-negative", _ask(b"\xc1" + GOOD[1:])),
        ("missing-serial-20-octets", _ask(GOOD + b"\x00" * 4)),
        ("missing-serial-15-octets", _ask(GOOD[:15])),
        ("missing-serial-300-octets", _ask(b"\x41" * 300)),
        ("critical-extension", _ask(extensions=(grave,))),
        ("critical-single-extension", _ask(single_extensions=(grave,))),
    ]


def _broken_octets() -> list[tuple[str, bytes]]:
    whole = _ask()
    inner = whole[2:]
    cases = [(f"malformed-truncated-{size:02d}", whole[:size]) for size in (1, 2, 3, 5, 8, 13, 21, 34, 55, 67, 82)]
    return [
        *cases,
        ("malformed-empty", b""),
        ("malformed-trailing-octet", whole + b"\x00"),
        ("malformed-trailing-request", whole + whole),
        ("malformed-leading-octet", b"\x00" + whole),
        ("malformed-long-form-length", b"\x30\x81" + bytes((len(inner),)) + inner),
        ("malformed-length-with-leading-zero", b"\x30\x82\x00" + bytes((len(inner),)) + inner),
        ("malformed-indefinite-length", b"\x30\x80" + inner + b"\x00\x00"),
        ("malformed-length-of-four-gigabytes", b"\x30\x84\xff\xff\xff\xff" + inner),
        ("malformed-length-of-five-octets", b"\x30\x85\x01\x00\x00\x00\x00" + inner),
        ("malformed-high-tag", b"\x1f" + whole[1:]),
        ("malformed-set-for-sequence", b"\x31" + whole[1:]),
        ("malformed-inner-length-too-long", whole[:3] + bytes((whole[3] + 1,)) + whole[4:]),
        ("malformed-inner-length-too-short", whole[:3] + bytes((whole[3] - 1,)) + whole[4:]),
        ("malformed-text", b"GET / HTTP/1.1\r\n\r\n"),
        ("malformed-base64", b"MFEwTzBNMEswSTAJBgUrDgMCGgUABBQ="),
        ("malformed-zeros", bytes(512)),
        ("malformed-ones", b"\xff" * 512),
        ("malformed-huge", _ask(extensions=(extension(_STRANGE, bytes(16_384)),))),
        ("malformed-nested-deeply", _nested(2_000)),
    ]


def _nested(depth: int) -> bytes:
    nested = b""
    for _ in range(depth):
        nested = der.sequence(nested)
    return nested


def _broken_grammar() -> list[tuple[str, bytes]]:
    sha1 = der.sequence(der.oid("1.3.14.3.2.26"), der.null())
    right = _cert_id(sha1, CA.name_sha1, CA.key_sha1)
    one = der.sequence(right)
    default = der.sequence(_STRANGE, b"\x01\x01\x00", der.octet_string(b""))
    odd_true = der.sequence(_STRANGE, b"\x01\x01\x01", der.octet_string(b""))
    return [
        ("malformed-empty-sequence", der.sequence()),
        ("malformed-no-request", _asked(der.sequence())),
        ("malformed-two-requests", _asked(der.sequence(one, one))),
        ("malformed-version-1-spelled-out", _asked(der.explicit(0, der.integer(0)), der.sequence(one))),
        ("malformed-version-2", _asked(der.explicit(0, der.integer(1)), der.sequence(one))),
        ("malformed-unknown-field", _asked(der.sequence(one), der.explicit(5, der.null()))),
        ("malformed-unknown-outer-field", _asked(der.sequence(one), tbs=der.explicit(3, der.null()))),
        ("malformed-no-extension-in-list", _asked(der.sequence(one), der.explicit(2, der.sequence()))),
        ("malformed-extension-criticality-false", _ask(extensions=(default,))),
        ("malformed-extension-criticality-01", _ask(extensions=(odd_true,))),
        ("malformed-extension-without-value", _ask(extensions=(der.sequence(_STRANGE),))),
        ("malformed-extension-twice", _ask(extensions=(extension(_STRANGE, b""),) * 2)),
        ("malformed-hash-of-19-octets", _ask(name_hash=bytes(19))),
        ("malformed-sha1-with-sha256-octets", _ask(key_hash=bytes(32))),
        ("malformed-hash-parameters", _hashed("1.3.14.3.2.26", 20, der.integer(1))),
        ("malformed-algorithm-without-identifier", _single(_cert_id(der.sequence(), CA.name_sha1, CA.key_sha1))),
        ("malformed-algorithm-arc-padded", _single(_cert_id(_algorithm("802b0e03021a"), CA.name_sha1, CA.key_sha1))),
        ("malformed-algorithm-arc-unfinished", _single(_cert_id(_algorithm("2b0e03029a"), CA.name_sha1, CA.key_sha1))),
        ("malformed-extension-arc-unfinished", _ask(extensions=(extension(der.tlv(der.OID, b"\x2b\x86"), b""),))),
        ("malformed-serial-empty", _ask(b"")),
        ("malformed-serial-padded", _ask(b"\x00" + GOOD)),
        ("malformed-serial-of-octets", _single(_cert_id(sha1, CA.name_sha1, CA.key_sha1, der.octet_string(GOOD)))),
    ]


def _nonces() -> list[tuple[str, bytes]]:
    right = [(f"signer-nonce-{size:03d}", _ask(extensions=(nonce_extension(b"n" * size),))) for size in (1, 16, 32, 33, 128)]
    return [
        *right,
        ("signer-nonce-sha256", _ask(form=HashForm("sha256"), extensions=(nonce_extension(b"n" * 32),))),
        ("malformed-nonce-000", _ask(extensions=(nonce_extension(b""),))),
        ("malformed-nonce-129", _ask(extensions=(nonce_extension(b"n" * 129),))),
        ("malformed-nonce-twice", _ask(extensions=(nonce_extension(b"n"), nonce_extension(b"m")))),
        ("malformed-nonce-bare", _ask(extensions=(extension(NONCE, b"n" * 16),))),
        ("malformed-nonce-trailing", _ask(extensions=(extension(NONCE, der.octet_string(b"n" * 16) + b"\x00"),))),
        ("malformed-nonce-of-one-certificate", _ask(single_extensions=(nonce_extension(b"n" * 16),))),
        ("missing-with-nonce", _ask(ABSENT, extensions=(nonce_extension(b"n" * 16),))),
    ]


if __name__ == "__main__":
    for old in FOLDER.glob("*.der"):
        old.unlink()
    for name, octets in corpus().items():
        (FOLDER / name).write_bytes(octets)
