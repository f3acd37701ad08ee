"""A certificate profile as a frozen value (RFC 3647 §7.1; CP 7.1), and the issuer that it is joined to.

A profile says everything that certificates of one kind have in common; an order brings the subject, the key and the moment. It is
configuration (`ca_config/*/profiles/*.toml`) that `load` reads and `limits` bounds. It holds no certificate and no key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from pki.profiles.keyid import key_identifier
from trust import clock
from trust.algorithms import Algorithm, PublicKey, algorithm_of, spki
from trust.errors import Malformed
from trust.naming import AnySubject, AuthoritySubject


class AlternativeName(StrEnum):
    """What stands in subjectAltName (RFC 5280 §4.2.1.6)."""

    NONE = "none"
    UPN = "upn"
    """otherName userPrincipalName ``8.<RPPS>@<domain>``: what a workstation login reads."""
    EMAIL = "email"
    """rfc822Name, when the subject has an address; no extension otherwise."""
    DNS = "dns"
    """dNSName, every name of the server."""


class RevocationList(StrEnum):
    """Which list cRLDistributionPoints names (RFC 5280 §4.2.1.13)."""

    NONE = "none"
    FULL = "full"
    """``base/crl/{ca}.crl``."""
    SHARD = "shard"
    """``base/crl/{ca}/{shard}.crl``."""


KEY_USAGES = (
    "digital_signature",
    "non_repudiation",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)
"""Names of the KeyUsage bits, in the order of their numbers (RFC 5280 §4.2.1.3)."""

EXTENDED_USAGES = ("server_auth", "client_auth", "email_protection", "time_stamping", "ocsp_signing", "smartcard_logon")
"""Names of the extended key usages that a profile may ask for; `trust.oids` has their identifiers."""

LINT_KINDS = ("ncp-natural-person", "ncp-legal-person", "rfc5280")
"""The outside rule books that a profile is held to (`pki.lint.external`)."""


@dataclass(frozen=True)
class Profile:
    """What all certificates of one kind have in common."""

    id: str
    title: str
    """What an operator and a subscriber read."""
    subject: str
    """The kind of `trust.naming` subject that it names: ``"person"``, ``"server"``…"""
    policy: str
    """OID of the certificate policy that certificates of this kind are issued under."""
    test: bool
    """True in a demonstration or a test: product category ≥ 80h and test identities, both ways (CP 3.1.5)."""
    validity_days: int
    backdate_seconds: int
    """How far notBefore may lie before the clock, never after it."""
    subject_keys: tuple[str, ...]
    """Names of `trust.algorithms` that the subject's key may be."""
    key_usage: tuple[str, ...]
    extended_usage: tuple[str, ...] = ()
    extended_critical: bool = False
    authority: bool = False
    """basicConstraints cA; then the extension is critical."""
    path_length: int | None = None
    self_signed: bool = False
    states_policy: bool = True
    """False for authorities: a root's policies are read by no path validation (RFC 5280 §6.1), an issuing CA has anyPolicy."""
    any_policy: bool = False
    """anyPolicy beside our own: an issuing CA serves every policy of the authority."""
    alternative_name: AlternativeName = AlternativeName.NONE
    upn_domain: str | None = None
    wildcard: bool = False
    """A DNS name may begin with ``*.``."""
    bare_names: bool = False
    """A DNS name may have a single label (``localhost``): demonstrations on one machine."""
    product_category: int | None = None
    """Octet of the TRE_G01 extension, test bit included; None leaves the extension out."""
    card_type: int | None = None
    """TRE_R87 extension; None leaves it out."""
    profession: bool = False
    """TRE_G15 extension, from the subject."""
    private_key_margin_days: int | None = None
    """privateKeyUsagePeriod: the key stops signing this long before the certificate ends; None leaves the extension out."""
    revocation_list: RevocationList = RevocationList.SHARD
    freshest: bool = False
    """freshestCRL, when the issuer publishes deltas: the one that completes the list that the certificate names."""
    ocsp: bool = False
    """AIA id-ad-ocsp."""
    ca_issuers: bool = False
    """AIA id-ad-caIssuers."""
    ocsp_no_check: bool = False
    lint: str = "rfc5280"
    accepted: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Outside findings that the profile accepts, each with its reason; shown, never hidden."""

    def record(self) -> dict[str, Any]:
        """Return everything that shapes a certificate, JSON-able: the digest of the compiled profile is over it."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("title", "accepted", "lint")}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


@dataclass(frozen=True)
class IssuerView:
    """What a certificate says of its issuer. Whoever holds the key is elsewhere."""

    ca_id: str
    name_der: bytes
    """Subject of the issuer's certificate, the very octets (RFC 5280 §4.1.2.4)."""
    key_id: bytes
    """subjectKeyIdentifier of the issuer's certificate."""
    algorithm: Algorithm
    not_before: datetime
    not_after: datetime
    base_url: str
    shards: int
    """CRL shards for new certificates; at least 1."""
    delta: bool
    public_key: PublicKey

    @classmethod
    def of_certificate(cls, ca_id: str, certificate_der: bytes, *, base_url: str, shards: int, delta: bool) -> IssuerView:
        """Read an issuer from its own certificate.

        Raises:
            Malformed: it is not a certificate with a key of ours and a subjectKeyIdentifier.
        """
        try:
            certificate = x509.load_der_x509_certificate(certificate_der)
            key_id = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
            public_key = certificate.public_key()
        except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, UnsupportedAlgorithm) as error:
            raise Malformed(f"not the certificate of an issuer: {error}") from None
        algorithm = algorithm_of(public_key)
        if algorithm is None:
            raise Malformed("the issuer's key is of a kind that signs nothing here")
        moments = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        name = certificate.subject.public_bytes()
        return cls(ca_id, name, key_id, algorithm, *moments, base_url.rstrip("/"), shards, delta, public_key)

    @classmethod
    def of_root(
        cls, ca_id: str, subject: AuthoritySubject, public_key: PublicKey, validity: tuple[datetime, datetime], *, base_url: str
    ) -> IssuerView:
        """Describe a root that has a key and no certificate yet.

        Raises:
            Malformed: a key of a kind that signs nothing here.
        """
        algorithm = algorithm_of(public_key)
        if algorithm is None:
            raise Malformed("a root's key is of one of the kinds of trust.algorithms")
        key_id = key_identifier(spki(public_key))
        base = base_url.rstrip("/")
        return cls(ca_id, subject.name_der(), key_id, algorithm, *validity, base, 1, delta=False, public_key=public_key)

    def record(self) -> dict[str, Any]:
        """Return what identifies this issuer, JSON-able."""
        return {
            "ca": self.ca_id,
            "name": self.name_der.hex(),
            "key_id": self.key_id.hex(),
            "algorithm": self.algorithm.name,
            "not_before": clock.text(self.not_before),
            "not_after": clock.text(self.not_after),
            "base_url": self.base_url,
            "shards": self.shards,
            "delta": self.delta,
        }


class Particulars(NamedTuple):
    """What one certificate has for itself; in the order of the arguments that render it."""

    subject: AnySubject
    spki_der: bytes
    serial: bytes
    not_before: datetime
    not_after: datetime
    shard: int = 0
