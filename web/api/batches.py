"""Batches of requests: what waits, what is in them beside the register, and decisions signed by officers (CP 4.2.2)."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from msgspec import Meta

from pki.adapters.store.store import Transaction
from pki.authenticators.tokens import Scope
from pki.issuance.approvals import APPROVAL, covered, signed_at
from pki.issuance.order import ENROLMENT, CertificateOrder, OrderState, read_request
from pki.issuance.ports import Standing
from pki.registration.decide import REFUSAL
from pki.registration.model import Batch, BatchState, RequestRecord
from pki.settings import Board
from trust.errors import Missing
from web.api.acts import on_record, signed, to_sign
from web.api.route import Call, For, Number, Route, Sent, Shape
from web.api.shapes import Line, Moment, Paged, Reasoned, SignedAct, Statement, cursor_of, place_of

BatchStatus = Literal["submitted", "approved", "refused"]
RequestStatus = Literal["submitted", "refused", "set_aside", "granted", "ordered", "being_issued", "issued", "failed"]
STATES = {"submitted": BatchState.SUBMITTED, "approved": BatchState.APPROVED, "refused": BatchState.REFUSED}
_OF_ORDER: dict[OrderState, RequestStatus] = {
    OrderState.PENDING: "ordered",
    OrderState.PREPARED: "being_issued",
    OrderState.DONE: "issued",
    OrderState.FAILED: "failed",
}


class Approval(Shape):
    """An officer's approval."""

    officer: str
    at: Moment


class BatchShape(Shape):
    """Requests that were handed in together."""

    id: str
    board: str
    status: BatchStatus
    size: int
    root: str
    """RFC 6962 root over the statements of its requests, hex: what is signed."""
    requester: str
    submitted_at: Moment
    decided_at: Moment | None
    profiles: dict[str, int]
    """How many requests of each profile."""
    approvals: list[Approval]
    approvals_needed: int
    refusal: str | None
    """Why it was refused, in the words of the officer."""


class BatchPage(Shape):
    """Batches, newest first."""

    batches: list[BatchShape]
    next: str | None


class BatchQuery(Paged):
    """Which batches."""

    status: BatchStatus | None = None


class InRegister(Shape):
    """What the register in force says of a request."""

    known: bool
    barred: str | None
    """What stands against it."""
    changed: bool
    """The entry changed since the request was made: the issuer will refuse it."""


class RequestShape(Shape):
    """One request."""

    id: str
    batch: str
    position: int
    status: RequestStatus
    profile: str
    profiles: list[str]
    """Of an enrolment: what the person may obtain."""
    holder: str
    subject: dict[str, Any]
    key_sha256: str | None
    serial: str | None
    failure: str | None
    register: InRegister


class RequestPage(Shape):
    """Requests of a batch, in their order."""

    requests: list[RequestShape]
    next: str | None


class RequestList(Shape):
    """Requests, latest first."""

    requests: list[RequestShape]


class RequestQuery(Sent):
    """Which requests: those for a holder, or about a name."""

    holder: Number | None = None
    name: Line | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class ApprovalAsked(Sent):
    """What an approval sets aside."""

    excluded: Annotated[tuple[Annotated[int, Meta(ge=0, lt=100_000)], ...], Meta(max_length=10_000)] = ()
    """Positions of requests that are not approved."""


def batch_shape(tx: Transaction, batch: Batch, board: Board) -> BatchShape:
    """Return what is said of a batch."""
    refusal = next((act.record().get("reason") for act in tx.acts.of_target(REFUSAL, batch.id)), None)
    acts = tx.acts.of_target(APPROVAL, batch.id)
    status: Any = batch.state.name.lower()
    return BatchShape(
        id=batch.id,
        board=batch.board,
        status=status,
        size=batch.size,
        root=batch.root.hex(),
        requester=batch.requester,
        submitted_at=batch.submitted_at,
        decided_at=batch.decided_at,
        profiles=tx.requests.summary(batch.id),
        approvals=[Approval(officer=act.officer, at=signed_at(act.record())) for act in acts],
        approvals_needed=board.approvals_for(batch.size),
        refusal=None if refusal is None else str(refusal),
    )


def _own(call: Call, tx: Transaction, batch_id: str) -> Batch:
    batch = tx.requests.batch(batch_id)
    theirs = call.who.is_officer or all(each.holder == call.who.account.id for each in tx.requests.of_batch(batch_id))
    if batch.board != call.who.board or not theirs:
        raise Missing(f"no batch of requests is called {batch_id}")
    return batch


def _listed(call: Call) -> BatchPage:
    query: BatchQuery = call.query
    state = None if query.status is None else STATES[query.status]
    after = None if query.cursor is None else place_of(query.cursor)
    with call.office.home.store.read() as tx:
        places = tx.listings.batches(call.who.board, state=state, after=after, limit=query.limit + 1)
        found = [batch_shape(tx, tx.requests.batch(name), call.board) for _, name in places[: query.limit]]
    last = places[query.limit - 1] if len(places) > query.limit else None
    return BatchPage(batches=found, next=None if last is None else cursor_of(*last))


def _shown(call: Call) -> BatchShape:
    with call.office.home.store.read() as tx:
        return batch_shape(tx, _own(call, tx, call.path["batch"]), call.board)


