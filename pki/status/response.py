"""OCSP responses, written as octets (RFC 6960 §4.2, RFC 9654, RFC 5019).

One SingleResponse to a response. The functions below join DER; `cut` turns any of them into a template, so that the hot paths
(pre-signing, answering) only join constant octets with a serial and a signature. Tests compare every result with the builder of
`cryptography`. Nothing here decides a status or holds a key.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pki.status.model import Authority, Batch, HashForm, Responder
from trust import der, oids
from trust.algorithms import Algorithm

GOOD = der.implicit(0, b"")
UNKNOWN = der.implicit(2, b"")


def error(status: int) -> bytes:
    """Encode an OCSPResponse that is only an OCSPResponseStatus (RFC 6960 §4.2.1); errors are not signed."""
    return der.sequence(der.enumerated(status))


MALFORMED_REQUEST = error(1)
INTERNAL_ERROR = error(2)
TRY_LATER = error(3)
UNAUTHORIZED = error(6)


def time_text(moment: datetime) -> bytes:
    """Return the 15 characters of a GeneralizedTime (RFC 6960 §4.2.2: UTC, seconds, no fraction)."""
    return moment.strftime("%Y%m%d%H%M%SZ").encode()


def revoked(at: bytes, reason: int | None) -> bytes:
    """Encode RevokedInfo as CertStatus `revoked`; `at` is the text of a GeneralizedTime."""
    explanation = b"" if reason is None else der.explicit(0, der.enumerated(reason))
    return der.tlv(0xA1, der.tlv(der.GENERALIZED_TIME, at) + explanation)


def cert_id(authority: Authority, form: HashForm, serial: bytes) -> bytes:
    """Encode the CertID of a certificate of ours, in the form in which the question named it."""
    name_hash, key_hash = authority.hashes(form.name)
    return der.sequence(form.identifier, der.octet_string(name_hash), der.octet_string(key_hash), der.tlv(der.INTEGER, serial))


def single_response(
    identifier: bytes, status: bytes, this_update: datetime, next_update: datetime, archive_cutoff: datetime | None = None
) -> bytes:
    """Encode a SingleResponse; the archive cutoff is one of its extensions, not of the whole response (RFC 6960 §4.4.4)."""
    extensions = b""
    if archive_cutoff is not None:
        extensions = der.explicit(1, der.sequence(_extension(oids.OCSP_ARCHIVE_CUTOFF, der.generalized_time(archive_cutoff))))
    times = der.generalized_time(this_update) + der.explicit(0, der.generalized_time(next_update))
    return der.sequence(identifier, status, times, extensions)


def response_data(responder_key_hash: bytes, produced_at: datetime, single: bytes, nonce: bytes | None = None) -> bytes:
    """Encode ResponseData, what is signed: responder by key, one SingleResponse, and the nonce if the question had one."""
    extensions = b""
    if nonce is not None:  # RFC 9654 §2.1: Nonce ::= OCTET STRING, itself inside extnValue
        extensions = der.explicit(1, der.sequence(_extension(oids.OCSP_NONCE, der.octet_string(nonce))))
    by_key = der.explicit(2, der.octet_string(responder_key_hash))
    return der.sequence(by_key, der.generalized_time(produced_at), der.sequence(single), extensions)


def successful(data: bytes, algorithm: Algorithm, signature: bytes, certificate: bytes) -> bytes:
    """Encode the whole OCSPResponse around signed ResponseData; the responder's certificate travels with it."""
    certificates = der.explicit(0, der.sequence(certificate))
    basic = der.sequence(data, algorithm.identifier, der.bit_string(signature), certificates)
    return der.sequence(der.enumerated(0), der.explicit(0, der.sequence(der.oid(oids.OCSP_BASIC), der.octet_string(basic))))


def _extension(dotted: str, value: bytes) -> bytes:
    return der.sequence(der.oid(dotted), der.octet_string(value))


def cut(build: Callable[..., bytes], *sizes: int) -> list[bytes]:
    """Return the constant octets around the variable fields of what `build` makes from fields of these sizes.

    Two specimens whose fields differ in every octet differ nowhere else: the constant parts are where they agree.
    """
    low, high = (build(*(octet * size for size in sizes)) for octet in (b"\x00", b"\xff"))
    parts, at = [], 0
    for size in sizes:
        start = next(place for place in range(at, len(low)) if low[place] != high[place])
        parts.append(low[at:start])
        at = start + size
    return [*parts, low[at:]]


def batch_data(authority: Authority, batch: Batch, form: HashForm, serial: bytes, status: bytes) -> bytes:
    """Encode the ResponseData of one certificate of a batch."""
    single = single_response(cert_id(authority, form, serial), status, batch.this_update, batch.next_update, batch.archive_cutoff)
    return response_data(batch.responder.key_hash, batch.produced_at, single)


def batch_response(authority: Authority, batch: Batch, form: HashForm, serial: bytes, status: bytes, signature: bytes) -> bytes:
    """Encode the OCSPResponse of one certificate of a batch, around its stored signature."""
    responder: Responder = batch.responder
    data = batch_data(authority, batch, form, serial, status)
    return successful(data, responder.algorithm, signature, responder.certificate_der)
