"""What every page of officers shares: who is at work and for which ordre, the age of the register, acts signed with the passkey.

A signed act is made in three steps: a page asks for the statement (``…/options``), the browser signs it, the page sends both
back. The service that takes the act verifies everything again; what passes here is only carried.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, g, jsonify
from werkzeug.wrappers import Response

from pki.adapters.store.store import Transaction
from pki.bootstrap.office import Office
from pki.issuance.approvals import Act
from pki.registration.model import Batch
from pki.settings import Board, Officer
from trust.errors import Malformed, Missing, Refused
from web.board import words
from web.kit import wording
from web.kit.forms import text
from web.kit.safety import account
from web.kit.tiles import RegisterAge

LONGEST_STATEMENT = 200_000
LONGEST_REASON = 500


def officer_of(office: Office) -> tuple[Officer, Board]:
    """Return who is at work, and for which ordre."""
    officer = office.home.settings.officer(account().id)
    return officer, office.home.settings.board(officer.board)


def own_batch(tx: Transaction, batch_id: str, board: Board) -> Batch:
    """Return a batch of an ordre.

    Raises:
        Missing: there is none such.
    """
    batch = tx.requests.batch(batch_id)
    if batch.board != board.code:
        raise Missing(f"no batch of requests is called {batch_id}")
    return batch


def name_of_officer(board: Board, officer_id: str) -> str:
    """Return the name of an officer of a board; the identifier of anybody else."""
    return next((officer.name for officer in board.officers if officer.id == officer_id), officer_id)


def name_anywhere(office: Office, officer_id: str) -> str:
    """Return the name and the ordre of an officer of any board: the register is everybody's."""
    try:
        officer = office.home.settings.officer(officer_id)
    except Missing:
        return officer_id
    return f"{officer.name} ({officer.board})"


def require_role(officer: Officer, role: str) -> None:
    """Stop here unless the mandate of this officer gives that role.

    Raises:
        Refused: it does not.
    """
    if role not in officer.roles:
        raise Refused(f"{officer.id} does not hold the role {role!r}", citation="CP 5.2.1")


def install(app: Flask, office: Office) -> None:
    """Have every page know the officer, the ordre and the age of the register."""

    def everywhere() -> dict[str, Any]:
        if g.get("session") is None:
            return {}
        officer, board = officer_of(office)
        return {"officer": officer, "board": board, "register_age": RegisterAge.of(office)}

    app.context_processor(everywhere)


def install_words(app: Flask) -> None:
    """Have officers told why something is refused, where the words are known."""
    wording.install(app, lambda said: words.known(said) or words.known_of_file(said))


def reason(body: dict[str, Any]) -> str:
    """Return the reason that an officer typed.

    Raises:
        Malformed: there is none, or it is no short line.
    """
    found = text(body, "reason", LONGEST_REASON)
    if not found:
        raise Malformed(f"a reason is one line of 1 to {LONGEST_REASON} characters")
    return found


def to_sign(office: Office, statement: str) -> Response:
    """Ask the browser to have the officer sign a statement."""
    return jsonify(statement=statement, options=office.passkeys.signing_options(account(), statement))


def signed_act(office: Office, body: dict[str, Any]) -> Act:
    """Make the act that an officer signed in the browser. The service that takes it verifies it."""
    statement, who = body.get("statement"), account()
    if not isinstance(statement, str) or len(statement) > LONGEST_STATEMENT:
        raise Malformed("this is not what our page sends")
    _, assertion = office.passkeys.signature(who, body.get("response"))
    return Act.of(statement, assertion.pack(), officer=who.id)
