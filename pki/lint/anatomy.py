"""A to-be-signed certificate taken apart by the strict DER reader (RFC 5280 §4.1), for the rules.

Another way than the one that wrote it: the compiler joins bytes, this walks them. Nothing is judged here beyond the shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from trust import der, oids
from trust.errors import Malformed

_SHAPE = bytes((0xA0, der.INTEGER, der.SEQUENCE, der.SEQUENCE, der.SEQUENCE, der.SEQUENCE, der.SEQUENCE, 0xA3))


@dataclass(slots=True)
class Anatomy:
    """The fields of a TBSCertificate, each as its whole encoding unless said otherwise."""

    version: bytes
    serial: bytes
    """Content of the INTEGER."""
    signature: bytes
    issuer: bytes
    validity: bytes
    subject: bytes
    spki: bytes
    extensions: bytes
    """All of them, joined: the content of the SEQUENCE."""


def dissect(tbs: bytes) -> Anatomy:
    """Take a TBSCertificate apart.

    Raises:
        Malformed: it is not version 3 with extensions, or not DER.
    """
    fields = elements(der.whole(tbs, der.SEQUENCE))
    if bytes([field[0] for field in fields]) != _SHAPE:
        raise Malformed("not the fields of a version 3 certificate with extensions and without unique identifiers")
    version, serial, signature, issuer, validity, subject, spki, extensions = fields
    number, listed = der.whole(serial, der.INTEGER), der.whole(der.whole(extensions, 0xA3), der.SEQUENCE)
    return Anatomy(version, number, signature, issuer, validity, subject, spki, listed)


def elements(content: bytes) -> list[bytes]:
    """Return the elements of a constructed content, each as its whole encoding: `der.children` for those who need no more.

    Raises:
        Malformed: an element is truncated or not DER.
    """
    found = []
    offset, size = 0, len(content)
    while offset < size - 1:
        count = content[offset + 1]
        # The short form is read here: a certificate is walked thousands of times a second, element by element.
        if count < 0x80 and content[offset] & 0x1F != 0x1F:
            end = offset + 2 + count
            if end > size:
                raise Malformed("DER content shorter than its length")
        else:
            _, _, end = der.header(content, offset)
        found.append(content[offset:end])
        offset = end
    if offset != size:
        raise Malformed("truncated DER")
    return found


def extension_parts(encoded: bytes) -> tuple[bytes, bool, bytes]:
    """Return (OID encoding, critical, content of extnValue) of an Extension.

    Raises:
        Malformed: not an Extension, or a criticality of FALSE written out, which DER forbids.
    """
    tag, start, end = der.header(encoded)
    _, _, position = der.header(encoded, start)
    dotted = encoded[start:position]
    critical = encoded[position : position + 1] == b"\x01"
    if critical:
        if encoded[position : position + 3] != b"\x01\x01\xff":
            raise Malformed("a DEFAULT value is not written (X.690 §11.5)")
        position += 3
    found, value, value_end = der.header(encoded, position)
    if tag != der.SEQUENCE or found != der.OCTET_STRING or dotted[0] != der.OID or not value_end == end == len(encoded):
        raise Malformed("not an extension")
    return dotted, critical, encoded[value:value_end]


def read_time(tag: int, content: bytes) -> datetime:
    """Read a Time of a certificate: UTCTime until 2049, GeneralizedTime from 2050, seconds, ``Z`` (RFC 5280 §4.1.2.5).

    Raises:
        Malformed: another form, or the form of the other half-century.
    """
    text = content.decode("ascii", "replace")
    digits = text[:-1]
    size = {der.UTC_TIME: 12, der.GENERALIZED_TIME: 14}.get(tag)
    if text[-1:] != "Z" or len(digits) != size or not (digits.isascii() and digits.isdigit()):
        raise Malformed(f"a time is not written as RFC 5280 wants: {text!r}")
    if tag == der.UTC_TIME:
        digits = ("19" if digits[0] >= "5" else "20") + digits
    try:
        moment = datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise Malformed(f"no such moment: {text!r}") from None
    if (tag == der.GENERALIZED_TIME) != (moment.year >= 2050):
        raise Malformed("UTCTime is for the years to 2049, GeneralizedTime for those after")
    return moment


def key_kind(spki: bytes) -> tuple[str, bytes]:
    """Return the name in `trust.algorithms` of a SubjectPublicKeyInfo's key, and the key's octets.

    Raises:
        Malformed: not a key of a kind or size known here, or not in its one encoding.
    """
    if spki[:_EC_START] == _P256_HEAD and len(spki) == _EC_START + 65 and spki[_EC_START] == 4:
        return "P-256", spki[_EC_START:]  # the usual key, in its one encoding
    _, start, _ = der.header(spki)
    _, _, position = der.header(spki, start)
    tag, content, end = der.header(spki, position)
    octets = spki[content + 1 : end]
    if tag != der.BIT_STRING or spki[content] != 0 or end != len(spki):
        raise Malformed("the public key is not a BIT STRING of whole octets")
    identifier = spki[start:position]
    if identifier == _RSA:
        return f"RSA-{_rsa_size(octets)}", octets
    name, size = _FIXED.get(identifier, ("", 0))
    if not name or len(octets) != size or (name[:2] == "P-" and octets[0] != 4):
        raise Malformed("a public key of an unknown kind, curve, form or size")
    return name, octets


def _rsa_size(octets: bytes) -> int:
    numbers = list(der.children(der.whole(octets, der.SEQUENCE)))
    shaped = [tag for tag, _, _ in numbers] == [der.INTEGER, der.INTEGER] and len(numbers[0][1]) > 1
    if not shaped or numbers[1][1] != b"\x01\x00\x01":
        raise Malformed("an RSA key is a modulus and the exponent 65537")
    modulus = numbers[0][1]
    sign, first = modulus[0], modulus[1]
    # Positive, and without a leading octet that DER would leave out; read by octets, for a number of 3 072 bits is slow to make.
    if sign >= 0x80 or (sign == 0 and first < 0x80):
        raise Malformed("the modulus is not a positive INTEGER in DER")
    return 8 * (len(modulus) - 1) + sign.bit_length()


_RSA = der.sequence(der.oid(oids.KEY_RSA), der.null())
_EC = der.oid(oids.KEY_EC)
# SEQUENCE of 89 octets {AlgorithmIdentifier, BIT STRING of 66 octets, none unused (RFC 5480 §2)
_P256_HEAD = b"\x30\x59" + der.sequence(_EC, der.oid(oids.CURVE_P256)) + b"\x03\x42\x00"
_EC_START = len(_P256_HEAD)
_FIXED = {
    der.sequence(_EC, der.oid(oids.CURVE_P256)): ("P-256", 65),
    der.sequence(_EC, der.oid(oids.CURVE_P384)): ("P-384", 97),
    der.sequence(der.oid(oids.ED25519)): ("Ed25519", 32),
    der.sequence(der.oid(oids.ML_DSA_44)): ("ML-DSA-44", 1312),
    der.sequence(der.oid(oids.ML_DSA_65)): ("ML-DSA-65", 1952),
    der.sequence(der.oid(oids.ML_DSA_87)): ("ML-DSA-87", 2592),
}
"""AlgorithmIdentifier -> name and octets of the key (RFC 5480 §2.1.1, RFC 8410 §3, RFC 9881 §4)."""
