"""Activation: whoever was granted certificates receives a link, on paper as a QR code or by mail, and apart from it a code.

Codes exist nowhere but in the document, links in it or in a mail: the database keeps their hashes. Making them again makes new
ones, and those before end. The document waits an hour for the officer who had it made, in a file of the home that only the
service reads, and is gone after that. Each link is journalled as it is made (`Entries.make`). Who is reached how: `delivery`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from json import loads
from pathlib import Path

from flask import Blueprint, abort, g, jsonify, make_response, render_template, request
from werkzeug.wrappers import Response

from pki.bootstrap.office import Office
from pki.issuance.order import Grant
from trust.errors import Conflict, Missing
from web.board.delivery import How, Reached, addresses, invite, masked, send
from web.board.frame import officer_of, require_role
from web.board.letter_paper import write
from web.board.work import Work, Workshop
from web.kit.forms import sent, text
from web.kit.language import N_, _
from web.kit.safety import account, signed_in

KIND = "letters"
LIFETIME = timedelta(days=15)
KEPT = timedelta(hours=1)
MOST = 20_000
PAGE = 100
_PREFIX = "letters-"


@dataclass(frozen=True)
class Made:
    """A document, and how each person was reached."""

    path: Path
    until: datetime
    reached: list[Reached]
    by_mail: bool

    def count(self, *hows: How) -> int:
        """Count the people who were reached so."""
        return sum(each.how in hows for each in self.reached)

    @property
    def complete(self) -> int:
        """How many have the link in the document too."""
        return len(self.reached) - self.count(How.MAIL)


def waiting(office: Office, board: str, batch: str) -> list[Grant]:
    """Return the grants of a batch whose people have not entered yet, by name."""
    with office.home.store.read() as tx:
        found = tx.grants.of_board(board, limit=MOST, waiting_only=True, batch=batch)
    named = [(loads(each.statement)["subject"], each) for each in found]
    people = [(subject["family_name"], each) for subject, each in named if subject["kind"] == "person"]
    return [each for _, each in sorted(people, key=lambda pair: pair[0])]


def are_gone(work: Work, now: datetime) -> bool:
    """Tell whether this work is letters that nobody can have any more."""
    return work.kind == KIND and isinstance(work.result, Made) and now >= work.result.until


def views(office: Office, workshop: Workshop) -> Blueprint:
    """Return the views."""
    pages = Blueprint("letters", __name__)
    folder = office.home.settings.home / "run"
    for left in folder.glob(f"{_PREFIX}*"):  # of a process that was stopped
        left.unlink(missing_ok=True)
    _making(pages, office, workshop, folder)
    _fetching(pages, office, workshop, folder)
    return pages


def _making(pages: Blueprint, office: Office, workshop: Workshop, folder: Path) -> None:
    """Add the two ways to reach people."""

    def begin(batch_id: str, *, by_mail: bool) -> Response:
        officer, board = officer_of(office)
        require_role(officer, "register")
        if not office.sessions.is_fresh(g.session):
            abort(401)  # the page has the passkey shown, and comes back: a letter opens an account
        _sweep(folder, office)
        holder = text(sent(), "holder", 20)
        grants = [each for each in waiting(office, board.code, batch_id) if holder in ("", each.holder)]
        if not grants:
            raise Missing("nobody of this batch waits for a letter")
        known = addresses(office, grants) if by_mail else {}
        if by_mail and not known:
            raise Conflict("no address is known for these people: make letters")
        until = office.home.clock.now() + KEPT
        path = folder / f"{_PREFIX}{until:%Y%m%d%H%M%S}-{office.home.entropy.octets(16).hex()}.pdf"
        workshop.forget(KIND, officer.id)
        task = partial(_make, office, grants, known, path, officer.id, board.name, until, by_mail)
        work = workshop.begin(KIND, officer.id, board.code, task, patience=1.5)
        return jsonify(next=f"/ordre/lettres/{work.id}")

    @pages.post("/lots/<batch_id>/lettres")
    @signed_in
    def paper(batch_id: str) -> Response:
        return begin(batch_id, by_mail=False)

    @pages.post("/lots/<batch_id>/courriels")
    @signed_in
    def mail(batch_id: str) -> Response:
        return begin(batch_id, by_mail=True)


def _fetching(pages: Blueprint, office: Office, workshop: Workshop, folder: Path) -> None:
    """Add the page that says what was made, and the document."""

    def own(work_id: str) -> Work:
        work = workshop.find(work_id, kind=KIND, board=officer_of(office)[1].code)
        if work.by != account().id:
            raise Missing("no such letters")
        return work

    @pages.get("/lettres/<work_id>")
    @signed_in
    def ready(work_id: str) -> str:
        work = own(work_id)
        if not isinstance(work.result, Made):
            return render_template("waiting.html", work=work, title=_("Lettres d'activation"), back="/inscriptions")
        reached = work.result.reached
        number = max(1, request.args.get("page", 1, type=int))
        return render_template(
            "letters.html",
            id=work_id,
            made=work.result,
            how=How,
            reached=reached[(number - 1) * PAGE : number * PAGE],
            number=number,
            last=max(1, -(-len(reached) // PAGE)),
            lifetime=LIFETIME.days,
        )

    @pages.get("/lettres/<work_id>/lettres.pdf")
    @signed_in
    def document(work_id: str) -> Response:
        work = own(work_id)
        _sweep(folder, office)
        if not isinstance(work.result, Made):
            raise Conflict("these letters are not ready")
        try:
            octets = work.result.path.read_bytes()
        except FileNotFoundError:
            raise Missing("these letters are gone: have them made again") from None
        response = make_response(octets)
        response.headers["Content-Type"] = "application/pdf"
        response.headers["Content-Disposition"] = 'attachment; filename="lettres.pdf"'
        return response


def _make(
    office: Office,
    grants: list[Grant],
    known: dict[str, str],
    path: Path,
    by: str,
    board: str,
    until: datetime,
    by_mail: bool,
    work: Work,
) -> Made:
    """Make the links, send those that go by mail, write the document."""
    ends = office.home.clock.now() + LIFETIME
    letters = invite(office, grants, by, ends, work)
    hows = [How.LETTER] * len(letters)
    where = [known.get(each.holder, "") for each in grants]
    if by_mail and office.reminders is not None:
        reminders = office.reminders
        hows = send(letters, where, lambda to, link: reminders.send_link(to, board, link, ends), work)
    on_paper = [replace(each, link="") if how is How.MAIL else each for each, how in zip(letters, hows, strict=True)]
    work.tell(N_("Les lettres sont écrites"), 0, len(letters))
    path.touch(mode=0o600)
    write(on_paper, path, board, ends, lambda done: work.tell(N_("Les lettres sont écrites"), done, len(letters)))
    reached = [
        Reached(grant.id, letter.name, grant.holder, how, masked(address))
        for grant, letter, how, address in zip(grants, letters, hows, where, strict=True)
    ]
    return Made(path, until, reached, by_mail)


def _sweep(folder: Path, office: Office) -> None:
    """Remove the documents that waited long enough: their names say until when."""
    now = f"{_PREFIX}{office.home.clock.now():%Y%m%d%H%M%S}"
    for path in folder.glob(f"{_PREFIX}*"):
        if path.name < now:
            path.unlink(missing_ok=True)
