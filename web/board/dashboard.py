"""The state of things for an ordre: what ends soon, what waits, the age of the register and of what is published, with remedies.

Everything on the page is measured when it is shown: from the inventory, from the lists on record, from the very answer that a
relying party would be given for a certificate of this ordre. What is not measured does not appear.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, render_template, request

from pki.bootstrap.office import Office
from pki.inventory.model import State
from pki.protocols.ocsp import read_request
from pki.registration.model import BatchState
from pki.status.answer import Answerer, Policy
from trust.errors import Missing, SceauError
from trust.validation.certificate import Certificate as Read
from trust.validation.ocsp import evaluate_ocsp, request_for
from trust.validation.status import CertificateStatus
from web.board import compare
from web.board.frame import officer_of
from web.kit import tiles
from web.kit.language import _, ngettext
from web.kit.safety import signed_in
from web.kit.tiles import BAD, CARE, GOOD, Tile, age_of, worth
from web.kit.writing import moment, number

WEEKS = 13
WEEK = timedelta(days=7)
LISTED = 500
HELP = "/etat#exploitant"
"""What to do when what is published grows old."""
WIDTH, HEIGHT, GAP = 520, 120, 6
"""Of the chart, in its own units."""


def views(office: Office) -> Blueprint:
    """Return the views."""
    pages = Blueprint("dashboard", __name__)

    @pages.get("/etat")
    @signed_in
    def state() -> str:
        board, now = officer_of(office)[1].code, office.home.clock.now()
        with office.home.store.read() as tx:
            ends = tx.certificates.ends(board=board, ends_from=now, ends_before=now + WEEKS * WEEK)
        weeks = [0] * WEEKS
        for end in ends:
            weeks[(end - now) // WEEK] += 1
        everybody_s = (tiles.register(office, "/registre"), tiles.lists(office, now, HELP))
        measured = (_ends(ends, now), _queue(office, board), *everybody_s, _answers(office, board, now))
        chart = {"weeks": _weeks(weeks, now), "bars": tiles.bars(weeks, WIDTH, HEIGHT, GAP), "total": len(ends)}
        return render_template("dashboard.html", tiles=[each for each in measured if each is not None], **chart)

    @pages.get("/etat/echeances")
    @signed_in
    def endings() -> str:
        board, now = officer_of(office)[1].code, office.home.clock.now()
        week = request.args.get("semaine", 0, type=int)
        if not 0 <= week < WEEKS:
            raise Missing("no such week")
        begins = now + week * WEEK
        with office.home.store.read() as tx:
            found = tx.certificates.search(
                board=board, states=[State.ISSUED, State.HELD], ends_from=begins, ends_before=begins + WEEK, limit=LISTED
            )
        rows = [
            (each.serial.hex(), compare.name_of(json.loads(each.subject)), compare.profile_name(each.profile), each.not_after)
            for each in sorted(found, key=lambda each: each.not_after)
        ]
        return render_template("endings.html", rows=rows, begins=begins, ends=begins + WEEK, week=week, full=len(found) == LISTED)

    return pages


def _ends(ends: list[datetime], now: datetime) -> Tile:
    soon, month = (sum(end < now + timedelta(days=days) for end in ends) for days in (7, 30))
    quarter = sum(end < now + timedelta(days=90) for end in ends)
    said = ngettext(
        "certificat finit d'ici 7 jours ; %(month)s d'ici 30 jours, %(quarter)s d'ici 90 jours.",
        "certificats finissent d'ici 7 jours ; %(month)s d'ici 30 jours, %(quarter)s d'ici 90 jours.",
        soon,
        month=number(month),
        quarter=number(quarter),
    )
    return Tile(_("Échéances"), number(soon), said, CARE if soon else GOOD, _("Voir qui est concerné"), "/etat#semaines")


def _queue(office: Office, board: str) -> Tile:
    with office.home.store.read() as tx:
        waiting, orders = tx.requests.count(board=board, state=BatchState.SUBMITTED), tx.orders.pending()
    said = ngettext(
        "demande attend une décision de l'ordre. À fabriquer, tous ordres compris : %(orders)s.",
        "demandes attendent une décision de l'ordre. À fabriquer, tous ordres compris : %(orders)s.",
        waiting,
        orders=number(orders),
    )
    return Tile(_("File d'attente"), number(waiting), said, CARE if waiting else GOOD, _("Décider des demandes"), "/")


def _answers(office: Office, board: str, now: datetime) -> Tile | None:
    """Measure the answer that a relying party is given for the latest certificate of this ordre."""
    with office.home.store.read() as tx:
        found = tx.certificates.search(board=board, states=[State.ISSUED], ends_from=now, limit=1)
    authority = office.home.ca_certificates().get(found[0].ca) if found else None
    folder = office.home.settings.publication / "status"
    if authority is None or not folder.exists():
        return None
    leaf, issuer = Read(found[0].der), Read(authority.der)
    answerer = Answerer(folder, None, Policy(), read_request)
    try:
        answerer.look()
        answer = evaluate_ocsp(answerer.answer(request_for(leaf, issuer), now).body, leaf, issuer, now)
    except SceauError:
        answer = None
    finally:
        answerer.close()
    known = answer is not None and answer.status is not CertificateStatus.UNKNOWN
    if answer is None or not known or answer.this_update is None or answer.next_update is None:
        said = _("réponse n'est donnée sur le dernier certificat de cet ordre.")
        return Tile(_("Réponses OCSP"), _("aucune"), said, BAD, _("Que faire"), HELP)
    until = moment(answer.next_update)
    said = _("est l'âge de la réponse sur le dernier certificat de cet ordre ; elle vaut jusqu'au %(until)s.", until=until)
    look, remedy = worth(answer.this_update, answer.next_update, now), _("Que faire si elle vieillit")
    return Tile(_("Réponses OCSP"), age_of(now - answer.this_update), said, look, remedy, HELP)


def _weeks(weeks: list[int], now: datetime) -> list[dict[str, Any]]:
    return [{"begins": now + rank * WEEK, "rank": rank, "count": count} for rank, count in enumerate(weeks)]
