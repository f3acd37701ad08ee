"""How often somebody may knock (NIST SP 800-63B §5.2.2): enough for every honest use, and never a way to close another's door.

What is counted is counted for whoever asks: the address that asks, the link that is tried, the account that is signed in.
Nothing is counted for somebody who is only named in a request, or anybody could lock them out by naming them. Counters are kept
in memory and bounded: a flood from many addresses makes the limits forget, not the others wait.

The address is that of the connection. Where the pages are behind a proxy (their URL is https) and the connection comes from this
machine, it is the proxy's ``X-Real-IP``; what other headers say is believed nowhere. A proxy that does not set it leaves the
limits by link and by account.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address

from flask import Flask, g, request
from werkzeug.exceptions import TooManyRequests

MOST_KEYS = 20_000
NEIGHBOURHOOD = 64
"""Bits of an IPv6 address that one subscriber has for all their devices."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and so many a minute in the long run."""

    burst: int
    per_minute: float


BY_ADDRESS: dict[str, Rate] = {
    "signin.options": Rate(120, 120),
    "signin.sign_in": Rate(120, 120),
    "signin.entry": Rate(120, 120),
    "signin.entry_options": Rate(60, 60),
    "signin.enter": Rate(60, 60),
    "activation.identity": Rate(60, 60),
    "loss.report": Rate(30, 10),
    "check.file": Rate(60, 60),
    "check.number": Rate(60, 60),
}
"""By endpoint. A hospital is one address: the limits are for its busiest morning."""
BY_LINK = Rate(20, 10)
BY_ACCOUNT: dict[str, Rate] = {"signin.key_options": Rate(20, 10), "signin.add_key": Rate(20, 10), "loss.new_sheet": Rate(5, 1)}


class Limits:
    """Counts what was asked lately, by key: a bucket that fills with time and is emptied by asking."""

    def __init__(self, now: Callable[[], float] = time.monotonic, most: int = MOST_KEYS) -> None:
        """Count with a clock in seconds, at most so many keys; the one that asked longest ago is forgotten first."""
        self._now = now
        self._most = most
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str, key: str, rate: Rate) -> float:
        """Count one more; return 0, or the seconds to wait when it is one too many (which is then not counted)."""
        now = self._now()
        with self._lock:
            level, since = self._buckets.pop((name, key), (float(rate.burst), now))
            level = min(float(rate.burst), level + (now - since) * rate.per_minute / 60)
            allowed = level >= 1
            self._buckets[name, key] = (level - 1 if allowed else level, now)
            while len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - level) * 60 / rate.per_minute

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        with self._lock:
            return len(self._buckets)


def install(app: Flask, limits: Limits) -> None:
    """Have an application refuse what comes too fast (429). After `safety.install`: what is foreign is not counted."""

    def check() -> None:
        endpoint = request.endpoint or ""
        counted: list[tuple[str, str, Rate]] = []
        where = address()
        if where is not None and endpoint in BY_ADDRESS:
            counted.append(("address", f"{endpoint} {where}", BY_ADDRESS[endpoint]))
        if request.method == "POST" and "token" in (request.view_args or {}):
            counted.append(("link", str((request.view_args or {})["token"])[:64], BY_LINK))
        if request.method == "POST" and g.session is not None and endpoint in BY_ACCOUNT:
            counted.append(("account", f"{endpoint} {g.session.account}", BY_ACCOUNT[endpoint]))
        wait = max((limits.take(*each) for each in counted), default=0.0)
        if wait:
            raise TooManyRequests(retry_after=int(wait) + 1)

    app.before_request(check)


def address() -> str | None:
    """Return where a request comes from, as it is counted; None when that is not known."""
    said = request.remote_addr or ""
    if g.secure and said in ("127.0.0.1", "::1"):
        said = request.headers.get("X-Real-IP", "")
    try:
        found = ip_address(said)
    except ValueError:
        return None
    if isinstance(found, IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return f"{int(found) >> (128 - NEIGHBOURHOOD):x}"
