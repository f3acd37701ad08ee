"""The queue of an ordre: what waits, one search box, and a request beside the register, to approve or refuse with a passkey.

An officer sees what is of their ordre; anything else does not exist (404). The signature is made in the browser over the very
statement that the services write, and they verify it; this page carries it.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response

from pki.adapters.store.store import Transaction
from pki.bootstrap.office import Office
from pki.issuance.approvals import APPROVAL, covered
from pki.issuance.order import ENROLMENT, OrderState, read_request
from pki.registration.decide import REFUSAL
from pki.registration.model import Batch, BatchState
from pki.settings import Board, Officer
from trust.errors import Malformed
from web.board import compare, letters, live, words
from web.board.delivery import addresses
from web.board.frame import name_of_officer, officer_of, own_batch, reason, signed_act, to_sign
from web.kit.forms import sent
from web.kit.language import N_, _
from web.kit.safety import account, signed_in

SHOWN = 200
"""Batches on one page of the queue."""
PAGE = 50
"""Requests on one page of a batch."""
STATES = {"attente": BatchState.SUBMITTED, "approuves": BatchState.APPROVED, "refuses": BatchState.REFUSED}
ORDERS = {
    OrderState.PENDING: N_("en attente de fabrication"),
    OrderState.PREPARED: N_("en cours de fabrication"),
    OrderState.DONE: N_("certificat émis"),
    OrderState.FAILED: N_("refusé par l'émetteur"),
}


def views(office: Office) -> Blueprint:
    """Return the views."""
    pages = Blueprint("queue", __name__)

    @pages.get("/")
    @signed_in
    def home() -> str:
        officer, board = officer_of(office)
        wanted = request.args.get("etat", "attente")
        state = STATES.get(wanted, BatchState.SUBMITTED)
        with office.home.store.read() as tx:
            counts = {name: tx.requests.count(board=board.code, state=each) for name, each in STATES.items()}
            found = tx.requests.batches(board=board.code, state=state, limit=SHOWN, newest=state is not BatchState.SUBMITTED)
            batches = [_line(tx, batch, board, officer) for batch in found]
            declared = tx.organisations.all(board=board.code)
        structures = [each for each in declared if not each.approved_at and not each.withdrawn_at]
        amended = [structure for structure, _amendment in office.amendments.waiting(board.code)]
        found_here = {"batches": batches, "structures": structures, "amended": amended}
        return render_template("queue.html", counts=counts, state=wanted, **found_here)

    @pages.get("/lots/<batch_id>")
    @signed_in
    def batch(batch_id: str) -> str:
        officer, board = officer_of(office)
        with office.home.store.read() as tx:
            found = own_batch(tx, batch_id, board)
            number = max(1, min(request.args.get("page", 1, type=int), -(-found.size // PAGE)))
            facts = _facts(tx, office, found, number)
            line = _line(tx, found, board, officer)
            refusal = next((act.record().get("reason") for act in tx.acts.of_target(REFUSAL, found.id)), None)
        approved, enrolment = found.state is BatchState.APPROVED, ENROLMENT in line["profiles"]
        awaited = letters.waiting(office, board.code, found.id) if approved and enrolment else None
        made = live.made_of(office, found.id) if approved and not enrolment else None
        return render_template(
            "batch.html",
            batch=line,
            enrolment=enrolment,
            requests=facts,
            refusal=refusal,
            awaited=None if awaited is None else len(awaited),
            mails=office.reminders is not None,
            reachable=len(addresses(office, awaited or [])),
            making=None if made is None or made.over else made,
            number=number,
            last=max(1, -(-found.size // PAGE)),
        )

    @pages.post("/lots/<batch_id>/decision/options")
    @signed_in
    def decision_options(batch_id: str) -> Response:
        body = sent()
        with office.home.store.read() as tx:
            own_batch(tx, batch_id, officer_of(office)[1])
        if body.get("decision") == "approuver":
            statement = office.decisions.approval_statement(batch_id, account().id, _positions(body.get("excluded")))
        elif body.get("decision") == "refuser":
            statement = office.decisions.refusal_statement(batch_id, account().id, reason(body))
        else:
            raise Malformed("a decision is to approve or to refuse")
        return to_sign(office, statement)

    @pages.post("/lots/<batch_id>/decision")
    @signed_in
    def decide(batch_id: str) -> Response:
        body = sent()
        with office.home.store.read() as tx:
            own_batch(tx, batch_id, officer_of(office)[1])
        act = signed_act(office, body)
        if act.target != batch_id:
            raise Malformed("this signature is about another batch")
        if act.type == APPROVAL:
            done = office.decisions.approve(act)
            waits = done.needed - done.approvals
            said = (
                _("Approuvé.") if waits <= 0 else _("Votre accord est enregistré ; il en manque encore %(waits)s.", waits=waits)
            )
        else:
            office.decisions.refuse(act)
            said = _("Refusé.")
        return jsonify(next=f"/ordre/lots/{batch_id}", said=said)

    @pages.get("/recherche")
    @signed_in
    def search() -> Response | str:
        board = officer_of(office)[1]
        wanted = request.args.get("q", "").strip()[:100]
        if not wanted:
            return redirect("/ordre/")
        with office.home.store.read() as tx:
            certificates = _certificates(tx, board, wanted)
            requests = tx.requests.search(board.code, _holder(wanted), wanted, limit=50)
            grants = {grant.id: grant for grant in tx.grants.of_ids([record.id for record, _ in requests])}
        rows = [
            (record, state, compare.name_of(read_request(record.statement).subject), grants.get(record.id))
            for record, state in requests
        ]
        shown = [
            (each, compare.profile_name(each.profile), words.state_of(each, office.home.clock.now())) for each in certificates
        ]
        return render_template("search.html", asked=wanted, certificates=shown, requests=rows)

    return pages


def _line(tx: Transaction, batch: Batch, board: Board, officer: Officer) -> dict[str, Any]:
    approvers = sorted({act.officer for act in tx.acts.of_target(APPROVAL, batch.id)})
    return {
        "id": batch.id,
        "size": batch.size,
        "state": batch.state.name.lower(),
        "requester": name_of_officer(board, batch.requester),
        "submitted_at": batch.submitted_at,
        "decided_at": batch.decided_at,
        "approvers": [name_of_officer(board, who) for who in approvers],
        "needed": board.approvals_for(batch.size),
        "mine": batch.requester == officer.id,
        "approved_by_me": officer.id in approvers,
        "may_decide": "approve" in officer.roles,
        "profiles": list(tx.requests.summary(batch.id)),
    }


def _facts(tx: Transaction, office: Office, batch: Batch, page: int) -> list[dict[str, Any]]:
    records = tx.requests.page(batch.id, (page - 1) * PAGE, PAGE)
    orders = {order.id: order for order in tx.orders.of_ids([record.id for record in records])}
    requests = [(record, read_request(record.statement)) for record in records]
    grants = {grant.id: grant for grant in tx.grants.of_ids([record.id for record in records])}
    aside = {place for act in tx.acts.of_target(APPROVAL, batch.id) for place in covered(act.record()).excluded}
    standings = tx.register.standings([each.holder for _, each in requests], office.home.clock.now())
    facts = []
    for record, asked in requests:
        order = orders.get(record.id)
        standing = standings.get(asked.holder)
        facts.append(
            {
                "position": record.position,
                "name": compare.name_of(asked.subject),
                "profiles": [compare.profile_name(each) for each in asked.profiles or (asked.profile,)],
                "aside": record.position in aside,
                "rows": compare.rows(asked.subject, standing),
                "warning": compare.warning(asked, standing),
                "state": None if order is None else _(ORDERS[order.state]),
                "failure": None if order is None or order.failure is None else order.failure,
                "grant": grants.get(record.id),
                "serial": order.serial.hex() if order is not None and order.serial and order.state is OrderState.DONE else None,
            }
        )
    return facts


def _certificates(tx: Transaction, board: Board, asked: str) -> list[Any]:
    compact = asked.replace(" ", "").replace(":", "").lower()
    if len(compact) == 32 and all(letter in "0123456789abcdef" for letter in compact):
        found = tx.certificates.of_serials([bytes.fromhex(compact)])
        return [each for each in found if each.board == board.code]
    holder = _holder(asked)
    return tx.certificates.search(board=board.code, holder=holder, limit=50) if holder else []


def _holder(asked: str) -> str | None:
    """Read an RPPS number, with or without its type digit, as people type it."""
    digits = asked.replace(" ", "")
    if digits.isascii() and digits.isdigit():
        return f"8{digits}" if len(digits) == 11 else digits
    return None


def _positions(value: Any) -> list[int]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) and each.isascii() and each.isdigit() for each in value):
        raise Malformed("what is set aside is a list of positions")
    return [int(each[:9]) for each in value]
