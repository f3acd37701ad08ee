"""Asking for a certificate: the request of a server is pasted, signed for with the passkey, and followed until it is there.

Nothing waits here between the question and the answer: what was signed comes back with its statement, and is compared with what
would be asked now (`pki.registration.selfservice`).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response

from pki.bootstrap.office import Office
from pki.issuance.order import OrderState
from trust.errors import Malformed, Missing
from web.kit.forms import sent
from web.kit.safety import account, signed_in
from web.kit.servers import KINDS, asked, asked_before
from web.structure.own import LONGEST_STATEMENT, certificate_of, signed_act, to_sign


def views(office: Office) -> Blueprint:
    """Return the views."""
    pages = Blueprint("requests", __name__)

    @pages.get("/demande")
    @signed_in
    def ask() -> str:
        serial = request.args.get("comme")
        old = None if serial is None else asked_before(certificate_of(office, serial))
        return render_template("ask.html", kinds=KINDS, old=old)

    @pages.post("/demande/options")
    @signed_in
    def ask_options() -> Response:
        wanted = asked(sent())
        draft = office.selfservice.prepare(account().id, [wanted])
        return to_sign(office, draft.statement, {"request": draft.requests[0], "csr": b64encode(wanted.csr).decode()})

    @pages.post("/demande")
    @signed_in
    def submit() -> Response:
        body = sent()
        statement, csr = _draft(body.get("draft"))
        batch = office.selfservice.submit(signed_act(office, body), [statement], [csr])
        return jsonify(next=f"/structure/demandes/{batch}")

    @pages.get("/demandes/<batch>")
    @signed_in
    def follow(batch: str) -> Response | str:
        orders = office.selfservice.state(batch, account().id)
        if not orders:
            raise Missing("no such batch")
        (order,) = orders
        if order.state is OrderState.DONE and order.serial is not None:
            return redirect(f"/structure/certificats/{order.serial.hex()}")
        return render_template("follow.html", failure=order.failure if order.state is OrderState.FAILED else None)

    return pages


def _draft(value: Any) -> tuple[str, bytes]:
    """Read what went out with the question and comes back with the answer."""
    statement, csr = (value.get("request"), value.get("csr")) if isinstance(value, dict) else (None, None)
    if not isinstance(statement, str) or not isinstance(csr, str) or len(statement) + len(csr) > 2 * LONGEST_STATEMENT:
        raise Malformed("this is not what our page sends")
    try:
        return statement, b64decode(csr, validate=True)
    except ValueError:
        raise Malformed("this is not what our page sends") from None
