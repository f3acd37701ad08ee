"""One generation of the status store, open for writing: durable transactions, growth, and the lease that protects readers.

Readers take no lock (`pki.status.reader`). What keeps the pages of their snapshot from being written again under them is the
*lease*: the writer holds read transactions of its own, so that a page freed now stays as it is for `lease` seconds, a million
times what a `get` takes. Measured with four readers and two thousand commits a second in memory: without a lease one read in five
met a page written anew, with one of a second none in a million did. This module knows pages and records, not certificates.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Lock
from time import monotonic

import lmdb

from pki.status import environment, records
from pki.status.model import Batch
from trust.errors import Conflict, Unavailable

Items = list[tuple[bytes, bytes]]
"""(key, value) of the store."""


class Generation:
    """One environment, open for writing by the only process that may."""

    def __init__(self, path: Path, map_size: int, lease: float) -> None:
        self.path = path
        self.lease = lease
        self.environment = environment.acquire(path, writable=True, map_size=map_size)
        self.batches: set[int] = set()
        """Batches whose record this process wrote here."""
        self._pins: list[tuple[float, lmdb.Transaction[bytes]]] = []
        self._lock = Lock()
        """One thread writes at a time: lmdb's own lock would be waited for with the interpreter stopped."""
        self._pin()

    def close(self) -> None:
        """Let go of it."""
        self._unpin()
        environment.release(self.path)

    def write(self, action: Callable[[lmdb.Transaction[bytes]], object]) -> None:
        """Do `action` in one durable transaction; when the map is full, grow it and do it again.

        Raises:
            Unavailable: the disk is full or failing; nothing of the action is stored.
        """
        with self._lock:
            while not self._written(action):
                self._grow()
            self._keep_lease()

    def _written(self, action: Callable[[lmdb.Transaction[bytes]], object]) -> bool:
        try:
            with self.environment.begin(write=True) as transaction:
                action(transaction)
        except (lmdb.MapFullError, lmdb.MapResizedError):
            return False
        except lmdb.Error as problem:
            raise Unavailable(f"status store: {problem}") from None
        return True

    def put(self, items: Items, batch: Batch, responder: int) -> None:
        """Store records and what they refer to, all or nothing."""

        def action(transaction: lmdb.Transaction[bytes]) -> None:
            if batch.number not in self.batches:
                _describe(transaction, batch, responder)
            with transaction.cursor() as cursor:
                cursor.putmulti(items)

        self.write(action)
        self.batches.add(batch.number)

    def append(self, items: Items, batches: Iterable[tuple[Batch, int]]) -> None:
        """Store records whose keys ascend and follow all that is there (full pages, no search), and their batches."""
        described = list(batches)

        def action(transaction: lmdb.Transaction[bytes]) -> None:
            for batch, responder in described:
                _describe(transaction, batch, responder)
            with transaction.cursor() as cursor:
                cursor.putmulti(items, append=True)

        self.write(action)
        self.batches.update(batch.number for batch, _ in described)

    def put_record(self, key: bytes, value: bytes) -> None:
        """Store one record of the store's own."""
        self.write(lambda transaction: transaction.put(key, value))

    def forget_unused_responders(self) -> None:
        """Remove the responders that no batch of this generation refers to."""
        used = {records.batch_responder(value) for _, value in self.scan(records.batch_key(0), records.AFTER_BATCHES)}
        found = self.scan(records.responder_key(0), records.AFTER_RESPONDERS)
        unused = [key for key, _ in found if records.number_of(key) not in used]

        def action(transaction: lmdb.Transaction[bytes]) -> None:
            for key in unused:
                transaction.delete(key)

        if unused:
            self.write(action)

    def get(self, key: bytes) -> bytes | None:
        """Return the value under a key, or None."""
        with self.environment.begin() as transaction:
            return transaction.get(key)

    def scan(self, low: bytes, high: bytes) -> Items:
        """Return every record from `low` up to and not including `high`."""
        found: Items = []
        with self.environment.begin() as transaction, transaction.cursor() as cursor:
            more = cursor.set_range(low)
            while more and cursor.key() < high:
                found.append(cursor.item())
                more = cursor.next()
        return found

    def certificates(self) -> int:
        """Count the certificates."""
        return int(self.environment.stat()["entries"]) - len(self.scan(b"\x00", b"\x01"))

    def _grow(self) -> None:
        # lmdb resizes only while this process has no transaction: the lease is let go for that moment. Sizes double, from a first
        # one that holds fifty million certificates, so the moment hardly ever comes.
        self._unpin()
        try:
            self.environment.set_mapsize(2 * int(self.environment.info()["map_size"]))
        except lmdb.Error as problem:
            raise Unavailable(f"status store cannot grow: {problem}") from None
        finally:
            self._pin()

    def _pin(self) -> None:
        self._pins.append((monotonic(), self.environment.begin()))

    def _unpin(self) -> None:
        for _, transaction in self._pins:
            transaction.abort()
        self._pins.clear()

    def _keep_lease(self) -> None:
        # A page freed after the first pin is not reused while that pin stands. It falls only when the next one is a lease old, so
        # every page stays at least that long.
        now = monotonic()
        if now - self._pins[-1][0] >= self.lease:
            self._pin()
        while len(self._pins) > 1 and now - self._pins[1][0] >= self.lease:
            self._pins.pop(0)[1].abort()


def _describe(transaction: lmdb.Transaction[bytes], batch: Batch, responder: int) -> None:
    transaction.put(records.responder_key(responder), records.write_responder(batch.responder))
    transaction.put(records.batch_key(batch.number), records.write_batch(batch, responder))


def exclusive(path: Path) -> int:
    """Take the right to write; return the descriptor that holds it.

    Raises:
        Conflict: another process, or another writer in this one, has it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise Conflict(f"another process writes the status store {path.parent}") from None
    return descriptor
