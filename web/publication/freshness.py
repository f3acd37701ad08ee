"""How long an answer may be kept by others: the HTTP face of thisUpdate and nextUpdate (RFC 5019 §6.2, RFC 9111).

An answer is never given past its nextUpdate, and a shared cache is never told to keep one until then: `Limits.cache_seconds`
bounds how long a revocation can stay invisible behind a cache. Whatever is an error, or answers a nonce, is not kept at all.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from trust.clock import Clock
from web.publication.reply import NO_STORE, OCSP_TYPE, STATUS_LINES


def http_date(moment: datetime) -> bytes:
    """Write a moment as HTTP does (RFC 9110 §5.6.7); the moment is UTC."""
    return format_datetime(moment.astimezone(UTC), usegmt=True).encode()


def read_http_date(value: bytes) -> datetime | None:
    """Read an HTTP date; None when it is not one, which a conditional request then ignores (RFC 9110 §13.1.3)."""
    try:
        moment = parsedate_to_datetime(value.decode("ascii"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):  # what email.utils raises varies with the damage
        return None


def cacheable(this_update: datetime, next_update: datetime, now: datetime, ceiling: int) -> bytes:
    """Write the header lines of something valid from `this_update` to `next_update`.

    `max-age` ends before nextUpdate and lasts `ceiling` seconds at most; Expires says nextUpdate itself, for caches that know
    nothing newer than HTTP/1.0.
    """
    remaining = int((next_update - now).total_seconds()) - 1
    if remaining <= 0:
        return NO_STORE
    return b"Last-Modified: %b\r\nExpires: %b\r\nCache-Control: max-age=%d,public,no-transform,must-revalidate\r\n" % (
        http_date(this_update),
        http_date(next_update),
        min(remaining, ceiling),
    )


_BATCHES = 4_096
"""Pairs of moments whose lines are kept for the second: live signatures make a new one each."""


class Present:
    """The current second: the clock is asked once for it, and what depends on nothing else is written once."""

    __slots__ = ("_cached", "_ceiling", "_clock", "_lines", "_openings", "now")

    def __init__(self, clock: Clock, ceiling: int) -> None:
        self._clock = clock
        self._ceiling = ceiling
        self._cached: dict[tuple[datetime, datetime], bytes] = {}
        self._openings: dict[tuple[datetime, datetime], bytes] = {}
        self._lines: dict[int, bytes] = {}
        self.now = clock.now()
        """The moment as every reply of this second takes it."""
        self.refresh()

    def refresh(self) -> bool:
        """Ask the clock; when it is another second, forget what was written for the one before, and say so."""
        now = self._clock.now()
        if self._lines and now == self.now:
            return False
        self.now = now
        self._cached, self._openings = {}, {}
        date = b"Date: " + http_date(now) + b"\r\n"
        self._lines = {status: line + date for status, line in STATUS_LINES.items()}
        return True

    def line(self, status: int) -> bytes:
        """Return the status line and the Date line of a reply sent now."""
        return self._lines[status]

    def cache_lines(self, this_update: datetime, next_update: datetime) -> bytes:
        """Return the type and cache lines of a status answer valid between those two moments: the same for a whole batch."""
        lines = self._cached.get((this_update, next_update))
        if lines is None:
            lines = b"Content-Type: %b\r\n%b" % (OCSP_TYPE, cacheable(this_update, next_update, self.now, self._ceiling))
            self._cached[this_update, next_update] = lines
            if len(self._cached) > _BATCHES:
                self._cached = {(this_update, next_update): lines}
        return lines

    def opening(self, this_update: datetime, next_update: datetime) -> bytes:
        """Return those lines after the status line and the Date of a reply sent now."""
        opening = self._openings.get((this_update, next_update))
        if opening is None:
            opening = self._lines[200] + self.cache_lines(this_update, next_update)
            self._openings[this_update, next_update] = opening
            if len(self._openings) > _BATCHES:
                self._openings = {(this_update, next_update): opening}
        return opening
