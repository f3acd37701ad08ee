"""Writes the certification requests of this folder, good and bad, and what each must be told (`expected.json`).

`python -m tests.corpus.csr.generate` from the root of the repository. Every octet is determined: keys are fixed
numbers that protect nothing, ECDSA and RSA signatures are deterministic. The requests are put together by hand,
because no library makes most of them.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import gcd
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from tests.unit.keys import moduli
from trust import der, oids
from trust.algorithms import spki

FOLDER = Path(__file__).parent
EXPECTED = "expected.json"
GOOD, MALFORMED = "accepted", "malformed"
"""The other verdicts are citations: the request is refused."""


@dataclass(frozen=True)
class Key:
    """A public key and how it signs."""

    spki: bytes
    algorithm: bytes
    sign: Callable[[bytes], bytes]


Case = tuple[str, bytes, str]
"""File name, octets, verdict."""


# --- Keys
# -------------------------------------------------------------------------------------------------------------------------


def elliptic(curve: ec.EllipticCurve, algorithm: str, digest: hashes.HashAlgorithm) -> Key:
    """A key on a curve; its private half is seven."""
    private = ec.derive_private_key(7, curve)
    how = ec.ECDSA(digest, deterministic_signing=True)
    return Key(spki(private.public_key()), der.sequence(der.oid(algorithm)), lambda data: private.sign(data, how))


_DIGESTS = {
    "md5": ("1.2.840.113549.1.1.4", "1.2.840.113549.2.5"),
    "sha1": ("1.2.840.113549.1.1.5", oids.SHA1),
    "sha256": (oids.SHA256_WITH_RSA, oids.SHA256),
}


def rsa_key(primes: tuple[int, int], exponent: int = 65537, digest: str = "sha256") -> Key:
    """An RSA key from its primes, weak or not, signing by PKCS#1 v1.5 (RFC 8017 §8.2)."""
    modulus, order = primes[0] * primes[1], (primes[0] - 1) * (primes[1] - 1)
    signature_oid, digest_oid = _DIGESTS[digest]
    size = (modulus.bit_length() + 7) // 8

    def sign(data: bytes) -> bytes:
        if gcd(exponent, order) != 1:
            return bytes(size)
        info = der.sequence(der.sequence(der.oid(digest_oid), der.null()), der.octet_string(hashlib.new(digest, data).digest()))
        padded = b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info
        return pow(int.from_bytes(padded), pow(exponent, -1, order), modulus).to_bytes(size)

    return Key(rsa_spki(modulus, exponent), der.sequence(der.oid(signature_oid), der.null()), sign)


def rsa_spki(modulus: int, exponent: int = 65537) -> bytes:
    """A SubjectPublicKeyInfo from its numbers."""
    numbers = der.sequence(der.integer(modulus), der.integer(exponent))
    return der.sequence(der.sequence(der.oid(oids.KEY_RSA), der.null()), der.bit_string(numbers))


P256 = elliptic(ec.SECP256R1(), oids.ECDSA_WITH_SHA256, hashes.SHA256())
POINT = P256.spki[-65:]


def with_spki(octets: bytes) -> Key:
    """Another public key, signed for by the P-256 key."""
    return Key(octets, P256.algorithm, P256.sign)


def on_p256(point: bytes) -> Key:
    """A P-256 key with another point."""
    return with_spki(der.sequence(der.sequence(der.oid(oids.KEY_EC), der.oid(oids.CURVE_P256)), der.bit_string(point)))


# --- Requests
# ---------------------------------------------------------------------------------------------------------------------


def request(
    key: Key = P256, *, subject: bytes = b"", attributes: bytes = b"", version: int = 0, sign: Key | None = None
) -> bytes:
    """A request: `sign` signs it when the key itself does not."""
    info = der.sequence(der.integer(version), der.sequence(subject), key.spki, der.explicit(0, attributes))
    signer = sign or key
    return der.sequence(info, signer.algorithm, der.bit_string(signer.sign(info)))


def named(text: bytes, attribute: str = oids.COMMON_NAME, tag: int = der.UTF8_STRING) -> bytes:
    """One relative distinguished name."""
    return der.set_of(der.sequence(der.oid(attribute), der.tlv(tag, text)))


def attribute(dotted: str, *values: bytes) -> bytes:
    """One attribute of a request."""
    return der.sequence(der.oid(dotted), der.set_of(*values))


