"""Other domains for an approved structure: proposed by one officer or by its administrator, decided by an officer (CP 3.2.2)."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from pki.authenticators.tokens import Scope
from pki.issuance.approvals import Act
from pki.registration.amendments import AMENDMENT, AMENDMENT_APPROVAL, AMENDMENT_REFUSAL
from web.api.acts import on_record, signed, to_sign
from web.api.requests import DnsName
from web.api.route import Call, For, Nothing, Route, Sent, Shape
from web.api.shapes import Moment, Reasoned, SignedAct, Statement
from web.api.structures import own


class Proposed(Shape):
    """Domains that wait for a decision."""

    by: str
    at: Moment
    domains: list[str]
    added: list[str]
    dropped: list[str]
    """Certificates of servers under them end with the approval."""


class Domains(Shape):
    """The domains of a structure."""

    number: str
    domains: list[str]
    proposed: Proposed | None


class DomainsAsked(Sent):
    """The domains that a structure shall have."""

    domains: Annotated[tuple[DnsName, ...], Meta(max_length=50)]


class DomainsDecided(Shape):
    """What a decision changed."""

    domains: Domains
    certificates: int
    """That ended."""


def _shown(call: Call) -> Domains:
    found = own(call)
    waits = None if found.approved_at is None else call.office.amendments.pending(found.id)
    proposed = None
    if waits is not None:
        facts = {name: list(getattr(waits, name)) for name in ("domains", "added", "dropped")}
        proposed = Proposed(by=waits.by, at=waits.at, **facts)
    return Domains(number=found.id, domains=list(found.domains), proposed=proposed)


def _proposal_statement(call: Call) -> Statement:
    asked: DomainsAsked = call.body
    found = own(call)
    call.require_role("register")
    return to_sign(call, call.office.amendments.proposal_statement(found.id, call.who.account.id, asked.domains))


def _propose(call: Call) -> Domains:
    act = signed(call, AMENDMENT, target=own(call).id)
    if not on_record(call, act):
        call.office.amendments.propose(act)
    return _shown(call)


def _approval_statement(call: Call) -> Statement:
    return _decision_statement(call, None)


def _refusal_statement(call: Call) -> Statement:
    asked: Reasoned = call.body
    return _decision_statement(call, asked.reason)


def _decision_statement(call: Call, reason: str | None) -> Statement:
    found = own(call)
    call.require_role("approve")
    return to_sign(call, call.office.amendments.decision_statement(found.id, call.who.account.id, reason=reason))


def _approve(call: Call) -> DomainsDecided:
    return _decide(call, signed(call, AMENDMENT_APPROVAL, target=own(call).id))


def _refuse(call: Call) -> DomainsDecided:
    return _decide(call, signed(call, AMENDMENT_REFUSAL, target=own(call).id))


def _decide(call: Call, act: Act) -> DomainsDecided:
    ended = 0 if on_record(call, act) else call.office.amendments.decide(act).certificates
    return DomainsDecided(domains=_shown(call), certificates=ended)


_ONE = "/structures/{number}/domains"
_ASKS: dict[str, Any] = {"scope": Scope.REQUEST, "tag": "structures", "conflicts": True}
_DECIDES: dict[str, Any] = {"scope": Scope.DECIDE, "tag": "structures"}
ROUTES = (
    Route("GET", _ONE, "showDomains", "Its domains, and those that are proposed", _shown, Domains, audience=For.BOTH,
          tag="structures"),
    Route("POST", f"{_ONE}/statement", "prepareDomains", "What to sign to propose other domains", _proposal_statement, Statement,
          body=DomainsAsked, **_ASKS),
    Route("POST", _ONE, "proposeDomains", "Propose other domains: another officer decides", _propose, Domains, body=SignedAct,
          **_ASKS),
    Route("POST", f"{_ONE}/approval/statement", "prepareDomainsApproval", "What to sign to approve what is proposed",
          _approval_statement, Statement, body=Nothing, **_DECIDES),
    Route("POST", f"{_ONE}/approval", "approveDomains", "Approve it", _approve, DomainsDecided, body=SignedAct, conflicts=True,
          **_DECIDES),
    Route("POST", f"{_ONE}/refusal/statement", "prepareDomainsRefusal", "What to sign to refuse it", _refusal_statement,
          Statement,
          body=Reasoned, **_DECIDES),
    Route("POST", f"{_ONE}/refusal", "refuseDomains", "Refuse it", _refuse, DomainsDecided, body=SignedAct, conflicts=True,
          **_DECIDES),
)  # fmt: skip
