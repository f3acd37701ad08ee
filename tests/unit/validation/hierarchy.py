"""A toy hierarchy for the tests of validation: certificates, lists and responses, right or deliberately wrong.

Made with pyca's builders, so that the product is judged on what another program wrote. Keys are the same at each run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

from trust.validation.certificate import Certificate

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
POLICY = "2.25.1234567890.1.1"
ANY_POLICY = "2.5.29.32.0"
CLIENT, SERVER, OCSP_SIGNING, TIME_STAMPING, MAIL = (
    Usage.CLIENT_AUTH,
    Usage.SERVER_AUTH,
    Usage.OCSP_SIGNING,
    Usage.TIME_STAMPING,
    Usage.EMAIL_PROTECTION,
)
SHARD = "http://status.test/crl/personnes/003.crl"
RESPONDER = "http://status.test/ocsp"


@cache
def key(kind: str, number: int = 1) -> Any:
    """A private key: the same for the same kind and number (RSA only within one run)."""
    if kind == "P-256":
        return ec.derive_private_key(number + 1000, ec.SECP256R1())
    if kind == "P-384":
        return ec.derive_private_key(number + 1000, ec.SECP384R1())
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))
    if kind == "ML-DSA-65":
        return mldsa.MLDSA65PrivateKey.from_seed_bytes(number.to_bytes(32, "big"))
    return rsa.generate_private_key(65537, int(kind.removeprefix("RSA-")))


def digest_for(signer: Any) -> Any:
    """The hash that goes with a key in `trust.algorithms`."""
    if isinstance(signer, ec.EllipticCurvePrivateKey):
        return hashes.SHA384() if signer.curve.name == "secp384r1" else hashes.SHA256()
    return hashes.SHA256() if isinstance(signer, rsa.RSAPrivateKey) else None


def name(common: str, *, utf8: bool = True) -> x509.Name:
    """A distinguished name; `utf8` chooses its string type."""
    kind = None if utf8 else x509.name._ASN1Type.PrintableString
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"), x509.NameAttribute(NameOID.COMMON_NAME, common, kind)])


def usage(*names: str) -> x509.KeyUsage:
    """A keyUsage with these bits."""
    bits = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{bit: bit in names for bit in bits})


@dataclass
class Made:
    """A certificate and its private key."""

    parsed: x509.Certificate
    key: Any

    @property
    def der(self) -> bytes:
        """Its octets."""
        return self.parsed.public_bytes(Encoding.DER)

    @property
    def read(self) -> Certificate:
        """As the product reads it."""
        return Certificate(self.der)


@dataclass
class Draft:
    """What to put in a certificate. A value of None leaves the extension out."""

    subject: str = "Praticien"
    algorithm: str = "P-256"
    number: int = 1
    """Which key of that kind."""
    days: tuple[float, float] = (-30, 365)
    serial: int = 0x41 << 120 | 0xC0FFEE
    ca: bool | None = False
    path_length: int | None = None
    usages: tuple[str, ...] | None = ("digital_signature",)
    extended: Sequence[x509.ObjectIdentifier] | None = (CLIENT,)
    extended_critical: bool = False
    policies: Sequence[str] | None = (POLICY,)
    points: Sequence[str] = (SHARD,)
    freshest: Sequence[str] = ()
    responders: Sequence[str] = (RESPONDER,)
    key_identifier: bool = True
    authority_identifier: bytes | bool = True
    """Octets put another identifier in its place."""
    others: Sequence[tuple[x509.ExtensionType, bool]] = ()
    hash: Any = field(default=None)
    """Another hash than the key's own."""
    issuer_name: x509.Name | None = None
    subject_name: x509.Name | None = None


def make(draft: Draft, issuer: Made | None = None) -> Made:
    """Sign a draft: by an issuer, or by itself."""
    own = key(draft.algorithm, draft.number)
    signer = issuer.key if issuer else own
    subject = draft.subject_name or name(draft.subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(draft.issuer_name or (issuer.parsed.subject if issuer else subject))
        .public_key(own.public_key())
        .serial_number(draft.serial)
        .not_valid_before(NOW + timedelta(days=draft.days[0]))
        .not_valid_after(NOW + timedelta(days=draft.days[1]))
    )
    for extension, critical in _extensions(draft, own, signer):
        builder = builder.add_extension(extension, critical)
    return Made(builder.sign(signer, draft.hash or digest_for(signer)), own)


def _extensions(draft: Draft, own: Any, signer: Any) -> Iterable[tuple[x509.ExtensionType, bool]]:
    if draft.ca is not None:
        yield x509.BasicConstraints(draft.ca, draft.path_length), draft.ca
    if draft.usages is not None:
        yield usage(*draft.usages), True
    if draft.extended is not None:
        yield x509.ExtendedKeyUsage(draft.extended), draft.extended_critical
    if draft.policies:
        yield (
            x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(one), None) for one in draft.policies]),
            False,
        )
    if draft.key_identifier:
        yield x509.SubjectKeyIdentifier.from_public_key(own.public_key()), False
    if isinstance(draft.authority_identifier, bytes):
        yield x509.AuthorityKeyIdentifier(draft.authority_identifier, None, None), False
    elif draft.authority_identifier:
        yield x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False
    if draft.points:
        yield x509.CRLDistributionPoints([_point(url) for url in draft.points]), False
    if draft.freshest:
        yield x509.FreshestCRL([_point(url) for url in draft.freshest]), False
    if draft.responders:
        access = AuthorityInformationAccessOID.OCSP
        yield x509.AuthorityInformationAccess([x509.AccessDescription(access, uri(url)) for url in draft.responders]), False
    yield from draft.others


