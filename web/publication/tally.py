"""What one worker has done: integers in memory, and a log line now and then."""

from __future__ import annotations

from web.publication.access_log import AccessLog
from web.publication.counters import EVENTS, OUTCOMES

_GOOD = "ocsp-good"


class Tally:
    """Counts by word. Adding one costs 0.1 µs: this is on the way of every reply."""

    __slots__ = ("_counts", "_good", "_log", "_one_in", "second")

    def __init__(self, log: AccessLog, one_in: int) -> None:
        self._log = log
        self._one_in = one_in
        self._good = 0  # apart from the others: it is the one that counts
        self._counts = dict.fromkeys(OUTCOMES + EVENTS, 0)
        self.second = ""
        """The current second as the log writes it; `Service.refresh` keeps it."""

    def good(self, size: int) -> None:
        """Count a stored `good`."""
        self._good += 1
        if not self._good % self._one_in:
            self._log.add(self.second, _GOOD, 200, size)

    def note(self, what: str, status: int, size: int) -> None:
        """Count a reply; every refusal is logged, and one success in so many."""
        count = self._counts.get(what)
        if count is not None:
            self._counts[what] = count = count + 1
        if status >= 400 or not (count or 0) % self._one_in:
            self._log.add(self.second, what, status, size)

    def event(self, name: str) -> None:
        """Count something else that happened."""
        self._counts[name] += 1

    def sums(self) -> dict[str, int]:
        """Return all counts."""
        return self._counts | {_GOOD: self._counts[_GOOD] + self._good, "log-lines-lost": self._log.lost}

    def resume(self, counts: dict[str, int]) -> None:
        """Go on counting where a worker before this one stopped: a counter that goes back looks like a restart of them all."""
        self._counts |= counts
