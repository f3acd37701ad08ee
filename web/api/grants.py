"""What people and structures' administrators may obtain by themselves, as officers granted it; and its end (CP 4.7.2)."""

from __future__ import annotations

from typing import Any

from pki.authenticators.model import Account
from pki.authenticators.tokens import Scope
from pki.issuance.grants import account_of
from pki.issuance.order import Grant
from pki.registration.grants import GRANT_WITHDRAWAL
from web.api.acts import on_record, signed, to_sign
from web.api.route import Call, Route, Sent, Shape
from web.api.shapes import Limit, Moment, Reasoned, SignedAct, Statement


class GrantShape(Shape):
    """What somebody may obtain."""

    id: str
    batch: str
    holder: str
    profiles: list[str]
    approved_at: Moment
    withdrawn_at: Moment | None
    entered: bool
    """The holder has a passkey, and needs no link any more."""


class Grants(Shape):
    """What the ordre granted and stands, latest first."""

    grants: list[GrantShape]


class GrantQuery(Sent):
    """Which grants."""

    waiting: bool = False
    """Only of those who have not come yet."""
    limit: Limit = 50


def _shape(call: Call, found: Grant) -> GrantShape:
    return GrantShape(
        id=found.id,
        batch=found.batch,
        holder=found.holder,
        profiles=list(found.profiles),
        approved_at=found.approved_at,
        withdrawn_at=found.withdrawn_at,
        entered=bool(call.office.passkeys.of(Account.parse(account_of(found.holder)))),
    )


def _listed(call: Call) -> Grants:
    query: GrantQuery = call.query
    found = call.office.grants.of_board(call.who.board, limit=query.limit, waiting_only=query.waiting)
    return Grants(grants=[_shape(call, each) for each in found])


def _shown(call: Call) -> GrantShape:
    return _shape(call, call.office.grants.seen_by(call.path["request"], call.who.account.id))


def _withdrawal_statement(call: Call) -> Statement:
    asked: Reasoned = call.body
    found = _shown(call)
    call.require_role("revoke")
    return to_sign(call, call.office.grants.withdrawal_statement(found.id, call.who.account.id, asked.reason))


def _withdraw(call: Call) -> GrantShape:
    act = signed(call, GRANT_WITHDRAWAL, target=_shown(call).id)
    if not on_record(call, act):
        call.office.grants.withdraw(act)
    return _shown(call)


_ONE = "/grants/{request}"
_TAG: dict[str, Any] = {"tag": "requests"}
ROUTES = (
    Route("GET", "/grants", "listGrants", "What people may obtain by themselves", _listed, Grants, query=GrantQuery, **_TAG),
    Route("GET", _ONE, "showGrant", "Show a grant", _shown, GrantShape, **_TAG),
    Route("POST", f"{_ONE}/withdrawal/statement", "prepareGrantWithdrawal", "What to sign to withdraw it", _withdrawal_statement,
          Statement, body=Reasoned, scope=Scope.DECIDE, **_TAG),
    Route("POST", f"{_ONE}/withdrawal", "withdrawGrant", "Withdraw it: certificates stay, nothing more is obtained", _withdraw,
          GrantShape, body=SignedAct, scope=Scope.DECIDE, conflicts=True, **_TAG),
)  # fmt: skip
