"""The national register: what is in force, an extraction to import, the plan as a readable difference, its signatures (CP 4.9.3).

Importing, preparing a plan and applying it are long: each is a piece of work that the page watches. One at a time, for there is
one register. What officers sign is the plan's hash; when as many have signed as its threshold demands, any of them applies it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response

from pki.bootstrap.office import Office
from pki.register.snapshot import ImportResult, Progress
from pki.registration.lifecycle import Applied
from pki.registration.model import SnapshotRecord
from trust.errors import Conflict, Malformed, Missing
from web.board.frame import name_anywhere, officer_of, require_role, signed_act, to_sign
from web.board.planning import LISTED, LISTS, WHY, Prepared, prepare
from web.board.work import Work, Workshop
from web.kit.forms import sent
from web.kit.language import N_, _
from web.kit.safety import account, signed_in
from web.kit.uploads import EXTRACTION, safe_name, stored

KIND = "register"
PAGE = 100
SNAPSHOTS = 12


def views(office: Office, workshop: Workshop) -> Blueprint:
    """Return the views."""
    pages = Blueprint("register", __name__)
    folder = office.home.settings.home / "run"
    for left in folder.glob(f"{EXTRACTION}*"):  # of a process that was stopped
        shutil.rmtree(left, ignore_errors=True)
    desk = Desk(office, workshop)
    _looking(pages, desk)
    _importing(pages, desk, folder)
    _applying(pages, desk)
    return pages


class Desk:
    """The register's own desk: one piece of work at a time, and the last plan that was prepared."""

    def __init__(self, office: Office, workshop: Workshop) -> None:
        """Begin with no plan."""
        self.office = office
        self.workshop = workshop
        self._kept: dict[str, Prepared] = {}

    def begin(self, task: Callable[[Work], Any]) -> None:
        """Begin work on the register.

        Raises:
            Conflict: some is under way.
        """
        officer, board = officer_of(self.office)
        self.workshop.begin(KIND, officer.id, board.code, task, alone=True, patience=1.0)

    def keep(self, sha256: str, work: Work) -> None:
        """Prepare the plan of a snapshot, and keep it instead of the last one."""
        found = prepare(self.office, sha256, work)
        self._kept = {sha256: found}

    def forget(self) -> None:
        """Keep no plan any more."""
        self._kept = {}

    def look(self, sha256: str, applied: SnapshotRecord | None) -> Prepared | None:
        """Return the plan of a snapshot if it is prepared and still begins from the register in force."""
        found = self._kept.get(sha256)
        return found if found is not None and found.stands(applied) else None

    def prepared(self, sha256: str) -> Prepared:
        """Return the plan of a snapshot.

        Raises:
            Conflict: it is not prepared, or does not stand any more.
        """
        with self.office.home.store.read() as tx:
            applied = tx.register.applied()
        found = self.look(sha256, applied)
        if found is None:
            raise Conflict("this plan is not prepared, or the register in force changed since: prepare it again")
        return found


