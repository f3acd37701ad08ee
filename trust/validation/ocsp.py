"""Evaluation of OCSP responses (RFC 6960 §3.2, RFC 9654).

Takes octets, gives a status; asks nobody. A response counts when it is about exactly this certificate, in force, and signed
by the issuer itself or by a responder that the issuer certified directly for that (extended key usage OCSPSigning), that the
issuer exempted from status questions (id-pkix-ocsp-nocheck) and that is itself in force. Responses about several certificates
are not read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from trust import der, oids
from trust.errors import Malformed
from trust.validation.certificate import Certificate, reading, signature_by
from trust.validation.findings import Finding
from trust.validation.status import CertificateStatus, StatusAnswer, revoked, staleness, unknown

LARGEST_RESPONSE = 64 * 1024
"""Octets: a response with one ML-DSA-87 responder certificate has about 13,000."""
_MOST_CERTIFICATES = 4
_HASHES = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}


def request_for(certificate: Certificate, issuer: Certificate, nonce: bytes | None = None) -> bytes:
    """Write the request about a certificate (DER), with SHA-1 in its CertID: what responders have pre-signed (RFC 5019 §2.1.1).

    The hash names an issuer among those that we know already; nothing rests on its strength.
    """
    name, key = hashlib.sha1(issuer.subject).digest(), hashlib.sha1(issuer.key_octets).digest()
    algorithm = der.sequence(der.oid(oids.SHA1), der.null())
    identifier = der.sequence(algorithm, der.octet_string(name), der.octet_string(key), der.integer(certificate.serial))
    asked = der.sequence(der.sequence(identifier))
    if nonce is None:
        return der.sequence(der.sequence(asked))
    extension = der.sequence(der.oid(oids.OCSP_NONCE), der.octet_string(der.octet_string(nonce)))
    return der.sequence(der.sequence(asked, der.explicit(2, der.sequence(extension))))


def evaluate_ocsp(
    octets: bytes,
    certificate: Certificate,
    issuer: Certificate,
    at: datetime,
    *,
    nonce: bytes | None = None,
    source: str = "OCSP",
) -> StatusAnswer:
    """Tell a certificate's status from a response (DER). A response may leave out the `nonce` that was sent, never change it.

    Raises:
        Malformed: the octets are not a response.
    """
    if len(octets) > LARGEST_RESPONSE:
        raise Malformed(f"an OCSP response of {len(octets)} octets is larger than any that we read")
    with reading("OCSP response"):
        response = ocsp.load_der_ocsp_response(octets)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return unknown(Finding.STATUS_UNKNOWN, certificate, source, f"it answers {response.response_status.name.lower()}")
        if sum(1 for _ in response.responses) != 1:
            return unknown(Finding.STATUS_NOT_COVERED, certificate, source, "it answers about several certificates at once")
        if not _about(response, certificate, issuer):
            return unknown(Finding.STATUS_NOT_COVERED, certificate, source, "it answers about another certificate")
        disbelief = _disbelief(response, issuer, at, nonce)
        if disbelief:
            return unknown(Finding.STATUS_UNAUTHENTIC, certificate, source, disbelief)
        return _answer(response, certificate, at, source)


def _answer(response: ocsp.OCSPResponse, certificate: Certificate, at: datetime, source: str) -> StatusAnswer:
    span = response.this_update_utc, response.next_update_utc
    stale = staleness(*span, at)
    if stale:
        return unknown(Finding.STATUS_STALE, certificate, source, stale)
    if response.certificate_status is ocsp.OCSPCertStatus.GOOD:
        return StatusAnswer(CertificateStatus.GOOD, source, *span)
    since = response.revocation_time_utc
    if response.certificate_status is ocsp.OCSPCertStatus.UNKNOWN or since is None:
        return unknown(Finding.STATUS_UNKNOWN, certificate, source, "it answers unknown")
    given = response.revocation_reason
    return revoked(certificate, source, span, since, given.value if given else None)


def _about(response: ocsp.OCSPResponse, certificate: Certificate, issuer: Certificate) -> bool:
    """Whether the CertID is that of the certificate, in whatever hash the responder chose."""
    hashed = _HASHES.get(response.hash_algorithm.name)
    return (
        hashed is not None
        and response.serial_number == certificate.serial
        and response.issuer_name_hash == hashed(issuer.subject).digest()
        and response.issuer_key_hash == hashed(issuer.key_octets).digest()
    )


def _disbelief(response: ocsp.OCSPResponse, issuer: Certificate, at: datetime, nonce: bytes | None) -> str | None:
    """Say why a response is not believed; None when it is."""
    for extensions in (response.extensions, response.single_extensions):
        for extension in extensions:
            if isinstance(extension.value, x509.OCSPNonce):
                if nonce is not None and extension.value.nonce != nonce:
                    return "it answers another question: the nonce is not the one that was sent"
            elif extension.critical:
                return f"it carries a critical extension that is not understood here: {extension.oid.dotted_string}"
    objection = "nobody whom the issuer authorised signed it"
    for signer in _signers(response, issuer):
        if signer is not issuer:
            objection = _unauthorised(signer, issuer, at) or ""
            if objection:
                continue
        # pyca gives the OID alone: it must be the one in the identifier that we use with this kind of key.
        identifier = signer.algorithm.identifier if signer.algorithm else b""
        if not identifier[2:].startswith(der.oid(response.signature_algorithm_oid.dotted_string)):
            objection = "it is signed in a way that is not verified here"
        elif signature_by(signer, identifier, response.signature, response.tbs_response_bytes):
            return None
        else:
            objection = "its signature is not by the responder that it names"
    return objection


def _signers(response: ocsp.OCSPResponse, issuer: Certificate) -> Iterator[Certificate]:
    """Yield whoever the responder's identifier can mean: the issuer, or a certificate that the response brings."""
    if _is_responder(response, issuer):
        yield issuer
    for parsed in response.certificates[:_MOST_CERTIFICATES]:
        candidate = Certificate(parsed.public_bytes(Encoding.DER))
        if _is_responder(response, candidate) and candidate.der != issuer.der:
            yield candidate


