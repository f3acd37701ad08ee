"""Evaluation of revocation lists: whole, by shard, and delta (RFC 5280 §5, §6.3.3).

Takes octets, gives a status; fetches nothing. A list counts for a certificate only when it is by the certificate's own
issuer, signed by the key of the validated path, in force, and about that part of the certificates: a shard answers for those
whose distribution point it names. Lists signed by another authority on behalf of the issuer (indirect) and lists of some
reasons only are not used to say *good*.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Any

from cryptography import x509

from trust import der, oids
from trust.errors import Malformed
from trust.validation.certificate import Certificate, reading, signature_by
from trust.validation.findings import Finding
from trust.validation.status import CertificateStatus, StatusAnswer, revoked, staleness, unknown

LARGEST_CRL = 64 * 1024 * 1024
"""Octets: one and a half million entries. Ours has shards of one megabyte."""

_PROCESSED = {
    oids.AUTHORITY_KEY_IDENTIFIER,
    oids.CRL_NUMBER,
    oids.DELTA_CRL_INDICATOR,
    oids.ISSUING_DISTRIBUTION_POINT,
    oids.FRESHEST_CRL,
}
_ENTRY_PROCESSED = {oids.REASON_CODE, oids.INVALIDITY_DATE}


class RevocationList:
    """One list, read. Whether it is believed depends on the issuer: `evaluate_crl` says."""

    def __init__(self, octets: bytes) -> None:
        """Read a DER list.

        Raises:
            Malformed: it is not one.
        """
        if len(octets) > LARGEST_CRL:
            raise Malformed(f"a CRL of {len(octets)} octets is larger than any that we read")
        with reading("CRL"):
            self.parsed = x509.load_der_x509_crl(octets)
            self.this_update = self.parsed.last_update_utc
            self.next_update = self.parsed.next_update_utc
            self._extensions = {one.oid.dotted_string: one for one in self.parsed.extensions}
        self._walk(octets)
        self._authentic: dict[bytes, str | None] = {}

    def _walk(self, octets: bytes) -> None:
        _, start, _ = der.header(octets)
        _, inner, end = der.header(octets, start)
        self._tbs = octets[start:end]
        _, _, after = der.header(octets, end)
        self._algorithm = octets[end:after]
        tag, _, place = der.header(octets, inner)
        if tag == der.INTEGER:  # the version, absent in version 1
            inner = place
        _, _, place = der.header(octets, inner)
        _, _, after = der.header(octets, place)
        self.issuer = octets[place:after]
        """Raw name of whoever signed."""
        if octets[inner:place] != self._algorithm:
            raise Malformed("the signature algorithm inside the CRL is not the one outside (RFC 5280 §5.1.1.2)")

    def extension(self, oid: str) -> Any:
        """Return the value of an extension, or None."""
        found = self._extensions.get(oid)
        return found.value if found else None

    @cached_property
    def number(self) -> int | None:
        """CRL number, None when it has none."""
        value = self.extension(oids.CRL_NUMBER)
        return value.crl_number if value is not None else None

    @cached_property
    def base_number(self) -> int | None:
        """Number of the list that this delta completes; None for a complete list."""
        value = self.extension(oids.DELTA_CRL_INDICATOR)
        return value.crl_number if value is not None else None

    @cached_property
    def source(self) -> str:
        """Name of the list in words."""
        kind = "delta CRL" if self.base_number is not None else "CRL"
        return f"{kind} {self.number}" if self.number is not None else kind

    @cached_property
    def serials(self) -> frozenset[int]:
        """Every serial on the list. Reading them costs about a microsecond each, once.

        Raises:
            Malformed: an entry cannot be read.
        """
        with reading("CRL"):
            return frozenset(entry.serial_number for entry in self.parsed)

    def entry(self, serial: int) -> x509.RevokedCertificate | None:
        """Return the entry of a serial.

        Raises:
            Malformed: an entry cannot be read.
        """
        if serial not in self.serials:
            return None
        with reading("CRL"):
            return self.parsed.get_revoked_certificate_by_serial_number(serial)

    def disbelief(self, issuer: Certificate) -> str | None:
        """Say why this list is not by an issuer; None when it is. The signature is verified once."""
        if issuer.der not in self._authentic:
            self._authentic[issuer.der] = self._disbelief(issuer)
        return self._authentic[issuer.der]

    def _disbelief(self, issuer: Certificate) -> str | None:
        identifier = self.extension(oids.AUTHORITY_KEY_IDENTIFIER)
        named, usage = identifier.key_identifier if identifier is not None else None, issuer.extension(oids.KEY_USAGE)
        if self.issuer != issuer.subject:
            return "it is by another issuer"
        if named is not None and issuer.key_identifier is not None and named != issuer.key_identifier:
            return "it names another key of its issuer"
        if usage is None or not usage.crl_sign:
            return "its issuer may not sign revocation lists"
        if not signature_by(issuer, self._algorithm, self.parsed.signature, self._tbs):
            return "its signature is not by its issuer"
        strange = [oid for oid, one in self._extensions.items() if one.critical and oid not in _PROCESSED]
        return f"it carries a critical extension that is not understood here: {strange[0]}" if strange else None

    def omission(self, certificate: Certificate) -> str | None:
        """Say why this list is not about a certificate; None when it is (RFC 5280 §6.3.3 (b)(2))."""
        point: x509.IssuingDistributionPoint | None = self.extension(oids.ISSUING_DISTRIBUTION_POINT)
        if point is None:
            return None
        if point.indirect_crl or point.only_contains_attribute_certs or point.only_some_reasons:
            return "it is an indirect list, of attribute certificates, or of some reasons only"
        if point.only_contains_user_certs and certificate.is_ca:
            return "it is for certificates of users only"
        if point.only_contains_ca_certs and not certificate.is_ca:
            return "it is for certificates of authorities only"
        if point.relative_name is not None:
            return "its distribution point is relative to its issuer's name"
        if point.full_name is not None and not set(point.full_name) & _points(certificate):
            return "it is for another distribution point"
        return None


def evaluate_crl(
    crl: RevocationList,
    certificate: Certificate,
    issuer: Certificate,
    at: datetime,
    delta: RevocationList | None = None,
) -> StatusAnswer:
    """Tell a certificate's status from a complete list, and from a delta that completes it when there is one.

    A delta that does not fit the list (older, of another part, not believed) is left out: the list then speaks alone.
    """
    source = crl.source
    if crl.base_number is not None:
        return unknown(Finding.STATUS_NOT_COVERED, certificate, source, "a delta alone does not say what is good")
    try:
        unfit = _unfit(crl, certificate, issuer, at)
        if unfit:
            return unknown(unfit[0], certificate, source, unfit[1])
        if delta is not None and completes(delta, crl) and not _unfit(delta, certificate, issuer, at):
            answer = _listed(delta, certificate)
            if answer:
                return answer
            source, crl_span = f"{source} with {delta.source}", (delta.this_update, delta.next_update)
        else:
            crl_span = crl.this_update, crl.next_update
        return _listed(crl, certificate) or StatusAnswer(CertificateStatus.GOOD, source, *crl_span)
    except Malformed as error:
        return unknown(Finding.STATUS_UNAVAILABLE, certificate, source, str(error))


def _unfit(crl: RevocationList, certificate: Certificate, issuer: Certificate, at: datetime) -> tuple[Finding, str] | None:
    """Say why a list cannot be used."""
    disbelief = crl.disbelief(issuer)
    if disbelief:
        return Finding.STATUS_UNAUTHENTIC, disbelief
    omission = crl.omission(certificate)
    if omission:
        return Finding.STATUS_NOT_COVERED, omission
    stale = staleness(crl.this_update, crl.next_update, at)
    return (Finding.STATUS_STALE, stale) if stale else None


def completes(delta: RevocationList, crl: RevocationList) -> bool:
    """Whether a delta is to be combined with a list (RFC 5280 §5.2.4)."""
    base, number = delta.base_number, delta.number
    if base is None or number is None or crl.number is None or not base <= crl.number < number:
        return False
    point = oids.ISSUING_DISTRIBUTION_POINT
    return bool(delta.extension(point) == crl.extension(point))


def _listed(crl: RevocationList, certificate: Certificate) -> StatusAnswer | None:
    """Read the certificate's entry; None when there is none.

    Raises:
        Malformed: the entry cannot be read.
    """
    entry = crl.entry(certificate.serial)
    if entry is None:
        return None
    with reading("CRL entry"):
        extensions = {one.oid.dotted_string: one for one in entry.extensions}
        since = entry.revocation_date_utc
    strange = [oid for oid, one in extensions.items() if one.critical and oid not in _ENTRY_PROCESSED]
    if strange:
        detail = f"its entry carries a critical extension that is not understood here: {strange[0]}"
        return unknown(Finding.STATUS_UNAUTHENTIC, certificate, crl.source, detail)
    code: Any = extensions.get(oids.REASON_CODE)
    name = code.value.reason.value if code else None
    span = crl.this_update, crl.next_update
    if name == "removeFromCRL":
        if crl.base_number is None:
            return unknown(Finding.STATUS_UNAUTHENTIC, certificate, crl.source, "removeFromCRL stands in a complete list")
        return StatusAnswer(CertificateStatus.GOOD, crl.source, *span)
    return revoked(certificate, crl.source, span, since, name)


def _points(certificate: Certificate) -> set[x509.GeneralName]:
    """Names of the distribution points of a certificate that its issuer itself signs, for all reasons."""
    value = certificate.extension(oids.CRL_DISTRIBUTION_POINTS)
    points = value or ()
    return {name for point in points if not point.crl_issuer and not point.reasons for name in point.full_name or ()}
