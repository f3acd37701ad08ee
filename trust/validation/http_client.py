"""The smallest HTTP client that fetches status: one request, one answer, bounded in time and size.

No redirections, no cookies, no proxies (environment variables are not read), no other schemes than http and https, no answer
larger or slower than the caller accepts. Status is signed, so plain HTTP is the rule (RFC 5280 §4.2.1.13); what comes back is
not believed here.
"""

from __future__ import annotations

import http.client
import re
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from trust.errors import Malformed, Unavailable

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?(?P<target>/[!\"$-~]*)?"
)
_LONGEST_URL = 2048
_PIECE = 64 * 1024
_BOTH_WAYS = 2  # SHUT_RDWR; the socket module itself is for adapters


@dataclass(frozen=True)
class HttpClient:
    """Fetches over HTTP/1.1, one connection per request."""

    timeout: float = 5.0
    """Seconds for the whole exchange, whatever the pace of the other end."""
    overrides: Mapping[str, str] = field(default_factory=dict)
    """Where to go instead: beginnings of URLs, and what to put in their place."""

    def get(self, url: str, limit: int) -> bytes:
        """Fetch at most `limit` octets.

        Raises:
            Malformed: not a URL that we follow.
            Unavailable: no answer, not in time, too large, or not 200.
        """
        return self._exchange("GET", url, None, {}, limit)

    def post(self, url: str, body: bytes, content_type: str, limit: int) -> bytes:
        """Send octets and return the answer's.

        Raises:
            Malformed, Unavailable: as `get`.
        """
        return self._exchange("POST", url, body, {"Content-Type": content_type}, limit)

    def _exchange(self, method: str, url: str, body: bytes | None, headers: dict[str, str], limit: int) -> bytes:
        deadline = time.monotonic() + self.timeout
        connection, target = self._connection(url)
        # A socket's timeout is per operation: a server that drips its headers would hold us for hours without this.
        hangs_up = threading.Timer(self.timeout, _hang_up, (connection,))
        try:
            connection.connect()
            hangs_up.start()
            connection.request(method, target, body, {"Connection": "close", "Accept": "*/*", **headers})
            response = connection.getresponse()
            if response.status != 200:
                raise Unavailable(f"{url} answers {response.status}")
            octets = _read(response, limit)
        except _TooLarge:
            raise Unavailable(f"{url} sends more than {limit} octets") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unavailable(f"{url} does not answer: {str(error) or type(error).__name__}") from None
        finally:
            hangs_up.cancel()
            connection.close()
        if time.monotonic() >= deadline or response.length or not octets:
            raise Unavailable(f"{url} does not finish its answer")
        return octets

    def _connection(self, url: str) -> tuple[http.client.HTTPConnection, str]:
        for beginning, instead in self.overrides.items():
            if url.startswith(beginning):
                url = instead + url[len(beginning) :]
                break
        match = _URL.fullmatch(url) if len(url) <= _LONGEST_URL else None
        if match is None or not 0 < int(match["port"] or 80) < 65536:
            raise Malformed(f"not an HTTP URL that we follow: {url[:200]!r}")
        host, port, target = match["host"].strip("[]"), int(match["port"]) if match["port"] else None, match["target"] or "/"
        if match["scheme"] == "https":
            return http.client.HTTPSConnection(host, port, timeout=self.timeout, context=ssl.create_default_context()), target
        return http.client.HTTPConnection(host, port, timeout=self.timeout), target


class _TooLarge(Exception):
    pass


def _read(response: http.client.HTTPResponse, limit: int) -> bytes:
    received = bytearray()
    while piece := response.read1(_PIECE):
        received += piece
        if len(received) > limit:
            raise _TooLarge
    return bytes(received)


def _hang_up(connection: http.client.HTTPConnection) -> None:
    if connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(_BOTH_WAYS)
