"""The domains of a structure: those that the ordre approved, and the change that its administrator proposes."""

from __future__ import annotations

from flask import Blueprint, jsonify, render_template
from werkzeug.wrappers import Response

from pki.bootstrap.office import Office
from pki.registration.amendments import AMENDMENT
from trust.errors import Malformed
from web.kit.forms import sent
from web.kit.safety import account, signed_in
from web.kit.servers import names_typed
from web.structure.own import signed_act, to_sign


def views(office: Office) -> Blueprint:
    """Return the views."""
    pages = Blueprint("domains", __name__)

    @pages.get("/domaines")
    @signed_in
    def home() -> str:
        return render_template("domains.html", pending=office.amendments.pending(account().id))

    @pages.post("/domaines/options")
    @signed_in
    def propose_options() -> Response:
        names = names_typed(sent(), "domains")
        return to_sign(office, office.amendments.proposal_statement(account().id, str(account()), names))

    @pages.post("/domaines")
    @signed_in
    def propose() -> Response:
        act = signed_act(office, sent())
        if (act.type, act.target) != (AMENDMENT, account().id):
            raise Malformed("this signature is about something else")
        office.amendments.propose(act)
        return jsonify(next="/structure/domaines")

    return pages
