"""What anybody may ask: how a certificate stands, what a problem means; and what whoever holds a key may do with it (CP 4.9.2).

A serial number alone says nothing about whose certificate it is: neither name nor number is answered. A revocation by the holder
needs no account: the signature with the certified key is the proof.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from pki.bootstrap.verification import Inventory, judge, of_serial
from pki.revocation.service import LONGEST_DEMAND, holder_statement, reason_named
from trust.errors import Missing
from trust.validation.certificate import Certificate
from web.api.certificates import Status
from web.api.problems import KINDS, ProblemKind
from web.api.route import Call, For, Route, Sent, Serial, Shape
from web.api.shapes import LARGEST_SIGNATURE, AnyReason, Moment, Pem, ReasonName


class Standing(Shape):
    """How the certificate of a number stands. Whose it is is not said."""

    serial: str
    status: Status
    profile: str
    not_before: Moment
    not_after: Moment
    revoked_at: Moment | None
    reason: AnyReason | None


class CertificateSent(Sent):
    """A certificate."""

    certificate: Pem


class Found(Shape):
    """One thing that was found."""

    finding: str
    subject: str
    said: str
    citation: str


class Judgement(Shape):
    """The verdict. What is not certain is never valid."""

    outcome: Literal["valid", "invalid", "indeterminate"]
    at: Moment
    path: list[str]
    """From the certificate to the root, by name."""
    reasons: list[Found]
    """Why it is not valid, the most telling first."""
    standing: Standing | None
    """In the inventory of this authority; null when it does not hold this very certificate."""


class HolderDemand(Sent):
    """Which certificate is to be revoked by its holder, and why."""

    serial: Serial
    reason: ReasonName


class HolderStatement(Shape):
    """What the holder signs, with the certified key."""

    statement: str


class HolderSigned(Sent):
    """A holder's demand, signed with the certified key."""

    statement: Annotated[str, Meta(min_length=2, max_length=LONGEST_DEMAND)]
    signature: Annotated[bytes, Meta(min_length=1, max_length=LARGEST_SIGNATURE)]


class HolderRevoked(Shape):
    """What a holder's demand did."""

    serial: str
    status: Status
    already: bool
    others: int
    """Other certificates of the same key that went with it: its compromise is proven."""


def _of_number(call: Call) -> Standing:
    found = _standing(call, bytes.fromhex(call.path["serial"]))
    if found is None:
        raise Missing(f"no certificate has the serial number {call.path['serial']}")
    return found


def _standing(call: Call, serial: bytes) -> Standing | None:
    found, now = of_serial(call.office.home, serial), call.office.home.clock.now()
    if found is None:
        return None
    status: Any = found.status_at(now)
    reason: Any = None if found.reason is None else found.reason.standard_name
    return Standing(
        serial=found.serial.hex(),
        status=status,
        profile=found.profile,
        not_before=found.not_before,
        not_after=found.not_after,
        revoked_at=found.revoked_at,
        reason=reason,
    )


def _judged(call: Call) -> Judgement:
    sent: CertificateSent = call.body
    certificate = Certificate.read(sent.certificate.encode())
    verdict = judge(call.office.home, certificate)
    record = Inventory(call.office.home).find(certificate)
    outcome: Any = verdict.outcome.value
    return Judgement(
        outcome=outcome,
        at=verdict.at,
        path=[one.name for one in verdict.path],
        reasons=[
            Found(
                finding=each.finding.code,
                subject=each.subject,
                said=each.finding.sentence.format_map(each.facts),
                citation=each.finding.citation,
            )
            for each in verdict.reasons
        ],
        standing=None if record is None else _standing(call, record.serial),
    )


def _demand(call: Call) -> HolderStatement:
    asked: HolderDemand = call.body
    reason = reason_named(asked.reason)
    return HolderStatement(statement=holder_statement(bytes.fromhex(asked.serial), reason, call.office.home.clock.now()))


def _revoke(call: Call) -> HolderRevoked:
    sent: HolderSigned = call.body
    done = call.office.revocation.by_holder(sent.statement, sent.signature)
    status: Any = done.certificate.status_at(call.office.home.clock.now())
    return HolderRevoked(serial=done.certificate.serial.hex(), status=status, already=done.already, others=done.cascade)


def _problem(call: Call) -> ProblemKind:
    kind = call.path["kind"]
    if kind not in KINDS:
        raise Missing("there is no problem of that kind")
    status, title, meaning = KINDS[kind]
    return ProblemKind(kind=kind, title=title, status=status, meaning=meaning)


_ALL: dict[str, Any] = {"audience": For.ANYBODY, "tag": "everybody"}
ROUTES = (
    Route("GET", "/check/{serial}", "checkNumber", "How the certificate of a number stands", _of_number, Standing, **_ALL),
    Route("POST", "/check", "checkCertificate", "Judge a certificate: path, dates, status", _judged, Judgement,
          body=CertificateSent, **_ALL),
    Route("POST", "/holder-revocations/statement", "prepareHolderRevocation", "What a holder signs to revoke", _demand,
          HolderStatement, body=HolderDemand, **_ALL),
    Route("POST", "/holder-revocations", "revokeAsHolder", "Revoke by a signature with the certified key", _revoke, HolderRevoked,
          body=HolderSigned, missing=True, **_ALL),
    Route("GET", "/problems/{kind}", "explainProblem", "What a kind of problem means", _problem, ProblemKind, **_ALL),
)  # fmt: skip