def asking(*extensions: bytes) -> bytes:
    """The attribute that asks for extensions."""
    return attribute("1.2.840.113549.1.9.14", der.sequence(*extensions))


def extension(dotted: str, value: bytes, critical: bool = False) -> bytes:
    """One extension."""
    return der.sequence(der.oid(dotted), *([der.boolean(True)] if critical else []), der.octet_string(value))


def key_usage(bits: int, unused: int) -> bytes:
    """A KeyUsage of one octet."""
    return extension(oids.KEY_USAGE, der.bit_string(bytes([bits]), unused), critical=True)


def alternative(*names: bytes) -> bytes:
    """A SubjectAlternativeName of DNS names."""
    return extension(oids.SUBJECT_ALTERNATIVE_NAME, der.sequence(*(der.implicit(2, name) for name in names)))


def usages(*dotted: str) -> bytes:
    """An ExtendedKeyUsage."""
    return extension(oids.EXTENDED_KEY_USAGE, der.sequence(*(der.oid(one) for one in dotted)))


def pem(octets: bytes, label: bytes = b"CERTIFICATE REQUEST") -> bytes:
    """One PEM block."""
    return b"-----BEGIN " + label + b"-----\n" + base64.encodebytes(octets) + b"-----END " + label + b"-----\n"


CA_TRUE = der.sequence(der.boolean(True))


def accepted() -> Iterator[Case]:
    """Requests that prove possession; what they ask besides is ignored."""
    for name, key in {
        "p256": P256,
        "p256-sha512": elliptic(ec.SECP256R1(), "1.2.840.10045.4.3.4", hashes.SHA512()),
        "p384": elliptic(ec.SECP384R1(), oids.ECDSA_WITH_SHA384, hashes.SHA384()),
        "rsa2048": rsa_key(moduli.sound_primes(2048)),
        "rsa3072": rsa_key(moduli.sound_primes(3072)),
        "rsa4096": rsa_key(moduli.sound_primes(4096)),
        "ed25519": _ed25519(),
    }.items():
        yield f"key-{name}", request(key), GOOD
    plain = request()
    yield "pem", pem(plain), GOOD
    yield "pem-new", pem(plain, b"NEW CERTIFICATE REQUEST"), GOOD
    yield "pem-windows", b"\r\n" + pem(plain).replace(b"\n", b"\r\n") + b"\r\n", GOOD
    yield "subject", request(subject=named(b"99700000001", "2.5.4.5") + named("Zoé Exemple".encode())), GOOD
    yield "dns-names", request(attributes=asking(alternative(b"dossier.exemple.test", b"www.exemple.test"))), GOOD
    yield "challenge-password", request(attributes=attribute("1.2.840.113549.1.9.7", der.utf8("secret"))), GOOD
    yield "asks-usual-usages", request(attributes=asking(key_usage(0x80, 7), usages(oids.USAGE_CLIENT_AUTH))), GOOD
    yield "asks-time-stamping", request(attributes=asking(usages(oids.USAGE_TIME_STAMPING))), GOOD
    yield (
        "asks-not-to-be-a-ca",
        request(attributes=asking(extension(oids.BASIC_CONSTRAINTS, der.sequence(), critical=True))),
        GOOD,
    )
    yield "asks-unknown-extension", request(attributes=asking(extension("1.2.3.4", der.null()))), GOOD
    ours = sorted((attribute("2.5.4.5", der.printable("1")), attribute("1.2.3.5", der.null())))
    yield "asks-serial-and-validity", request(attributes=b"".join(ours)), GOOD


def _ed25519() -> Key:
    private = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    return Key(spki(private.public_key()), der.sequence(der.oid(oids.ED25519)), private.sign)


