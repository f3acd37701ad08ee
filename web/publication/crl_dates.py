"""When a CRL begins and ends, read from its first octets (RFC 5280 §5.1.2).

A CRL of a million entries is 42 MB and its two dates lie in the first few hundred octets: this walk reads those and no more. It
does not verify anything; the issuer did before publishing, and the relying party will.
"""

from __future__ import annotations

from datetime import UTC, datetime

from trust import der
from trust.errors import Malformed

HEAD_OCTETS = 16_384
"""Enough for any issuer name that we would put in a certificate."""


def dates(head: bytes, size: int) -> tuple[datetime, datetime]:
    """Return (thisUpdate, nextUpdate) of a CRL of `size` octets that begins with `head`.

    Raises:
        Malformed: not the beginning of a CRL, not of that size, or without nextUpdate (which RFC 5280 §5.1.2.5 demands).
    """
    offset, end = _sequence(head, 0)
    if end != size:
        raise Malformed("a CRL is one DER structure and nothing after it")
    offset, _ = _sequence(head, offset)
    found: list[datetime] = []
    while len(found) < 2:
        tag, start, end = der.header(head, offset)
        if tag in (der.UTC_TIME, der.GENERALIZED_TIME):
            found.append(_moment(tag, head[start:end]))
        elif found or tag not in (der.INTEGER, der.SEQUENCE):  # version, signature and issuer come before the dates
            raise Malformed("a CRL has a thisUpdate and a nextUpdate")
        offset = end
    return found[0], found[1]


def _sequence(head: bytes, offset: int) -> tuple[int, int]:
    """Read the header of a SEQUENCE whose content may go on past `head`; return (start, end) of the content."""
    if len(head) < offset + 6 or head[offset] != der.SEQUENCE:
        raise Malformed("not a CRL")
    octets = head[offset + 1]
    if octets < 0x80:
        return offset + 2, offset + 2 + octets
    width = octets & 0x7F
    if not 1 <= width <= 4:
        raise Malformed("not a CRL: an indefinite or oversized length")
    start = offset + 2 + width
    return start, start + int.from_bytes(head[offset + 2 : start], "big")


def _moment(tag: int, content: bytes) -> datetime:
    try:
        text = content.decode("ascii")
        if tag == der.UTC_TIME:  # RFC 5280 §4.1.2.5.1: years 50 to 99 are of the twentieth century
            text = ("19" if text[:2] >= "50" else "20") + text
        if len(text) != 15 or not text[:14].isdigit():
            raise ValueError(text)
        return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise Malformed("a date of a CRL is not a Time of RFC 5280") from error
