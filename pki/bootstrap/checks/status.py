"""Checks of what relying parties are told: lists fresh, OCSP answered for each CA, responders in time (CP 4.9.7, CP 4.9.9)."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pki.bootstrap.checks import Finding, bad, check, good, warning
from pki.bootstrap.checks._opened import opened

if TYPE_CHECKING:
    from pki.adapters.store.publication import ResponderRecord
    from pki.bootstrap.home import Home
    from pki.inventory.model import Certificate
    from pki.status.crl_lists import CrlRecord
    from trust.validation.status import StatusAnswer

_SHOWN = 5


@check("revocation lists")
def lists(home: Path) -> list[Finding]:
    """Is every list published, the last one on record, and less than half of its validity old?"""
    authority = opened(home)
    return [] if authority is None else judge_lists(authority)


def judge_lists(home: Home) -> list[Finding]:
    """Say what to think of the lists of a home."""
    now, folder = home.clock.now(), home.settings.home
    with home.store.read() as tx:
        records = tx.crls.all()
    if not records:
        return [warning("no list was published yet", f"sceau serve --home {folder}")] if home.ca_certificates() else []
    missing = sorted(home.ca_certificates().keys() - {record.ca for record in records})
    wrong = [(f"no list of {ca} was ever published", ca) for ca in missing]
    wrong += [(f"{record.ca}/{record.scope} {fault}", record.ca) for record in records if (fault := _fault(home, record, now))]
    fix = f"sceau crl publish --home {folder}; if it stays so, the issuer does not work: sceau serve --home {folder}"
    if wrong:
        shown = [bad(text, _brought(home, ca) or fix) for text, ca in wrong[:_SHOWN]]
        return shown if len(wrong) <= _SHOWN else [*shown, bad(f"{len(wrong) - _SHOWN} more lists", fix)]
    oldest = min(record.this_update for record in records)
    return [good(f"{len(records)} lists, none older than half of its validity (the oldest is of {oldest:%Y-%m-%d %H:%M} UTC)")]


def _brought(home: Home, ca_id: str) -> str | None:
    """Say how a list is renewed that nobody here can sign; None for one that is made here."""
    if not home.settings.ca(ca_id).offline:
        return None
    return f"have {ca_id} sign its next list (sceau ceremony run), then: sceau ca import FILE --home {home.settings.home}"


def _fault(home: Home, record: CrlRecord, now: datetime) -> str | None:
    from pki.bootstrap.sealing import root
    from pki.status.crl_scope import file_name
    from pki.status.crl_sequence import Freshness, freshness

    try:
        content = (root(home) / file_name(record.ca, record.scope)).read_bytes()
    except OSError as error:
        return f"is not published: {error.strerror}"
    if hashlib.sha256(content).digest() != record.sha256:
        return f"is not the last one made (number {record.number})"
    state = freshness(record, now)
    if state is Freshness.EXPIRED:
        return f"ended on {record.next_update:%Y-%m-%d %H:%M} UTC: it is no longer served"
    return f"is past half of its validity (made on {record.this_update:%Y-%m-%d %H:%M} UTC)" if state is Freshness.LATE else None


@check("OCSP answers")
def answers(home: Path) -> list[Finding]:
    """Is there, for one certificate of each CA, an answer that a relying party believes, and that is fresh?"""
    authority = opened(home)
    return [] if authority is None else judge_answers(authority)


def judge_answers(home: Home) -> list[Finding]:
    """Say what to think of the answers of a home, as its publication gives them: from the store, without key or database."""
    from pki.protocols.ocsp import read_request
    from pki.status.answer import Answerer, Policy
    from trust.validation.certificate import Certificate as Read
    from trust.validation.ocsp import evaluate_ocsp, request_for

    now, folder, cas = home.clock.now(), home.settings.home, home.cas_here()
    if not any(_responders(home).values()):
        return []  # nobody could have answered yet, which is said elsewhere
    answerer = Answerer(home.settings.publication / "status", None, Policy(), read_request)
    answerer.look()
    asked, wrong = 0, []
    try:
        for ca_id, authority in cas.items():
            if (certificate := _one_of(home, ca_id)) is None:
                continue
            asked += 1
            leaf, issuer = Read(certificate.der), Read(authority.der)
            body = answerer.answer(request_for(leaf, issuer), now).body
            if fault := _answer_fault(evaluate_ocsp(body, leaf, issuer, now), certificate, now):
                wrong.append(bad(f"{ca_id}: {fault}", f"sceau serve --home {folder}, and read {folder}/log/issuer.out"))
    finally:
        answerer.close()
    return wrong or (
        [good(f"one certificate of each of {asked} authorities is answered for, believed and fresh")] if asked else []
    )


def _one_of(home: Home, ca_id: str) -> Certificate | None:
    """Return a certificate of a CA whose status is to be answered."""
    now = home.clock.now()
    with home.store.read() as tx:
        serials = [row[0] for row in tx.certificates.status_page(ca_id, b"", 100)]
        return next((c for c in tx.certificates.of_serials(serials) if c.signature is not None and c.not_after > now), None)


def _answer_fault(said: StatusAnswer, recorded: Certificate, now: datetime) -> str | None:
    from pki.inventory.model import State
    from trust.validation.status import CertificateStatus

    if said.status is CertificateStatus.UNKNOWN or said.this_update is None or said.next_update is None:
        return f"nobody is told of {recorded.serial.hex()}: {'; '.join(map(str, said.reasons))}"
    if (said.status is CertificateStatus.GOOD) is not (recorded.state is State.ISSUED):
        return f"{recorded.serial.hex()} is said to be {said.status}, and is {recorded.state.name.lower()}"
    if now > said.this_update + (said.next_update - said.this_update) / 2:
        return f"the answer about {recorded.serial.hex()} is past half of its validity"
    return None


@check("OCSP responders")
def responders(home: Path) -> list[Finding]:
    """Does every CA have a responder, renewed in time?"""
    authority = opened(home)
    return [] if authority is None else judge_responders(authority)


def judge_responders(home: Home) -> list[Finding]:
    """Say what to think of the responders of a home: each is renewed when half of its life is over."""
    now, folder = home.clock.now(), home.settings.home
    findings, ends = [], []
    responders_of = _responders(home)
    if responders_of and not any(responders_of.values()):
        return [warning("no CA has an OCSP responder yet", f"sceau serve --home {folder}")]
    for ca_id, known in responders_of.items():
        if not known:
            findings.append(bad(f"{ca_id} has no OCSP responder", f"sceau serve --home {folder}"))
            continue
        end, life = known[-1].not_after, timedelta(days=home.settings.ca(ca_id).responder_days)
        ends.append(end)
        if now > end:
            findings.append(bad(f"the responder of {ca_id} ended on {end:%Y-%m-%d %H:%M} UTC", f"sceau serve --home {folder}"))
        elif end - now < life / 3:
            text = f"the responder of {ca_id} ends on {end:%Y-%m-%d %H:%M} UTC and was not renewed"
            findings.append(bad(text, f"sceau serve --home {folder}, and read {folder}/log/issuer.out"))
    return findings or ([good(f"{len(ends)} responders; the first ends on {min(ends):%Y-%m-%d}")] if ends else [])


def _responders(home: Home) -> dict[str, list[ResponderRecord]]:
    cas = home.cas_here()
    with home.store.read() as tx:
        return {ca_id: tx.responders.of_ca(ca_id) for ca_id in cas}
