"""A second opinion by pkilint, in this process: ETSI EN 319 412 for people and structures, RFC 5280 for the rest, CRLs and OCSP.

Asked at load about every profile over the corpus of extreme names, and at run time about samples: 5 to 13 ms of processor time
for a certificate. pkilint takes two seconds to import, so it is imported at the first question. A list is judged by its header
and a sample of its entries: pkilint spends 1.3 ms on each. It does not verify signatures; whoever signs does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from pki.lint.finding import Finding, Severity
from trust import der, oids
from trust.errors import Malformed

CRL_SAMPLE = 20
"""Entries of a list that are judged, spread evenly."""

_LONG_NUMBER = re.compile(rb"[\x80-\xff]{5,}[\x00-\x7f]|[\x90-\xff][\x80-\xff]{3}[\x00-\x7f]")
"""A number of an OID that has more than 32 bits: six octets of seven bits and more, or five beginning above 2^4."""

_Judge = Callable[[bytes], Iterable[Any]]


def lint_certificate(certificate_der: bytes, kind: str, accepted: Mapping[str, str] | None = None) -> list[Finding]:
    """Judge a certificate.

    Args:
        certificate_der: the certificate, DER; a specimen signed by a throw-away key will do.
        kind: one of `pki.profiles.model.LINT_KINDS`.
        accepted: codes that the profile accepts, each with its reason.

    Raises:
        Malformed: it is not a certificate.
    """
    readable = _with_short_policies(certificate_der)
    findings = _findings(_certificate_judge(kind), readable, accepted or {})
    if readable != certificate_der:
        detail = "pkilint reads no OID number above 32 bits: it saw a shorter policy OID in place of ours"
        findings.append(Finding("sceau.external.policy_arc", Severity.NOTICE, "ITU-T X.667", detail))
    return findings


def lint_crl(crl_der: bytes) -> list[Finding]:
    """Judge a certificate revocation list by its header, its extensions and a sample of its entries.

    Raises:
        Malformed: it is not a list.
    """
    return _findings(_crl_judge(), sampled(crl_der), {})


def lint_ocsp_response(response_der: bytes) -> list[Finding]:
    """Judge an OCSP response, the certificate of its responder included.

    Raises:
        Malformed: it is not a response.
    """
    return _findings(_ocsp_judge(), _with_readable_responder(response_der), {})


def sampled(crl_der: bytes, count: int = CRL_SAMPLE) -> bytes:
    """Return a list with at most `count` of its entries, the first and the last among them; its signature no longer fits.

    Raises:
        Malformed: it is not a list.
    """
    outer = list(der.children(der.whole(crl_der, der.SEQUENCE)))
    if len(outer) != 3:
        raise Malformed("a CertificateList has three parts")
    fields = [encoded for _, _, encoded in der.children(outer[0][1])]
    # version, signature, issuer, thisUpdate, nextUpdate; then revokedCertificates, the next SEQUENCE if there is one.
    position = next((index for index, field in enumerate(fields) if index >= 4 and field[0] == der.SEQUENCE), None)
    if position is not None:
        entries = [encoded for _, _, encoded in der.children(der.whole(fields[position], der.SEQUENCE))]
        if len(entries) > count:
            chosen = sorted({index * (len(entries) - 1) // (count - 1) for index in range(count)})
            fields[position] = der.sequence(*(entries[index] for index in chosen))
    return der.sequence(der.sequence(*fields), outer[1][2], outer[2][2])


def _with_short_policies(certificate_der: bytes) -> bytes:
    """Write the certificate again with policy OIDs that pkilint can decode (`policies/oid-arc.md`: a UUID arc has 128 bits).

    Everything else keeps its octets. Without this, pkilint reports that it cannot decode the extension and judges nothing of it.
    """
    outer = list(der.children(der.whole(certificate_der, der.SEQUENCE)))
    fields = list(der.children(outer[0][1])) if len(outer) == 3 else []
    if not fields:
        raise Malformed("a certificate has three parts, the first one full of fields")
    if fields[-1][0] != 0xA3:
        return certificate_der
    extensions = [_with_short_policy(encoded) for _, _, encoded in der.children(der.whole(fields[-1][1], der.SEQUENCE))]
    tail = der.tlv(0xA3, der.sequence(*extensions))
    tbs = der.sequence(*(encoded for _, _, encoded in fields[:-1]), tail)
    return der.sequence(tbs, *(encoded for _, _, encoded in outer[1:]))


def _with_readable_responder(response_der: bytes) -> bytes:
    """Write an OCSP response again, with the certificates that it carries as `_with_short_policies` writes them."""
    status, *wrapped = [encoded for _, _, encoded in der.children(der.whole(response_der, der.SEQUENCE))] or [b""]
    if len(wrapped) != 1:
        return response_der  # an error, which carries nothing; or no response at all, which the judge will say
    kind, basic = _pair(der.whole(der.whole(wrapped[0], 0xA0), der.SEQUENCE))
    parts = [encoded for _, _, encoded in der.children(der.whole(der.whole(basic, der.OCTET_STRING), der.SEQUENCE))]
    if len(parts) == 4:  # data, algorithm, signature, certificates (RFC 6960 §4.2.1)
        carried = der.children(der.whole(der.whole(parts[3], 0xA0), der.SEQUENCE))
        parts[3] = der.explicit(0, der.sequence(*(_with_short_policies(encoded) for _, _, encoded in carried)))
    return der.sequence(status, der.explicit(0, der.sequence(kind, der.octet_string(der.sequence(*parts)))))


def _pair(content: bytes) -> tuple[bytes, bytes]:
    elements = [encoded for _, _, encoded in der.children(content)]
    if len(elements) != 2:
        raise Malformed("not a responseType and a response")
    return elements[0], elements[1]


def _with_short_policy(extension: bytes) -> bytes:
    parts = [encoded for _, _, encoded in der.children(der.whole(extension, der.SEQUENCE))]
    if parts[:1] != [der.oid(oids.CERTIFICATE_POLICIES)]:
        return extension
    policies = []
    for _, content, information in der.children(der.whole(der.whole(parts[-1], der.OCTET_STRING), der.SEQUENCE)):
        policy, *qualifiers = [encoded for _, _, encoded in der.children(content)] or [information]
        policies.append(der.sequence(der.tlv(der.OID, _LONG_NUMBER.sub(b"\x01", der.whole(policy, der.OID))), *qualifiers))
    return der.sequence(*parts[:-1], der.octet_string(der.sequence(*policies)))


def _findings(judge: _Judge, encoded: bytes, accepted: Mapping[str, str]) -> list[Finding]:
    try:
        results = list(judge(encoded))
    except ValueError as error:  # pyasn1 and pkilint speak of bad input with it, and with nothing else
        raise Malformed(f"pkilint cannot read it: {error}") from None
    found = []
    for result in results:
        for description in result.finding_descriptions:
            code, weight = description.finding.code, description.finding.severity.name
            severity = {"FATAL": Severity.ERROR, "ERROR": Severity.ERROR, "WARNING": Severity.WARNING}.get(
                weight, Severity.NOTICE
            )
            detail = description.message or code.rpartition(".")[2].replace("_", " ")
            if severity is Severity.WARNING and code in accepted:
                severity, detail = Severity.ACCEPTED, accepted[code]
            if weight != "INFO" and weight != "DEBUG":
                found.append(Finding(code, severity, citation(code), detail))
    return found


def citation(code: str) -> str:
    """Return the standard that a pkilint code names, in the form that people cite."""
    if clause := re.match(r"etsi\.en_(\d{3})_(\d{3})_(\d)\.([a-z]+-[\d.]+-\d+)", code):
        return f"EN {clause[1]} {clause[2]}-{clause[3]} {clause[4].upper()}"
    if code.startswith(("etsi.", "ts_119_312.")):
        return "EN 319 412"
    return "RFC 5280"


@lru_cache(maxsize=8)
def _certificate_judge(kind: str) -> _Judge:
    """Build a judge of certificates; kept, because building one costs more than using it."""
    from pkilint import etsi, finding_filter, loader
    from pkilint.etsi.etsi_constants import CertificateType
    from pkilint.pkix import certificate, extension, name

    types = {
        "ncp-natural-person": CertificateType.NCP_NATURAL_PERSON_CERTIFICATE,
        "ncp-legal-person": CertificateType.NCP_LEGAL_PERSON_CERTIFICATE,
    }
    load = loader.RFC5280CertificateDocumentLoader().load_der_document
    if kind in types:
        chosen = types[kind]
        validator = certificate.create_pkix_certificate_validator_container(
            etsi.create_decoding_validators(chosen), etsi.create_validators(chosen)
        )
        filters = etsi.create_etsi_finding_filters(chosen)
        return lambda encoded: finding_filter.filter_results(filters, validator.validate(load(encoded).root))[0]
    validator = certificate.create_pkix_certificate_validator_container(
        certificate.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS),
        [
            certificate.create_issuer_validator_container([]),
            certificate.create_validity_validator_container(),
            certificate.create_subject_validator_container([]),
            certificate.create_extensions_validator_container([]),
            certificate.create_spki_validator_container([]),
        ],
    )
    return lambda encoded: validator.validate(load(encoded).root)


@lru_cache(maxsize=1)
def _crl_judge() -> _Judge:
    from pkilint import loader, pkix
    from pkilint.pkix import crl, extension, name

    validator = crl.create_pkix_crl_validator_container(
        [
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [
            crl.create_issuer_validator_container([]),
            crl.create_validity_validator_container([]),
            crl.create_extensions_validator_container([]),
        ],
    )
    load = loader.RFC5280CertificateListDocumentLoader().load_der_document
    return lambda encoded: validator.validate(load(encoded).root)


@lru_cache(maxsize=1)
def _ocsp_judge() -> _Judge:
    from pkilint import loader, pkix
    from pkilint.pkix import extension, name, ocsp

    validator = ocsp.create_pkix_ocsp_response_validator_container(
        [
            ocsp.create_response_decoder(),
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [],
    )
    load = loader.RFC6960OCSPResponseDocumentLoader().load_der_document
    return lambda encoded: validator.validate(load(encoded).root)
