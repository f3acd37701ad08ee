"""Proof of possession of a private key (RFC 3647 §3.2.1; CP 3.2.1): a PKCS#10 request (RFC 2986), read strictly.

Answers one question: does the applicant hold the private key of this request? It gives back the public key and what
the request asked for in passing (names, which others may compare and nobody copies). It refuses a request that asks
for the powers of a certification authority, and says nothing of who the applicant is nor of what will be certified:
subject and extensions come from the register and the profile.
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from trust import der, oids
from trust.algorithms import ALGORITHMS
from trust.errors import Malformed, Refused
from trust.keys import check_public_key
from trust.known_weak import SHIPPED, KnownWeakModuli

LARGEST = 16 * 1024
"""Octets of a request, PEM or DER: an ML-DSA-87 request takes 7,400 in DER, 10,000 in PEM."""

_OCSP_SIGNING = x509.ObjectIdentifier(oids.USAGE_OCSP_SIGNING)
_EXTENSION_REQUEST = "1.2.840.113549.1.9.14"  # RFC 2985 §5.4.2
_PSS = "1.2.840.113549.1.1.10"  # RFC 4055 §3.1
_SIGNATURES = frozenset(
    {
        oids.ECDSA_WITH_SHA256,
        oids.ECDSA_WITH_SHA384,
        "1.2.840.10045.4.3.4",  # ecdsa-with-SHA512, RFC 5758 §3.2
        oids.SHA256_WITH_RSA,
        "1.2.840.113549.1.1.12",  # sha384WithRSAEncryption, RFC 4055 §5
        "1.2.840.113549.1.1.13",  # sha512WithRSAEncryption, RFC 4055 §5
        _PSS,
        oids.ED25519,
        oids.ML_DSA_44,
        oids.ML_DSA_65,
        oids.ML_DSA_87,
    }
)
"""What a request may be signed with: SHA-1 and MD5 are not here."""
_PSS_HASHES = frozenset({"sha256", "sha384", "sha512"})

_PEM = re.compile(
    rb"\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END (?(1)NEW )CERTIFICATE REQUEST-----\s*"
)
_NO_ATTRIBUTES = b"\xa0\x00"
_NOBODY = b"\x30\x00"
"""A name without attributes."""

# What pyca raises on octets that are no request, or fields that it cannot read; anything else is a defect of ours and must show.
_UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    x509.AttributeNotFound,
)


@dataclass(frozen=True, slots=True)
class ProvenKey:
    """A public key whose private half the sender of the request holds."""

    spki: bytes
    """SubjectPublicKeyInfo, DER, as in the request."""
    spki_sha256: bytes
    algorithm: str
    """Its name in `trust.algorithms`."""
    csr_der: bytes
    """The request: the evidence to keep."""
    asked_dns_names: tuple[str, ...] = ()
    """For servers: to be checked against the domains of the organisation."""
    asked_subject: tuple[tuple[str, str], ...] = ()
    """(attribute OID, text): to be compared with the authenticated person (failure case C13), never copied."""


def prove_possession(
    request: bytes, allowed: Collection[str] = frozenset(ALGORITHMS), *, known_weak: KnownWeakModuli = SHIPPED
) -> ProvenKey:
    """Read a PKCS#10 request, in DER or in one PEM block, and verify that its key signed it.

    Args:
        request: the octets received.
        allowed: the names of the key algorithms that the profile accepts.
        known_weak: moduli that everybody knows how to factor.

    Raises:
        Malformed: it is not one request in strict DER and nothing else.
        Refused: the key is not acceptable (CP 6.1.5, 6.1.6), the signature is not by that key or uses a broken hash
            (CP 3.2.1), the names hold what could deceive a reader (CP 3.1.4), or the request asks to be a CA, an OCSP
            responder, or what we cannot understand (CP 7.1.2).
    """
    encoded = _der(request)
    try:
        csr = x509.load_der_x509_csr(encoded)
        info = csr.tbs_certrequest_bytes
        dotted = csr.signature_algorithm_oid.dotted_string
    except _UNREADABLE:
        raise Malformed("not a PKCS#10 request in DER") from None
    subject, spki = _read_info(info)
    algorithm = check_public_key(spki, allowed, known_weak=known_weak)
    _verify(csr, dotted)
    # What is asked is judged after the proof: the refusal of a CA wish is then about the holder of that key.
    names = _asked(csr) if not info.endswith(_NO_ATTRIBUTES) else ()
    return ProvenKey(spki, hashlib.sha256(spki).digest(), algorithm, encoded, names, _subject(csr) if subject != _NOBODY else ())


def _der(request: bytes) -> bytes:
    if len(request) > LARGEST:
        raise Malformed(f"a request of more than {LARGEST} octets")
    if request[:1] == b"\x30":
        return request
    armoured = _PEM.fullmatch(request)
    if armoured is None:
        raise Malformed("neither a DER request nor one PEM block with nothing around it")
    try:
        return base64.b64decode(b"".join(armoured.group(2).split()), validate=True)
    except ValueError:
        raise Malformed("the PEM block is not base64") from None


def _read_info(info: bytes) -> tuple[bytes, bytes]:
    """Return the octets of the subject and of the public key from CertificationRequestInfo: version, subject, then the key."""
    _, start, _ = der.header(info)
    _, _, subject = der.header(info, start)
    _, _, spki = der.header(info, subject)
    return info[subject:spki], info[spki : der.header(info, spki)[2]]


def _verify(csr: x509.CertificateSigningRequest, dotted: str) -> None:
    try:
        known = dotted in _SIGNATURES
        if known and dotted == _PSS:
            digest = csr.signature_hash_algorithm
            known = isinstance(digest, hashes.HashAlgorithm) and digest.name in _PSS_HASHES
        valid = known and csr.is_signature_valid
    except _UNREADABLE:
        raise Malformed("the signature of the request cannot be read") from None
    if not known:
        raise Refused("the request is signed with an algorithm that proves nothing any more, or is unknown", citation="CP 3.2.1")
    if not valid:
        raise Refused("the request is not signed by its own key", citation="CP 3.2.1")


# --- What the request asks for
# ----------------------------------------------------------------------------------------------------


def _asked(csr: x509.CertificateSigningRequest) -> tuple[str, ...]:
    """Refuse dangerous wishes; return the DNS names. Every other wish is ignored: nothing of a request is copied."""
    try:
        requests = [attribute.oid.dotted_string for attribute in csr.attributes].count(_EXTENSION_REQUEST)
        extensions = list(csr.extensions)
        names = _dns_names(extensions)
    except _UNREADABLE:
        raise Malformed("the attributes of the request cannot be read") from None
    if requests > 1:
        raise Malformed("a request asks for its extensions once")
    for extension in extensions:
        _refuse_powers(extension)
    for name in names:
        if not name.isascii():  # pyca lets more pass than an IA5String holds
            raise Malformed("a DNS name is written in ASCII (RFC 5280 §4.2.1.6)")
        _refuse_deceptive(name)
    return names


def _dns_names(extensions: list[x509.Extension[x509.ExtensionType]]) -> tuple[str, ...]:
    for extension in extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            return tuple(extension.value.get_values_for_type(x509.DNSName))
    return ()


def _refuse_powers(extension: x509.Extension[x509.ExtensionType]) -> None:
    value = extension.value
    wish = ""
    if isinstance(value, x509.BasicConstraints) and value.ca:
        wish = "to be a certification authority"
    elif isinstance(value, x509.KeyUsage) and (value.key_cert_sign or value.crl_sign):
        wish = "to sign certificates or CRLs"
    elif isinstance(value, x509.ExtendedKeyUsage) and _OCSP_SIGNING in value:
        wish = "to sign OCSP responses"
    elif isinstance(value, x509.UnrecognizedExtension) and extension.critical:
        wish = f"for the critical extension {extension.oid.dotted_string}, which is unknown here"
    if wish:
        raise Refused(f"the request asks {wish}", citation="CP 7.1.2")


def _subject(csr: x509.CertificateSigningRequest) -> tuple[tuple[str, str], ...]:
    try:
        texts = tuple(
            (attribute.oid.dotted_string, attribute.value) for attribute in csr.subject if isinstance(attribute.value, str)
        )
    except _UNREADABLE:
        raise Malformed("the subject of the request cannot be read") from None
    for _, text in texts:
        _refuse_deceptive(text)
    return texts


def _refuse_deceptive(text: str) -> None:
    """Refuse text that shows otherwise than it reads: controls, direction marks, invisible spaces (failure case C11)."""
    if text.isascii() and text.isprintable() and text == text.strip():
        return
    if text != text.strip() or any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for letter in text):
        raise Refused("a name of the request holds characters that could deceive a reader", citation="CP 3.1.4")
