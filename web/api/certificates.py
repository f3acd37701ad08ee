"""Certificates of an ordre or of a structure: found, shown, proven; revoked, held and released by a signed act (CP 4.9)."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Annotated, Any, Literal

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate
from msgspec import Meta

from pki.adapters.store.store import Transaction
from pki.authenticators.tokens import Scope
from pki.bootstrap.proof import evidence_of
from pki.inventory.model import Certificate, Reason, State
from pki.revocation.service import RELEASE, REVOCATION, reason_named
from trust.errors import Malformed, Missing
from web.api.acts import on_record, signed, to_sign
from web.api.route import Call, For, Nothing, Number, Route, Sent, Shape
from web.api.shapes import AnyReason, Moment, Paged, ReasonName, SignedAct, Statement, cursor_of, place_of

Status = Literal["issued", "held", "revoked", "expired"]
ProfileName = Annotated[str, Meta(pattern="^[a-z][a-z0-9-]{0,40}$", description="A profile, as `GET /profiles` lists them.")]
CHAIN = "application/pem-certificate-chain"


class CertificateSummary(Shape):
    """A certificate, as it stands now."""

    serial: str
    status: Status
    profile: str
    holder: str
    board: str
    ca: str
    subject: dict[str, Any]
    """Who it speaks of, as officers approved it."""
    not_before: Moment
    not_after: Moment
    revoked_at: Moment | None
    """Since when it is revoked or held."""
    reason: AnyReason | None
    held_by: str | None
    key_sha256: str
    sha256: str | None
    """Of the certificate; null when it was revoked before it was surely signed."""
    request: str
    """The request that it fulfils."""


class CertificateDetail(CertificateSummary):
    """A certificate, whole."""

    pem: str | None


class CertificatePage(Shape):
    """Certificates, newest first."""

    certificates: list[CertificateSummary]
    next: str | None
    """`cursor` of the next page; null on the last."""


class CertificateQuery(Paged):
    """Which certificates."""

    status: Status | None = None
    profile: ProfileName | None = None
    holder: Number | None = None
    ends_before: Moment | None = None


class RevocationAsked(Sent):
    """Why a certificate is to be revoked."""

    reason: ReasonName


class Taken(Shape):
    """What became of an act about a certificate."""

    certificate: CertificateSummary
    already: bool
    """It was so before: nothing was changed."""


def own(call: Call, serial: str) -> Certificate:
    """Return a certificate of the ordre, or of the structure, that calls; any other does not exist."""
    with call.office.home.store.read() as tx:
        found = tx.certificates.of_serials([bytes.fromhex(serial)])
    if not found or not _is_theirs(call, found[0]) or found[0].state is State.PREPARED:
        raise Missing(f"no certificate has the serial number {serial}")
    return found[0]


def _is_theirs(call: Call, certificate: Certificate) -> bool:
    who = call.who
    return certificate.board == who.board and (who.is_officer or certificate.holder == who.account.id)


def _listed(call: Call) -> CertificatePage:
    query: CertificateQuery = call.query
    holder = query.holder
    if not call.who.is_officer:
        if holder not in (None, call.who.account.id):
            return CertificatePage(certificates=[], next=None)
        holder = call.who.account.id
    now = call.office.home.clock.now()
    states, ends_from, ends_before = _bounds(query, now)
    number, name = (0, "") if query.cursor is None else place_of(query.cursor)
    with call.office.home.store.read() as tx:
        places = tx.listings.certificates(
            call.who.board,
            holder=holder,
            profile=query.profile,
            states=states,
            ends_from=ends_from,
            ends_before=ends_before,
            after=None if query.cursor is None else (number, _octets(name)),
            limit=query.limit + 1,
        )
        found = _in_order(tx, [serial for _, serial in places[: query.limit]])
    more = len(places) > query.limit
    last = places[query.limit - 1] if more else None
    following = None if last is None else cursor_of(last[0], last[1].hex())
    return CertificatePage(certificates=[summary(each, now) for each in found], next=following)


def _bounds(query: CertificateQuery, now: datetime) -> tuple[list[State] | None, datetime | None, datetime | None]:
    """Return the states, and between which ends, that a status is made of: expiry is read from the clock."""
    before = query.ends_before
    if query.status is None:
        return None, None, before
    if query.status == "expired":
        return [State.ISSUED, State.HELD], None, now if before is None else min(now, before)
    state = {"issued": State.ISSUED, "held": State.HELD, "revoked": State.REVOKED}[query.status]
    return [state], None if state is State.REVOKED else now, before


def _in_order(tx: Transaction, serials: list[bytes]) -> list[Certificate]:
    known = {each.serial: each for each in tx.certificates.of_serials(serials)}
    return [known[serial] for serial in serials if serial in known]


def _octets(name: str) -> bytes:
    try:
        return bytes.fromhex(name)
    except ValueError:
        raise Malformed("this cursor was not given by a page of this list") from None


def _shown(call: Call) -> CertificateDetail:
    found = own(call, call.path["serial"])
    text = None if found.signature is None else _pem(found.der)
    return CertificateDetail(pem=text, **_facts(found, call.office.home.clock.now()))


def _chain(call: Call) -> str:
    found, home = own(call, call.path["serial"]), call.office.home
    if found.signature is None:
        raise Missing("this certificate was never surely signed: there is nothing to show")
    chain, ca, known = [found.der], found.ca, home.ca_certificates()
    while (issuer := home.settings.ca(ca).issuer) is not None:
        chain.append(known[ca].der)
        ca = issuer
    return "".join(map(_pem, chain))


def _proof(call: Call) -> dict[str, Any]:
    return evidence_of(call.office.home, own(call, call.path["serial"]).serial)


def _end_statement(call: Call) -> Statement:
    asked: RevocationAsked = call.body
    return _statement(call, reason_named(asked.reason))


def _hold_statement(call: Call) -> Statement:
    return _statement(call, Reason.CERTIFICATE_HOLD)


def _statement(call: Call, reason: Reason) -> Statement:
    found = own(call, call.path["serial"])
    call.require_role("revoke")
    return to_sign(call, call.office.revocation.officer_statement(found.serial, reason, call.who.account.id))


def _release_statement(call: Call) -> Statement:
    found = own(call, call.path["serial"])
    call.require_role("revoke")
    return to_sign(call, call.office.revocation.release_statement(found.serial, call.who.account.id))


def _end(call: Call) -> Taken:
    return _ended(call, hold=False)


def _hold(call: Call) -> Taken:
    return _ended(call, hold=True)


def _ended(call: Call, *, hold: bool) -> Taken:
    found = own(call, call.path["serial"])
    act = signed(call, REVOCATION, target=found.serial.hex())
    if (act.record().get("reason") == Reason.CERTIFICATE_HOLD.standard_name) is not hold:
        raise Malformed("a hold and a revocation are signed at addresses of their own")
    now = call.office.home.clock.now()
    if on_record(call, act):
        return Taken(certificate=summary(found, now), already=True)
    done = call.office.revocation.by_officer(act)
    return Taken(certificate=summary(done.certificate, now), already=done.already)


def _release(call: Call) -> Taken:
    found = own(call, call.path["serial"])
    act = signed(call, RELEASE, target=found.serial.hex())
    now = call.office.home.clock.now()
    if on_record(call, act):
        return Taken(certificate=summary(found, now), already=True)
    return Taken(certificate=summary(call.office.revocation.release_by_officer(act), now), already=False)


def summary(certificate: Certificate, now: datetime) -> CertificateSummary:
    """Return what is said of a certificate in lists."""
    return CertificateSummary(**_facts(certificate, now))


def _facts(certificate: Certificate, now: datetime) -> dict[str, Any]:
    return {
        "serial": certificate.serial.hex(),
        "status": certificate.status_at(now),
        "profile": certificate.profile,
        "holder": certificate.holder,
        "board": certificate.board,
        "ca": certificate.ca,
        "subject": json.loads(certificate.subject),
        "not_before": certificate.not_before,
        "not_after": certificate.not_after,
        "revoked_at": certificate.revoked_at,
        "reason": None if certificate.reason is None else certificate.reason.standard_name,
        "held_by": certificate.held_by,
        "key_sha256": certificate.spki_hash.hex(),
        "sha256": None if certificate.signature is None else hashlib.sha256(certificate.der).hexdigest(),
        "request": certificate.order_id,
    }


def _pem(der: bytes) -> str:
    return load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()


_ONE = "/certificates/{serial}"
_DECIDES: dict[str, Any] = {"scope": Scope.DECIDE, "tag": "certificates"}
_READS: dict[str, Any] = {"tag": "certificates", "audience": For.BOTH}
ROUTES = (
    Route("GET", "/certificates", "listCertificates", "List certificates", _listed, CertificatePage, query=CertificateQuery,
          **_READS),
    Route("GET", _ONE, "showCertificate", "Show a certificate", _shown, CertificateDetail, **_READS),
    Route("GET", f"{_ONE}/chain", "showChain", "The certificate and its issuers, without the root", _chain, str, media=CHAIN,
          **_READS),
    Route("GET", f"{_ONE}/proof", "showProof", "Who asked for it and who approved, with their signatures", _proof, dict[str, Any],
          tag="certificates"),
    Route("POST", f"{_ONE}/revocation/statement", "prepareRevocation", "What to sign to revoke it", _end_statement, Statement,
          body=RevocationAsked, **_DECIDES),
    Route("POST", f"{_ONE}/revocation", "revoke", "Revoke it, for ever", _end, Taken, body=SignedAct, conflicts=True, **_DECIDES),
    Route("POST", f"{_ONE}/hold/statement", "prepareHold", "What to sign to put it on hold", _hold_statement, Statement,
          body=Nothing, **_DECIDES),
    Route("POST", f"{_ONE}/hold", "hold", "Put it on hold", _hold, Taken, body=SignedAct, conflicts=True, **_DECIDES),
    Route("POST", f"{_ONE}/release/statement", "prepareRelease", "What to sign to take it off hold", _release_statement,
          Statement, body=Nothing, **_DECIDES),
    Route("POST", f"{_ONE}/release", "release", "Take it off hold", _release, Taken, body=SignedAct, conflicts=True, **_DECIDES),
)  # fmt: skip
