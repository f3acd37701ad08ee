"""Requests, officers' acts and organisations, in the database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, or_, select, true, update
from sqlalchemy.exc import IntegrityError

from pki.adapters.store.bulk import insert_many, select_in
from pki.adapters.store.certificates import moment, seconds
from pki.adapters.store.tables import acts, batches, grants, officers, orders, organisations, requests
from pki.issuance.approvals import Act, OfficerKey
from pki.issuance.order import OrderState
from pki.registration.model import Batch, BatchState, Organisation, RequestRecord
from trust.errors import Conflict, Missing

_REQUEST_COLUMNS = ("id", "batch", "position", "holder", "profile", "statement", "spki", "csr", "idempotency_key")
"""In the order of `RequestRecord`."""
_NAMES = ("family_name", "given_name", "email", "name", "common_name", "struct_idnat")
"""What a search looks at, in the subject of a request."""
LOOKED_AT = 20
"""How many are looked at for each that is shown."""
_REQUEST = tuple(requests.c[name] for name in _REQUEST_COLUMNS)


class Requests:
    """Batches and their requests."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, batch: Batch, records: Sequence[RequestRecord]) -> None:
        """Store a batch.

        Raises:
            Conflict: it was submitted before, or an idempotency key is taken: read what it stands for.
        """
        statement = insert(batches).values(
            id=batch.id,
            board=batch.board,
            requester=batch.requester,
            root=batch.root,
            size=batch.size,
            state=batch.state.value,
            submitted_at=seconds(batch.submitted_at),
        )
        try:
            self._connection.execute(statement)
        except IntegrityError:
            raise Conflict("this batch was submitted before") from None
        rows = [(r.id, r.batch, r.position, r.holder, r.profile, r.statement, r.spki, r.csr, r.idempotency_key) for r in records]
        try:
            insert_many(self._connection, requests, _REQUEST_COLUMNS, rows)
        except IntegrityError:
            raise Conflict("a request with this idempotency key exists already") from None

    def batch(self, batch_id: str, *, lock: bool = False) -> Batch:
        """Return a batch.

        Raises:
            Missing: no such batch.
        """
        statement = select(batches).where(batches.c.id == batch_id)
        row = self._connection.execute(statement.with_for_update() if lock else statement).one_or_none()
        if row is None:
            raise Missing(f"no batch of requests is called {batch_id}")
        return _batch(row)

    def beginning(self, prefix: str) -> list[str]:
        """Return the batches whose identifier begins so, two at most: for people, who type the first characters."""
        statement = select(batches.c.id).where(batches.c.id.startswith(prefix, autoescape=True)).limit(2)
        return [row[0] for row in self._connection.execute(statement)]

    def batches(
        self, *, board: str | None = None, state: BatchState | None = None, limit: int = 200, newest: bool = False
    ) -> list[Batch]:
        """Return batches, oldest first unless the newest are asked for."""
        order = (batches.c.submitted_at.desc(), batches.c.id) if newest else (batches.c.submitted_at, batches.c.id)
        statement = select(batches).order_by(*order).limit(limit)
        if board is not None:
            statement = statement.where(batches.c.board == board)
        if state is not None:
            statement = statement.where(batches.c.state == state.value)
        return [_batch(row) for row in self._connection.execute(statement)]

    def count(self, *, board: str, state: BatchState) -> int:
        """Count the batches of a board in a state."""
        statement = select(func.count()).select_from(batches).where(batches.c.board == board, batches.c.state == state.value)
        return self._connection.execute(statement).scalar_one()

    def summary(self, batch_id: str) -> dict[str, int]:
        """Count the requests of a batch by profile."""
        statement = select(requests.c.profile, func.count()).where(requests.c.batch == batch_id).group_by(requests.c.profile)
        return {row[0]: row[1] for row in self._connection.execute(statement)}

    def search(self, board: str, holder: str | None, text: str, *, limit: int) -> list[tuple[RequestRecord, BatchState]]:
        """Return the latest requests of a board for a holder, or about somebody whose name or address has this text."""
        # The statement is canonical JSON: a name stands in it as it is written, whatever its accents. So do words of ours.
        words = [requests.c.statement.icontains(word, autoescape=True) for word in text.split()]
        matches = requests.c.holder == holder if holder else and_(true(), *words)
        statement = (
            select(*_REQUEST, batches.c.state)
            .join(batches, batches.c.id == requests.c.batch)
            .where(batches.c.board == board, matches)
            .order_by(batches.c.submitted_at.desc(), requests.c.position)
            .limit(limit if holder else limit * LOOKED_AT)
        )
        found = [(RequestRecord(*row[:-1]), BatchState(row[-1])) for row in self._connection.execute(statement)]
        return found if holder else [each for each in found if _is_about(each[0], text)][:limit]

    def of_batch(self, batch_id: str) -> list[RequestRecord]:
        """Return the requests of a batch, in order of position."""
        statement = select(*_REQUEST).where(requests.c.batch == batch_id).order_by(requests.c.position)
        return [RequestRecord(*row) for row in self._connection.execute(statement)]

    def page(self, batch_id: str, start: int, limit: int) -> list[RequestRecord]:
        """Return some requests of a batch, from a position on."""
        place = requests.c.position
        some = (requests.c.batch == batch_id, place >= start, place < start + limit)
        return [RequestRecord(*row) for row in self._connection.execute(select(*_REQUEST).where(*some).order_by(place))]

    def by_idempotency_keys(self, keys: Sequence[str]) -> dict[str, RequestRecord]:
        """Return the requests that these keys already stand for."""
        rows = select_in(self._connection, requests, _REQUEST_COLUMNS, "idempotency_key", keys)
        return {record.idempotency_key: record for record in (RequestRecord(*row) for row in rows)}

    def ended(self, request_ids: Sequence[str]) -> set[str]:
        """Return those of these requests that ended without a certificate: refused, set aside, or their order failed."""
        over: set[str] = set()
        for start in range(0, len(request_ids), 500):
            statement = (
                select(requests.c.id)
                .join(batches, batches.c.id == requests.c.batch)
                .join(orders, orders.c.id == requests.c.id, isouter=True)
                .join(grants, and_(grants.c.id == requests.c.id, grants.c.withdrawn_at.is_(None)), isouter=True)
                .where(
                    requests.c.id.in_(request_ids[start : start + 500]),
                    or_(
                        batches.c.state == BatchState.REFUSED.value,
                        and_(batches.c.state == BatchState.APPROVED.value, orders.c.id.is_(None), grants.c.id.is_(None)),
                        orders.c.state == OrderState.FAILED.value,
                    ),
                )
            )
            over |= {row[0] for row in self._connection.execute(statement)}
        return over

    def get(self, request_id: str) -> RequestRecord:
        """Return a request.

        Raises:
            Missing: no such request.
        """
        row = self._connection.execute(select(*_REQUEST).where(requests.c.id == request_id)).one_or_none()
        if row is None:
            raise Missing(f"no request is called {request_id}")
        return RequestRecord(*row)

    def set_state(self, batch_id: str, state: BatchState, at: datetime) -> None:
        """Record the decision on a batch."""
        self._connection.execute(
            update(batches).where(batches.c.id == batch_id).values(state=state.value, decided_at=seconds(at))
        )


