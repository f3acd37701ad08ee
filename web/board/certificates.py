"""The page of one certificate: whose it is, how it stands, who asked and who approved; ended, held or released by a signed act.

The reasons offered are those that the policy allows for its profile (CP 4.9.1). What the register or a decision of the ordre
holds is not released here (CP 4.9.16): the service refuses, and the page says so beforehand.
"""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate
from flask import Blueprint, jsonify, make_response, render_template
from werkzeug.wrappers import Response

from pki.bootstrap.office import Office
from pki.bootstrap.proof import evidence_of
from pki.inventory.model import REASONS_BY_NAME, Certificate, Reason, State
from pki.issuance.approvals import APPROVAL, SUBMISSION
from pki.settings import Board
from trust import clock
from trust.errors import Malformed, Missing
from web.board import compare, words
from web.board.frame import name_of_officer, officer_of, signed_act, to_sign
from web.kit.forms import sent
from web.kit.language import N_, _
from web.kit.safety import account, signed_in

ACTS = {SUBMISSION: N_("Demandé par"), APPROVAL: N_("Approuvé par")}


def views(office: Office) -> Blueprint:
    """Return the views."""
    pages = Blueprint("certificates", __name__)

    @pages.get("/certificats/<serial>")
    @signed_in
    def certificate(serial: str) -> str:
        officer, board = officer_of(office)
        found, now = _own(office, serial, board), office.home.clock.now()
        allowed = office.home.reasons[found.profile] - {Reason.CERTIFICATE_HOLD}
        return render_template(
            "certificate.html",
            certificate=found,
            name=compare.name_of(json.loads(found.subject)),
            profile=compare.profile_name(found.profile),
            state=words.state_of(found, now),
            status=found.status_at(now),
            by=None if found.held_by is None else name_of_officer(board, found.held_by),
            reason=None if found.reason is None else _(words.REASONS[found.reason]),
            reasons=[(each.standard_name, _(said)) for each, said in words.REASONS.items() if each in allowed],
            may_hold=Reason.CERTIFICATE_HOLD in office.home.reasons[found.profile],
            may_end="revoke" in officer.roles,
            steps=_steps(office, found, board),
            others=_others(office, found),
        )

    @pages.post("/certificats/<serial>/fin/options")
    @signed_in
    def end_options(serial: str) -> Response:
        found = _own(office, serial, officer_of(office)[1])
        reason = REASONS_BY_NAME.get(str(sent().get("reason")))
        if reason is None:
            raise Malformed("a revocation has one of the reasons that the page offers")
        return to_sign(office, office.revocation.officer_statement(found.serial, reason, account().id))

    @pages.post("/certificats/<serial>/fin")
    @signed_in
    def end(serial: str) -> Response:
        _own(office, serial, officer_of(office)[1])
        office.revocation.by_officer(signed_act(office, sent()))
        return jsonify(next=f"/ordre/certificats/{serial}")

    @pages.post("/certificats/<serial>/reprise/options")
    @signed_in
    def release_options(serial: str) -> Response:
        found = _own(office, serial, officer_of(office)[1])
        return to_sign(office, office.revocation.release_statement(found.serial, account().id))

    @pages.post("/certificats/<serial>/reprise")
    @signed_in
    def release(serial: str) -> Response:
        _own(office, serial, officer_of(office)[1])
        office.revocation.release_by_officer(signed_act(office, sent()))
        return jsonify(next=f"/ordre/certificats/{serial}")

    @pages.get("/certificats/<serial>/preuve.json")
    @signed_in
    def proof(serial: str) -> Response:
        found = _own(office, serial, officer_of(office)[1])
        return _file(json.dumps(evidence_of(office.home, found.serial), indent=1), "application/json", f"preuve-{serial}.json")

    @pages.get("/certificats/<serial>/certificat.pem")
    @signed_in
    def chain(serial: str) -> Response:
        found = _own(office, serial, officer_of(office)[1])
        octets = "".join(load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode() for der in _chain(office, found))
        return _file(octets, "application/x-pem-file", f"certificat-{serial}.pem")

    return pages


def _own(office: Office, serial: str, board: Board) -> Certificate:
    """Return a certificate of this ordre; any other does not exist."""
    try:
        octets = bytes.fromhex(serial)
    except ValueError:
        octets = b""
    with office.home.store.read() as tx:
        found = tx.certificates.of_serials([octets])
    if not found or found[0].board != board.code or found[0].state is State.PREPARED:
        raise Missing(f"no certificate has the serial number {serial[:40]}")
    return found[0]


def _steps(office: Office, certificate: Certificate, board: Board) -> list[tuple[str, str, Any]]:
    """Return what led to a certificate: (what, who, when), oldest first."""
    try:
        evidence = evidence_of(office.home, certificate.serial)
    except Missing:
        return []
    steps = []
    for act in [*evidence["acts"], *evidence.get("grant", {}).get("acts", [])]:
        said = json.loads(act["statement"])
        who = name_of_officer(board, str(said["officer"]))
        if who.startswith("person:"):
            who = _("le titulaire, avec sa clé d'accès")
        steps.append((_(ACTS.get(said["type"], N_("Clé faite et signée par"))), who, clock.parse(said["at"])))
    return sorted(steps, key=lambda step: step[2])


def _others(office: Office, certificate: Certificate) -> list[tuple[Certificate, str, str]]:
    """Return the other certificates of the same holder in the same ordre, newest first."""
    with office.home.store.read() as tx:
        found = tx.certificates.search(board=certificate.board, holder=certificate.holder, limit=50)
    now = office.home.clock.now()
    return [
        (each, compare.profile_name(each.profile), words.state_of(each, now))
        for each in found
        if each.serial != certificate.serial
    ]


def _chain(office: Office, certificate: Certificate) -> list[bytes]:
    """Return a certificate and its issuers, without the root: what servers send."""
    chain, ca, known = [certificate.der], certificate.ca, office.home.ca_certificates()
    while (issuer := office.home.settings.ca(ca).issuer) is not None:
        chain.append(known[ca].der)
        ca = issuer
    return chain


def _file(content: str, kind: str, name: str) -> Response:
    response = make_response(content)
    response.headers["Content-Type"] = kind
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
