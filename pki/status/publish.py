"""Publishing CRLs: which, when, under which number (RFC 5280 §5; CP 4.9.7, CP 4.9.8).

Each CA has a full list; a CA whose certificates name shards has one list a shard; a CA with `delta` has a delta of each of
these. A complete list is made with its delta, which is then empty and bears the same number and dates (RFC 5280 §5.2.3); a
list too large to follow each revocation waits, and its delta goes ahead.

Entries are kept encoded (`crl_lists`), and grow: a revocation costs one entry and a few signatures, not a walk through the
population. Once in half a validity the body is built anew from the inventory, which prunes what expired and proves that
nothing was forgotten.

Numbers grow by compare-and-swap in the database, and the file is put in place only while its number is still the last
(invariant I10): whichever publisher was paused, the sequence that relying parties see never goes back. Nothing is
re-dated: a list says when it was true.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime, timedelta
from functools import partial

from pki.audit.events import Event, event
from pki.faults import Faults
from pki.status.crl import Body, Issuer, Point, assemble, finish
from pki.status.crl_lists import CrlIssuer, CrlRecord, CrlStore, FilesPort, Lists
from pki.status.crl_scope import DELTA, FULL, completed_by, delta_of
from pki.status.crl_sequence import CrlState, following, is_due, is_overfull, latest, refuse_regress
from pki.status.rollback import refuse_rollback
from trust import clock
from trust.clock import Clock
from trust.errors import Alarm, Conflict

LOG = logging.getLogger("sceau.crl")
SMALL = 1_000_000
"""Octets up to which a list follows each revocation at once; a larger one follows within `LARGE_DELAY`."""
LARGE_DELAY = timedelta(minutes=10)
"""CP 4.9.8 promises fifteen minutes."""

__all__ = ["DELTA", "FULL", "CrlIssuer", "CrlPublisher", "CrlRecord"]


class CrlPublisher:
    """Publishes the lists of every CA of a home. One thread drives it."""

    def __init__(
        self,
        store: CrlStore,
        issuers: list[CrlIssuer],
        files: FilesPort,
        time: Clock,
        *,
        faults: Faults | None = None,
        small: int = SMALL,
    ) -> None:
        """Join the inventory, the CAs and the repository."""
        self._small = small
        self._store = store
        self._files = files
        self._clock = time
        self._faults = faults or Faults()
        self._lists = [Lists(issuer) for issuer in issuers]
        # Owned by _look_at_served: (CA, scope) of the lists whose served file was compared with the database by this process.
        self._compared: set[tuple[str, str]] = set()

    def publish_due(self, *, now: bool = False) -> int:
        """Publish the lists that are due; `now` does not wait for company. Return how many were published.

        Raises:
            Alarm: the clock is behind a published list; a signature does not verify; a list that is served says more than the
                database knows. The other lists are published first.
            Unavailable: the database, the custodian or the disk does not answer.
        """
        published, alarm = 0, None
        for lists in self._lists:
            moment = self._clock.now()
            with self._store.read() as tx:
                if lists.built_at is None or moment - lists.built_at >= lists.issuer.validity / 2:
                    lists.build(tx, self._files, moment)
                lists.look(tx, moment)
            for scope in lists.scopes:
                try:
                    published += self._publish_due(lists, scope, moment, at_once=now)
                except Alarm as error:
                    alarm = alarm or error
        if alarm is not None:
            raise alarm
        return published

    def publish_all(self, ca: str | None = None) -> int:
        """Publish every list (of one CA, if said), due or not: an operator's wish. Return how many."""
        published = 0
        for lists in self._lists:
            if ca in (None, lists.issuer.ca):
                with self._store.read() as tx:
                    lists.build(tx, self._files, self._clock.now())
                published += sum(self._publish(lists, scope, lists.together(scope)) for scope in lists.scopes)
        return published

    def _publish_due(self, lists: Lists, scope: str, now: datetime, *, at_once: bool) -> int:
        """Publish a list and its delta, its delta alone, or nothing, as it is due; return how many."""
        both, delay = lists.together(scope), lists.issuer.delay
        if self._is_due(lists, scope, now, max(delay, LARGE_DELAY) if lists.size(scope) > self._small else delay, at_once):
            return self._publish(lists, scope, both)
        if len(both) > 1 and self._is_due(lists, both[1], now, delay, at_once):
            return self._publish(lists, scope, both[1:])
        return 0

    def _is_due(self, lists: Lists, scope: str, now: datetime, delay: timedelta, at_once: bool) -> bool:
        since = lists.dirty.get(scope)
        changed = since is not None and (at_once or now - since >= delay)
        return is_due(lists.last.get(scope), lists.issuer.schedule, now, changed=changed)

    def _publish(self, lists: Lists, complete: str, scopes: list[str]) -> int:
        """Publish lists of one scope under one number: a complete list, its delta, or both. Return how many."""
        now = self._clock.now()
        self._look_at_served(lists, scopes)
        self._faults.at("crl.read")
        state = following(latest(*map(lists.last.get, lists.together(complete))), lists.issuer.schedule, now)
        base = None if complete in scopes else lists.last.get(complete)
        made = [self._make(lists, scope, self._content(lists, scope, base), base, state) for scope in scopes]
        self._faults.at("crl.signed")
        if not self._record(lists, complete, [record for record, _ in made]):
            with self._store.read() as tx:
                lists.build(tx, self._files, now)  # Another publisher was faster: its lists stand, ours are thrown away.
            return 0
        for record, encoded in made:  # The complete list first: alone, it is of use.
            self._faults.at("crl.recorded")
            self._files.replace(lists.issuer.name(record.scope), encoded, partial(self._is_last, record))
            self._faults.at("crl.renamed")
            lists.last[record.scope] = record
            lists.dirty.pop(record.scope, None)
        return len(made)

    def _look_at_served(self, lists: Lists, scopes: list[str]) -> None:
        """Refuse, before the first list of a scope that this process signs, to take back what is served."""
        for scope in scopes:
            if (lists.issuer.ca, scope) not in self._compared:
                octets = self._files.read(lists.issuer.name(scope))
                with self._store.read() as tx:
                    refuse_rollback(tx, lists.issuer, scope, octets)
                self._compared.add((lists.issuer.ca, scope))

    def _content(self, lists: Lists, scope: str, base: CrlRecord | None) -> Body:
        """Return the entries of a list; of a delta, what changed since its base, or nothing when they are made together."""
        if completed_by(scope) is None:
            return lists.content(scope)
        if base is None:
            return Body(delta=True)
        with self._store.read() as tx:
            return lists.since(tx, base)

    def _make(self, lists: Lists, scope: str, body: Body, base: CrlRecord | None, state: CrlState) -> tuple[CrlRecord, bytes]:
        """Assemble and sign one list; return what is recorded of it, and its octets."""
        issuer, complete = lists.issuer, completed_by(scope)
        part = complete or scope
        number = None if complete is None else state.number if base is None else base.number
        tbs = assemble(
            Issuer(issuer.name_der, issuer.key_id, issuer.algorithm),
            state.number,
            state.this_update,
            state.next_update,
            body,
            point=Point(issuer.url(part), only_users=True) if part != FULL else None,  # the same in a list and in its delta
            delta_base=number,
            freshest_url=issuer.url(delta_of(scope)) if complete is None and issuer.delta else None,
        )
        encoded = finish(tbs, issuer.sign(tbs, f"{issuer.ca}/{scope} {state.number}"))
        if scope == part != FULL and is_overfull(body):
            LOG.warning(
                "shard %s/%s has %d entries: configure more shards for new certificates [CP 7.2]", issuer.ca, scope, len(body)
            )
        digest = hashlib.sha256(encoded).digest()
        dates = state.this_update, state.next_update
        return CrlRecord(issuer.ca, scope, state.number, *dates, number, len(body), digest), encoded

    def _record(self, lists: Lists, complete: str, records: list[CrlRecord]) -> bool:
        """Record lists, together or not at all; return whether nobody was faster."""
        try:
            with self._store.write() as tx:
                # The entries first: they hold the journal, so that publishers take turns from here to the commit.
                tx.journal.append_many([_published(record) for record in records], at=records[0].this_update)
                for scope in lists.together(complete):
                    refuse_regress(tx.crls.last(lists.issuer.ca, scope), records[0])
                if not all(tx.crls.replace(lists.last.get(record.scope), record) for record in records):
                    raise Conflict("another publisher was faster")
        except Conflict:
            return False
        return True

    def _is_last(self, record: CrlRecord) -> bool:
        with self._store.read() as tx:
            last = tx.crls.last(record.ca, record.scope)
        return last is not None and last.number == record.number


def _published(record: CrlRecord) -> Event:
    return event(
        "crl.published",
        ca=record.ca,
        shard=None if record.scope == FULL else record.scope,
        number=record.number,
        this_update=clock.text(record.this_update),
        next_update=clock.text(record.next_update),
        entries=record.entries,
        sha256=record.sha256.hex(),
    )
