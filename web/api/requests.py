"""Requests: certificates and enrolments asked for, judged line by line, then handed in with an officer's signature (CP 4.1, 4.2).

What was judged is kept until it is signed: what is handed in is what was judged, whatever was sent meanwhile. It belongs to who
asked, and is forgotten after an hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from pki.authenticators.tokens import Scope
from pki.bootstrap import registrar
from pki.issuance.approvals import SUBMISSION
from pki.registration.applications import Application, LineError
from pki.registration.enrol import Draft
from pki.registration.grants import GrantApplication
from pki.registration.model import Batch
from trust.errors import Malformed, Missing
from web.api.acts import on_record, signed
from web.api.batches import BatchShape, batch_shape
from web.api.certificates import ProfileName
from web.api.route import BASE, Call, Created, For, Number, Route, Sent, Shape
from web.api.shapes import Line, Moment, Pem, SignedAct

CHANNEL = "api"
DRAFT_LIFE = timedelta(hours=1)
DRAFTS = 20
"""Of one account that wait for their signature; the oldest are forgotten."""
MOST = 500
LARGE = 8 * 1024 * 1024
DnsName = Annotated[str, Meta(pattern="^[A-Za-z0-9.-]{1,253}$")]


class CertificateApplication(Sent):
    """One certificate asked for."""

    number: Number
    profile: ProfileName
    csr: Pem
    """Certification request (RFC 2986): it gives the key and proves its possession; names come from the register."""
    family_name: Line = ""
    given_name: Line = ""
    email: Line | None = None
    dns_names: Annotated[tuple[DnsName, ...], Meta(max_length=100)] = ()
    common_name: Line = ""


class CertificateApplications(Sent):
    """Certificates asked for."""

    applications: Annotated[list[CertificateApplication], Meta(min_length=1, max_length=MOST)]


class EnrolmentApplication(Sent):
    """What a person may obtain, asked for."""

    number: Number
    profiles: Annotated[list[ProfileName], Meta(min_length=1, max_length=10)]
    family_name: Line
    """As the register has it: a number that was typed wrong is then nobody's."""
    given_name: Line
    email: Line = ""
    """Where the ordre would send the link."""


class EnrolmentApplications(Sent):
    """Enrolments asked for."""

    applications: Annotated[list[EnrolmentApplication], Meta(min_length=1, max_length=MOST)]


class Judged(Shape):
    """What one application was found to be."""

    line: int
    """Its place in what was sent, from 1; 0 when it is alone."""
    outcome: Literal["new", "known", "refused"]
    request: str | None
    """The request that it is; null when refused."""
    why: str | None


class DraftShape(Shape):
    """What would be handed in: the officer signs it, or nothing is kept."""

    batch: str
    statement: str | None
    """To sign; null when there is nothing new to ask for."""
    officer: str
    ends_at: Moment
    applications: list[Judged]


def _certificates(call: Call) -> DraftShape:
    asked: CertificateApplications = call.body
    applications = [
        Application(
            each.number, each.profile, each.csr.encode(), each.family_name, each.given_name, each.email, each.dns_names,
            each.common_name, line,
        )
        for line, each in enumerate(asked.applications, 1)
    ]  # fmt: skip
    return draft_of(call, call.who.account.id, applications)


def draft_of(call: Call, officer: str, applications: Sequence[Application]) -> DraftShape:
    """Have certificates judged for an officer, and keep what may be handed in."""
    draft = registrar.enrolment(call.office.home, channel=CHANNEL).draft(officer, applications)
    return keep(call, draft, [each.line for each in applications])


def _enrolments(call: Call) -> DraftShape:
    asked: EnrolmentApplications = call.body
    applications = [
        GrantApplication(each.number, tuple(each.profiles), each.family_name, each.given_name, line, each.email)
        for line, each in enumerate(asked.applications, 1)
    ]
    draft = registrar.grants(call.office.home, channel=CHANNEL).draft(call.who.account.id, applications)
    return keep(call, draft, [each.line for each in applications])


def keep(call: Call, draft: Draft, lines: Sequence[int]) -> DraftShape:
    """Keep what may be handed in until it is signed; say what each line was found to be."""
    now, account = call.office.home.clock.now(), str(call.who.account)
    ends_at = now + DRAFT_LIFE
    if draft.records:
        content = Draft(draft.batch, draft.board, draft.requester, draft.records, draft.root)
        with call.office.home.store.write() as tx:
            tx.drafts.forget(now, account, DRAFTS - 1)
            tx.drafts.put(draft.batch, account, msgspec.json.encode(content), ends_at)
    return DraftShape(
        batch=draft.batch,
        statement=draft.statement(now) if draft.records else None,
        officer=draft.requester,
        ends_at=ends_at,
        applications=list(_judged(draft, lines)),
    )


def _judged(draft: Draft, lines: Sequence[int]) -> Iterator[Judged]:
    refused: dict[int, LineError] = {error.line: error for error in draft.refused}
    known, found = dict(draft.known), iter(draft.records)
    for line in lines:
        if line in refused:
            yield Judged(line=line, outcome="refused", request=None, why=refused[line].reason)
        elif line in known:
            yield Judged(line=line, outcome="known", request=known[line].id, why=None)
        else:
            yield Judged(line=line, outcome="new", request=next(found).id, why=None)


def _hand_in(call: Call) -> Created:
    act = signed(call, SUBMISSION)
    if on_record(call, act):
        return _made(call, _taken_before(call, act.target))
    account, now = str(call.who.account), call.office.home.clock.now()
    with call.office.home.store.read() as tx:
        content = tx.drafts.get(act.target, account, now)
    if content is None:
        raise Missing("nothing of that name waits for a signature: have it judged again")
    draft = msgspec.json.decode(content, type=Draft)
    if draft.requester != act.officer:
        raise Malformed("this was judged for another officer to sign")
    return _made(call, registrar.enrolment(call.office.home, channel=CHANNEL).submit(draft, act))


def _taken_before(call: Call, batch_id: str) -> Batch:
    with call.office.home.store.read() as tx:
        batch = tx.requests.batch(batch_id)
        theirs = call.who.is_officer or all(each.holder == call.who.account.id for each in tx.requests.of_batch(batch_id))
    if batch.board != call.who.board or not theirs:
        raise Missing(f"no batch of requests is called {batch_id}")
    return batch


def _made(call: Call, batch: Batch) -> Created:
    with call.office.home.store.read() as tx:
        shape: BatchShape = batch_shape(tx, batch, call.board)
    return Created(shape, f"{BASE}/batches/{batch.id}")


_ASKS: dict[str, Any] = {"scope": Scope.REQUEST, "tag": "requests"}
ROUTES = (
    Route("POST", "/requests/statement", "prepareRequests", "Have requests for certificates judged, and get what to sign",
          _certificates, DraftShape, body=CertificateApplications, largest=LARGE, conflicts=True, **_ASKS),
    Route("POST", "/enrolments/statement", "prepareEnrolments", "Have enrolments judged, and get what to sign", _enrolments,
          DraftShape, body=EnrolmentApplications, largest=LARGE, conflicts=True, **_ASKS),
    Route("POST", "/requests", "handIn", "Hand in what was judged, signed: other officers decide", _hand_in, BatchShape,
          body=SignedAct, status=201, conflicts=True, audience=For.BOTH, **_ASKS),
)  # fmt: skip
