"""What the tables say in sum, to be compared with the journal (`pki.audit.accounts`; invariant I11)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Select, func, select

from pki.adapters.store.certificates import moment
from pki.adapters.store.register import Register
from pki.adapters.store.tables import (
    acts,
    batches,
    blocked_keys,
    certificates,
    crls,
    officers,
    orders,
    organisations,
    requests,
    responders,
    sanctions,
    snapshots,
    tokens,
)
from pki.audit.accounts import CertificateRow, Tables
from pki.inventory.model import Reason, State
from pki.issuance.approvals import APPROVAL
from pki.issuance.order import OrderState
from pki.registration.lifecycle import PLAN
from pki.registration.model import BatchState
from pki.status.publish import FULL
from trust import clock

PAGE = 10_000


def tables(connection: Connection) -> Tables:
    """Count the rows that entries of the journal stand for."""
    rows: dict[str, Select[Any]] = {
        "key.blocked": select(func.count()).select_from(blocked_keys),
        "officer.registered": select(func.count()).select_from(officers),
        "order.written": select(func.count()).select_from(orders),
        "order.failed": select(func.count()).select_from(orders).where(orders.c.state == OrderState.FAILED.value),
        "plan.approved": select(func.count()).select_from(acts).where(acts.c.type == PLAN),
        "request.approved": select(func.count()).select_from(acts).where(acts.c.type == APPROVAL),
        "request.refused": select(func.count()).select_from(batches).where(batches.c.state == BatchState.REFUSED.value),
        "request.submitted": select(func.count()).select_from(requests),
        "responder.renewed": select(func.count()).select_from(responders),
        "sanction.recorded": select(func.count()).select_from(sanctions),
        "snapshot.imported": select(func.count()).select_from(snapshots),
        "token.made": select(func.count()).select_from(tokens),
    }
    in_force = select(func.count()).select_from(sanctions).where(sanctions.c.lifted_at.is_(None))
    live = select(officers.c.id).where(officers.c.withdrawn_at.is_(None)).distinct()
    return Tables(
        rows={kind: connection.execute(statement).scalar_one() for kind, statement in rows.items()},
        decisions_in_force=connection.execute(in_force).scalar_one(),
        structures=_structures(connection),
        officers={row[0] for row in connection.execute(live)},
        lists=_lists(connection),
        register=_register(connection),
    )


def certificate_rows(connection: Connection) -> Iterator[CertificateRow]:
    """Walk every certificate, by serial, a page at a time; no certificate is read."""
    c = certificates.c
    after = b""
    while True:
        statement = (
            select(c.serial, c.state, c.signature.is_not(None).label("signed"), c.reason, c.revoked_at)
            .where(c.serial > after)
            .order_by(c.serial)
            .limit(PAGE)
        )
        page = connection.execute(statement).all()
        for serial, state, signed, reason, revoked_at in page:
            ended = state in (State.HELD, State.REVOKED)
            yield CertificateRow(
                bytes(serial).hex(),
                State(state).name.lower(),
                bool(signed),
                Reason(reason).standard_name if ended and reason is not None else None,
                clock.text(moment(revoked_at)) if ended and revoked_at is not None else None,
            )
        if len(page) < PAGE:
            return
        after = bytes(page[-1][0])


def _structures(connection: Connection) -> dict[str, str]:
    o = organisations.c
    return {
        row.id: "withdrawn" if row.withdrawn_at is not None else "approved" if row.approved_at is not None else "declared"
        for row in connection.execute(select(o.id, o.approved_at, o.withdrawn_at))
    }


def _lists(connection: Connection) -> dict[tuple[str, str | None], int]:
    rows = connection.execute(select(crls.c.ca, crls.c.scope, crls.c.number))
    return {(row.ca, None if row.scope == FULL else row.scope): row.number for row in rows}


def _register(connection: Connection) -> str | None:
    applied = Register(connection).applied()
    return None if applied is None else applied.sha256
