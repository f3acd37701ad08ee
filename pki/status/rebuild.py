"""The next generation of the status store, while it is being filled.

The whole population is appended in key order, which fills pages to the brim (103 octets a certificate under P-256, measured at
two million). What is put meanwhile is kept aside and applied last: whatever the scan read of those serials, before the change or
after, the change is newer. One thread fills it; what is aside is guarded by the writer's lock.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from pki.status import environment
from pki.status.generation import Generation, Items
from pki.status.model import Batch, Responder
from trust.errors import Missing

CHUNK = 20_000
"""Records written by one transaction."""

Aside = dict[bytes, tuple[bytes, Batch]]


class Rebuild:
    """A generation that nobody reads yet."""

    def __init__(self, generation: Generation) -> None:
        self.generation = generation
        self.appended = 0
        self.aside: Aside = {}
        self._cursor = b""
        self._waiting: Items = []
        self._batches: dict[int, tuple[Batch, int]] = {}

    def append(self, items: Items, batch: Batch, responder: int) -> None:
        """Take the next records.

        Raises:
            ValueError: their keys do not ascend.
            Unavailable: the disk is full or failing.
        """
        for key, _ in items:
            if key <= self._cursor:
                raise ValueError("a rebuild brings CAs in the order of authorities() and serials in ascending order")
            self._cursor = key
        self._batches[batch.number] = (batch, responder)
        self._waiting += items
        self.appended += len(items)
        if len(self._waiting) >= CHUNK:
            self.flush()

    def flush(self) -> None:
        """Write what waits.

        Raises:
            Unavailable: the disk is full or failing.
        """
        waiting, self._waiting = self._waiting, []
        batches, self._batches = self._batches, {}
        if waiting:
            self.generation.append(waiting, batches.values())

    def keep_aside(self, items: Items, batch: Batch) -> None:
        """Remember what was put into the live generation."""
        self.aside.update((key, (value, batch)) for key, value in items)

    def apply(self, aside: Aside, number_of: Callable[[Responder], int]) -> None:
        """Write what was kept aside over what the scan brought.

        Raises:
            Unavailable: the disk is full or failing.
        """
        by_batch: dict[int, tuple[Batch, Items]] = {}
        for key, (value, batch) in sorted(aside.items()):
            by_batch.setdefault(batch.number, (batch, []))[1].append((key, value))
        for batch, items in by_batch.values():
            self.generation.put(items, batch, number_of(batch.responder))

    def discard(self) -> None:
        """Remove it, unless it became the live one in spite of what interrupted us."""
        self.generation.close()
        path = self.generation.path
        with suppress(Missing):
            if environment.current(path.parent) == path:
                return
        environment.remove(path)
