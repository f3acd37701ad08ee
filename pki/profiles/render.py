"""A certificate written by pyca's builder (RFC 5280 §4.1): the oracle that compiled profiles are compared with.

It makes what is made once (specimens, golden files) and says what the octets must be. The signature is by a throw-away key of the
issuer's algorithm: nothing that leaves here was signed by an authority.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from pki.profiles.keyid import key_identifier
from pki.profiles.model import KEY_USAGES, AlternativeName, IssuerView, Profile, RevocationList
from trust import der, oids
from trust.algorithms import ALGORITHMS, PrivateKey, algorithm_of
from trust.errors import Malformed, Refused
from trust.naming import AnySubject, PersonSubject, ServerSubject

EXTENDED_USAGE_OIDS = {
    "server_auth": oids.USAGE_SERVER_AUTH,
    "client_auth": oids.USAGE_CLIENT_AUTH,
    "email_protection": oids.USAGE_EMAIL_PROTECTION,
    "time_stamping": oids.USAGE_TIME_STAMPING,
    "ocsp_signing": oids.USAGE_OCSP_SIGNING,
    "smartcard_logon": oids.USAGE_SMARTCARD_LOGON,
}
"""The OID of each name of `model.EXTENDED_USAGES`."""

Part = tuple[x509.ExtensionType, bool]


def build(
    profile: Profile,
    issuer: IssuerView,
    subject: AnySubject,
    spki_der: bytes,
    serial: bytes,
    not_before: datetime,
    not_after: datetime,
    shard: int = 0,
) -> x509.Certificate:
    """Build a specimen certificate of a profile, signed by a throw-away key.

    Raises:
        Malformed: the public key cannot be read.
        Refused: the subject is not of the profile's kind.
    """
    if subject.kind != profile.subject:
        raise Refused(f"{profile.id} names a {profile.subject}, not a {subject.kind}", citation="CP 7.1.4")
    try:
        public_key = load_der_public_key(spki_der)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Malformed(f"subject key: {error}") from None
    if algorithm_of(public_key) is None:
        raise Malformed("subject key: not of a kind of trust.algorithms")
    name = x509.Name(
        x509.RelativeDistinguishedName(x509.NameAttribute(x509.ObjectIdentifier(dotted), value) for dotted, value in rdn)
        for rdn in subject.rdns()
    )
    builder = (
        x509.CertificateBuilder()
        .serial_number(int.from_bytes(serial, "big"))
        .issuer_name(x509.Name.from_bytes(issuer.name_der))
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .subject_name(name)
        .public_key(public_key)  # type: ignore[arg-type]  # a key that cannot be certified is refused by pyca itself
    )
    for extension, critical in (
        *constant_parts(profile, issuer),
        *particular_parts(profile, issuer, subject, spki_der, (not_before, not_after), shard),
    ):
        builder = builder.add_extension(extension, critical)
    digest: Any = issuer.algorithm.digest  # pyca types the hashes it accepts one by one
    return builder.sign(throw_away_key(issuer.algorithm.name), digest)


@lru_cache(maxsize=16)
def throw_away_key(algorithm: str) -> PrivateKey:
    """Return a private key that this process made for specimens and forgets; one per algorithm, because RSA is slow to make."""
    return ALGORITHMS[algorithm].generate()


def constant_parts(profile: Profile, issuer: IssuerView) -> list[Part]:
    """Return the extensions that every certificate of a profile and issuer shares, in the order of the certificate."""
    parts: list[Part] = [
        (x509.AuthorityKeyIdentifier(issuer.key_id, None, None), False),
        (x509.BasicConstraints(profile.authority, profile.path_length), profile.authority),
        (_key_usage(profile), True),
    ]
    if profile.extended_usage:
        usages = [x509.ObjectIdentifier(EXTENDED_USAGE_OIDS[name]) for name in profile.extended_usage]
        parts.append((x509.ExtendedKeyUsage(usages), profile.extended_critical))
    if policies := _policies(profile, issuer):
        parts.append((x509.CertificatePolicies(policies), False))
    if access := _access(profile, issuer):
        parts.append((x509.AuthorityInformationAccess(access), False))
    if profile.ocsp_no_check:
        parts.append((x509.OCSPNoCheck(), False))
    if profile.product_category is not None:
        parts.append((_private(oids.PRODUCT_CATEGORY, der.octet_string(bytes((profile.product_category,)))), False))
    if profile.card_type is not None:
        parts.append((_private(oids.CARD_TYPE, der.integer(profile.card_type)), False))
    return parts


def particular_parts(
    profile: Profile, issuer: IssuerView, subject: AnySubject, spki_der: bytes, validity: tuple[datetime, datetime], shard: int
) -> list[Part]:
    """Return the extensions that depend on the subject, its key, the dates or the CRL shard, in the order of the certificate."""
    parts: list[Part] = []
    if profile.revocation_list is not RevocationList.NONE:
        parts.append((x509.CRLDistributionPoints([_point(revocation_list_url(profile, issuer, shard))]), False))
    if profile.freshest and issuer.delta:
        parts.append((x509.FreshestCRL([_point(delta_url(profile, issuer, shard))]), False))
    if profile.private_key_margin_days is not None:
        end = validity[1] - timedelta(days=profile.private_key_margin_days)
        parts.append((x509.PrivateKeyUsagePeriod(validity[0], end), False))
    if profile.profession and isinstance(subject, PersonSubject):
        parts.append((_private(oids.PROFESSION, der.integer(int(subject.profession))), False))
    if names := _alternative_names(profile, subject):
        parts.append((x509.SubjectAlternativeName(names), False))
    parts.append((x509.SubjectKeyIdentifier(key_identifier(spki_der)), False))
    return parts


def revocation_list_url(profile: Profile, issuer: IssuerView, shard: int) -> str:
    """Return where the CRL that a certificate names is published."""
    if profile.revocation_list is RevocationList.SHARD:
        return f"{issuer.base_url}/crl/{issuer.ca_id}/{shard}.crl"
    return f"{issuer.base_url}/crl/{issuer.ca_id}.crl"


def delta_url(profile: Profile, issuer: IssuerView, shard: int) -> str:
    """Return where the delta is published that completes the CRL that a certificate names, and no other (RFC 5280 §5.2.4)."""
    return revocation_list_url(profile, issuer, shard).removesuffix(".crl") + "-delta.crl"


def user_principal_name(profile: Profile, idnat: str) -> str:
    """Return the UPN of a practitioner: the type digit, a dot, the number, the domain (``8.99700000013@…``)."""
    return f"{idnat[0]}.{idnat[1:]}@{profile.upn_domain}"


def _key_usage(profile: Profile) -> x509.KeyUsage:
    bits = [usage in profile.key_usage for usage in (*KEY_USAGES, "encipher_only", "decipher_only")]
    return x509.KeyUsage(*bits)


def _policies(profile: Profile, issuer: IssuerView) -> list[x509.PolicyInformation]:
    stated = [profile.policy] * profile.states_policy + [oids.ANY_POLICY] * profile.any_policy
    # A qualifier that is a text is id-qt-cps in pyca: where the documents are (RFC 5280 §4.2.1.4).
    return [x509.PolicyInformation(x509.ObjectIdentifier(dotted), [f"{issuer.base_url}/policies/"]) for dotted in stated]


def _access(profile: Profile, issuer: IssuerView) -> list[x509.AccessDescription]:
    access = []
    if profile.ocsp:
        access.append(_described(oids.ACCESS_OCSP, f"{issuer.base_url}/ocsp"))
    if profile.ca_issuers:
        access.append(_described(oids.ACCESS_CA_ISSUERS, f"{issuer.base_url}/aia/{issuer.ca_id}.cer"))
    return access


def _alternative_names(profile: Profile, subject: AnySubject) -> list[x509.GeneralName]:
    if profile.alternative_name is AlternativeName.UPN and isinstance(subject, PersonSubject):
        upn = der.utf8(user_principal_name(profile, subject.idnat))
        return [x509.OtherName(x509.ObjectIdentifier(oids.NAME_UPN), upn)]
    if profile.alternative_name is AlternativeName.EMAIL and isinstance(subject, PersonSubject) and subject.email:
        return [x509.RFC822Name(subject.email)]
    if profile.alternative_name is AlternativeName.DNS and isinstance(subject, ServerSubject):
        return [x509.DNSName(name) for name in subject.dns_names]
    return []


def _described(method: str, url: str) -> x509.AccessDescription:
    return x509.AccessDescription(x509.ObjectIdentifier(method), x509.UniformResourceIdentifier(url))


def _point(url: str) -> x509.DistributionPoint:
    return x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)


def _private(dotted: str, value: bytes) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(dotted), value)
