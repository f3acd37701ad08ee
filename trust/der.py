"""A small DER writer and a strict DER reader (ITU-T X.690).

The writer joins octets: it is what the compiled profiles, the CRL bodies and the OCSP answers are made with, and a property test
compares what they make with what `cryptography` makes. The reader walks one level at a time and refuses everything that is BER
but not DER in lengths and tags: long-form lengths that would fit the short form, indefinite lengths, truncation, trailing
octets.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from trust.errors import Malformed

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID, ENUMERATED = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A
UTF8_STRING, PRINTABLE_STRING, IA5_STRING, UTC_TIME, GENERALIZED_TIME = 0x0C, 0x13, 0x16, 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31

_OCTETS = tuple(bytes((octet,)) for octet in range(0x100))


def length(count: int) -> bytes:
    """Encode a length in the definite form, shortest possible (X.690 §10.1)."""
    if count < 0x80:
        return _OCTETS[count]
    if count < 0x100:
        return bytes((0x81, count))
    if count < 0x10000:
        return bytes((0x82, count >> 8, count & 0xFF))
    octets = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets


def tlv(tag: int, content: bytes) -> bytes:
    """Encode one tag, its length and its content."""
    count = len(content)
    # Half of what a certificate costs to write is spent here: the short form goes without a second call.
    return _OCTETS[tag] + (_OCTETS[count] if count < 0x80 else length(count)) + content


def sequence(*parts: bytes) -> bytes:
    """Encode a SEQUENCE of parts that are already encoded."""
    return tlv(SEQUENCE, b"".join(parts))


def set_of(*parts: bytes) -> bytes:
    """Encode a SET OF: DER sorts its elements by their octets (X.690 §11.6)."""
    return tlv(SET, b"".join(sorted(parts)))


def integer(value: int) -> bytes:
    """Encode an INTEGER of any size, two's complement, shortest."""
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def enumerated(value: int) -> bytes:
    """Encode an ENUMERATED (a CRLReason, an OCSPResponseStatus)."""
    return tlv(ENUMERATED, bytes((value,)))


def boolean(value: bool) -> bytes:
    """Encode a BOOLEAN; DER's true is 0xFF (X.690 §11.1)."""
    return b"\x01\x01\xff" if value else b"\x01\x01\x00"


def octet_string(content: bytes) -> bytes:
    """Encode an OCTET STRING."""
    return tlv(OCTET_STRING, content)


def bit_string(content: bytes, unused: int = 0) -> bytes:
    """Encode a BIT STRING whose last `unused` bits do not count."""
    return tlv(BIT_STRING, bytes((unused,)) + content)


def null() -> bytes:
    """Encode NULL."""
    return b"\x05\x00"


@lru_cache(maxsize=512)
def oid(dotted: str) -> bytes:
    """Encode an OBJECT IDENTIFIER; arcs may be of any size (our policy arc, under 2.25, has 128 bits)."""
    arcs = [int(arc) for arc in dotted.split(".")]
    content = b""
    for arc in (arcs[0] * 40 + arcs[1], *arcs[2:]):
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(0x80 | (arc & 0x7F))
        content += bytes(reversed(septets))
    return tlv(OID, content)


def utf8(text: str) -> bytes:
    """Encode a UTF8String."""
    return tlv(UTF8_STRING, text.encode())


def printable(text: str) -> bytes:
    """Encode a PrintableString; the caller knows that `text` is made of its characters."""
    return tlv(PRINTABLE_STRING, text.encode("ascii"))


def ia5(text: str) -> bytes:
    """Encode an IA5String."""
    return tlv(IA5_STRING, text.encode("ascii"))


def explicit(number: int, content: bytes) -> bytes:
    """Wrap encoded content in a constructed context tag ``[number]``."""
    return tlv(0xA0 | number, content)


def implicit(number: int, content: bytes) -> bytes:
    """Give raw content a primitive context tag ``[number]``."""
    return tlv(0x80 | number, content)


def generalized_time(moment: datetime) -> bytes:
    """Encode a GeneralizedTime as RFC 5280 §4.1.2.5.2 wants it: seconds, ``Z``, no fraction."""
    return tlv(GENERALIZED_TIME, moment.strftime("%Y%m%d%H%M%SZ").encode())


def time(moment: datetime) -> bytes:
    """Encode a Time: UTCTime until 2049, GeneralizedTime from 2050 (RFC 5280 §4.1.2.5)."""
    if moment.year < 2050:
        return tlv(UTC_TIME, moment.strftime("%y%m%d%H%M%SZ").encode())
    return generalized_time(moment)


def header(data: bytes, offset: int = 0) -> tuple[int, int, int]:
    """Read the tag and the length at `offset`; return (tag, start of content, end of content).

    Raises:
        Malformed: the octets there are truncated, or are BER that DER forbids.
    """
    try:
        tag, count, start = data[offset], data[offset + 1], offset + 2
        if tag & 0x1F == 0x1F:
            raise Malformed("a high-tag-number form is not used in these structures")
        if count >= 0x80:
            size = count & 0x7F
            if not 1 <= size <= 4:
                raise Malformed("indefinite or oversized DER length")
            octets = data[start : start + size]
            if len(octets) < size:
                raise Malformed("truncated DER length")
            count = int.from_bytes(octets, "big")
            if count < 0x80 or octets[0] == 0:
                raise Malformed("a DER length is written in its shortest form")
            start += size
    except IndexError:
        raise Malformed("truncated DER") from None
    if start + count > len(data):
        raise Malformed("DER content shorter than its length")
    return tag, start, start + count


def whole(data: bytes, tag: int) -> bytes:
    """Return the content of the one element of type `tag` that `data` must be, with nothing after it.

    Raises:
        Malformed: another tag, truncated, or trailing octets.
    """
    # The usual forms are read here, at a third of the cost; every other form, and every fault, is left to `header`.
    size = len(data)
    if size >= 4 and data[0] == tag and tag & 0x1F != 0x1F:
        count = data[1]
        if count < 0x80 and count + 2 == size:
            return data[2:]
        if count == 0x81 and data[2] >= 0x80 and data[2] + 3 == size:
            return data[3:]
        if count == 0x82 and data[2] and (data[2] << 8 | data[3]) + 4 == size:
            return data[4:]
    found, start, end = header(data)
    if found != tag:
        raise Malformed(f"expected DER tag 0x{tag:02x}, found 0x{found:02x}")
    if end != len(data):
        raise Malformed(f"{len(data) - end} octets after the end of the structure")
    return data[start:end]


def children(content: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Walk the elements of a constructed content; yield (tag, content, whole encoding) of each.

    Raises:
        Malformed: an element is truncated or not DER.
    """
    offset, size = 0, len(content)
    while offset < size:
        tag = content[offset]
        # Nearly every element is short: read its header here, and leave every other form, and every fault, to `header`.
        if offset + 1 < size and content[offset + 1] < 0x80 and tag & 0x1F != 0x1F and offset + 2 + content[offset + 1] <= size:
            start = offset + 2
            end = start + content[offset + 1]
        else:
            tag, start, end = header(content, offset)
        yield tag, content[start:end], content[offset:end]
        offset = end
