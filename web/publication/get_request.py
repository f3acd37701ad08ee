"""The status request that is written in a URL (RFC 6960 appendix A.1, RFC 5019 §5).

Clients and the proxies between us spoil base64 in known ways: ``+`` turned into a space, ``/`` and ``=`` percent-encoded or not,
padding dropped, one slash too many before it. All of these give back the octets that a POST would have carried; anything else is
malformed, because an answer to a guessed question would be an answer to somebody else's.
"""

from __future__ import annotations

from binascii import Error, a2b_base64
from urllib.parse import unquote_to_bytes

from trust.errors import Malformed


def decode(encoded: bytes) -> bytes:
    """Return the request that follows ``/ocsp/`` in a target.

    Raises:
        Malformed: not base64, even leniently.
    """
    if b"%" in encoded:
        # The three that base64 needs, as clients write them; ten times faster than the general way, which sees the rest.
        encoded = encoded.replace(b"%2F", b"/").replace(b"%2B", b"+").replace(b"%3D", b"=")
        if b"%" in encoded:
            encoded = unquote_to_bytes(encoded)
    if len(encoded) & 3 or encoded[:1] != b"M":  # a request begins with 0x30, so its base64 with "M"
        encoded = _mended(encoded)
    elif b" " in encoded:
        encoded = encoded.replace(b" ", b"+")
    try:
        return a2b_base64(encoded, strict_mode=True)
    except Error as error:
        raise Malformed("not base64") from error


def _mended(encoded: bytes) -> bytes:
    """Take away the slashes of a client that had one at the end of our address; put back the padding."""
    encoded = encoded.lstrip(b"/").rstrip(b"=").replace(b" ", b"+")
    return encoded + b"=="[: -len(encoded) % 4]
