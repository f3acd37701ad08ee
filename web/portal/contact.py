"""Where a practitioner wants to be reminded that a certificate ends."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response

from pki.bootstrap.office import Office
from pki.registration.reminders import Reminders
from trust.errors import Malformed
from web.kit.language import _
from web.kit.safety import account, signed_in

LONGEST = 300


def views(office: Office) -> Blueprint:
    """Return the views."""
    pages = Blueprint("contact", __name__)

    @pages.get("/rappels")
    @signed_in
    def form() -> str:
        return render_template("contact.html", address=_reminders(office).address(account()) or "", error="")

    @pages.post("/rappels")
    @signed_in
    def save() -> Response | tuple[str, int]:
        typed = request.form.get("adresse", "").strip()[:LONGEST]
        try:
            _reminders(office).set_address(account(), typed)
        except Malformed:
            error = _("Ceci n'est pas une adresse. Écrivez-la ainsi : nom@domaine.fr")
            return render_template("contact.html", address=typed, error=error), 400
        return redirect("/moi/")

    return pages


def _reminders(office: Office) -> Reminders:
    found = office.reminders
    if found is None:
        abort(404)
    return found
