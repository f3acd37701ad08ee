"""Rules over the extensions whose content follows from the profile and the issuer alone (RFC 5280 §4.2; CP 7.1.2).

The content is read by pyca and compared in meaning, not in octets: the compiler's own encoding is on trial here. A content that
was judged good is remembered by its octets in `rules`, so that a batch pays for this reading once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cryptography import x509

from pki.lint.finding import Finding, Severity
from pki.profiles.model import IssuerView, Profile, RevocationList
from trust import der, oids
from trust.errors import Malformed

Judge = Callable[[Profile, IssuerView, Any], Iterator[str]]

_USAGE = {
    "server_auth": "1.3.6.1.5.5.7.3.1",
    "client_auth": "1.3.6.1.5.5.7.3.2",
    "email_protection": "1.3.6.1.5.5.7.3.4",
    "time_stamping": "1.3.6.1.5.5.7.3.8",
    "ocsp_signing": "1.3.6.1.5.5.7.3.9",
    "smartcard_logon": "1.3.6.1.4.1.311.20.2.2",
}
"""Written a second time on purpose: a slip in the table that the builder uses shows here."""

_BITS = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)


def required(profile: Profile, issuer: IssuerView) -> dict[str, bool]:
    """Return the extensions that a certificate of this profile has, by OID, each with its criticality."""
    wanted = {
        oids.AUTHORITY_KEY_IDENTIFIER: False,
        oids.SUBJECT_KEY_IDENTIFIER: False,
        oids.BASIC_CONSTRAINTS: profile.authority,
        oids.KEY_USAGE: True,
    }
    conditions = {
        oids.EXTENDED_KEY_USAGE: bool(profile.extended_usage),
        oids.CERTIFICATE_POLICIES: profile.states_policy or profile.any_policy,
        oids.AUTHORITY_INFORMATION_ACCESS: profile.ocsp or profile.ca_issuers,
        oids.CRL_DISTRIBUTION_POINTS: profile.revocation_list is not RevocationList.NONE,
        oids.FRESHEST_CRL: profile.freshest and issuer.delta,
        oids.OCSP_NO_CHECK: profile.ocsp_no_check,
        oids.PRODUCT_CATEGORY: profile.product_category is not None,
        oids.CARD_TYPE: profile.card_type is not None,
        oids.PROFESSION: profile.profession,
        oids.PRIVATE_KEY_USAGE_PERIOD: profile.private_key_margin_days is not None,
        oids.SUBJECT_ALTERNATIVE_NAME: profile.alternative_name.value in ("upn", "dns"),
    }
    wanted |= {dotted: False for dotted, holds in conditions.items() if holds}
    if profile.extended_usage:
        wanted[oids.EXTENDED_KEY_USAGE] = profile.extended_critical
    return wanted


def judge(profile: Profile, issuer: IssuerView, encoded: bytes, value: bytes) -> Iterator[Finding]:
    """Judge an extension that follows from the profile and the issuer; `value` is the content of its extnValue.

    Raises:
        Malformed: pyca cannot read it.
    """
    extension = _read(encoded)
    code, citation, rule = _RULES[extension.oid.dotted_string]
    if extension.value.public_bytes() != value:
        # pyca reads more than it writes: a trailing zero bit in KeyUsage, for instance (X.690 §11.2.2).
        yield Finding(f"sceau.{code}", Severity.ERROR, "X.690 §11", f"not the one DER encoding: {value.hex()}")
    for fault in rule(profile, issuer, extension.value):
        yield Finding(f"sceau.{code}", Severity.ERROR, citation, fault)


def _read(encoded: bytes) -> x509.Extension[Any]:
    """Have pyca read one extension, inside a certificate that has nothing else to say."""
    carrier = der.sequence(_CARRIER, der.explicit(3, der.sequence(encoded)))
    extension: x509.Extension[Any]
    try:
        (extension,) = x509.load_der_x509_certificate(der.sequence(carrier, _ALGORITHM, der.bit_string(b"\0"))).extensions
    except (ValueError, x509.UnsupportedGeneralNameType) as error:
        raise Malformed(f"pyca cannot read an extension: {error}") from None
    return extension


_ALGORITHM = der.sequence(der.oid(oids.ED25519))
_NOBODY = der.sequence()
_NEVER = der.sequence(*[der.tlv(der.UTC_TIME, b"260101000000Z")] * 2)
_KEY = der.sequence(_ALGORITHM, der.bit_string(bytes(32)))
_CARRIER = b"".join((der.explicit(0, der.integer(2)), der.integer(1), _ALGORITHM, _NOBODY, _NEVER, _NOBODY, _KEY))


def _constraints(profile: Profile, issuer: IssuerView, value: x509.BasicConstraints) -> Iterator[str]:
    if value.ca is not profile.authority or value.path_length != profile.path_length:
        yield f"cA {profile.authority}, path length {profile.path_length}"


def _key_usage(profile: Profile, issuer: IssuerView, value: x509.KeyUsage) -> Iterator[str]:
    asserted = {name for name in _BITS if getattr(value, name)}
    if value.key_agreement and (value.encipher_only or value.decipher_only):
        asserted.add("encipher or decipher only")
    wanted = {"content_commitment" if name == "non_repudiation" else name for name in profile.key_usage}
    if asserted != wanted:
        yield f"{', '.join(sorted(wanted))}, not {', '.join(sorted(asserted))}"


def _extended_usage(profile: Profile, issuer: IssuerView, value: x509.ExtendedKeyUsage) -> Iterator[str]:
    usages = [usage.dotted_string for usage in value]
    if len(set(usages)) != len(usages) or set(usages) != {_USAGE[name] for name in profile.extended_usage}:
        yield f"{', '.join(profile.extended_usage)}, not {', '.join(usages)}"
    if profile.authority and _USAGE["ocsp_signing"] in usages:
        yield "a CA that bears the usage of a responder could vouch for its own certificates"


def _policies(profile: Profile, issuer: IssuerView, value: x509.CertificatePolicies) -> Iterator[str]:
    stated = [policy.policy_identifier.dotted_string for policy in value]
    if stated != [profile.policy] * profile.states_policy + [oids.ANY_POLICY] * profile.any_policy:
        yield f"not the policy of {profile.id}: {', '.join(stated)}"
    if any(not policy.startswith("2.25.") and policy != oids.ANY_POLICY for policy in stated):
        yield f"a policy outside our arc is somebody else's promise: {', '.join(stated)}"
    if any(policy.policy_qualifiers != [f"{issuer.base_url}/policies/"] for policy in value):
        yield "one qualifier: the address of the policy documents"


def _access(profile: Profile, issuer: IssuerView, value: x509.AuthorityInformationAccess) -> Iterator[str]:
    described = [(item.access_method.dotted_string, item.access_location) for item in value]
    places = [(oids.ACCESS_OCSP, f"{issuer.base_url}/ocsp")] * profile.ocsp
    places += [(oids.ACCESS_CA_ISSUERS, f"{issuer.base_url}/aia/{issuer.ca_id}.cer")] * profile.ca_issuers
    if described != [(method, x509.UniformResourceIdentifier(url)) for method, url in places]:
        yield f"not where this issuer is: {described}"


def _revocation_list(profile: Profile, issuer: IssuerView, value: x509.CRLDistributionPoints) -> Iterator[str]:
    urls = _urls(value)
    if len(urls) != 1 or urls[0] not in [f"{scope}.crl" for scope in _scopes(profile, issuer)]:
        yield f"not a list of this issuer: {urls}"


def _freshest(profile: Profile, issuer: IssuerView, value: x509.FreshestCRL) -> Iterator[str]:
    urls = _urls(value)
    if len(urls) != 1 or urls[0] not in [f"{scope}-delta.crl" for scope in _scopes(profile, issuer)]:
        yield f"not a delta of this issuer: {urls}"


def _scopes(profile: Profile, issuer: IssuerView) -> list[str]:
    """Return the addresses of the lists that a certificate of the profile may name, without what tells list and delta apart."""
    base = f"{issuer.base_url}/crl/{issuer.ca_id}"
    return [base] if profile.revocation_list is RevocationList.FULL else [f"{base}/{shard}" for shard in range(issuer.shards)]


def _urls(points: x509.CRLDistributionPoints | x509.FreshestCRL) -> list[Any]:
    """Return one URL for each point that is nothing but a URL, None for another."""
    urls = []
    for point in points:
        name = point.full_name[0] if point.full_name and len(point.full_name) == 1 else None
        plain = isinstance(name, x509.UniformResourceIdentifier) and point.reasons is None and point.crl_issuer is None
        urls.append(name.value if name is not None and plain else None)
    return urls


def _no_check(profile: Profile, issuer: IssuerView, value: x509.OCSPNoCheck) -> Iterator[str]:
    yield from ()


def _category(profile: Profile, issuer: IssuerView, value: x509.UnrecognizedExtension) -> Iterator[str]:
    octets = value.value
    if len(octets) != 3 or octets[:2] != b"\x04\x01":
        yield f"an OCTET STRING of one octet, not {octets.hex()}"
    elif octets[2] != profile.product_category or (octets[2] >= 0x80) is not profile.test:
        yield f"category {octets[2]:02x}; 80 and above are test products, below are not"


def _card_type(profile: Profile, issuer: IssuerView, value: x509.UnrecognizedExtension) -> Iterator[str]:
    if profile.card_type is None or value.value != bytes((0x02, 0x01, profile.card_type)):
        yield f"INTEGER {profile.card_type}, not {value.value.hex()}"


_RULES: Mapping[str, tuple[str, str, Judge]] = {
    oids.BASIC_CONSTRAINTS: ("basic_constraints", "RFC 5280 §4.2.1.9", _constraints),
    oids.KEY_USAGE: ("key_usage", "RFC 5280 §4.2.1.3", _key_usage),
    oids.EXTENDED_KEY_USAGE: ("extended_key_usage", "RFC 5280 §4.2.1.12", _extended_usage),
    oids.CERTIFICATE_POLICIES: ("policies", "CP 7.1.6", _policies),
    oids.AUTHORITY_INFORMATION_ACCESS: ("access", "RFC 5280 §4.2.2.1", _access),
    oids.CRL_DISTRIBUTION_POINTS: ("revocation_list", "RFC 5280 §4.2.1.13", _revocation_list),
    oids.FRESHEST_CRL: ("freshest", "RFC 5280 §4.2.1.15", _freshest),
    oids.OCSP_NO_CHECK: ("ocsp_no_check", "RFC 6960 §4.2.2.2.1", _no_check),
    oids.PRODUCT_CATEGORY: ("product_category", "CP 7.1.2", _category),
    oids.CARD_TYPE: ("card_type", "CP 7.1.2", _card_type),
}
"""OID -> code, clause, rule. The other extensions name a key, the subject or the dates: `rules` and `names` judge them."""
