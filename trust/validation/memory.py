"""What status clients remember: bounded, and never older than they may believe.

The caller's moment drives it, not a clock of its own. It holds no opinion on what it keeps.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

Kept = TypeVar("Kept")

FOR_EVER = timedelta(days=36_500)
"""For what says itself until when it holds."""


class Memory(Generic[Kept]):
    """Keeps the most recently used things, each with the moment it was learnt. Safe to share between threads."""

    def __init__(self, capacity: int) -> None:
        """Keep at most `capacity` things."""
        self._capacity = capacity
        self._kept: OrderedDict[Hashable, tuple[Kept, datetime]] = OrderedDict()
        self._lock = Lock()

    def recall(self, key: Hashable, at: datetime, within: timedelta) -> Kept | None:
        """Return what was learnt within this span around the moment, or None."""
        with self._lock:
            found = self._kept.get(key)
            if found is None or abs(at - found[1]) > within:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def keep(self, key: Hashable, thing: Kept, at: datetime) -> None:
        """Remember, and forget the least recently used beyond the capacity."""
        with self._lock:
            self._kept[key] = thing, at
            self._kept.move_to_end(key)
            while len(self._kept) > self._capacity:
                self._kept.popitem(last=False)
