"""Orders, in the database: what registration asks of issuance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update
from sqlalchemy.exc import IntegrityError

from pki.adapters.store.bulk import driver_rows, insert_many, update_in, update_many
from pki.adapters.store.certificates import seconds
from pki.adapters.store.tables import certificates, orders, requests
from pki.inventory.model import Reason, State
from pki.issuance.order import CertificateOrder, OrderState
from trust.errors import Conflict, Missing

_ORDER_COLUMNS = ("id", "batch", "ca", "statement", "proof", "spki", "state", "written_at")
_ORDER = tuple(orders.c[name] for name in ("id", "batch", "ca", "statement", "proof", "spki", "state", "serial", "failure"))
_PENDING = (
    select(*_ORDER)
    .where(orders.c.state == OrderState.PENDING.value)
    .order_by(orders.c.written_at)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_ORDER_STATES = {state.value: state for state in OrderState}


class Orders:
    """What registration has ordered from issuance."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, written: Sequence[CertificateOrder], at: datetime) -> None:
        """Write orders.

        Raises:
            Conflict: one of them exists already.
        """
        rows = [(o.id, o.batch, o.ca, o.statement, o.proof, o.spki, OrderState.PENDING.value, seconds(at)) for o in written]
        try:
            insert_many(self._connection, orders, _ORDER_COLUMNS, rows)
        except IntegrityError:
            raise Conflict("this order was written before") from None

    def take(self, limit: int) -> list[CertificateOrder]:
        """Take the oldest pending orders, locked until the transaction ends; another issuer takes others."""
        return [_order(row) for row in driver_rows(self._connection.execute(_PENDING, {"limit": limit}))]

    def set_prepared(self, prepared: Sequence[tuple[str, bytes]]) -> None:
        """Record the serials under which orders are prepared: (order id, serial)."""
        rows = [(OrderState.PREPARED.value, serial, order_id) for order_id, serial in prepared]
        update_many(self._connection, orders, ("state", "serial"), ("id",), rows)

    def set_done(self, order_ids: Sequence[str]) -> None:
        """Record that orders are fulfilled, under the serials for which they were prepared."""
        update_in(self._connection, orders, "state", OrderState.DONE.value, "id", order_ids)

    def set_failed(self, failed: Sequence[tuple[str, str]]) -> None:
        """Record refusals: (order id, reason)."""
        statement = (
            update(orders)
            .where(orders.c.id == bindparam("an_id"))
            .values(state=OrderState.FAILED.value, failure=bindparam("a_failure"))
        )
        if failed:
            self._connection.execute(statement, [{"an_id": order_id, "a_failure": reason} for order_id, reason in failed])

    def of_revoked_intents(self, instance: str) -> list[str]:
        """Return the orders that wait for the signature of an intent of this instance, which was revoked meanwhile."""
        c = certificates.c
        statement = (
            select(orders.c.id)
            .join(certificates, c.order_id == orders.c.id)
            .where(
                c.state >= State.HELD.value,  # as the index of the revoked says it
                c.reason == Reason.KEY_COMPROMISE.value,
                c.signature.is_(None),
                c.instance == instance,
                orders.c.state == OrderState.PREPARED.value,
                orders.c.serial == c.serial,
            )
        )
        return [row[0] for row in self._connection.execute(statement)]

    def reopen(self, order_ids: Sequence[str]) -> None:
        """Put orders whose intent was abandoned back among the pending."""
        statement = update(orders).where(orders.c.id.in_(order_ids)).values(state=OrderState.PENDING.value, serial=None)
        self._connection.execute(statement)

    def get(self, order_id: str) -> CertificateOrder:
        """Return one order.

        Raises:
            Missing: no such order.
        """
        row = self._connection.execute(select(*_ORDER).where(orders.c.id == order_id)).one_or_none()
        if row is None:
            raise Missing(f"no order {order_id}")
        return _order(row)

    def of_batch(self, batch: str) -> list[CertificateOrder]:
        """Return the orders of one batch."""
        return [
            _order(row) for row in self._connection.execute(select(*_ORDER).where(orders.c.batch == batch).order_by(orders.c.id))
        ]

    def states_of(self, batch: str) -> dict[OrderState, int]:
        """Count the orders of a batch of officers' requests by state."""
        # By the requests, whose batch is indexed: an order bears the identifier of its request.
        statement = select(orders.c.state, func.count()).join(requests, requests.c.id == orders.c.id)
        grouped = statement.where(requests.c.batch == batch).group_by(orders.c.state)
        return {_ORDER_STATES[row[0]]: row[1] for row in self._connection.execute(grouped)}

    def of_ids(self, order_ids: Sequence[str]) -> list[CertificateOrder]:
        """Return those of these orders that exist."""
        return [_order(row) for row in self._connection.execute(select(*_ORDER).where(orders.c.id.in_(order_ids)))]

    def pending(self) -> int:
        """Count the orders that wait."""
        statement = select(func.count()).select_from(orders).where(orders.c.state == OrderState.PENDING.value)
        return self._connection.execute(statement).scalar_one()


def _order(row: Sequence[Any]) -> CertificateOrder:
    order_id, batch, ca, statement, proof, spki, state, serial, failure = row
    return CertificateOrder(order_id, batch, ca, statement, proof, spki, _ORDER_STATES[state], serial, failure)
