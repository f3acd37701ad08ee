"""The page of who runs the machine: a tile for each thing that can go wrong, its figures below, and the command that mends it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from babel.numbers import format_decimal
from flask import Blueprint, render_template

from pki.bootstrap.examined import Examined
from pki.bootstrap.office import Office
from web.admin import custody, measures
from web.admin.measures import Ending, Refusals, Traffic, Waiting
from web.kit import tiles
from web.kit.language import _, ngettext, spoken
from web.kit.safety import signed_in
from web.kit.tiles import BAD, CARE, GOOD, Tile, age_of, worth
from web.kit.writing import moment, number

WIDTH, HEIGHT, GAP = 520, 120, 4
"""Of a chart, in its own units."""
FEWEST_BARS = 8
"""A chart has room for as many: one bar alone is no wall."""
OLD_BACKUP = timedelta(hours=36)
"""A nightly backup that was missed once."""
OLD_FINDINGS = timedelta(days=1)
MANY_REFUSALS = 50
"""In an hour: more than people who mistype."""


def views(office: Office) -> Blueprint:
    """Return the views."""
    pages = Blueprint("dashboard", __name__)

    @pages.get("/")
    @signed_in
    def state() -> str:
        now = office.home.clock.now()
        endings, records, answered = measures.endings(office, now), measures.lists(office), measures.answers(office, now)
        waiting, orders = measures.waiting(office)
        refused, examined = measures.refusals(office, now), measures.findings(office)
        backup = measures.last_backup(office.home.settings.home)
        measured = (
            _endings(endings),
            tiles.lists(office, now, "/#listes"),
            None if answered is None else _answers(answered),
            _queue(waiting, orders),
            tiles.register(office, "/#registre"),
            custody.tile(office, now),
            None if backup is None else _backup(backup, now),
            _refusals(refused),
            None if examined is None else _findings(examined, now),
        )
        return render_template(
            "state.html",
            tiles=[each for each in measured if each is not None],
            endings=endings,
            horizons=measures.HORIZONS,
            records=[(each, age_of(now - each.this_update), worth(each.this_update, each.next_update, now)) for each in records],
            looks={look: _(word) for look, word in tiles.LOOKS.items()},
            answered=answered,
            waiting=waiting,
            orders=orders,
            refused=refused,
            examined=examined,
            **_charts(endings, answered, refused),
        )

    return pages


def _charts(endings: Sequence[Ending], answered: Traffic | None, refused: Sequence[Refusals]) -> dict[str, Any]:
    def drawn(counts: Sequence[float]) -> list[tiles.Bar]:
        return tiles.bars(counts, WIDTH, HEIGHT, GAP)

    rates = [] if answered is None else [each.ocsp for each in answered.rates]
    return {
        "endings_bars": drawn([each.counts[-1] for each in endings] + [0] * (FEWEST_BARS - len(endings))),
        "answers_bars": drawn(rates),
        "refused_bars": drawn([each.total for each in refused]),
    }


def _endings(endings: Sequence[Ending]) -> Tile:
    week, month, quarter = (sum(each.counts[rank] for each in endings) for rank in range(3))
    said = ngettext(
        "certificat finit d'ici 7 jours ; %(month)s d'ici 30 jours, %(quarter)s d'ici 90 jours.",
        "certificats finissent d'ici 7 jours ; %(month)s d'ici 30 jours, %(quarter)s d'ici 90 jours.",
        week,
        month=number(month),
        quarter=number(quarter),
    )
    return Tile(_("Échéances"), number(week), said, CARE if week else GOOD, _("Voir par profil, et que faire"), "/#echeances")


def _answers(answered: Traffic) -> Tile:
    title, remedy = _("Réponses OCSP"), _("Voir le quart d'heure, et que faire")
    if answered.silent:
        said = _("réponse n'est comptée depuis le %(moment)s : la publication est arrêtée.", moment=moment(answered.until))
        return Tile(title, _("aucune"), said, BAD, remedy, "/#reponses")
    return Tile(title, rate(answered.now), _("réponses par seconde dans la dernière minute."), GOOD, remedy, "/#reponses")


def rate(value: float) -> str:
    """Write how many a second: with a tenth where there are few."""
    return number(round(value)) if value >= 10 else format_decimal(value, "0.0", locale=spoken())


def _queue(waiting: Sequence[Waiting], orders: int) -> Tile:
    count = sum(each.count for each in waiting)
    said = ngettext(
        "demande attend une décision des ordres. À fabriquer : %(orders)s.",
        "demandes attendent une décision des ordres. À fabriquer : %(orders)s.",
        count,
        orders=number(orders),
    )
    return Tile(_("Files d'attente"), number(count), said, CARE if orders else GOOD, _("Voir les files, et que faire"), "/#files")


def _backup(at: datetime, now: datetime) -> Tile:
    said = _("est l'âge de la dernière sauvegarde, finie le %(moment)s.", moment=moment(at))
    look = BAD if now - at > 2 * OLD_BACKUP else CARE if now - at > OLD_BACKUP else GOOD
    return Tile(_("Sauvegarde"), age_of(now - at), said, look, _("Comment sauvegarder"), "/#sauvegarde")


def _refusals(refused: Sequence[Refusals]) -> Tile:
    count = sum(each.total for each in refused)
    said = ngettext(
        "refus à la porte en 24 heures : clés d'accès et codes.", "refus à la porte en 24 heures : clés d'accès et codes.", count
    )
    look = CARE if any(each.total > MANY_REFUSALS for each in refused) else GOOD
    return Tile(_("Connexions refusées"), number(count), said, look, _("Voir heure par heure, et que faire"), "/#refus")


def _findings(found: Examined, now: datetime) -> Tile:
    failed = sum(each.state == "failed" for each in found.findings)
    said = ngettext(
        "chose à corriger d'après sceau doctor, le %(moment)s.",
        "choses à corriger d'après sceau doctor, le %(moment)s.",
        failed,
        moment=moment(found.at),
    )
    look = BAD if failed else CARE if found.wrong or now - found.at > OLD_FINDINGS else GOOD
    return Tile(_("Examen de la machine"), number(failed), said, look, _("Voir ce qui ne va pas, et que faire"), "/#examen")
