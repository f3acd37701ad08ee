"""The status store as the publication process reads it: the live generation, lock-free, one snapshot per question.

Each `get` opens its own read transaction (0.3 µs more than keeping one), so a revocation is seen by the next question after its
commit. `refresh` notices a new generation by looking at one file. Nothing is written, ever: the directory may be mounted
read-only.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import lmdb

from pki.status import environment, records
from pki.status.model import Authority, Batch
from pki.status.records import StoredStatus
from trust.errors import Alarm, Missing, Unavailable


class StatusReader:
    """One reader of one store. It belongs to one thread of one process: open it after fork."""

    def __init__(self, store: Path, *, map_size: int = environment.READER_MAP) -> None:
        """Name the store; nothing is opened before `refresh`. `map_size`, in octets, is the address space to reserve."""
        self.store = store
        self._map_size = map_size
        self.generation: Path | None = None
        self._environment: lmdb.Environment | None = None
        self._seen: tuple[int, int] | None = None
        self._revision: bytes | None = None

    def refresh(self) -> bool:
        """Look whether another generation, or another authority in this one, was published; tell whether anything changed.

        A store that is missing or does not open is not an error here: `get` says so to whoever asks. The generation that is open
        stays open meanwhile: its answers are good until their nextUpdate.
        """
        seen = environment.signature(self.store)
        changed = False
        if seen is not None and seen != self._seen:
            changed = self._open_current()
            if changed:
                self._seen = seen
        if self._environment is not None:
            with suppress(Unavailable):
                revision = self.get(records.REVISION)
                changed = changed or revision != self._revision
                self._revision = revision
        return changed

    def _open_current(self) -> bool:
        for _ in range(3):  # the generation named a moment ago may be retired before we open it: read the name again
            with suppress(Missing, Unavailable):
                generation = environment.current(self.store)
                opened = environment.acquire(generation, writable=False, map_size=self._map_size)
                self.close()
                self.generation, self._environment = generation, opened
                return self.get(records.FORMAT) == records.FORMAT_1 or self._refuse()
        return False

    def _refuse(self) -> bool:
        self.close()  # written by another version: better no answer than a wrong one
        return False

    def close(self) -> None:
        """Let go of the generation."""
        if self.generation is not None:
            environment.release(self.generation)
        self.generation = self._environment = self._revision = None

    def get(self, key: bytes) -> bytes | None:
        """Return the value under a key as of now, or None.

        Raises:
            Unavailable: there is no store, or it cannot be read.
        """
        opened = self._environment
        if opened is None:
            raise Unavailable(f"no status store in {self.store}")
        try:
            transaction = opened.begin()
            value = transaction.get(key)
            transaction.abort()
            return value
        except lmdb.MapResizedError:
            return self._get_after_growth(opened, key)
        except lmdb.Error as problem:
            raise self._lost(problem) from None

    def _get_after_growth(self, opened: lmdb.Environment, key: bytes) -> bytes | None:
        try:
            opened.set_mapsize(0)  # adopt the size that the writer recorded
            with opened.begin() as transaction:
                return transaction.get(key)
        except lmdb.Error as problem:
            raise self._lost(problem) from None

    def _lost(self, problem: lmdb.Error) -> Unavailable:
        self.close()
        self._seen = None  # have the next refresh open it again
        return Unavailable(f"status store: {problem}")

    def authorities(self) -> dict[int, Authority]:
        """Return the authorities of the store by index.

        Raises:
            Unavailable: there is no store, or it cannot be read.
            Alarm: a record is damaged.
        """
        low, high = records.authority_key(0), records.authority_key(256)
        return {records.number_of(key): records.read_authority(value) for key, value in self._range(low, high)}

    def batch(self, number: int) -> Batch:
        """Return a batch with its responder.

        Raises:
            Unavailable: there is no store, or it cannot be read.
            Alarm: a record is absent or damaged: the store contradicts itself.
        """
        value = self.get(records.batch_key(number))
        if value is None:
            raise Alarm(f"the status store has no batch {number}")
        try:
            responder = self.get(records.responder_key(records.batch_responder(value)))
            if responder is None:
                raise Alarm(f"the status store has no responder for batch {number}")
            return records.read_batch(number, value, records.read_responder(responder))
        except (struct.error, ValueError, OverflowError):
            raise Alarm(f"batch {number} of the status store is damaged") from None

    def scan(self) -> Iterator[tuple[int, bytes, StoredStatus]]:
        """Walk every certificate: (authority's index, serial, what is stored). For checks and exports, not for answers.

        Raises:
            Unavailable: there is no store, or it cannot be read.
        """
        for key, value in self._range(b"\x01", b"\xff" * 18):
            yield key[0], key[1:], records.read_value(value)

    def _range(self, low: bytes, high: bytes, page: int = 1000) -> Iterator[tuple[bytes, bytes]]:
        # By pages, each in its own short transaction: the writer's lease covers seconds, not the time that a caller takes.
        while True:
            found = self._page(low, high, page)
            yield from found
            if len(found) < page:
                return
            low = found[-1][0] + b"\x00"

    def _page(self, low: bytes, high: bytes, page: int) -> list[tuple[bytes, bytes]]:
        if self._environment is None:
            raise Unavailable(f"no status store in {self.store}")
        found: list[tuple[bytes, bytes]] = []
        try:
            with self._environment.begin() as transaction, transaction.cursor() as cursor:
                more = cursor.set_range(low)
                while more and len(found) < page and cursor.key() < high:
                    found.append(cursor.item())
                    more = cursor.next()
        except lmdb.Error as problem:
            raise Unavailable(f"status store: {problem}") from None
        return found
