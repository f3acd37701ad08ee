"""Reading OCSP requests, strictly (RFC 6960 §4.1, RFC 9654, RFC 5019).

One certificate to a request, as RFC 5019 §2.1.1 asks of clients: a request for several is `malformedRequest`, since each would
cost a signature and stored answers speak of one. The requestor's name and signature are allowed and not looked at: status is
public. Octets in, question out; nothing here knows what is asked for, or answers.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from trust import der, oids
from trust.errors import Malformed

MAX_REQUEST = 16_384
"""Longest request read: room for a signed one with its certificates."""
MAX_EXTENSIONS = 16

_HASHES = {der.oid(oids.SHA1): ("sha1", 20), der.oid(oids.SHA256): ("sha256", 32)}
_IDENTIFIER = re.compile(rb"(?:[\x00-\x7f]|[\x81-\xff][\x80-\xff]*[\x00-\x7f])+", re.DOTALL)
"""Content octets of an OBJECT IDENTIFIER: arcs in base 128, none of them padded, the last one finished (X.690 §8.19)."""
_NONCE = der.oid(oids.OCSP_NONCE)


class Question(NamedTuple):
    """What one request asks. A tuple in this order, so that `pki.status.answer` reads it without importing this room."""

    hash_name: str
    """``"sha1"``, ``"sha256"``, or empty for a hash that we do not speak."""
    null_parameters: bool
    """Whether the AlgorithmIdentifier of the hash spells out NULL parameters: the answer repeats it."""
    name_hash: bytes
    key_hash: bytes
    serial: bytes
    """Content octets of the INTEGER."""
    nonce: bytes | None
    unknown_critical: bool
    """An extension that we do not know was marked critical: we cannot answer as asked."""


def read_request(body: bytes) -> Question:
    """Read an OCSPRequest.

    Raises:
        Malformed: it is not one in DER, asks for no certificate or for several, or its nonce is not 1 to 128 octets.
    """
    if len(body) > MAX_REQUEST:
        raise Malformed(f"a request is at most {MAX_REQUEST} octets")
    outer = _fields(der.whole(body, der.SEQUENCE), 2)
    if not outer or outer[0][0] != der.SEQUENCE or (len(outer) == 2 and outer[1][0] != 0xA0):
        raise Malformed("an OCSPRequest is a TBSRequest and perhaps a signature")
    fields = _fields(outer[0][1], 3)
    if fields and fields[0][0] == 0xA0:
        raise Malformed("the version is v1, which DER leaves out")
    if fields and fields[0][0] == 0xA1:  # requestorName
        fields = fields[1:]
    if not fields or fields[0][0] != der.SEQUENCE or len(fields) > 2 or (len(fields) == 2 and fields[1][0] != 0xA2):
        raise Malformed("a TBSRequest is a list of requests and perhaps extensions")
    requests = _fields(fields[0][1], 1)
    if len(requests) != 1 or requests[0][0] != der.SEQUENCE:
        raise Malformed("a request asks about one certificate")
    single = _fields(requests[0][1], 2)
    if not single or single[0][0] != der.SEQUENCE or (len(single) == 2 and single[1][0] != 0xA0):
        raise Malformed("a Request is a CertID and perhaps extensions")
    nonce, critical = _extensions(fields[1][1]) if len(fields) == 2 else (None, False)
    if len(single) == 2:
        misplaced, also = _extensions(single[1][1])
        if misplaced is not None:
            raise Malformed("a nonce belongs to the request, not to one of its certificates")
        critical = critical or also
    return Question(*_cert_id(single[0][1]), nonce, critical)


def _fields(content: bytes, at_most: int) -> list[tuple[int, bytes, bytes]]:
    fields: list[tuple[int, bytes, bytes]] = []
    for field in der.children(content):
        if len(fields) == at_most:
            raise Malformed(f"more than {at_most} elements")
        fields.append(field)
    return fields


def _cert_id(content: bytes) -> tuple[str, bool, bytes, bytes, bytes]:
    fields = _fields(content, 4)
    if [tag for tag, _, _ in fields] != [der.SEQUENCE, der.OCTET_STRING, der.OCTET_STRING, der.INTEGER]:
        raise Malformed("a CertID is an algorithm, two hashes and a serial")
    algorithm = _fields(fields[0][1], 2)
    if not algorithm or algorithm[0][0] != der.OID or not _IDENTIFIER.fullmatch(algorithm[0][1]):
        raise Malformed("an algorithm has an identifier")
    name, size = _HASHES.get(algorithm[0][2], ("", 0))
    name_hash, key_hash, serial = fields[1][1], fields[2][1], fields[3][1]
    if name:
        if len(algorithm) == 2 and algorithm[1][2] != b"\x05\x00":
            raise Malformed("a hash has NULL parameters or none")
        if len(name_hash) != size or len(key_hash) != size:
            raise Malformed(f"a {name} hash has {size} octets")
    if not serial or (len(serial) > 1 and serial[0] == (0xFF if serial[1] >= 0x80 else 0x00)):
        raise Malformed("an INTEGER is written in its shortest form")
    return name, len(algorithm) == 2, name_hash, key_hash, serial


def _extensions(explicit: bytes) -> tuple[bytes | None, bool]:
    """Return (nonce, whether an unknown extension is critical)."""
    nonce, critical, seen = None, False, set()
    extensions = _fields(der.whole(explicit, der.SEQUENCE), MAX_EXTENSIONS)
    if not extensions:
        raise Malformed("a list of extensions has at least one")
    for tag, content, _ in extensions:
        fields = _fields(content, 3)
        marked = len(fields) == 3
        if tag != der.SEQUENCE or len(fields) < 2 or fields[0][0] != der.OID or fields[-1][0] != der.OCTET_STRING:
            raise Malformed("an extension is an identifier, perhaps a criticality, and a value")
        if not _IDENTIFIER.fullmatch(fields[0][1]):
            raise Malformed("an identifier is arcs in their shortest form")
        if marked and fields[1][2] != b"\x01\x01\xff":  # DER leaves the default, FALSE, out
            raise Malformed("the criticality of an extension is TRUE or left out")
        if fields[0][2] in seen:
            raise Malformed("an extension comes once")
        seen.add(fields[0][2])
        if fields[0][2] == _NONCE:
            nonce = der.whole(fields[-1][1], der.OCTET_STRING)
            if not 1 <= len(nonce) <= 128:
                raise Malformed("a nonce has 1 to 128 octets [RFC 9654 §2.1]")
        elif marked:
            critical = True
    return nonce, critical