def malformed() -> Iterator[Case]:
    """Octets that are not one strict request."""
    plain = request()
    start = der.header(plain)[1]
    content = plain[start:]
    for name, octets in {
        "empty": b"",
        "text": b"Bonjour",
        "truncated": plain[:-1],
        "trailing-octet": plain + b"\0",
        "trailing-newline": plain + b"\n",
        "long-form-length": b"\x30\x82\0" + bytes([len(content)]) + content,
        "indefinite-length": b"\x30\x80" + content + b"\0\0",
        "a-set": b"\x31" + plain[1:],
        "only-the-key": P256.spki,
        "oversize": request(subject=named(b"x" * 16_384)),
        "version-1": request(version=1),
        "version-2": request(version=2),
        "no-version": der.sequence(der.sequence(der.sequence(), P256.spki, b"\xa0\0"), P256.algorithm, der.bit_string(b"")),
        "pem-twice": pem(plain) * 2,
        "pem-with-text": b"Subject: CN=x\n" + pem(plain),
        "pem-certificate": pem(plain, b"CERTIFICATE"),
        "pem-labels-differ": pem(plain).replace(b"BEGIN CERT", b"BEGIN NEW CERT"),
        "pem-not-base64": pem(plain).replace(b"\nMI", b"\nM*"),
        "pem-padding-inside": pem(plain).replace(b"\nMI", b"\nM="),
        "pem-trailing-octet": pem(plain + b"\0"),
        "pem-oversize": pem(request(subject=named(b"x" * 12_288))),
    }.items():
        yield name, octets, MALFORMED
    for name, key in _malformed_keys():
        yield f"key-{name}", request(key), MALFORMED
    for name, attributes in _malformed_attributes():
        yield f"attributes-{name}", request(attributes=attributes), MALFORMED
    yield "subject-not-utf8", request(subject=named(b"\xff\xfe")), MALFORMED
    yield "subject-not-a-string", request(subject=named(b"\x01", tag=der.INTEGER)), MALFORMED


def _malformed_keys() -> Iterator[tuple[str, Key]]:
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    field = der.sequence(der.oid("1.2.840.10045.1.1"), der.integer(prime))
    curve = der.sequence(der.octet_string(bytes(32)), der.octet_string(bytes(32)))
    described = der.sequence(der.integer(1), field, curve, der.octet_string(POINT), der.integer(prime), der.integer(1))
    yield "explicit-parameters", with_spki(der.sequence(der.sequence(der.oid(oids.KEY_EC), described), der.bit_string(POINT)))
    yield "implicit-parameters", with_spki(der.sequence(der.sequence(der.oid(oids.KEY_EC), der.null()), der.bit_string(POINT)))
    yield "infinity", on_p256(b"\0")
    yield "compressed", on_p256(b"\x03" + POINT[1:33])
    yield "off-the-curve", on_p256(POINT[:-1] + b"\0")
    yield "short-point", on_p256(POINT[:-1])
    yield (
        "rsa-without-null",
        with_spki(rsa_spki(moduli.sound(2048)).replace(b"\x05\0", b"").replace(b"\x30\x0d\x06", b"\x30\x0b\x06")),
    )
    yield "rsa-negative", with_spki(rsa_spki(-moduli.sound(2048)))
    yield (
        "ed25519-off-the-curve",
        with_spki(der.sequence(der.sequence(der.oid(oids.ED25519)), der.bit_string(b"\x02" + bytes(31)))),
    )


def _malformed_attributes() -> Iterator[tuple[str, bytes]]:
    name = alternative(b"a.exemple.test")
    yield "extension-twice", asking(name, name)
    yield "request-twice", asking(name) * 2
    yield "unsorted", b"".join(sorted((attribute("2.5.4.5", der.printable("1")), asking(name)), reverse=True))
    yield "two-values", attribute("1.2.840.113549.1.9.14", der.sequence(name), der.sequence(name, key_usage(0x80, 7)))
    yield "no-value", attribute("1.2.840.113549.1.9.14")
    yield "not-extensions", attribute("1.2.840.113549.1.9.14", der.octet_string(b"x"))
    yield "dns-not-ascii", asking(alternative("é.exemple.test".encode()))
    yield "names-truncated", asking(extension(oids.SUBJECT_ALTERNATIVE_NAME, b"\x30\x10\x82"))
    yield "names-trailing", asking(extension(oids.SUBJECT_ALTERNATIVE_NAME, der.sequence(der.implicit(2, b"a.test")) + b"\0"))
    yield "critical-false-written", asking(der.sequence(der.oid("1.2.3.4"), der.boolean(False), der.octet_string(b"")))
    yield "critical-ber-true", asking(der.sequence(der.oid("1.2.3.4"), b"\x01\x01\x01", der.octet_string(b"")))
    yield "garbage", b"\x30\x05\x06\x03"


