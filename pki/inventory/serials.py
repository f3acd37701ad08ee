"""Certificate serial numbers (RFC 5280 §4.1.2.2; CP 7.1).

Sixteen octets, always: the first is 0x40 to 0x7F, so the INTEGER is positive and has no leading zero, and every serial
has the same DER length. A status request is then matched as prefix + serial. The other 126 bits come from the CSPRNG.
"""

from __future__ import annotations

from trust.entropy import Entropy
from trust.errors import Malformed

SIZE = 16


def draw(entropy: Entropy) -> bytes:
    """Draw a serial. Uniqueness is the database's business: it has the constraint."""
    octets = entropy.octets(SIZE)
    return bytes((0x40 | (octets[0] & 0x3F),)) + octets[1:]


def parse(text: str) -> bytes:
    """Read a serial that a person typed or pasted: hexadecimal, colons and spaces allowed.

    Raises:
        Malformed: it is not one of our serials.
    """
    digits = text.strip().replace(":", "").replace(" ", "").lower().removeprefix("0x")
    try:
        serial = bytes.fromhex(digits)
    except ValueError:
        raise Malformed("a serial number is written in hexadecimal digits") from None
    if len(serial) != SIZE or not 0x40 <= serial[0] <= 0x7F:
        raise Malformed("a serial number of this authority has 32 hexadecimal digits and begins with 4 to 7")
    return serial


def shard_of(serial: bytes, shards: int) -> int:
    """Choose the CRL shard of a new certificate; it is then fixed in the certificate and in its record."""
    return int.from_bytes(serial[-4:], "big") % shards
