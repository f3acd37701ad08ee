"""Signed acts, carried: the caller brings a statement of ours and an officer's signature; the service that takes it verifies it.

The statement is also what makes a call safe to repeat: it names its object and its moment, so an act on record is not done again,
and is answered as it stands. Nothing is signed here, and no key is known.
"""

from __future__ import annotations

import json

from pki.issuance.approvals import Act
from trust.errors import Malformed, Missing
from web.api.route import Call
from web.api.shapes import SignedAct, Statement


def to_sign(call: Call, statement: str) -> Statement:
    """Return a statement, for the officer who calls to sign."""
    return Statement(statement=statement, officer=call.who.account.id)


def signed(call: Call, *types: str, target: str | None = None) -> Act:
    """Return the act that was sent, about this very object.

    An officer hands in what the same officer signed. A structure hands in what an officer of its ordre signed for it.

    Raises:
        Malformed: it is no act, or about something else.
    """
    sent: SignedAct = call.body
    officer = call.who.account.id if call.who.is_officer else _officer_of(call, sent.statement)
    act = Act.of(sent.statement, sent.signature, officer=officer)
    if act.type not in types or (target is not None and act.target != target):
        raise Malformed("this signature is about something else")
    return act


def on_record(call: Call, act: Act) -> bool:
    """Tell whether this very act was taken before."""
    with call.office.home.store.read() as tx:
        known = tx.acts.of_target(act.type, act.target)
    return any((each.officer, each.statement) == (act.officer, act.statement) for each in known)


def officer_named(call: Call, named: str | None) -> str:
    """Return the officer who will sign a request: who calls, or the one whom a structure names.

    Raises:
        Malformed: a structure names nobody, or an officer names somebody else.
        Missing: no such officer in the ordre that answers for the structure.
    """
    if call.who.is_officer:
        if named not in (None, call.who.account.id):
            raise Malformed("an officer hands in what the same officer signs")
        return call.who.account.id
    if named is None:
        raise Malformed("name the officer of your ordre who will sign this request")
    if named not in {officer.id for officer in call.board.officers}:
        raise Missing("your ordre has no officer of that name")
    return named


def _officer_of(call: Call, statement: str) -> str:
    try:
        return officer_named(call, str(json.loads(statement)["officer"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Malformed("this is not the statement of an act") from None
