"""The phone is lost: from any browser, with a printed code, everything ends. And the sheet of codes, made while one is signed in.

What is answered is the same for somebody who is known and somebody who is not. Many wrong codes keep nobody out: the right one is
still taken.
"""

from __future__ import annotations

from flask import Blueprint, abort, g, jsonify, render_template, request
from werkzeug.wrappers import Response

from pki.authenticators.model import Account, Kind
from pki.bootstrap.office import Office
from pki.registration.checks import holder_of_person
from trust.errors import Refused, Unavailable
from web.kit.language import _
from web.kit.safety import account, drop_cookie, log, signed_in
from web.portal import people

LONGEST = 100
ENDED = "Une perte a été signalée en votre nom : vos clés d'accès et vos certificats ont pris fin."


def views(office: Office) -> Blueprint:
    """Return the views."""
    pages = Blueprint("loss", __name__)

    @pages.get("/perte")
    def form() -> str:
        return render_template("loss.html", number="", error="")

    @pages.post("/perte")
    def report() -> Response | str | tuple[str, int]:
        number, code = (request.form.get(name, "").strip()[:LONGEST] for name in ("numero", "code"))
        try:
            ended = office.losses.report(number, code)
        except Refused:
            error = _("Ce numéro et ce code ne vont pas ensemble. Vérifiez-les, ou prenez un autre code de la feuille.")
            return render_template("loss.html", number=number, error=error), 403
        except Unavailable:
            error = _("Trop de codes faux pour ce numéro. Sans code de la feuille, votre ordre peut tout bloquer : appelez-le.")
            return render_template("loss.html", number=number, error=error), 429
        who = Account(Kind.PERSON, holder_of_person(number, office.home.settings.mode))
        office.tell(who, "Une perte a été signalée", ENDED)
        log("a loss was reported: %d passkeys, %d certificates ended", ended.passkeys, len(ended.certificates))
        g.session = None
        return drop_cookie(_page(ended.passkeys, len(ended.certificates)))

    @pages.get("/secours")
    @signed_in
    def sheet() -> str:
        with office.home.store.read() as tx:
            made_at = tx.recovery.made_at(account())
        return render_template("sheet.html", made_at=made_at, who=people.practitioner(office, account().id))

    @pages.post("/secours")
    @signed_in
    def new_sheet() -> Response:
        if not office.sessions.is_fresh(g.session):
            abort(401)
        return jsonify(codes=office.losses.new_sheet(account()))

    return pages


def _page(passkeys: int, certificates: int) -> Response:
    from flask import make_response

    return make_response(render_template("lost.html", passkeys=passkeys, certificates=certificates))
