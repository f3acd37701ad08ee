"""Certificates for oneself: who the link is for, what is asked with keys that the browser made, how far the issuer is.

The browser sends requests in PKCS#10, the person signs what is asked with a passkey, the service verifies all of it and leaves
orders for the issuer; this page carries them, and never sees a private key. Activation and renewal are the same act.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from pki.authenticators.entries import CITATION, tidy
from pki.authenticators.model import Kind
from pki.bootstrap.office import Office
from pki.issuance.approvals import Act
from pki.issuance.order import OrderState
from pki.registration.selfservice import Asked, SelfOrder
from trust import clock
from trust.errors import Malformed, Missing, Refused
from web.kit.forms import sent
from web.kit.safety import account, signed_in
from web.kit.writing import day
from web.portal import people

LONGEST_REQUEST = 16 * 1024
"""Characters of a request in base64: one of RSA-4096 takes 1,500."""
LONGEST_STATEMENT = 20_000
MOST = 10
STATES = {OrderState.PENDING: "attente", OrderState.PREPARED: "attente", OrderState.DONE: "fait", OrderState.FAILED: "echec"}


def views(office: Office) -> Blueprint:
    """Return the views."""
    pages = Blueprint("activation", __name__)

    @pages.post("/entree/<token>/identite")
    def identity(token: str) -> Response:
        code = sent().get("code")
        entry = office.entries.look(token)
        if entry.account.kind is not Kind.PERSON:
            raise Refused("this link is unknown, was used before or is too old", citation=CITATION)
        # A link that asks for a code says nothing without it: letters go to the wrong address.
        if entry.code is not None:
            office.entries.check_code(token, tidy(str(code or "")))
        holder = entry.account.id
        mine = office.selfservice.credentials(holder)
        wishes = people.together(people.obtainable(office, holder, mine))
        return jsonify(people.facts(people.practitioner(office, holder)) | {"credentials": wishes})

    @pages.post("/certificats/options")
    @signed_in
    def options() -> Response:
        asked = [Asked(_text(each, "profile", 100), _octets(_text(each, "request"))) for each in _list("requests")]
        draft = office.selfservice.prepare(account().id, asked)
        signing = office.passkeys.signing_options(account(), draft.statement)
        return jsonify(statement=draft.statement, requests=draft.requests, options=signing)

    @pages.post("/certificats")
    @signed_in
    def submit() -> Response:
        body = sent()
        statements = [_text({"it": each}, "it", LONGEST_STATEMENT) for each in _list("requests")]
        csrs = [_octets(_text({"it": each}, "it")) for each in _list("csrs")]
        _, assertion = office.passkeys.signature(account(), body.get("response"))
        act = Act.of(_text(body, "statement", LONGEST_STATEMENT), assertion.pack(), officer=str(account()))
        return jsonify(batch=office.selfservice.submit(act, statements, csrs))

    @pages.get("/certificats/lots/<batch>")
    @signed_in
    def progress(batch: str) -> Response:
        orders = office.selfservice.state(batch, account().id)
        if not orders:
            raise Missing("no such batch")
        return jsonify(orders=[_order(office, each) for each in orders])

    return pages


def _order(office: Office, order: SelfOrder) -> dict[str, Any]:
    told: dict[str, Any] = {"profile": order.profile, "state": STATES[order.state], "failure": order.failure}
    if order.state is OrderState.DONE and order.serial is not None:
        holder = account().id
        with office.home.store.read() as tx:
            end = tx.certificates.get(order.serial).not_after
        chain = [b64encode(each).decode() for each in office.chain(order.serial, holder)]
        told |= {"serial": order.serial.hex(), "chain": chain, "until": day(end), "not_after": clock.text(end)}
    return told


def _list(name: str) -> list[Any]:
    found = sent().get(name)
    if not isinstance(found, list) or not 0 < len(found) <= MOST:
        raise Malformed(f"{name} is a short list")
    return found


def _text(record: Any, name: str, longest: int = LONGEST_REQUEST) -> str:
    found = record.get(name) if isinstance(record, dict) else None
    if not isinstance(found, str) or not 0 < len(found) <= longest:
        raise Malformed(f"{name} is a text of {longest} characters at most")
    return found


def _octets(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise Malformed("a request comes in base64") from None