def uri(url: str) -> x509.UniformResourceIdentifier:
    """A URL as a general name."""
    return x509.UniformResourceIdentifier(url)


def _point(url: str) -> x509.DistributionPoint:
    return x509.DistributionPoint([uri(url)], None, None, None)


def authority(subject: str, *, issuer: Made | None = None, **changes: Any) -> Made:
    """A certification authority."""
    usual: dict[str, Any] = {
        "ca": True,
        "usages": ("key_cert_sign", "crl_sign"),
        "extended": None,
        "policies": (ANY_POLICY,),
        "number": number_of(subject),
        "days": (-400, 3000),
        "serial": 0x42 << 120 | hash_of(subject) % (1 << 100),
        "points": ("http://status.test/crl/racine.crl",) if issuer else (),
        "responders": (),
    }
    return make(Draft(subject=subject, **(usual | changes)), issuer)


def hash_of(text: str) -> int:
    """A number that is the same at each run."""
    return int.from_bytes(text.encode(), "big")


def number_of(subject: str) -> int:
    """Which key an authority of that name has."""
    return hash_of(subject) % 900 + 2


ROOT = authority("Racine")
PEOPLE = authority("Personnes", issuer=ROOT)
LEAF = make(Draft(), PEOPLE)


def revocation_list(
    issuer: Made,
    entries: Iterable[tuple[int, x509.ReasonFlags | None]] = (),
    *,
    hours: tuple[float, float | None] = (-1, 23),
    number: int | None = 12,
    base: int | None = None,
    point: dict[str, Any] | None = None,
    signer: Any = None,
    issuer_name: x509.Name | None = None,
    others: Sequence[tuple[x509.ExtensionType, bool]] = (),
    entry_others: Sequence[tuple[x509.ExtensionType, bool]] = (),
    authority_identifier: bool = True,
    hash: Any = None,
) -> bytes:
    """A CRL in DER. `point` holds the fields of its issuingDistributionPoint."""
    signer = signer or issuer.key
    revoked = []
    for serial, why in entries:
        entry = x509.RevokedCertificateBuilder(serial, NOW - timedelta(days=1))
        if why:
            entry = entry.add_extension(x509.CRLReason(why), False)
        for extension, critical in entry_others:
            entry = entry.add_extension(extension, critical)
        revoked.append(entry.build())
    builder = x509.CertificateRevocationListBuilder(
        issuer_name or issuer.parsed.subject,
        (NOW + timedelta(hours=hours[0])).replace(tzinfo=None),
        (NOW + timedelta(hours=hours[1] if hours[1] is not None else 24)).replace(tzinfo=None),
        [],
        revoked,
    )
    if number is not None:
        builder = builder.add_extension(x509.CRLNumber(number), False)
    if base is not None:
        builder = builder.add_extension(x509.DeltaCRLIndicator(base), True)
    if authority_identifier:
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
    if point is not None:
        usual: dict[str, Any] = {
            "full_name": None,
            "relative_name": None,
            "only_contains_user_certs": False,
            "only_contains_ca_certs": False,
            "only_some_reasons": None,
            "indirect_crl": False,
            "only_contains_attribute_certs": False,
        }
        builder = builder.add_extension(x509.IssuingDistributionPoint(**(usual | point)), True)
    for extension, critical in others:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hash or digest_for(signer)).public_bytes(Encoding.DER)


def responder(issuer: Made = PEOPLE, **changes: Any) -> Made:
    """A delegated OCSP responder."""
    usual: dict[str, Any] = {
        "subject": "Répondeur",
        "number": 77,
        "serial": 0x43 << 120 | 7,
        "extended": (OCSP_SIGNING,),
        "policies": None,
        "points": (),
        "responders": (),
        "others": ((x509.OCSPNoCheck(), False),),
        "days": (-1, 13),
    }
    return make(Draft(**(usual | changes)), issuer)


def response(
    leaf: Made,
    issuer: Made = PEOPLE,
    *,
    by: Made | None = None,
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    why: x509.ReasonFlags | None = None,
    hours: tuple[float, float | None] = (-1, 23),
    algorithm: hashes.HashAlgorithm | None = None,
    encoding: ocsp.OCSPResponderEncoding = ocsp.OCSPResponderEncoding.HASH,
    certificates: Sequence[Made] | None = None,
    signer: Any = None,
    others: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> bytes:
    """An OCSP response in DER, by the issuer itself or by a delegated responder."""
    by = by or issuer
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=leaf.parsed,
        issuer=issuer.parsed,
        algorithm=algorithm or hashes.SHA1(),
        cert_status=status,
        this_update=NOW + timedelta(hours=hours[0]),
        next_update=NOW + timedelta(hours=hours[1]) if hours[1] is not None else None,
        revocation_time=NOW - timedelta(days=1) if status is ocsp.OCSPCertStatus.REVOKED else None,
        revocation_reason=why,
    )
    builder = builder.responder_id(encoding, by.parsed)
    sent = certificates if certificates is not None else ([by] if by is not issuer else [])
    if sent:
        builder = builder.certificates([one.parsed for one in sent])
    for extension, critical in others:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer or by.key, digest_for(signer or by.key)).public_bytes(Encoding.DER)
