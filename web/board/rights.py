"""What an ordre granted to somebody: who decided it, what it gave, and its withdrawal, signed with the passkey (CP 4.7.2)."""

from __future__ import annotations

from json import loads
from typing import Any

from flask import Blueprint, jsonify, render_template
from werkzeug.wrappers import Response

from pki.authenticators.model import Account, Kind
from pki.bootstrap.office import Office
from pki.inventory.model import Certificate
from pki.issuance.approvals import APPROVAL
from pki.issuance.order import Grant, read_request
from pki.registration.grants import GRANT_WITHDRAWAL
from trust.errors import Malformed
from web.board import compare, words
from web.board.delivery import addresses, masked
from web.board.frame import LONGEST_REASON, name_of_officer, officer_of, signed_act, to_sign
from web.kit.forms import sent, text
from web.kit.safety import account, signed_in


def views(office: Office) -> Blueprint:
    """Return the views."""
    pages = Blueprint("rights", __name__)

    def own(grant_id: str) -> Grant:
        return office.grants.seen_by(grant_id, account().id)

    @pages.get("/droits/<grant_id>")
    @signed_in
    def grant(grant_id: str) -> str:
        found = own(grant_id)
        subject = loads(found.statement)["subject"]
        return render_template(
            "grant.html",
            grant=found,
            name=compare.name_of(subject),
            is_person=subject["kind"] == "person",
            address=masked(addresses(office, [found]).get(found.holder, "")) if subject["kind"] == "person" else "",
            profiles=[compare.profile_name(each) for each in found.profiles],
            has_entered=bool(office.passkeys.of(Account(Kind.PERSON, found.holder))),
            **_decided(office, found),
            certificates=_certificates(office, found),
        )

    @pages.post("/droits/<grant_id>/retrait/options")
    @signed_in
    def withdraw_options(grant_id: str) -> Response:
        reason = text(sent(), "reason", LONGEST_REASON)
        return to_sign(office, office.grants.withdrawal_statement(own(grant_id).id, account().id, reason))

    @pages.post("/droits/<grant_id>/retrait")
    @signed_in
    def withdraw(grant_id: str) -> Response:
        found, act = own(grant_id), signed_act(office, sent())
        if (act.type, act.target) != (GRANT_WITHDRAWAL, found.id):
            raise Malformed("this signature is about something else")
        office.grants.withdraw(act)
        return jsonify(next=f"/ordre/droits/{found.id}")

    return pages


def _decided(office: Office, grant: Grant) -> dict[str, Any]:
    """Say who asked, who approved, and who withdrew it with which words."""
    board = officer_of(office)[1]
    with office.home.store.read() as tx:
        approvals = tx.acts.of_target(APPROVAL, grant.batch)
        withdrawal = next(iter(tx.acts.of_target(GRANT_WITHDRAWAL, grant.id)), None)
    return {
        "requester": name_of_officer(board, read_request(grant.statement).requester),
        "approvers": sorted({name_of_officer(board, act.officer) for act in approvals}),
        "withdrawn_by": None if withdrawal is None else name_of_officer(board, withdrawal.officer),
        "reason": None if withdrawal is None else withdrawal.record().get("reason"),
    }


def _certificates(office: Office, grant: Grant) -> list[tuple[Certificate, str, str]]:
    """Return what its holder has of these profiles in this ordre, newest first."""
    with office.home.store.read() as tx:
        found = tx.certificates.search(board=grant.board, holder=grant.holder, limit=50)
    now = office.home.clock.now()
    mine = [each for each in found if each.profile in grant.profiles]
    return [(each, compare.profile_name(each.profile), words.state_of(each, now)) for each in mine]
