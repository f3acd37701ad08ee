"""Who administers the servers of a structure, and its domains: chosen, invited and decided by officers, on the structure's page.

Two officers choose, as they grant certificates to practitioners; an officer hands over the link and, apart from it, the code. On
what the administrator proposes, or an officer, another officer decides (CP 3.2.2).
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, g, jsonify
from werkzeug.wrappers import Response

from pki.authenticators.model import Account, Kind
from pki.bootstrap.office import Office
from pki.issuance.approvals import Act
from pki.issuance.order import ENROLMENT
from pki.registration.amendments import AMENDMENT, AMENDMENT_APPROVAL, AMENDMENT_REFUSAL
from pki.registration.enrol import Draft
from pki.registration.mandates import INVITATION
from pki.registration.model import BatchState, Organisation
from pki.settings import Board
from trust.errors import Conflict, Malformed, Missing
from web.board.frame import name_of_officer, officer_of, reason, signed_act, to_sign
from web.kit.forms import sent
from web.kit.language import _
from web.kit.safety import account, signed_in
from web.kit.servers import names_typed
from web.kit.writing import moment

DRAFTS = 200
"""Choices that wait for their signature, at most; the oldest are forgotten."""


def facts(office: Office, board: Board, structure: Organisation) -> dict[str, Any]:
    """Return what the page of a structure says of its administrator and of its domains."""
    granted = office.mandates.of(structure.id)
    pending = None if structure.approved_at is None else office.amendments.pending(structure.id)
    by = None if pending is None else name_of_officer(board, pending.by)
    return {
        "granted": granted,
        "awaited": None if granted is not None else _awaited(office, structure),
        "passkeys": office.passkeys.of(Account(Kind.STRUCTURE, structure.id)),
        "pending": pending,
        "proposed_by": structure.name if pending is not None and pending.by.startswith("structure:") else by,
    }


def _awaited(office: Office, structure: Organisation) -> str | None:
    """Return the batch in which the choice of an administrator waits for its approval."""
    with office.home.store.read() as tx:
        waiting = tx.requests.search(structure.board, structure.id, structure.id, limit=50)
    submitted = [record for record, state in waiting if state is BatchState.SUBMITTED]
    return next((record.batch for record in submitted if record.profile == ENROLMENT), None)


def views(office: Office) -> Blueprint:
    """Return the views."""
    pages = Blueprint("administrators", __name__)
    _choosing(pages, office)
    _domains(pages, office)
    return pages


def _choosing(pages: Blueprint, office: Office) -> None:
    """Add the choice of an administrator, and the invitation."""
    drafts: dict[str, Draft] = {}

    @pages.post("/structures/<number>/administrateur/options")
    @signed_in
    def choose_options(number: str) -> Response:
        draft = office.mandates.draft(account().id, _own(office, number).id)
        if not draft.records:
            raise Conflict("this was asked for already")
        while len(drafts) >= DRAFTS:
            drafts.pop(next(iter(drafts)), None)
        drafts[draft.batch] = draft
        statement = draft.statement(office.home.clock.now())
        return jsonify(statement=statement, options=office.passkeys.signing_options(account(), statement), draft=draft.batch)

    @pages.post("/structures/<number>/administrateur")
    @signed_in
    def choose(number: str) -> Response:
        _own(office, number)
        body = sent()
        draft = drafts.get(str(body.get("draft")))
        if draft is None or draft.requester != account().id:
            raise Missing("this request was forgotten: make it again")
        batch = office.mandates.submit(draft, signed_act(office, body))
        drafts.pop(draft.batch, None)
        return jsonify(next=f"/ordre/lots/{batch.id}")

    @pages.post("/structures/<number>/invitation")
    @signed_in
    def invite(number: str) -> Response:
        found = _own(office, number)
        if not office.sessions.is_fresh(g.session):
            abort(401)  # the page has the passkey shown, and comes back: a link opens an account
        made = office.mandates.invite(account().id, found.id)
        until = _("Jusqu'au %(date)s.", date=moment(office.home.clock.now() + INVITATION))
        return jsonify(link=office.entry_link(made.entry.account, made.token), code=made.code, until=until)


def _domains(pages: Blueprint, office: Office) -> None:
    """Add the proposal of other domains by an officer, and the decision on what is proposed."""

    @pages.post("/structures/<number>/domaines/proposition/options")
    @signed_in
    def propose_options(number: str) -> Response:
        names = names_typed(sent(), "domains")
        return to_sign(office, office.amendments.proposal_statement(_own(office, number).id, account().id, names))

    @pages.post("/structures/<number>/domaines/proposition")
    @signed_in
    def propose(number: str) -> Response:
        office.amendments.propose(_about(_own(office, number), signed_act(office, sent()), AMENDMENT))
        return jsonify(next=f"/ordre/structures/{number}")

    @pages.post("/structures/<number>/domaines/options")
    @signed_in
    def decide_options(number: str) -> Response:
        body, found = sent(), _own(office, number)
        why = reason(body) if body.get("decision") == "refuser" else None
        return to_sign(office, office.amendments.decision_statement(found.id, account().id, reason=why))

    @pages.post("/structures/<number>/domaines")
    @signed_in
    def decide(number: str) -> Response:
        act = _about(_own(office, number), signed_act(office, sent()), AMENDMENT_APPROVAL, AMENDMENT_REFUSAL)
        office.amendments.decide(act)
        return jsonify(next=f"/ordre/structures/{number}")


def _own(office: Office, number: str) -> Organisation:
    """Return a structure of the officer's board; another's does not exist."""
    officer_of(office)
    return office.organisations.seen_by(number, account().id)


def _about(structure: Organisation, act: Act, *types: str) -> Act:
    """Return an act once it is about this structure: the address and the signature say the same."""
    if act.type not in types or act.target != structure.id:
        raise Malformed("this signature is about something else")
    return act
