"""Honest small twins of the world, for our tests and for those of integrators."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FixedClock:
    """A clock that moves only when told to."""

    def __init__(self, moment: datetime = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)) -> None:
        self.moment = moment

    def now(self) -> datetime:
        """Return the moment it is set to."""
        return self.moment

    def advance(self, **by: float) -> None:
        """Move by a `timedelta` given in keywords: ``clock.advance(days=3)``; negative steps move it back."""
        self.moment += timedelta(**by)


class CountingEntropy:
    """Octets that are different at each call and the same at each run."""

    def __init__(self, start: int = 1) -> None:
        self.count = start

    def octets(self, count: int) -> bytes:
        """Return the next number of the count, as `count` octets."""
        self.count += 1
        return (self.count * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << (8 * count))).to_bytes(count, "big")


class RepeatingEntropy:
    """The broken generator: the same octets for ever (failure case I06)."""

    def octets(self, count: int) -> bytes:
        """Return `count` octets of 0x42."""
        return b"\x42" * count