def _looking(pages: Blueprint, desk: Desk) -> None:
    """Add the page of the register, and the lists of a plan."""
    office = desk.office

    @pages.get("/registre")
    @signed_in
    def home() -> str:
        officer = officer_of(office)[0]
        with office.home.store.read() as tx:
            snapshots, applied = tx.register.all_snapshots(), tx.register.applied()
        waiting = next(_waiting(snapshots, applied), None)
        found = None if waiting is None else desk.look(waiting.sha256, applied)
        work = desk.workshop.latest(KIND)
        return render_template(
            "register.html",
            applied=applied,
            waiting=waiting,
            work=work,
            outcome=_outcome(work),
            prepared=found,
            signed=[] if found is None else [name_anywhere(office, each) for each in found.plan.signed],
            signed_by_me=found is not None and officer.id in found.plan.signed,
            lists={name: _(said) for name, said in LISTS.items()},
            why={reason: _(said) for reason, said in WHY.items()},
            snapshots=snapshots[:SNAPSHOTS],
            settings=office.home.settings.register,
            may_import="register" in officer.roles,
            may_sign="approve" in officer.roles,
        )

    @pages.get("/registre/plan/<sha256>/<name>")
    @signed_in
    def people(sha256: str, name: str) -> str:
        found = desk.prepared(sha256)
        if name not in LISTS:
            raise Missing("no such list")
        number = max(1, request.args.get("page", 1, type=int))
        listed = found.lists[name]
        return render_template(
            "touched.html",
            title=_(LISTS[name]),
            total=found.counts[name],
            listed=len(listed),
            most=LISTED,
            people=listed[(number - 1) * PAGE : number * PAGE],
            number=number,
            last=max(1, -(-len(listed) // PAGE)),
        )


def _importing(pages: Blueprint, desk: Desk, folder: Path) -> None:
    """Add the import of an extraction."""
    office = desk.office

    @pages.post("/registre/imports")
    @signed_in
    def receive() -> Response:
        officer = officer_of(office)[0]
        require_role(officer, "register")
        dated = _date(request.args.get("date", ""))
        desk.workshop.refuse_busy(KIND)
        place = Path(tempfile.mkdtemp(prefix=EXTRACTION, dir=folder))
        try:
            path = stored(place / safe_name(request.args.get("nom", "")))
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise

        def task(work: Work) -> ImportResult:
            try:
                work.tell(N_("Le fichier est lu"))
                result = office.lifecycle.receive(path, by=officer.id, register_date=dated, progress=_told(work))
            finally:
                shutil.rmtree(place, ignore_errors=True)
            desk.keep(result.snapshot.sha256, work)
            return result

        try:
            desk.begin(task)
        except Conflict:
            shutil.rmtree(place, ignore_errors=True)
            raise
        return jsonify(next="/ordre/registre")


def _applying(pages: Blueprint, desk: Desk) -> None:
    """Add a plan's preparation, its signatures and its application."""
    office = desk.office

    @pages.post("/registre/plan")
    @signed_in
    def plan() -> Response:
        sha256 = request.form.get("snapshot", "")
        desk.begin(lambda work: desk.keep(sha256, work))
        return redirect("/ordre/registre")

    @pages.post("/registre/plan/<sha256>/accord/options")
    @signed_in
    def sign_options(sha256: str) -> Response:
        return to_sign(office, office.lifecycle.plan_statement(desk.prepared(sha256).plan, account().id))

    @pages.post("/registre/plan/<sha256>/accord")
    @signed_in
    def sign(sha256: str) -> Response:
        found = desk.prepared(sha256)
        found.plan = replace(found.plan, signed=office.lifecycle.sign(found.plan, signed_act(office, sent())))
        return jsonify(next="/ordre/registre")

    @pages.post("/registre/plan/<sha256>/application")
    @signed_in
    def apply(sha256: str) -> Response:
        found = desk.prepared(sha256)
        require_role(officer_of(office)[0], "approve")

        def task(work: Work) -> Applied:
            work.tell(N_("Le nouveau registre entre en vigueur"))
            done = office.lifecycle.apply(found.plan)
            desk.forget()
            return done

        desk.begin(task)
        return redirect("/ordre/registre")


def _waiting(snapshots: list[SnapshotRecord], applied: SnapshotRecord | None) -> Any:
    """Yield the snapshots that were never applied and are not older than the register in force, latest first."""
    for each in snapshots:
        if each.applied_at is None and (applied is None or each.register_date >= applied.register_date):
            yield each


def _date(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise Malformed("a date is written 2026-11-20") from None


def _told(work: Work) -> Any:
    def progress(at: Progress) -> None:
        if at.stage == "reading":
            work.tell(N_("Le fichier est lu"), at.octets, at.total)
        else:
            work.tell(N_("Les personnes sont rangées"), at.people)

    return progress


def _outcome(work: Work | None) -> Any:
    """Return what the last piece of work gave, for the page: an import's lines that could not be read, what was applied."""
    return None if work is None or not work.over else work.result
