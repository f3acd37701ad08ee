"""The clock: the only place that asks the machine what time it is.

Time is an argument everywhere else (house law 5), so that a test can live in any year and no decision uses two times.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    """Something that tells the time."""

    def now(self) -> datetime:
        """Return the current time: aware, UTC, whole seconds (what X.509 and OCSP can express, RFC 5280 §4.1.2.5)."""
        ...


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """Return the machine's time, truncated to the second."""
        return datetime.fromtimestamp(int(time.time()), UTC)


def parse(text: str) -> datetime:
    """Read a time that `isoformat` wrote.

    Raises:
        ValueError: it is not an ISO 8601 time with an offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a time without offset is not a moment: {text!r}")
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # the first and the last hours of the calendar, in another zone
        raise ValueError(f"a time outside the years 1 to 9999: {text!r}") from None


@lru_cache(maxsize=256)
def text(moment: datetime) -> str:
    """Write a moment as ISO 8601 in UTC, whole seconds, ``Z`` suffix: the one form used in records and output.

    What happens in one second is written many times over: the last moments are remembered.
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
