"""What a structure has: its certificates with their ends, each with its files, and its revocation by the administrator."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, render_template
from werkzeug.wrappers import Response

from pki.bootstrap.office import Office
from pki.inventory.model import Certificate, Reason, State
from pki.registration.selfservice import renewal_begins
from pki.revocation.service import OWN_REVOCATION, reason_named
from trust.errors import Malformed
from web.kit import files
from web.kit.forms import sent, text
from web.kit.language import N_, _
from web.kit.safety import account, signed_in
from web.kit.servers import what
from web.structure.own import certificate_of, signed_act, to_sign

REASONS = {
    Reason.SUPERSEDED: N_("Un autre certificat le remplace"),
    Reason.CESSATION_OF_OPERATION: N_("Le serveur ou l'application ne sert plus"),
    Reason.KEY_COMPROMISE: N_("La clé est perdue, volée, ou a pu être copiée"),
}
"""Why an administrator ends a certificate, in the order in which it is offered."""
WHY = {
    **REASONS,
    Reason.PRIVILEGE_WITHDRAWN: N_("L'ordre l'a retiré"),
    Reason.AFFILIATION_CHANGED: N_("La situation de la structure a changé"),
}


def views(office: Office) -> Blueprint:
    """Return the views."""
    pages = Blueprint("certificates", __name__)

    @pages.get("/")
    @signed_in
    def home() -> str:
        mine = [shown(office, each) for each in office.selfservice.credentials(account().id)]
        alive = sorted((each for each in mine if each["alive"]), key=lambda each: each["not_after"])
        return render_template(
            "home.html",
            alive=alive,
            over=[each for each in mine if not each["alive"]],
            pending=office.amendments.pending(account().id),
            passkeys=len(office.passkeys.of(account())),
        )

    @pages.get("/certificats/<serial>")
    @signed_in
    def certificate(serial: str) -> str:
        found = certificate_of(office, serial)
        allowed = office.home.reasons.get(found.profile, frozenset())
        reasons = {each.standard_name: words for each, words in REASONS.items() if each in allowed}
        return render_template("certificate.html", card=shown(office, found), reasons=reasons, board=found.board)

    @pages.get("/certificats/<serial>/certificat.pem")
    @signed_in
    def pem(serial: str) -> Response:
        chain = office.chain(certificate_of(office, serial).serial, account().id)
        return files.attached(files.pem(chain), "application/x-pem-file", f"{serial}.pem")

    @pages.get("/certificats/<serial>/certificat.cer")
    @signed_in
    def der(serial: str) -> Response:
        return files.attached(certificate_of(office, serial).der, "application/pkix-cert", f"{serial}.cer")

    @pages.post("/certificats/<serial>/revocation/options")
    @signed_in
    def end_options(serial: str) -> Response:
        reason = reason_named(text(sent(), "reason", 40))
        return to_sign(office, office.revocation.own_statement(certificate_of(office, serial).serial, reason, account().id))

    @pages.post("/certificats/<serial>/revocation")
    @signed_in
    def end(serial: str) -> Response:
        found, act = certificate_of(office, serial), signed_act(office, sent())
        if (act.type, act.target) != (OWN_REVOCATION, found.serial.hex()):
            raise Malformed("this signature is about something else")
        office.revocation.by_passkey(act)
        return jsonify(next=f"/structure/certificats/{serial}")

    return pages


def shown(office: Office, certificate: Certificate) -> dict[str, Any]:
    """Say of a certificate what its administrator asks: for what, until when, and where it stands."""
    now = office.home.clock.now()
    alive = certificate.state in (State.ISSUED, State.HELD) and now <= certificate.not_after
    state, look = N_("valable"), "good"
    if certificate.state is State.REVOKED:
        state, look = N_("révoqué"), "bad"
    elif now > certificate.not_after:
        state, look = N_("expiré"), "bad"
    elif certificate.state is State.HELD:
        state, look = N_("suspendu"), "warn"
    elif now >= renewal_begins(certificate):
        state, look = N_("à renouveler"), "warn"
    why = None if certificate.reason is None or alive else WHY.get(certificate.reason, N_("Autre motif"))
    return {
        "serial": certificate.serial.hex(),
        "names": what(certificate),
        "profile": _(office.home.profiles[certificate.profile].title),
        "not_before": certificate.not_before,
        "not_after": certificate.not_after,
        "left": (certificate.not_after - now).days,
        "revoked_at": certificate.revoked_at if certificate.state is State.REVOKED else None,
        "alive": alive,
        "state": _(state),
        "look": look,
        "why": None if why is None else _(why),
    }
