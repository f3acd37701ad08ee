"""Enrolling practitioners: one by a small form, ten thousand from a file (CP 4.1.2).

A file is read and judged by the services, line by line, before anybody signs: to enrol, enrolled already, refused and why. Lines
can be corrected in the page; what is still refused is left aside. The officer's passkey signs the whole list; another officer
approves it in the queue; the letters come after (`letters`).
"""

from __future__ import annotations

from json import loads
from typing import Any

from flask import Blueprint, jsonify, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from pki.bootstrap.office import Office
from pki.issuance.order import Grant
from pki.registration.applications import MAX_LINES, LineError
from pki.registration.grants import PERSONAL, GrantApplication
from pki.registration.lists import LARGEST, LONGEST_VALUE, address, read_list
from trust.errors import Conflict, Malformed, Missing
from web.board import compare, letters
from web.board.frame import officer_of, require_role, signed_act, to_sign
from web.board.listing import NEW, OUTCOMES, REFUSED, TITLES, Known, Line, Listing, in_register, judged
from web.board.work import Work, Workshop
from web.kit.forms import sent
from web.kit.language import N_, _
from web.kit.safety import account, signed_in
from web.kit.writing import moment

KIND = "list"
PAGE = 100
WORK = (("/inscriptions", KIND, N_("Liste du %(moment)s")), ("/lettres", letters.KIND, N_("Lettres du %(moment)s")))
"""What an officer comes back to."""
NOTHING_CHOSEN = N_("Choisissez au moins un certificat, puis recommencez.")
RECENT = 200
"""Practitioners who are still awaited and named on the page."""


def views(office: Office, workshop: Workshop) -> Blueprint:
    """Return the views."""
    pages = Blueprint("people", __name__)

    _entrance(pages, office, workshop)
    _preparing(pages, office, workshop)
    return pages


def _entrance(pages: Blueprint, office: Office, workshop: Workshop) -> None:
    """Add the page where a number is typed and a file is sent."""

    def begin(task: Any) -> Response:
        officer, board = officer_of(office)
        require_role(officer, "register")
        workshop.forget(KIND, officer.id)  # a list is large, and one at a time is prepared
        work = workshop.begin(KIND, officer.id, board.code, task, patience=1.5)
        return redirect(f"/ordre/inscriptions/{work.id}")

    @pages.get("/inscriptions")
    @signed_in
    def home() -> str:
        return shown()

    def shown(problem: str = "", number: str = "", mail: str = "") -> str:
        """Show the page, again if need be: with what was wrong, and what was typed."""
        officer, board = officer_of(office)
        awaited = office.grants.of_board(board.code, limit=RECENT + 1, waiting_only=True)
        return render_template(
            "people.html",
            profiles=offered(office),
            most=MAX_LINES,
            may_ask="register" in officer.roles,
            problem=_(problem) if problem else "",
            number=number,
            mail=mail,
            awaited=[_awaited(each) for each in awaited[:RECENT]],
            more=len(awaited) > RECENT,
            under_way=[
                (where, _(title, moment=moment(each.began_at)), each, kind == KIND)
                for where, kind, title in WORK
                for each in workshop.of(kind, officer.id)
                if not letters.are_gone(each, office.home.clock.now())
            ],
        )

    @pages.post("/inscriptions/personne")
    @signed_in
    def person() -> Response | tuple[str, int]:
        officer = officer_of(office)[0]
        number, profiles = "".join(request.form.get("rpps", "").split())[:LONGEST_VALUE], _profiles(office)
        if not profiles:
            return shown(NOTHING_CHOSEN, number, typed_address()), 400
        known = in_register(office, number) or Known("–", "–", "")
        asked = GrantApplication(number, profiles, known.family_name, known.given_name, 1, typed_address())
        return begin(lambda work: judged(office, officer.id, [asked], profiles, alone=True))

    @pages.post("/inscriptions/fichier")
    @signed_in
    def file() -> Response | tuple[str, int]:
        officer = officer_of(office)[0]
        content, profiles = _content(), _profiles(office)
        if not profiles:
            return shown(NOTHING_CHOSEN), 400

        def task(work: Work) -> Listing:
            work.tell(N_("Le fichier est lu"))
            applications = read_list(content, profiles)
            work.tell(N_("Les lignes sont comparées au registre"), len(applications))
            return judged(office, officer.id, applications, profiles)

        return begin(task)


