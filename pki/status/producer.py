"""Pre-signing OCSP: from the outbox to the status store, and the whole population at half of its validity (RFC 6960, RFC 5019; CP
4.9.9).

Each change of status is signed and stored within one turn of the issuer's loop; the population is signed again, page by page
between the turns, before half of the answers' validity is over. *Good* is said of what the database calls issued, at a moment
taken before it was read; of an intent, nothing is said (invariant I9).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from pki.faults import Faults
from pki.inventory.model import State
from pki.status.model import Authority, Batch, Responder, Status, StatusFact, archive_cutoff, newest, window
from pki.status.ports import StatusRow, StatusStore
from pki.status.presign import ResponseSigner
from pki.status.store import StatusWriter
from trust.clock import Clock

Sign = Callable[[str, bytes], bytes]
SignMany = Callable[[str, Sequence[bytes]], list[bytes]]
"""Signs response data with the responder key of that label."""

TURN = 2000
"""Statuses signed in one turn: some 60 ms of work, so that a revocation never waits long behind a crowd."""


@dataclass(frozen=True)
class StatusAuthority:
    """A CA whose certificates' status is published."""

    authority: Authority
    validity: timedelta
    """nextUpdate - thisUpdate."""
    not_after: datetime
    """End of the CA: from then on nothing of it is signed, and nothing of it holds up the others."""


class OcspProducer:
    """Keeps the status store up to date. One per store: the store's own lock sees to it.

    A start signs the population again, in the background, while the store that was kept goes on answering: that is the
    fail-closed choice, for nobody knows what a process that ended did not live to publish.
    """

    def __init__(
        self,
        store: StatusStore,
        writer: StatusWriter,
        authorities: Sequence[StatusAuthority],
        sign: Sign,
        time: Clock,
        *,
        retention: timedelta,
        sign_many: SignMany | None = None,
        faults: Faults | None = None,
    ) -> None:
        """Join the database, the store and the responders' keys; `retention` is for the archive cutoff (RFC 6960 §4.4.4)."""
        self._store = store
        self._writer = writer
        self._authorities = {each.authority.ca_id: each for each in authorities}
        self._sign, self._sign_many = sign, sign_many
        self._clock = time
        self._retention = retention
        self._faults = faults or Faults()
        self._responders: dict[str, list[Responder]] = {ca_id: [] for ca_id in self._authorities}
        self._rebuild: Iterator[None] | None = None
        self._rebuilt_at: datetime | None = None
        for each in authorities:
            writer.add_authority(each.authority)

    def add_responder(self, responder: Responder) -> None:
        """Make a responder known; the newest valid one signs from the next batch on."""
        self._responders[responder.ca_id].append(responder)
        self._writer.add_responder(responder)

    def responder(self, ca_id: str) -> Responder:
        """Return the responder that signs for a CA now.

        Raises:
            Unavailable: all have expired.
        """
        return newest(self._responders[ca_id], self._clock.now())

    def drain(self) -> int:
        """Publish the changes that wait, up to one turn of them; return how many certificates were brought up to date.

        Raises:
            Unavailable: the database, the custodian or the store does not answer; what waits goes on waiting.
        """
        with self._store.write() as tx:
            this_update = self._clock.now()
            waiting = tx.outbox.read(TURN)
            if not waiting:
                return 0
            by_ca: dict[str, set[bytes]] = {}
            for _, ca_id, serial in waiting:
                by_ca.setdefault(ca_id, set()).add(serial)
            for ca_id, serials in by_ca.items():
                if self._speaks_for(ca_id, this_update):
                    self._put(ca_id, tx.certificates.statuses(sorted(serials)), this_update)
            self._faults.at("ocsp.cached")
            # A CA between two responders keeps its place in the queue; one that has ended leaves it.
            tx.outbox.clear([number for number, ca_id, _ in waiting if not self._awaits_responder(ca_id, this_update)])
        self._faults.at("outbox.sent")
        # What keeps its place was not brought up to date: to count it would have the issuer turn without rest.
        return sum(len(serials) for ca_id, serials in by_ca.items() if not self._awaits_responder(ca_id, this_update))

    def is_due(self) -> bool:
        """Tell whether the population must be signed again: at half of the shortest validity, or never done here."""
        if self._rebuilt_at is None:
            return True
        shortest = min(each.validity for each in self._authorities.values())
        return self._clock.now() - self._rebuilt_at >= shortest / 2

    def refresh(self) -> bool:
        """Do one turn of signing the population again; return whether there is more to do.

        Raises:
            Unavailable: as `drain`; the rebuild is abandoned and begins anew at the next call.
        """
        if self._rebuild is None:
            if not self.is_due():
                return False
            self._rebuild = self._signing_population()
        try:
            next(self._rebuild)
            return True
        except StopIteration:
            self._rebuild = None
            return False
        except BaseException:
            self._rebuild = None
            self._writer.abort_rebuild()
            raise

    def _signing_population(self) -> Iterator[None]:
        began = self._clock.now()
        self._writer.begin_rebuild()
        for ca_id in self._writer.authorities():
            if not self._speaks_for(ca_id, began) and not self._awaits_responder(ca_id, began):
                continue
            after: bytes | None = b""
            while after is not None:
                this_update = self._clock.now()
                with self._store.read() as tx:
                    rows, after = tx.certificates.status_stretch(ca_id, after, TURN)
                if rows:
                    signer, batch = self._batch(ca_id, this_update)
                    self._writer.append(ca_id, signer.presign(map(fact, rows), batch), batch)
                yield
        self._writer.commit_rebuild()
        self._rebuilt_at = began

    def _speaks_for(self, ca_id: str, at: datetime) -> bool:
        return any(responder.not_after > at for responder in self._responders.get(ca_id, ()))

    def _awaits_responder(self, ca_id: str, at: datetime) -> bool:
        each = self._authorities.get(ca_id)
        return each is not None and at < each.not_after and not self._speaks_for(ca_id, at)

    def _put(self, ca_id: str, rows: Sequence[StatusRow], this_update: datetime) -> None:
        facts = [fact(row) for row in rows if row[1] != State.PREPARED]
        if facts:
            signer, batch = self._batch(ca_id, this_update)
            entries = list(signer.presign(facts, batch))
            self._faults.at("ocsp.signed")
            self._writer.put(ca_id, entries, batch)

    def _batch(self, ca_id: str, this_update: datetime) -> tuple[ResponseSigner, Batch]:
        each = self._authorities[ca_id]
        responder = newest(self._responders[ca_id], this_update)
        start, end = window(this_update, each.validity, responder)
        cutoff = archive_cutoff(start, self._retention, each.authority)
        batch = self._writer.new_batch(responder, start, end, archive_cutoff=cutoff)
        label = responder.key_label
        many = self._sign_many and partial(self._sign_many, label)
        return ResponseSigner(each.authority, responder, partial(self._sign, label), sign_many=many), batch


def fact(row: StatusRow) -> StatusFact:
    """Return what the database says of a certificate, in the words of the status service."""
    serial, state, revoked_at, reason = row
    if state == State.ISSUED:
        return StatusFact(serial, Status.GOOD)
    assert state != State.PREPARED and revoked_at is not None
    return StatusFact(serial, Status.REVOKED, datetime.fromtimestamp(revoked_at, UTC), reason)