def _is_about(record: RequestRecord, text: str) -> bool:
    subject = json.loads(record.statement)["subject"]
    said = [subject[name] for name in _NAMES if subject.get(name)]
    said += [f"{subject.get('given_name')} {subject.get('family_name')}", *subject.get("dns_names", ())]
    return any(text.casefold() in str(each).casefold() for each in said)


def _batch(row: Row[Any]) -> Batch:
    return Batch(
        id=row.id,
        board=row.board,
        requester=row.requester,
        root=bytes(row.root),
        size=row.size,
        state=BatchState(row.state),
        submitted_at=moment(row.submitted_at),
        decided_at=None if row.decided_at is None else moment(row.decided_at),
    )


class Acts:
    """Officers' signed acts, and the keys they sign with."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, act: Act, act_id: str, at: datetime) -> bool:
        """Record an act; return False when this very act was recorded before (nothing changes)."""
        known = select(acts.c.id).where(acts.c.target == act.target, acts.c.statement == act.statement)
        if self._connection.execute(known).first() is not None:
            return False
        self._connection.execute(
            insert(acts).values(
                id=act_id,
                officer=act.officer,
                type=act.type,
                target=act.target,
                statement=act.statement,
                signature=act.signature,
                recorded_at=seconds(at),
            )
        )
        return True

    def of_target(self, act_type: str, target: str) -> list[Act]:
        """Return the acts of a type about a target, oldest first."""
        statement = select(acts).where(acts.c.type == act_type, acts.c.target == target).order_by(acts.c.recorded_at, acts.c.id)
        return [
            Act(row.officer, row.type, row.target, row.statement, bytes(row.signature))
            for row in self._connection.execute(statement)
        ]

    def targets(self, act_type: str) -> list[str]:
        """Return what acts of a type were ever about, each once, in order: for types of which there are few."""
        statement = select(acts.c.target).where(acts.c.type == act_type).distinct().order_by(acts.c.target)
        return list(self._connection.execute(statement).scalars())

    def keys(self, officer: str) -> list[OfficerKey]:
        """Return the keys that an officer ever registered."""
        statement = select(officers).where(officers.c.id == officer).order_by(officers.c.registered_at)
        return [
            OfficerKey(
                row.id,
                bytes(row.spki),
                moment(row.registered_at),
                None if row.withdrawn_at is None else moment(row.withdrawn_at),
                row.rp_id,
            )
            for row in self._connection.execute(statement)
        ]

    def officers_of_key(self, spki: bytes) -> list[str]:
        """Return the officers who have, or had, this key."""
        return [row[0] for row in self._connection.execute(select(officers.c.id).where(officers.c.spki == spki))]

    def add_key(self, officer: str, spki: bytes, at: datetime, rp_id: str | None = None) -> None:
        """Register a key for an officer; `rp_id` for a passkey.

        Raises:
            Conflict: it is registered already, for this officer or for another.
        """
        try:
            self._connection.execute(insert(officers).values(id=officer, spki=spki, registered_at=seconds(at), rp_id=rp_id))
        except IntegrityError:
            raise Conflict(f"{officer} already has this key, or another officer has it") from None

    def withdraw_key(self, officer: str, spki: bytes, at: datetime) -> None:
        """Withdraw one key of an officer."""
        this = (officers.c.id == officer, officers.c.spki == spki, officers.c.withdrawn_at.is_(None))
        self._connection.execute(update(officers).where(*this).values(withdrawn_at=seconds(at)))

    def withdraw_keys(self, officer: str, at: datetime) -> int:
        """Withdraw the keys of an officer; return how many were in force."""
        statement = (
            update(officers).where(officers.c.id == officer, officers.c.withdrawn_at.is_(None)).values(withdrawn_at=seconds(at))
        )
        return self._connection.execute(statement).rowcount


class Organisations:
    """Structures that boards answer for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, organisation: Organisation) -> None:
        """Store a declaration, replacing one that was never approved.

        Raises:
            Conflict: an approved structure has this number.
        """
        known = self._connection.execute(select(organisations).where(organisations.c.id == organisation.id)).one_or_none()
        if known is not None and known.approved_at is not None and known.withdrawn_at is None:
            raise Conflict(f"{organisation.id} is already registered, under {known.board}")
        values = {
            "id": organisation.id,
            "board": organisation.board,
            "name": organisation.name,
            "department": organisation.department,
            "domains": json.dumps(organisation.domains),
            "declared_by": organisation.declared_by,
            "declared_at": seconds(organisation.declared_at),
            "approved_at": None,
            "withdrawn_at": None,
        }
        if known is None:
            self._connection.execute(insert(organisations).values(**values))
        else:
            self._connection.execute(update(organisations).where(organisations.c.id == organisation.id).values(**values))

    def get(self, organisation_id: str, *, lock: bool = False) -> Organisation:
        """Return a structure.

        Raises:
            Missing: not declared.
        """
        statement = select(organisations).where(organisations.c.id == organisation_id)
        row = self._connection.execute(statement.with_for_update() if lock else statement).one_or_none()
        if row is None:
            raise Missing(f"no structure is registered under {organisation_id}")
        return _organisation(row)

    def of_ids(self, ids: Sequence[str]) -> list[Organisation]:
        """Return those of these structures that exist."""
        return [_organisation(row) for row in self._connection.execute(select(organisations).where(organisations.c.id.in_(ids)))]

    def all(self, *, board: str | None = None) -> list[Organisation]:
        """Return the structures, by number."""
        statement = select(organisations).order_by(organisations.c.id)
        if board is not None:
            statement = statement.where(organisations.c.board == board)
        return [_organisation(row) for row in self._connection.execute(statement)]

    def set_approved(self, organisation_id: str, at: datetime) -> None:
        """Record the approval."""
        statement = update(organisations).where(organisations.c.id == organisation_id).values(approved_at=seconds(at))
        self._connection.execute(statement)

    def set_domains(self, organisation_id: str, domains: Sequence[str]) -> None:
        """Give it other domains."""
        statement = update(organisations).where(organisations.c.id == organisation_id)
        self._connection.execute(statement.values(domains=json.dumps(list(domains))))

    def set_withdrawn(self, organisation_id: str, at: datetime) -> None:
        """Record that the board no longer answers for it."""
        statement = update(organisations).where(organisations.c.id == organisation_id).values(withdrawn_at=seconds(at))
        self._connection.execute(statement)


def _organisation(row: Row[Any]) -> Organisation:
    return Organisation(
        id=row.id,
        board=row.board,
        name=row.name,
        department=row.department,
        domains=tuple(json.loads(row.domains)),
        declared_by=row.declared_by,
        declared_at=moment(row.declared_at),
        approved_at=None if row.approved_at is None else moment(row.approved_at),
        withdrawn_at=None if row.withdrawn_at is None else moment(row.withdrawn_at),
    )