def refused() -> Iterator[Case]:
    """Well-formed requests that policy refuses."""
    spoilt = request()
    yield "signature-of-another-key", request(sign=elliptic(ec.SECP384R1(), oids.ECDSA_WITH_SHA384, hashes.SHA384())), "CP 3.2.1"
    yield "signature-changed", spoilt[:-1] + bytes([spoilt[-1] ^ 1]), "CP 3.2.1"
    yield "signature-empty", request(sign=Key(P256.spki, P256.algorithm, lambda _: b"")), "CP 3.2.1"
    yield "signature-rsa-sha1", request(rsa_key(moduli.sound_primes(2048), digest="sha1")), "CP 3.2.1"
    yield "signature-rsa-md5", request(rsa_key(moduli.sound_primes(2048), digest="md5")), "CP 3.2.1"
    yield "signature-ecdsa-sha1", request(elliptic(ec.SECP256R1(), "1.2.840.10045.4.1", hashes.SHA1())), "CP 3.2.1"
    yield "signature-unknown", request(Key(P256.spki, der.sequence(der.oid("1.2.3.4")), P256.sign)), "CP 3.2.1"
    for bits in (1024, 2047, 2056):
        yield f"key-rsa{bits}", request(rsa_key(moduli.sound_primes(bits))), "CP 6.1.5"
    yield "key-rsa8192", request(with_spki(rsa_spki(1 << 8191 | 1))), "CP 6.1.5"
    yield "key-p521", request(elliptic(ec.SECP521R1(), "1.2.840.10045.4.3.4", hashes.SHA512())), "CP 6.1.5"
    yield "key-secp256k1", request(elliptic(ec.SECP256K1(), oids.ECDSA_WITH_SHA256, hashes.SHA256())), "CP 6.1.5"
    yield "key-unknown", request(with_spki(der.sequence(der.sequence(der.oid("1.2.3.4")), der.bit_string(POINT)))), "CP 6.1.5"
    yield "weak-exponent-3", request(rsa_key(moduli.sound_primes(2048), exponent=3)), "CP 6.1.6"
    yield "weak-factor-751", request(rsa_key(moduli.primes_with_factor(2048, 751))), "CP 6.1.6"
    yield "weak-close-primes", request(rsa_key(moduli.close_primes(2048, 512 + 4))), "CP 6.1.6"
    yield "weak-roca", request(rsa_key(moduli.roca_primes(2048, 126))), "CP 6.1.6"
    yield "weak-debian", request(with_spki(rsa_spki(moduli.PUBLISHED_DEBIAN))), "CP 6.1.6"
    yield (
        "weak-ed25519-small-order",
        request(with_spki(der.sequence(der.sequence(der.oid(oids.ED25519)), der.bit_string(bytes(32))))),
        "CP 6.1.6",
    )
    for name, wish in {
        "ca": extension(oids.BASIC_CONSTRAINTS, CA_TRUE),
        "ca-critical": extension(oids.BASIC_CONSTRAINTS, CA_TRUE, critical=True),
        "ca-path-length": extension(oids.BASIC_CONSTRAINTS, der.sequence(der.boolean(True), der.integer(0))),
        "certificate-signing": key_usage(0x84, 2),
        "crl-signing": key_usage(0x82, 1),
        "ocsp-signing": usages(oids.USAGE_CLIENT_AUTH, oids.USAGE_OCSP_SIGNING),
        "unknown-critical": extension("1.2.3.4", der.null(), critical=True),
    }.items():
        yield f"asks-{name}", request(attributes=asking(wish)), "CP 7.1.2"
    for name, text in {
        "nul": "Zoé\0Exemple",
        "newline": "Zoé\r\nExemple",
        "right-to-left": "Zoé\u202eelpmexE",
        "zero-width": "Zoé\u200bExemple",
        "leading-space": " Zoé",
        "trailing-space": "Zoé ",
    }.items():
        yield f"subject-{name}", request(subject=named(text.encode())), "CP 3.1.4"
    yield "dns-newline", request(attributes=asking(alternative(b"a.exemple.test\n"))), "CP 3.1.4"


def everything() -> dict[str, tuple[bytes, str]]:
    """Every file of the folder: name → octets and verdict."""
    cases: dict[str, tuple[bytes, str]] = {}
    for prefix, kind in (("good", accepted()), ("malformed", malformed()), ("refused", refused())):
        for name, octets, verdict in kind:
            assert f"{prefix}-{name}.csr" not in cases
            cases[f"{prefix}-{name}.csr"] = (octets, verdict)
    return cases


def main() -> None:
    """Write the folder anew."""
    cases = everything()
    for stale in FOLDER.glob("*.csr"):
        stale.unlink()
    for name, (octets, _) in cases.items():
        (FOLDER / name).write_bytes(octets)
    expected = {name: verdict for name, (_, verdict) in sorted(cases.items())}
    (FOLDER / EXPECTED).write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