def _preparing(pages: Blueprint, office: Office, workshop: Workshop) -> None:
    """Add the pages of a list that was read: seen, reported, corrected, signed."""

    def own(list_id: str) -> Work:
        """Return a list that this officer is preparing; anybody else's does not exist."""
        work = workshop.find(list_id, kind=KIND, board=officer_of(office)[1].code)
        if work.by != account().id:
            raise Missing("no such list")
        return work

    def ready(list_id: str) -> Listing:
        work = own(list_id)
        if not isinstance(work.result, Listing):
            raise Conflict("this list is not read yet")
        return work.result

    @pages.get("/inscriptions/<list_id>")
    @signed_in
    def preview(list_id: str) -> str:
        work = own(list_id)
        listing: Listing | None = work.result
        if listing is None:
            return render_template("waiting.html", work=work, title=_("Lecture de la liste"), back="/inscriptions")
        counts = listing.counts()
        wanted = request.args.get("voir") or (REFUSED if counts[REFUSED] else NEW)
        lines = listing.of(wanted)
        number = max(1, request.args.get("page", 1, type=int))
        return render_template(
            "list.html",
            id=list_id,
            listing=listing,
            counts=counts,
            outcomes={name: _(said) for name, said in OUTCOMES.items()},
            title=_(TITLES[wanted]) if wanted in TITLES else "",
            wanted=wanted,
            lines=lines[(number - 1) * PAGE : number * PAGE],
            number=number,
            last=max(1, -(-len(lines) // PAGE)),
            needed=officer_of(office)[1].approvals_for(counts[NEW]),
            known=in_register(office, listing.lines[0].rpps) if listing.alone else None,
        )

    @pages.get("/inscriptions/<list_id>/rapport.csv")
    @signed_in
    def report(list_id: str) -> Response:
        response = make_response(ready(list_id).report())
        response.headers["Content-Type"] = "text/csv; charset=utf-8"
        response.headers["Content-Disposition"] = 'attachment; filename="rapport.csv"'
        return response

    @pages.get("/inscriptions/<list_id>/lignes/<int:line>")
    @signed_in
    def line(list_id: str, line: int) -> str:
        listing = ready(list_id)
        found, asked = _place(listing, line)
        known = in_register(office, found.rpps)
        return render_template("line.html", id=list_id, line=found, asked=asked, known=known)

    @pages.post("/inscriptions/<list_id>/lignes/<int:line>")
    @signed_in
    def correct(list_id: str, line: int) -> Response:
        work, listing = own(list_id), ready(list_id)
        asked = _place(listing, line)[1]
        typed = {name: " ".join(request.form.get(name, "").split())[:LONGEST_VALUE] for name in ("rpps", "nom", "prenom")}
        if not all(value.isprintable() for value in typed.values()):
            raise Malformed("a number and names are short lines")
        profiles = asked.profiles if isinstance(asked, GrantApplication) else listing.profiles
        number = typed["rpps"].replace(" ", "")
        mended = GrantApplication(number, profiles, typed["nom"], typed["prenom"], line, typed_address())
        applications = [mended if each.line == line else each for each in listing.applications]
        work.result = judged(office, account().id, applications, listing.profiles)
        still = _place(work.result, line)[0].outcome == REFUSED
        return redirect(f"/ordre/inscriptions/{list_id}" + (f"/lignes/{line}" if still else ""))

    @pages.post("/inscriptions/<list_id>/accord/options")
    @signed_in
    def sign_options(list_id: str) -> Response:
        return to_sign(office, ready(list_id).draft.statement(office.home.clock.now()))

    @pages.post("/inscriptions/<list_id>/accord")
    @signed_in
    def sign(list_id: str) -> Response:
        work, listing = own(list_id), ready(list_id)
        try:
            batch = office.grants.submit(listing.draft, signed_act(office, sent()))
        except Conflict:  # somebody asked for some of it meanwhile: the page shows what is left
            work.result = judged(office, account().id, listing.applications, listing.profiles, alone=listing.alone)
            raise
        workshop.forget(KIND, account().id)
        return jsonify(next=f"/ordre/lots/{batch.id}")


def offered(office: Office) -> list[tuple[str, str]]:
    """Return the profiles that practitioners may be given here, with their names."""
    issued = [profile for ca in office.home.settings.cas for profile in ca.issues if profile.startswith(PERSONAL)]
    return [(profile, compare.profile_name(profile)) for profile in issued]


def _profiles(office: Office) -> tuple[str, ...]:
    known = [profile for profile, _ in offered(office)]
    return tuple(profile for profile in request.form.getlist("profil") if profile in known)


def typed_address() -> str:
    """Return the address that was typed; the services say whether it is one."""
    return address(request.form.get("courriel", "")[:LONGEST_VALUE])


def _content() -> bytes:
    file = request.files.get("fichier")
    content = b"" if file is None else file.stream.read(LARGEST + 1)
    if not content:
        raise Malformed("the file is empty")
    return content


def _place(listing: Listing, number: int) -> tuple[Line, GrantApplication | LineError]:
    """Return a line as judged, and as it was asked."""
    for line, asked in zip(listing.lines, listing.applications, strict=True):
        if line.number == number:
            return line, asked
    raise Missing("no such line")


def _awaited(grant: Grant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "holder": grant.holder,
        "batch": grant.batch,
        "name": compare.name_of(loads(grant.statement)["subject"]),
        "profiles": [compare.profile_name(each) for each in grant.profiles],
        "approved_at": grant.approved_at,
    }
