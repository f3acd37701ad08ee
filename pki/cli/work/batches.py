"""What `sceau ra list`, `show`, `approve` and `refuse` do: batches of requests and decisions on them (CP 4.2.2)."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pki.adapters.store.store import Transaction
from pki.bootstrap.home import Home, open_home
from pki.bootstrap.registrar import decisions
from pki.cli import _officer
from pki.cli._output import emit
from pki.cli._text import at, count, fields, minute, short_name, table
from pki.issuance.approvals import APPROVAL
from pki.issuance.order import CertificateOrder, OrderState, read_request
from pki.registration.decide import REFUSAL
from pki.registration.model import Batch, BatchState, RequestRecord
from trust.errors import Malformed, Missing

SHOWN = 3
_HEXADECIMAL = frozenset("0123456789abcdef")


def _list(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    board = None if args.board is None else home.settings.board(args.board).code
    state = None if args.state is None else BatchState[args.state.upper()]
    with home.store.read() as tx:
        found = tx.requests.batches(board=board, state=state, limit=args.limit, newest=True)
        signed = {batch.id: _approvers(tx, batch) for batch in found}
    data = [_batch_data(home, batch, signed[batch.id]) for batch in found]
    rows = [
        (
            each["batch"],
            each["board"],
            each["size"],
            each["state"],
            f"{len(each['approved_by'])} of {each['approvals_needed']}",
            each["requester"],
            minute(batch.submitted_at),
        )
        for each, batch in zip(data, found, strict=True)
    ]
    head = ("BATCH", "BOARD", "REQUESTS", "STATE", "APPROVALS", "ASKED BY", "SUBMITTED")
    emit(args, data, table(head, rows, numbers=(2,)) if rows else "No batch of requests: `sceau ra enrol` makes one.")
    return 0


def _show(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    with home.store.read() as tx:
        batch = tx.requests.batch(_named(tx, args.batch))
        records, orders = tx.requests.of_batch(batch.id), {order.id: order for order in tx.orders.of_batch(batch.id)}
        granted = {grant.id for grant in tx.grants.of_batch(batch.id)}
        approvers = _approvers(tx, batch)
        refusals = tx.acts.of_target(REFUSAL, batch.id)
    requests = [_request_data(record, orders.get(record.id), batch, granted) for record in records]
    refusal = {"officer": refusals[0].officer, "reason": refusals[0].record().get("reason")} if refusals else None
    data = _batch_data(home, batch, approvers) | {"refusal": refusal, "requests": requests}
    pairs: list[tuple[str, object]] = [
        ("batch", batch.id),
        ("board", batch.board),
        ("state", batch.state.name.lower() + (f" on {minute(batch.decided_at)}" if batch.decided_at else "")),
        ("asked by", f"{batch.requester} on {minute(batch.submitted_at)}"),
        ("approved by", ", ".join(approvers) or f"nobody yet; {data['approvals_needed']} needed"),
        ("refused by", f"{refusal['officer']}: {refusal['reason']}" if refusal else None),
        ("root", batch.root.hex()),
    ]
    rows = [
        (each["position"], each["holder"], each["name"], each["profile"], each["outcome"], each["detail"] or "")
        for each in requests
    ]
    emit(args, data, f"{fields(pairs)}\n\n{table(('N', 'HOLDER', 'NAME', 'PROFILE', 'OUTCOME', ''), rows, numbers=(0,))}")
    return 0


def _approve(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    with home.store.read() as tx:
        batch = tx.requests.batch(_named(tx, args.batch))
        records = tx.requests.of_batch(batch.id)
    excluded = sorted(set(args.excluded))
    if absent := [position for position in excluded if not 0 <= position < batch.size]:
        raise Malformed(f"the batch has positions 0 to {batch.size - 1}, not {absent[0]} (`sceau ra show {batch.id}`)")
    service, signer = decisions(home), _officer.open_signer(args, home)
    statement = service.approval_statement(batch.id, signer.officer.id, excluded)
    done = service.approve(_officer.sign(args, signer, statement, _words(batch, records, excluded)))
    data = {"batch": done.batch, "approvals": done.approvals, "needed": done.needed, "orders": done.orders}
    if done.approvals < done.needed:
        text = f"{done.approvals} of {done.needed} approvals: {count(done.needed - done.approvals, 'more officer')} must approve."
    else:
        text = (
            f"Approved: {count(done.orders, 'order')} sent to the issuer. `sceau ra show {batch.id}` says what becomes of each."
        )
    emit(args, data | {"set_aside": excluded}, text)
    return 0


def _refuse(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    reason = args.reason.strip()
    if not reason or not reason.isprintable() or len(reason) > 500:
        raise Malformed("the reason is one line of 1 to 500 characters")
    with home.store.read() as tx:
        batch = tx.requests.batch(_named(tx, args.batch))
    service, signer = decisions(home), _officer.open_signer(args, home)
    words = f"refuse the {count(batch.size, 'request')} of {batch.requester} (batch {batch.id[:12]}), because: {reason}"
    service.refuse(_officer.sign(args, signer, service.refusal_statement(batch.id, signer.officer.id, reason), words))
    emit(args, {"batch": batch.id, "state": "refused", "reason": reason}, f"Refused: batch {batch.id} is over.")
    return 0


def _named(tx: Transaction, prefix: str) -> str:
    """Return the one batch whose identifier begins so."""
    begin = prefix.rstrip("….").lower()
    found = tx.requests.beginning(begin) if _HEXADECIMAL.issuperset(begin) else []
    if len(found) == 1:
        return found[0]
    raise Missing(f"{'several batches begin' if found else 'no batch begins'} with {prefix!r}: `sceau ra list` shows them")


def _approvers(tx: Transaction, batch: Batch) -> list[str]:
    return sorted({act.officer for act in tx.acts.of_target(APPROVAL, batch.id)})


def _words(batch: Batch, records: Sequence[RequestRecord], excluded: Sequence[int]) -> str:
    kept = [record for record in records if record.position not in excluded]
    profiles = ", ".join(f"{number} {profile}" for profile, number in sorted(Counter(record.profile for record in kept).items()))
    aside = [f"{n} ({_name(records[n])})" for n in excluded]
    names = "; ".join(_name(record) for record in kept[:SHOWN]) + ("; …" if len(kept) > SHOWN else "")
    return (
        f"approve {count(len(kept), 'request')} of {batch.requester} (batch {batch.id[:12]}, root {batch.root.hex()[:12]}): "
        f"{profiles}: {names}" + (f"; set aside: {', '.join(aside)}" if aside else "")
    )


def _name(record: RequestRecord) -> str:
    return short_name(read_request(record.statement).subject)


def _batch_data(home: Home, batch: Batch, approvers: Sequence[str]) -> dict[str, Any]:
    return {
        "batch": batch.id,
        "board": batch.board,
        "requester": batch.requester,
        "size": batch.size,
        "state": batch.state.name.lower(),
        "approved_by": list(approvers),
        "approvals_needed": home.settings.board(batch.board).approvals_for(batch.size),
        "root": batch.root.hex(),
        "submitted_at": at(batch.submitted_at),
        "decided_at": at(batch.decided_at),
    }


def _request_data(record: RequestRecord, order: CertificateOrder | None, batch: Batch, granted: set[str]) -> dict[str, Any]:
    outcome, detail = ("granted", None) if record.id in granted else _outcome(order, batch)
    return {
        "position": record.position,
        "request": record.id,
        "holder": record.holder,
        "name": _name(record),
        "profile": record.profile,
        "outcome": outcome,
        "detail": detail,
        "serial": detail if outcome == "issued" else None,
    }


def _outcome(order: CertificateOrder | None, batch: Batch) -> tuple[str, str | None]:
    if order is None:
        waits = {BatchState.SUBMITTED: "waits", BatchState.APPROVED: "set aside", BatchState.REFUSED: "refused"}
        return waits[batch.state], None
    if order.state is OrderState.FAILED:
        return "failed", order.failure
    if order.state is OrderState.DONE and order.serial is not None:
        return "issued", order.serial.hex()
    return "ordered", None


VERBS = {"list": _list, "show": _show, "approve": _approve, "refuse": _refuse}