def _of_batch(call: Call) -> RequestPage:
    query: Paged = call.query
    after = -1 if query.cursor is None else place_of(query.cursor)[0]
    with call.office.home.store.read() as tx:
        batch = _own(call, tx, call.path["batch"])
        wanted = tx.listings.requests(batch.id, after=after, limit=query.limit + 1)
        found = [_request(call, tx, tx.requests.get(each), batch) for each in wanted[: query.limit]]
    more = len(wanted) > query.limit
    return RequestPage(requests=found, next=cursor_of(found[-1].position, batch.id) if more else None)


def _request_shown(call: Call) -> RequestShape:
    with call.office.home.store.read() as tx:
        record = tx.requests.get(call.path["request"])
        batch = tx.requests.batch(record.batch)
        if batch.board != call.who.board or not (call.who.is_officer or record.holder == call.who.account.id):
            raise Missing(f"no request is called {record.id}")
        return _request(call, tx, record, batch)


def _found(call: Call) -> RequestList:
    query: RequestQuery = call.query
    with call.office.home.store.read() as tx:
        found = tx.requests.search(call.who.board, query.holder, query.name or "", limit=query.limit)
        batches = {record.batch: tx.requests.batch(record.batch) for record, _ in found}
        return RequestList(requests=[_request(call, tx, record, batches[record.batch]) for record, _ in found])


def _request(call: Call, tx: Transaction, record: RequestRecord, batch: Batch) -> RequestShape:
    asked = read_request(record.statement)
    order = next(iter(tx.orders.of_ids([record.id])), None)
    standing = tx.register.standings([record.holder], call.office.home.clock.now()).get(record.holder)
    done = order is not None and order.state is OrderState.DONE and order.serial is not None
    return RequestShape(
        id=record.id,
        batch=record.batch,
        position=record.position,
        status=_status(tx, record, batch, order),
        profile=record.profile,
        profiles=list(asked.profiles),
        holder=record.holder,
        subject=json.loads(record.statement)["subject"],
        key_sha256=asked.key.hex() or None,
        serial=order.serial.hex() if done and order is not None and order.serial is not None else None,
        failure=None if order is None else order.failure,
        register=_in_register(asked.register.get("entry"), standing, batch.board),
    )


def _status(tx: Transaction, record: RequestRecord, batch: Batch, order: CertificateOrder | None) -> RequestStatus:
    if order is not None:
        return _OF_ORDER[order.state]
    if batch.state is BatchState.SUBMITTED:
        return "submitted"
    if batch.state is BatchState.REFUSED:
        return "refused"
    aside = {place for act in tx.acts.of_target(APPROVAL, batch.id) for place in covered(act.record()).excluded}
    return "granted" if record.profile == ENROLMENT and record.position not in aside else "set_aside"


def _in_register(entry: str | None, standing: Standing | None, board: str) -> InRegister:
    if standing is None:
        return InRegister(known=False, barred=None, changed=False)
    return InRegister(known=True, barred=standing.barred_for(board), changed=entry != standing.digest.hex())


def _approval_statement(call: Call) -> Statement:
    asked: ApprovalAsked = call.body
    batch = _decidable(call)
    return to_sign(call, call.office.decisions.approval_statement(batch.id, call.who.account.id, asked.excluded))


def _refusal_statement(call: Call) -> Statement:
    asked: Reasoned = call.body
    batch = _decidable(call)
    return to_sign(call, call.office.decisions.refusal_statement(batch.id, call.who.account.id, asked.reason))


def _decidable(call: Call) -> Batch:
    with call.office.home.store.read() as tx:
        batch = _own(call, tx, call.path["batch"])
    call.require_role("approve")
    return batch


def _approve(call: Call) -> BatchShape:
    batch = _decidable(call)
    act = signed(call, APPROVAL, target=batch.id)
    if not on_record(call, act):
        call.office.decisions.approve(act)
    return _shown(call)


def _refuse(call: Call) -> BatchShape:
    batch = _decidable(call)
    act = signed(call, REFUSAL, target=batch.id)
    if not on_record(call, act):
        call.office.decisions.refuse(act)
    return _shown(call)


_ONE = "/batches/{batch}"
_DECIDES: dict[str, Any] = {"scope": Scope.DECIDE, "tag": "batches"}
_SIGNED: dict[str, Any] = {"body": SignedAct, "conflicts": True, **_DECIDES}
ROUTES = (
    Route("GET", "/requests", "findRequests", "Find requests by holder or by name", _found, RequestList, query=RequestQuery,
          tag="requests"),
    Route("GET", "/requests/{request}", "showRequest", "Show a request", _request_shown, RequestShape, audience=For.BOTH,
          tag="requests"),
    Route("GET", "/batches", "listBatches", "List batches", _listed, BatchPage, query=BatchQuery, tag="batches"),
    Route("GET", _ONE, "showBatch", "Show a batch", _shown, BatchShape, audience=For.BOTH, tag="batches"),
    Route("GET", f"{_ONE}/requests", "listRequestsOfBatch", "The requests of a batch, beside the register", _of_batch,
          RequestPage, query=Paged, audience=For.BOTH, tag="batches"),
    Route("POST", f"{_ONE}/approval/statement", "prepareApproval", "What to sign to approve it", _approval_statement, Statement,
          body=ApprovalAsked, **_DECIDES),
    Route("POST", f"{_ONE}/approval", "approve", "Approve it", _approve, BatchShape, **_SIGNED),
    Route("POST", f"{_ONE}/refusal/statement", "prepareRefusal", "What to sign to refuse it", _refusal_statement, Statement,
          body=Reasoned, **_DECIDES),
    Route("POST", f"{_ONE}/refusal", "refuse", "Refuse it", _refuse, BatchShape, **_SIGNED),
)  # fmt: skip
