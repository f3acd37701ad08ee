"""Activation letters: for each practitioner who was granted certificates, a link as a QR code, and apart from it a code.

Links and codes exist nowhere but in the document: the database keeps their hashes. Making letters again makes new links, and
those of the letters before end. The document waits an hour for the officer who had it made, in a file of the home that only the
service reads, and is gone after that. Each link is journalled as it is made (`Entries.make`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from json import loads
from pathlib import Path
from typing import Any

from flask import Blueprint, abort, g, jsonify, make_response, render_template
from werkzeug.wrappers import Response

from pki.authenticators.model import Account, Kind
from pki.bootstrap.office import Office
from pki.issuance.order import Grant
from trust.errors import Conflict, Missing
from web.board import compare
from web.board.frame import officer_of, require_role, text
from web.board.letter_paper import Letter, write
from web.board.work import Work, Workshop
from web.kit.forms import sent
from web.kit.safety import account, signed_in

KIND = "letters"
LIFETIME = timedelta(days=15)
KEPT = timedelta(hours=1)
MOST = 20_000
_TOGETHER = 100
"""Links made in one transaction."""
_PREFIX = "letters-"


def waiting(office: Office, board: str, batch: str) -> list[Grant]:
    """Return the grants of a batch whose people have not entered yet, by name."""
    found = [each for each in office.grants.of_board(board, limit=MOST, waiting_only=True) if each.batch == batch]
    return sorted(found, key=lambda each: loads(each.statement)["subject"]["family_name"])


def are_gone(work: Work, now: datetime) -> bool:
    """Tell whether this work is letters that nobody can have any more."""
    return work.kind == KIND and work.result is not None and bool(now >= work.result["until"])


def views(office: Office, workshop: Workshop) -> Blueprint:
    """Return the views."""
    pages = Blueprint("letters", __name__)
    folder = office.home.settings.home / "run"
    for left in folder.glob(f"{_PREFIX}*"):  # of a process that was stopped
        left.unlink(missing_ok=True)

    def own(work_id: str) -> Work:
        work = workshop.find(work_id, kind=KIND, board=officer_of(office)[1].code)
        if work.by != account().id:
            raise Missing("no such letters")
        return work

    @pages.post("/lots/<batch_id>/lettres")
    @signed_in
    def begin(batch_id: str) -> Response:
        officer, board = officer_of(office)
        require_role(officer, "register")
        if not office.sessions.is_fresh(g.session):
            abort(401)  # the page has the passkey shown, and comes back: a letter opens an account
        _sweep(folder, office)
        holder = text(sent(), "holder", 20)
        grants = [each for each in waiting(office, board.code, batch_id) if holder in ("", each.holder)]
        if not grants:
            raise Missing("nobody of this batch waits for a letter")
        until = office.home.clock.now() + KEPT
        path = folder / f"{_PREFIX}{until:%Y%m%d%H%M%S}-{office.home.entropy.octets(16).hex()}.pdf"

        def task(work: Work) -> dict[str, Any]:
            letters = _invite(office, grants, officer.id, work)
            work.tell("Les lettres sont écrites", 0, len(letters))
            path.touch(mode=0o600)
            ends = office.home.clock.now() + LIFETIME
            write(letters, path, board.name, ends, lambda done: work.tell("Les lettres sont écrites", done, len(letters)))
            return {"path": path, "count": len(letters), "until": until}

        workshop.forget(KIND, officer.id)
        work = workshop.begin(KIND, officer.id, board.code, task, patience=1.5)
        return jsonify(next=f"/ordre/lettres/{work.id}")

    @pages.get("/lettres/<work_id>")
    @signed_in
    def ready(work_id: str) -> str:
        work = own(work_id)
        if work.over and work.error is None:
            return render_template("letters.html", id=work_id, made=work.result, lifetime=LIFETIME.days)
        return render_template("waiting.html", work=work, title="Lettres d'activation", back="/inscriptions")

    @pages.get("/lettres/<work_id>/lettres.pdf")
    @signed_in
    def document(work_id: str) -> Response:
        work = own(work_id)
        _sweep(folder, office)
        if work.result is None:
            raise Conflict("these letters are not ready")
        try:
            octets = work.result["path"].read_bytes()
        except FileNotFoundError:
            raise Missing("these letters are gone: have them made again") from None
        response = make_response(octets)
        response.headers["Content-Type"] = "application/pdf"
        response.headers["Content-Disposition"] = 'attachment; filename="lettres.pdf"'
        return response

    return pages


def _invite(office: Office, grants: list[Grant], by: str, work: Work) -> list[Letter]:
    """Make the links and the codes, some in a transaction, so that others can write in between."""
    letters = []
    for start in range(0, len(grants), _TOGETHER):
        with office.home.store.write() as tx:
            for grant in grants[start : start + _TOGETHER]:
                made = office.entries.make(tx, Account(Kind.PERSON, grant.holder), LIFETIME, by=by, with_code=True)
                subject = loads(grant.statement)["subject"]
                link, code = f"{office.url}/moi/entree/{made.token}", made.code or ""
                letters.append(Letter(compare.name_of(subject), subject["title"], grant.holder[1:], link, code))
        work.tell("Les liens sont faits", len(letters), len(grants))
    return letters


def _sweep(folder: Path, office: Office) -> None:
    """Remove the documents that waited long enough: their names say until when."""
    now = f"{_PREFIX}{office.home.clock.now():%Y%m%d%H%M%S}"
    for path in folder.glob(f"{_PREFIX}*"):
        if path.name < now:
            path.unlink(missing_ok=True)
