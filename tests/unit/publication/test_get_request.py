"""The request in a URL (O07)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trust.errors import Malformed
from web.publication.get_request import decode

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "percent-encoded": lambda text: quote(text, safe=""),
    "percent-encoded in lower case": lambda text: text.replace("+", "%2b").replace("/", "%2f").replace("=", "%3d"),
    "only the plus encoded": lambda text: text.replace("+", "%2B"),
    "every character encoded": lambda text: "".join(f"%{ord(each):02X}" for each in text),
    "plus turned into a space": lambda text: text.replace("+", "%20"),
    "without padding": lambda text: text.rstrip("="),
    "without padding, encoded": lambda text: quote(text.rstrip("="), safe=""),
    "a slash too many": lambda text: "/" + text,
    "two encoded slashes too many": lambda text: "%2F%2f" + quote(text, safe=""),
}
requests = st.binary(min_size=5, max_size=400).map(lambda octets: b"\x30" + octets)


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(request_octets=requests)
@example(request_octets=b"\x30\xfb\xff\xbf\xff\xef\xff\xff\xfe")  # "+", "/" and "//" in its base64
def test_a_request_survives_what_clients_and_proxies_do_to_base64(spelling: str, request_octets: bytes) -> None:
    """Whatever the spelling, the octets are those that a POST would have carried."""
    text = b64encode(request_octets).decode()

    assert decode(SPELLINGS[spelling](text).encode()) == request_octets


@pytest.mark.parametrize(
    "encoded", [b"M", b"MFE!", b"%zz", b"MFEw?x=1", b"MF\x00E", b"MF%0AEw", b"MFE=w", b"../crl", b"M%", b"\xff\xff\xff\xff"]
)
def test_what_is_not_base64_is_malformed_and_not_guessed(encoded: bytes) -> None:
    """A guess would answer somebody else's question."""
    with pytest.raises(Malformed):
        decode(encoded)


@given(encoded=st.binary(max_size=200))
def test_no_octets_make_the_decoder_fail_otherwise(encoded: bytes) -> None:
    """It decodes or says that it cannot."""
    try:
        assert isinstance(decode(encoded), bytes)
    except Malformed:
        pass
