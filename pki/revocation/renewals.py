"""What was renewed ends: a day after its successor was asked for (RFC 3647 §4.7; CP 4.7.3).

For certificates that their holder renewed; those that officers order stand beside each other, as officers wish. A successor that
was never issued, or that is revoked or held by then, ends nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from pki.inventory.model import Certificate, Reason, State
from pki.issuance.order import CertificateOrder
from pki.revocation.changes import StatusTransaction, end
from trust.clock import Clock

BY = "renewal"
AT_ONCE = 200


class _Successions(Protocol):
    def take_due(self, now: datetime, limit: int) -> list[str]: ...


class _Orders(Protocol):
    def of_ids(self, ids: Sequence[str]) -> list[CertificateOrder]: ...


class _Certificates(Protocol):
    def of_holder(self, holder: str, *, lock: bool = False) -> list[Certificate]: ...
    def get(self, serial: bytes, *, lock: bool = False) -> Certificate: ...
    def save(self, changed: Sequence[Certificate], at: datetime) -> None: ...


class RenewalTransaction(StatusTransaction, Protocol):
    """What this needs of a transaction."""

    @property
    def certificates(self) -> _Certificates: ...
    @property
    def orders(self) -> _Orders: ...
    @property
    def successions(self) -> _Successions: ...


class RenewalStore(Protocol):
    """Opens transactions."""

    def write(self) -> AbstractContextManager[RenewalTransaction]: ...


def supersede_due(store: RenewalStore, clock: Clock) -> int:
    """End the predecessors of certificates whose day is over; return how many ended.

    Raises:
        Unavailable: the database does not answer.
    """
    now, ended = clock.now(), 0
    with store.write() as tx:
        due = tx.successions.take_due(now, AT_ONCE)
        for order in tx.orders.of_ids(due) if due else ():
            if order.serial is None:
                continue
            successor = tx.certificates.get(order.serial)
            if successor.state is State.ISSUED:
                ended += len(end(tx, _predecessors(tx, successor, now), Reason.SUPERSEDED, now, BY))
    return ended


def _predecessors(tx: RenewalTransaction, successor: Certificate, now: datetime) -> list[Certificate]:
    return [
        each
        for each in tx.certificates.of_holder(successor.holder, lock=True)
        if (each.profile, each.board, each.ca) == (successor.profile, successor.board, successor.ca)
        and each.state is State.ISSUED
        and each.prepared_at < successor.prepared_at
        and each.not_after > now
    ]
