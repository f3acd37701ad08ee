"""The compact status store, as the issuer writes it (CP 4.10).

One lmdb environment is a *generation*. Single changes (a new certificate, a revocation) are committed to the live generation,
durably, and the next question sees them. From time to time the whole population is signed anew into the next generation, which
then becomes the live one by one atomic rename; a crash at any line leaves the old one or the new one. The store may be lost (a
rebuild makes it again from the database); it must never be rolled back, hence no commit without fsync.

This module knows nothing of the database, and signs nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Lock
from time import monotonic
from types import TracebackType
from typing import Self

import lmdb

from pki.status import environment, records
from pki.status.generation import Generation, Items, exclusive
from pki.status.model import Authority, Batch, Responder
from pki.status.rebuild import Rebuild
from pki.status.records import StoredStatus
from trust.errors import Alarm, Conflict, Missing

Entries = Iterable[tuple[bytes, bytes]]
"""(serial, stored value), as `pki.status.presign` makes them."""


class StatusWriter:
    """The one writer of a status store.

    Methods may be called from several threads, except that one rebuild is driven by one thread.
    """

    def __init__(self, store: Path, *, map_size: int = 8 << 30, lease: float = 10.0, grace: float = 10.0) -> None:
        """Open the live generation, or begin an empty one; remove what a crash left behind.

        `lease` and `grace` are in seconds: how long a freed page stays unwritten, and a replaced generation on disk.

        Raises:
            Conflict: another process writes it, or this one already reads it.
            Unavailable: it does not open.
            Alarm: it opens, and is not one of ours, or is damaged.
        """
        store.mkdir(parents=True, exist_ok=True)
        self.store = store
        self._map_size, self._lease, self._grace = map_size, lease, grace
        self._lock = Lock()
        self._rebuild: Rebuild | None = None
        self._retired: list[tuple[float, Path]] = []
        self._lock_file = exclusive(store / "writer.lock")
        try:
            self._live = self._open_or_begin()
        except BaseException:
            os.close(self._lock_file)
            raise
        try:
            self._load()
        except BaseException:
            self._live.close()
            os.close(self._lock_file)
            raise
        for leftover in environment.generations(store):
            if leftover != self._live.path:
                environment.remove(leftover)

    def _open_or_begin(self) -> Generation:
        with suppress(Missing):
            path = environment.current(self.store)
            if path.is_dir():
                return Generation(path, self._map_size, self._lease)
        generation = self._begin_generation([], [])
        environment.publish(self.store, generation.path)
        return generation

    def _load(self) -> None:
        if self._live.get(records.FORMAT) != records.FORMAT_1:
            raise Alarm(f"{self._live.path.name} is not a status store of this version: remove it and rebuild")
        self._authorities: dict[str, tuple[int, Authority]] = {}
        for key, value in self._live.scan(records.authority_key(0), records.authority_key(256)):
            authority = records.read_authority(value)
            self._authorities[authority.ca_id] = (records.number_of(key), authority)
        self._responders = {
            value: records.number_of(key) for key, value in self._live.scan(records.responder_key(0), records.AFTER_RESPONDERS)
        }
        self._next_responder = max(self._responders.values(), default=0) + 1
        batches = self._live.scan(records.batch_key(0), records.AFTER_BATCHES)
        self._next_batch = records.number_of(batches[-1][0]) + 1 if batches else 1

    def _begin_generation(self, authorities: list[tuple[int, Authority]], responders: Items) -> Generation:
        path = environment.create(self.store)
        generation = Generation(path, self._map_size, self._lease)

        def action(transaction: lmdb.Transaction[bytes]) -> None:
            transaction.put(records.FORMAT, records.FORMAT_1)
            for index, authority in authorities:
                transaction.put(records.authority_key(index), records.write_authority(authority))
            for key, value in responders:
                transaction.put(key, value)

        generation.write(action)
        environment.sync_directory(path)
        return generation

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Abandon a rebuild under way and let go of the store."""
        self.abort_rebuild()
        with self._lock:
            self._live.close()
            os.close(self._lock_file)

    # -- Who answers -------------------------------------------------------------------------------------------------------------

    def add_authority(self, authority: Authority) -> None:
        """Make a CA known to readers; one that is known already is left as it is.

        Raises:
            Conflict: the same identifier stands for another name or key.
            Unavailable: the disk is full or failing.
        """
        with self._lock:
            known = self._authorities.get(authority.ca_id)
            if known is not None:
                if known[1] != authority:
                    raise Conflict(f"the status store knows another CA called {authority.ca_id}")
                return
            index = max((index for index, _ in self._authorities.values()), default=0) + 1
            if index > 255:
                raise Conflict("the status store holds 255 authorities at most")

            def action(transaction: lmdb.Transaction[bytes]) -> None:
                transaction.put(records.authority_key(index), records.write_authority(authority))
                revision = int.from_bytes(transaction.get(records.REVISION, b""), "big") + 1
                transaction.put(records.REVISION, revision.to_bytes(8, "big"))

            for generation in self._generations():
                generation.write(action)
            self._authorities[authority.ca_id] = (index, authority)

    def authorities(self) -> list[str]:
        """List the CAs in the order in which a rebuild must bring them."""
        with self._lock:
            return [ca_id for ca_id, _ in sorted(self._authorities.items(), key=lambda item: item[1][0])]

    def add_responder(self, responder: Responder) -> None:
        """Store a responder's certificate ahead of its first batch (`put` and `append` do it too).

        Raises:
            Missing: its CA is not known.
            Unavailable: the disk is full or failing.
        """
        with self._lock:
            number = self._number_of(responder)
            value = records.write_responder(responder)
            for generation in self._generations():
                generation.put_record(records.responder_key(number), value)

    def new_batch(
        self,
        responder: Responder,
        this_update: datetime,
        next_update: datetime,
        *,
        produced_at: datetime | None = None,
        archive_cutoff: datetime | None = None,
    ) -> Batch:
        """Number a new batch. Take `this_update` before reading the facts; `produced_at` is the same moment unless said.

        Raises:
            Missing: the responder's CA is not known.
        """
        with self._lock:
            self._number_of(responder)
            number, self._next_batch = self._next_batch, self._next_batch + 1
        return Batch(number, responder, this_update, next_update, produced_at or this_update, archive_cutoff)

    # -- Single changes ----------------------------------------------------------------------------------------------------------

    def put(self, ca_id: str, entries: Entries, batch: Batch) -> int:
        """Store signed statuses, durably: the next question about them is answered by them. Return how many.

        Raises:
            Missing: the CA is not known.
            Unavailable: the disk is full or failing; nothing was stored.
        """
        items = self._items(ca_id, entries, batch)
        if not items:
            return 0
        with self._lock:
            self._live.put(items, batch, self._number_of(batch.responder))
            if self._rebuild is not None:
                self._rebuild.keep_aside(items, batch)
        self.tidy()
        return len(items)

    def get(self, ca_id: str, serial: bytes) -> StoredStatus | None:
        """Return what is stored about a certificate, or None.

        Raises:
            Missing: the CA is not known.
        """
        key = records.key(self._index(ca_id), serial)
        with self._lock:
            value = self._live.get(key)
        return None if value is None else records.read_value(value)

    def __len__(self) -> int:
        """Count the certificates. An empty store with certificates in the database wants a rebuild."""
        with self._lock:
            return self._live.certificates()

    # -- The whole population ----------------------------------------------------------------------------------------------------

    def begin_rebuild(self) -> None:
        """Begin the next generation.

        Raises:
            Conflict: a rebuild is under way.
            Unavailable: the disk is full or failing.
        """
        with self._lock:
            if self._rebuild is not None:
                raise Conflict("a rebuild of the status store is under way")
            responders = [(records.responder_key(number), value) for value, number in self._responders.items()]
            self._rebuild = Rebuild(self._begin_generation(sorted(self._authorities.values(), key=lambda a: a[0]), responders))

    def append(self, ca_id: str, entries: Entries, batch: Batch) -> int:
        """Bring the next certificates of the rebuild: CAs in the order of `authorities()`, serials ascending. Return how many.

        Raises:
            Conflict: no rebuild is under way.
            Missing: the CA is not known.
            ValueError: the serials do not ascend.
            Unavailable: the disk is full or failing: abandon the rebuild.
        """
        rebuild = self._under_way()
        items = self._items(ca_id, entries, batch)
        with self._lock:
            number = self._number_of(batch.responder)
        rebuild.append(items, batch, number)
        return len(items)

    def commit_rebuild(self, *, expected: int | None = None) -> None:
        """Make the new generation the live one, with what was put meanwhile.

        `expected` is how many certificates the caller meant to bring: the guard against a scan that ended early.

        Raises:
            Conflict: no rebuild is under way.
            Alarm: fewer or more came than expected; the rebuild is abandoned and the old generation stays.
            Unavailable: the disk is full or failing; the rebuild is abandoned.
        """
        rebuild = self._under_way()
        try:
            if expected is not None and expected != rebuild.appended:
                raise Alarm(f"a rebuild of the status store brought {rebuild.appended} certificates, not {expected}")
            rebuild.flush()
            while len(rebuild.aside) > 1000:  # most of it without holding up revocations
                with self._lock:
                    aside, rebuild.aside = rebuild.aside, {}
                rebuild.apply(aside, self._number_of)
            with self._lock:
                rebuild.apply(rebuild.aside, self._number_of)
                rebuild.generation.forget_unused_responders()
                environment.publish(self.store, rebuild.generation.path)
                self._live, old = rebuild.generation, self._live
                self._rebuild = None
                self._retired.append((monotonic() + self._grace, old.path))
                old.close()
        finally:
            self.abort_rebuild()  # does nothing when the line above was reached
        self.tidy()

    def abort_rebuild(self) -> None:
        """Abandon the rebuild under way, if any."""
        with self._lock:
            rebuild, self._rebuild = self._rebuild, None
        if rebuild is not None:
            rebuild.discard()

    def tidy(self) -> None:
        """Remove the generations that were replaced more than `grace` seconds ago."""
        with self._lock:
            due = [path for deadline, path in self._retired if deadline <= monotonic()]
            self._retired = [entry for entry in self._retired if entry[1] not in due]
        for path in due:
            environment.remove(path)

    # -- Inside ------------------------------------------------------------------------------------------------------------------

    def _under_way(self) -> Rebuild:
        rebuild = self._rebuild
        if rebuild is None:
            raise Conflict("no rebuild of the status store is under way")
        return rebuild

    def _generations(self) -> list[Generation]:
        return [self._live] if self._rebuild is None else [self._live, self._rebuild.generation]

    def _index(self, ca_id: str) -> int:
        known = self._authorities.get(ca_id)
        if known is None:
            raise Missing(f"the status store knows no CA called {ca_id}")
        return known[0]

    def _number_of(self, responder: Responder) -> int:
        self._index(responder.ca_id)
        value = records.write_responder(responder)
        number = self._responders.get(value)
        if number is None:  # numbers are not given twice while this process lives: an old batch may refer to one
            number = self._responders[value] = self._next_responder
            self._next_responder += 1
        return number

    def _items(self, ca_id: str, entries: Entries, batch: Batch) -> Items:
        if batch.responder.ca_id != ca_id:
            raise ValueError(f"a responder of {batch.responder.ca_id} says nothing about certificates of {ca_id}")
        index, prefixes = self._index(ca_id), (batch.good_prefix, batch.revoked_prefix)
        items = [(records.key(index, serial), value) for serial, value in entries]
        if not all(value.startswith(prefixes) for _, value in items):
            raise ValueError("a stored value begins with the number of its batch")
        return items