def _is_responder(response: ocsp.OCSPResponse, certificate: Certificate) -> bool:
    if response.responder_key_hash is not None:
        return response.responder_key_hash == hashlib.sha1(certificate.key_octets).digest()
    return response.responder_name == certificate.parsed.subject


def _unauthorised(responder: Certificate, issuer: Certificate, at: datetime) -> str | None:
    """Say why a responder may not answer for an issuer (RFC 6960 §4.2.2.2); None when it may."""
    usage, extended = responder.extension(oids.KEY_USAGE), responder.extension(oids.EXTENDED_KEY_USAGE)
    if responder.issuer != issuer.subject or not responder.is_signed_by(issuer):
        return "its responder is not certified by the issuer itself"
    if extended is None or oids.USAGE_OCSP_SIGNING not in [one.dotted_string for one in extended]:
        return "its responder is not certified for OCSP"
    if responder.is_ca or (usage is not None and not (usage.digital_signature or usage.content_commitment)):
        # An authority with that usage could sign the status of its own siblings: the incident of July 2020.
        return "its responder's certificate is not that of a responder"
    if oids.OCSP_NO_CHECK not in responder.extensions:
        return "its responder's own status would have to be asked first"
    if not responder.not_before <= at <= responder.not_after:
        return "its responder's certificate is not in force"
    strange = [oid for oid, one in responder.extensions.items() if one.critical and oid not in _RESPONDER_PROCESSED]
    return f"its responder's certificate carries a critical extension not understood here: {strange[0]}" if strange else None


_RESPONDER_PROCESSED = {oids.BASIC_CONSTRAINTS, oids.KEY_USAGE, oids.EXTENDED_KEY_USAGE, oids.OCSP_NO_CHECK}
