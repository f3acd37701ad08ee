"""Structures that an ordre answers for, and the certificates of their servers and applications (CP 3.2.2).

An officer declares a structure with its domains, another approves it; from then on an officer pastes certification requests for
it, for names under those domains. A renewal is a new request, with a new key, for the same names. Each step is signed with the
passkey.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, jsonify, render_template, request
from werkzeug.wrappers import Response

from pki.bootstrap.office import Office
from pki.inventory.model import Certificate, State
from pki.issuance.approvals import Act
from pki.registration.applications import Application
from pki.registration.enrol import Draft
from pki.registration.model import Organisation
from pki.registration.organisations import ORGANISATION_APPROVAL, WITHDRAWAL
from trust.errors import Conflict, Malformed, Missing
from web.board import administrators, compare, words
from web.board.frame import LONGEST_REASON, name_of_officer, officer_of, require_role, signed_act, to_sign
from web.kit.forms import sent, text
from web.kit.safety import account, signed_in
from web.kit.servers import KINDS, asked, asked_before, names_typed, what

SOON = 30
"""Days before its end from which a certificate is said to end soon."""
DRAFTS = 200
"""Requests that wait for their signature, at most; the oldest are forgotten."""


def views(office: Office) -> Blueprint:
    """Return the views."""
    pages = Blueprint("structures", __name__)
    _declaring(pages, office)
    _of_one(pages, office)
    _asking(pages, office)
    return pages


def _declaring(pages: Blueprint, office: Office) -> None:
    """Add the list of structures, and the declaration of one more."""

    @pages.get("/structures")
    @signed_in
    def home() -> str:
        officer, board = officer_of(office)
        found = office.organisations.of_board(board.code)
        return render_template("structures.html", structures=found, may_ask="register" in officer.roles)

    @pages.post("/structures/declaration/options")
    @signed_in
    def declare_options() -> Response:
        body = sent()
        number, name, department = (text(body, each, 300) for each in ("number", "name", "department"))
        draft = office.organisations.draft(account().id, number, name, department, names_typed(body, "domains"))
        return to_sign(office, office.organisations.declaration_statement(draft))

    @pages.post("/structures/declaration")
    @signed_in
    def declare() -> Response:
        act = signed_act(office, sent())
        return jsonify(next=f"/ordre/structures/{office.organisations.declare(_declared(office, act), act).id}")


def _of_one(pages: Blueprint, office: Office) -> None:
    """Add the page of a structure, its approval and its withdrawal."""

    def own(number: str) -> Organisation:
        return office.organisations.seen_by(number, account().id)

    @pages.get("/structures/<number>")
    @signed_in
    def structure(number: str) -> str:
        officer, board = officer_of(office)
        found, now = own(number), office.home.clock.now()
        with office.home.store.read() as tx:
            certificates = tx.certificates.search(board=board.code, holder=found.id, limit=200)
        return render_template(
            "structure.html",
            structure=found,
            declared_by=name_of_officer(board, found.declared_by),
            mine=found.declared_by == officer.id,
            officer=officer,
            certificates=[_shown(each, now) for each in certificates],
            **administrators.facts(office, board, found),
        )

    @pages.post("/structures/<number>/accord/options")
    @signed_in
    def approve_options(number: str) -> Response:
        return to_sign(office, office.organisations.approval_statement(own(number).id, account().id))

    @pages.post("/structures/<number>/accord")
    @signed_in
    def approve(number: str) -> Response:
        office.organisations.approve(_about(own(number), signed_act(office, sent()), ORGANISATION_APPROVAL))
        return jsonify(next=f"/ordre/structures/{number}")

    @pages.post("/structures/<number>/retrait/options")
    @signed_in
    def withdraw_options(number: str) -> Response:
        reason = text(sent(), "reason", LONGEST_REASON)
        return to_sign(office, office.organisations.withdrawal_statement(own(number).id, account().id, reason))

    @pages.post("/structures/<number>/retrait")
    @signed_in
    def withdraw(number: str) -> Response:
        office.organisations.withdraw(_about(own(number), signed_act(office, sent()), WITHDRAWAL))
        return jsonify(next=f"/ordre/structures/{number}")


def _asking(pages: Blueprint, office: Office) -> None:
    """Add the request of a certificate for a structure. What was drafted waits here for its signature, under its own name."""
    drafts: dict[str, Draft] = {}

    def own(number: str) -> Organisation:
        return office.organisations.seen_by(number, account().id)

    @pages.get("/structures/<number>/demande")
    @signed_in
    def ask(number: str) -> str:
        officer, board = officer_of(office)
        require_role(officer, "register")
        found = own(number)
        with office.home.store.read() as tx:
            mine = tx.certificates.search(board=board.code, holder=found.id, limit=200)
        old = next((each for each in mine if each.serial.hex() == request.args.get("comme")), None)
        return render_template("ask.html", structure=found, kinds=KINDS, old=None if old is None else asked_before(old))

    @pages.post("/structures/<number>/demande/options")
    @signed_in
    def ask_options(number: str) -> Response:
        draft = office.enrolment.draft(account().id, [_application(own(number), sent())])
        if draft.refused:
            raise Malformed(draft.refused[0].reason)
        if draft.known:
            raise Conflict("this very key was asked for already")
        while len(drafts) >= DRAFTS:
            drafts.pop(next(iter(drafts)), None)
        drafts[draft.batch] = draft
        statement = draft.statement(office.home.clock.now())
        return jsonify(statement=statement, options=office.passkeys.signing_options(account(), statement), draft=draft.batch)

    @pages.post("/structures/<number>/demande")
    @signed_in
    def submit(number: str) -> Response:
        own(number)
        body = sent()
        draft = drafts.get(str(body.get("draft")))
        if draft is None or draft.requester != account().id:
            raise Missing("this request was forgotten: make it again")
        batch = office.enrolment.submit(draft, signed_act(office, body))
        drafts.pop(draft.batch, None)
        return jsonify(next=f"/ordre/lots/{batch.id}")


def _declared(office: Office, act: Act) -> Organisation:
    """Make again the declaration that was signed, from what the signature is over: the service compares them."""
    said = act.record().get("organisation")
    if not isinstance(said, dict) or not isinstance(said.get("domains"), list):
        raise Malformed("this is not what our page sends")
    number, name, department = (str(said.get(each, "")) for each in ("id", "name", "department"))
    return office.organisations.draft(act.officer, number, name, department, [str(each) for each in said["domains"]])


def _about(structure: Organisation, act: Act, act_type: str) -> Act:
    """Return an act once it is about this structure: the address and the signature say the same."""
    if (act.type, act.target) != (act_type, structure.id):
        raise Malformed("this signature is about something else")
    return act


def _application(structure: Organisation, body: dict[str, Any]) -> Application:
    wanted = asked(body)
    return Application(
        structure.id, wanted.profile, wanted.csr, common_name=wanted.common_name, dns_names=tuple(wanted.dns_names)
    )


def _shown(certificate: Certificate, now: datetime) -> dict[str, Any]:
    left = (certificate.not_after - now).days
    alive = certificate.state is State.ISSUED and now <= certificate.not_after
    return {
        "serial": certificate.serial.hex(),
        "profile": compare.profile_name(certificate.profile),
        "names": what(certificate),
        "not_after": certificate.not_after,
        "left": left,
        "alive": alive,
        "soon": alive and left < SOON,
        "state": words.state_of(certificate, now),
    }
