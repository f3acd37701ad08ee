"""Publishing CRLs: which, when, under which number (RFC 5280 §5; CP 4.9.7, CP 4.9.8).

Each CA has a full list; a CA whose certificates name shards has one list a shard; a CA with `delta` has a delta on its
full list. Entries are kept encoded (`crl_lists`), and grow: a revocation costs one entry and one signature, not a walk
through the population. Once in half a validity the body is built anew from the inventory, which prunes what expired and
proves that nothing was forgotten.

Numbers grow by compare-and-swap in the database, and the file is put in place only while its number is still the last
(invariant I10): whichever publisher was paused, the sequence that relying parties see never goes back. Nothing is
re-dated: a list says when it was true.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime, timedelta

from pki.audit.events import event
from pki.faults import Faults
from pki.status.crl import Issuer, Point, assemble, finish
from pki.status.crl_lists import DELTA, FULL, CrlIssuer, CrlRecord, CrlStore, FilesPort, Lists
from pki.status.crl_sequence import following, is_due, is_overfull, latest, refuse_regress
from trust import clock
from trust.clock import Clock
from trust.errors import Conflict

LOG = logging.getLogger("sceau.crl")
SMALL = 1_000_000
"""Octets up to which the full list follows each revocation at once; a larger one follows within `LARGE_DELAY`."""
LARGE_DELAY = timedelta(minutes=10)
"""CP 4.9.8 promises fifteen minutes."""


__all__ = ["DELTA", "FULL", "CrlIssuer", "CrlPublisher", "CrlRecord"]


class CrlPublisher:
    """Publishes the lists of every CA of a home. One thread drives it."""

    def __init__(
        self, store: CrlStore, issuers: list[CrlIssuer], files: FilesPort, time: Clock, *, faults: Faults | None = None
    ) -> None:
        """Join the inventory, the CAs and the repository."""
        self._store = store
        self._files = files
        self._clock = time
        self._faults = faults or Faults()
        self._lists = [Lists(issuer) for issuer in issuers]

    def publish_due(self, *, now: bool = False) -> int:
        """Publish the lists that are due; `now` does not wait for company. Return how many were published.

        Raises:
            Alarm: the clock is behind a published list; a signature does not verify.
            Unavailable: the database, the custodian or the disk does not answer.
        """
        published = 0
        for lists in self._lists:
            moment = self._clock.now()
            with self._store.read() as tx:
                if lists.built_at is None or moment - lists.built_at >= lists.issuer.validity / 2:
                    lists.build(tx, self._files, moment)
                lists.look(tx, moment)
            for scope in lists.scopes:
                if self._is_due(lists, scope, moment, at_once=now):
                    published += self._publish(lists, scope)
        return published

    def publish_all(self, ca: str | None = None) -> int:
        """Publish every list (of one CA, if said), due or not: an operator's wish. Return how many."""
        published = 0
        for lists in self._lists:
            if ca in (None, lists.issuer.ca):
                with self._store.read() as tx:
                    lists.build(tx, self._files, self._clock.now())
                published += sum(self._publish(lists, scope) for scope in lists.scopes)
        return published

    def _is_due(self, lists: Lists, scope: str, now: datetime, *, at_once: bool) -> bool:
        since = lists.dirty.get(scope)
        delay = lists.issuer.delay
        if scope == FULL and lists.size > SMALL:
            delay = max(delay, LARGE_DELAY)
        changed = since is not None and (at_once or now - since >= delay)
        return is_due(lists.last.get(scope), lists.issuer.schedule, now, changed=changed)

    def _publish(self, lists: Lists, scope: str) -> int:
        issuer, now = lists.issuer, self._clock.now()
        previous = lists.last.get(scope)
        self._faults.at("crl.read")
        state = following(latest(*(lists.last.get(each) for each in _numbered_together(scope))), issuer.schedule, now)
        with self._store.read() as tx:
            body, base = lists.content(tx, scope)
        tbs = assemble(
            Issuer(issuer.name_der, issuer.key_id, issuer.algorithm),
            state.number,
            state.this_update,
            state.next_update,
            body,
            point=Point(issuer.url(scope), only_users=True) if scope not in (FULL, DELTA) else None,
            delta_base=base,
            freshest_url=issuer.url(DELTA) if scope == FULL and issuer.delta else None,
        )
        encoded = finish(tbs, issuer.sign(tbs, f"{issuer.ca}/{scope} {state.number}"))
        self._faults.at("crl.signed")
        record = CrlRecord(
            issuer.ca,
            scope,
            state.number,
            state.this_update,
            state.next_update,
            base,
            len(body),
            hashlib.sha256(encoded).digest(),
        )
        if not self._record(previous, record):
            with self._store.read() as tx:
                lists.build(tx, self._files, now)  # Another publisher was faster: its list stands, ours is thrown away.
            return 0
        self._faults.at("crl.recorded")
        self._files.replace(issuer.name(scope), encoded, lambda: self._is_last(record))
        self._faults.at("crl.renamed")
        lists.last[scope] = record
        lists.dirty.pop(scope, None)
        if scope not in (FULL, DELTA) and is_overfull(body):
            LOG.warning(
                "shard %s/%s has %d entries: configure more shards for new certificates [CP 7.2]", issuer.ca, scope, len(body)
            )
        return 1

    def _record(self, previous: CrlRecord | None, record: CrlRecord) -> bool:
        try:
            with self._store.write() as tx:
                # The entry first: it holds the journal, so that publishers take turns from here to the commit.
                tx.journal.append(
                    event(
                        "crl.published",
                        ca=record.ca,
                        shard=None if record.scope == FULL else record.scope,
                        number=record.number,
                        this_update=clock.text(record.this_update),
                        next_update=clock.text(record.next_update),
                        entries=record.entries,
                        sha256=record.sha256.hex(),
                    ),
                    at=record.this_update,
                )
                for scope in _numbered_together(record.scope):
                    refuse_regress(tx.crls.last(record.ca, scope), record)
                if not tx.crls.replace(previous, record):
                    raise Conflict("another publisher was faster")
        except Conflict:
            return False
        return True

    def _is_last(self, record: CrlRecord) -> bool:
        with self._store.read() as tx:
            last = tx.crls.last(record.ca, record.scope)
        return last is not None and last.number == record.number


def _numbered_together(scope: str) -> tuple[str, ...]:
    """Return the scopes that share one sequence of numbers: a full list and its delta (RFC 5280 §5.2.3)."""
    return (FULL, DELTA) if scope in (FULL, DELTA) else (scope,)
