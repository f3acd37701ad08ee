"""What is the structure's own: itself, its certificates, the acts that its administrator signs. All else does not exist here."""

from __future__ import annotations

from typing import Any

from flask import jsonify
from werkzeug.wrappers import Response

from pki.bootstrap.office import Office
from pki.inventory.model import Certificate
from pki.issuance.approvals import Act
from pki.registration.model import Organisation
from trust.errors import Malformed, Missing
from web.kit.safety import account

LONGEST_STATEMENT = 20_000


def structure_of(office: Office) -> Organisation:
    """Return the structure of who is signed in."""
    with office.home.store.read() as tx:
        return tx.organisations.get(account().id)


def certificate_of(office: Office, serial: str) -> Certificate:
    """Return a certificate of the structure.

    Raises:
        Missing: it has no such certificate.
    """
    try:
        octets = bytes.fromhex(serial)
    except ValueError:
        raise Missing("no such certificate") from None
    with office.home.store.read() as tx:
        found = tx.certificates.get(octets)
    if found.holder != account().id or found.signature is None:
        raise Missing(f"no certificate has the serial number {serial}")
    return found


def to_sign(office: Office, statement: str, draft: object = None) -> Response:
    """Ask the browser to have the administrator sign a statement; `draft` comes back with it."""
    return jsonify(statement=statement, options=office.passkeys.signing_options(account(), statement), draft=draft)


def signed_act(office: Office, body: dict[str, Any]) -> Act:
    """Make the act that was signed in the browser. The service that takes it verifies it."""
    statement = body.get("statement")
    if not isinstance(statement, str) or len(statement) > LONGEST_STATEMENT:
        raise Malformed("this is not what our page sends")
    _, assertion = office.passkeys.signature(account(), body.get("response"))
    return Act.of(statement, assertion.pack(), officer=str(account()))
