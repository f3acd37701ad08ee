"""The page of the authority's keys: where each lives, what it serves, until when, how often it signed, and what is to be done.

These pages hold no key: they show the list that the issuer keeps in the home each minute (`pki.bootstrap.keylist`), and how old
it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from flask import Blueprint, render_template

from pki.bootstrap import keylist
from pki.bootstrap.keylist import FRESH, Concern, Judgement, Key, Keys, Place, Role
from pki.bootstrap.office import Office
from trust.errors import SceauError
from web.kit.language import N_, _, ngettext
from web.kit.safety import signed_in
from web.kit.tiles import BAD, CARE, GOOD, LOOKS, Tile, age_of
from web.kit.writing import day, number

PATH = "/autorite/cles"
LENGTH = 1000
"""Of the bar of a life, in its own units."""
_LOOK = {"ok": GOOD, "warning": CARE, "failed": BAD}
PLACES = {
    Place.SOFTWARE: N_("coffre logiciel"),
    Place.TOKEN: N_("jeton PKCS#11"),
    Place.PROCESS: N_("processus de garde"),
    Place.OFFLINE: N_("hors ligne, dans une autre installation"),
}
USES = {
    "certificate": N_("certificats"),
    "crl": N_("listes de révocation"),
    "ocsp": N_("réponses OCSP"),
    "timestamp": N_("horodatages"),
    "checkpoint": N_("sceaux du journal"),
}
STATUSES = {
    "issued": N_("en vigueur"),
    "held": N_("suspendu"),
    "revoked": N_("révoqué"),
    "expired": N_("fini"),
}
AWAY = {
    Place.SOFTWARE: N_("Remettez le coffre et sa phrase de passe comme ils ont été sauvegardés."),
    Place.TOKEN: N_(
        "Rebranchez le jeton ; voyez que la configuration nomme son module et son emplacement, et que son PIN est là."
    ),
    Place.PROCESS: N_("Démarrez le processus de garde, et lisez ce qu'il dit."),
}
"""What to do when what holds the keys does not answer."""
_SUCCESSOR = N_("Préparez celle qui lui succédera : réunir une cérémonie prend des semaines.")
_STOP = N_("Arrêtez l'émetteur : rien ne doit être signé avec elle. Puis cherchez qui y a touché.")
_BACK = N_("Une clé ne se refait pas : rebranchez le jeton qui la porte, ou remettez les clés comme elles ont été sauvegardées.")
_WHOSE = N_("Cherchez à qui elle est ; ce qui ne sert plus est mieux retiré.")
SAID: dict[Concern, tuple[str, str, str]] = {
    Concern.MISSING: (N_("Elle n'est pas là."), _BACK, "sceau restore"),
    Concern.MISMATCH: (N_("Ce n'est pas la clé que son certificat annonce."), _STOP, ""),
    Concern.UNSAFE: (N_("Elle a été altérée, ou pourrait quitter son jeton."), _STOP, ""),
    Concern.TWICE: (N_("Deux clés portent ce nom : on ne sait pas laquelle signe."), _STOP, ""),
    Concern.USES: (
        N_("Elle n'a pas été faite pour ce qu'elle doit signer."),
        N_("Donnez-lui un autre nom dans la configuration : une clé sera faite pour cela."),
        "",
    ),
    Concern.UNREACHABLE: (
        N_("Elle n'a pas pu être regardée."),
        N_("Voyez pourquoi ce qui garde les clés ne répond pas."),
        "sceau doctor --keys",
    ),
    Concern.ENDED: (N_("Son certificat est fini."), _SUCCESSOR, "sceau ceremony"),
    Concern.LATE: (
        N_("Son certificat n'a pas été renouvelé à temps."),
        N_("Voyez que l'émetteur travaille."),
        "sceau serve --only issuer",
    ),
    Concern.REVOKED: (N_("Son certificat est révoqué : elle ne signe plus que des listes."), _SUCCESSOR, "sceau ceremony"),
    Concern.RETIRES: (N_("Elle prend sa retraite dans moins de 90 jours."), _SUCCESSOR, "sceau ceremony"),
    Concern.SHORT: (
        N_("Les certificats les plus longs qu'elle signe vont lui survivre : ils seront refusés."),
        _SUCCESSOR,
        "sceau ceremony",
    ),
    Concern.NEVER: (
        N_("Personne ne l'a vue signer depuis un jour."),
        N_("Voyez que l'émetteur travaille."),
        "sceau serve --only issuer",
    ),
    Concern.WAITING: (
        N_("Elle n'a pas encore de certificat."),
        N_("Portez sa demande à la racine, puis faites entrer le certificat."),
        "sceau ca import",
    ),
    Concern.UNNAMED: (N_("Rien de cette autorité ne la nomme."), _WHOSE, ""),
    Concern.FOREIGN: (N_("Un autre programme l'a faite."), _WHOSE, ""),
}
"""What is the matter, what to do, and the command for it."""


@dataclass(frozen=True)
class Note:
    """One thing to know of a key."""

    said: str
    remedy: str
    command: str
    detail: str
    """In English, as the machine says it."""


@dataclass(frozen=True)
class Shown:
    """One key, in the words of the page."""

    key: Key
    anchor: str
    serves: str
    place: str
    where: str
    """The place, as the custodian says it."""
    signed: list[tuple[str, int]]
    look: str
    notes: list[Note]

    @property
    def word(self) -> str:
        """The look, in words."""
        return _(LOOKS[self.look])


@dataclass(frozen=True)
class Life:
    """The life of an authority's key on the scale of all of them: where its bar begins, loses its fullness, and ends."""

    label: str
    said: str
    begins: int
    full: int
    ends: int


@dataclass(frozen=True)
class Lives:
    """All bars, and the scale that they share."""

    first: datetime
    last: datetime
    now: int
    bars: list[Life]


def views(office: Office) -> Blueprint:
    """Return the views."""
    pages = Blueprint("custody", __name__)

    @pages.get(PATH)
    @signed_in
    def keys() -> str:
        now, found = office.home.clock.now(), kept(office.home.settings.home)
        shown = [] if found is None else [_shown(key, rank, away=bool(found.fault)) for rank, key in enumerate(found.keys, 1)]
        return render_template(
            "custody.html",
            found=found,
            old=found is not None and now - found.at > FRESH,
            age="" if found is None else age_of(now - found.at),
            keys=shown,
            wrong=[each for each in shown if each.look != GOOD],
            away=next((_(AWAY[each.key.place]) for each in shown if each.key.place in AWAY), ""),
            lives=None if found is None else lives(found.keys, now),
            statuses={status: _(word) for status, word in STATUSES.items()},
            offline=Place.OFFLINE,
            software=Place.SOFTWARE,
        )

    return pages


def kept(home: Path) -> Keys | None:
    """Return the list that was kept last; None when none can be shown."""
    try:
        return keylist.kept(home)
    except SceauError:
        return None


def tile(office: Office, now: datetime) -> Tile | None:
    """Measure the keys: how many are in order, for the page of the whole; None when nobody kept their list."""
    found = kept(office.home.settings.home)
    if found is None:
        return None
    failed = sum(each.state == "failed" for each in found.keys)
    wary = sum(each.state == "warning" for each in found.keys)
    look = BAD if found.is_wrong else CARE if wary or now - found.at > FRESH else GOOD
    said = ngettext(
        "clé de l'autorité ; à corriger : %(failed)s, à surveiller : %(wary)s.",
        "clés de l'autorité ; à corriger : %(failed)s, à surveiller : %(wary)s.",
        len(found.keys),
        failed=number(failed),
        wary=number(wary),
    )
    return Tile(_("Clés de l'autorité"), number(len(found.keys)), said, look, _("Voir chaque clé, et que faire"), PATH)


def lives(keys: Sequence[Key], now: datetime) -> Lives | None:
    """Return the bars of the authorities' keys, but not of responders, who live two weeks; None when there is no certificate."""
    dated = [(key, key.certificates[0].not_before, key.retires) for key in keys if key.role is Role.CA and key.certificates]
    whole = [(key, begins, ends) for key, begins, ends in dated if ends is not None]
    if not whole:
        return None
    moments = [now, *(each for _key, begins, ends in whole for each in (begins, ends))]
    first, last = min(moments), max(moments)

    def at(moment: datetime) -> int:
        return round(min(max((moment - first) / max(last - first, timedelta(seconds=1)), 0.0), 1.0) * LENGTH)

    bars = [
        Life(key.label, _until(key), at(begins), max(at(begins), at(key.full_until or ends)), at(ends))
        for key, begins, ends in whole
    ]
    return Lives(first, last, at(now), sorted(bars, key=lambda each: each.ends))


def _until(key: Key) -> str:
    assert key.retires is not None
    if key.full_until is None:
        return _("jusqu'au %(end)s", end=day(key.retires))
    return _("pleine durée jusqu'au %(full)s, fin le %(end)s", full=day(key.full_until), end=day(key.retires))


def _shown(key: Key, rank: int, *, away: bool) -> Shown:
    counts = dict.fromkeys(key.uses, 0) | {each.use: each.count for each in key.signed}
    signed = [(_(USES[use]) if use in USES else use, count) for use, count in counts.items()]
    # That nothing answers is said once, above, and not of each key again.
    notes = [_note(each) for each in key.judgements if not (away and each.concern is Concern.UNREACHABLE)]
    place, where = _(PLACES[key.place]), key.where.removeprefix("PKCS#11 token, ")
    return Shown(key, f"cle-{rank}", _serves(key), place, where, signed, _LOOK[key.state], notes)


def _serves(key: Key) -> str:
    match key.role:
        case Role.CA:
            return _("autorité de certification %(ca)s", ca=key.ca)
        case Role.RESPONDER:
            return _("répondeur OCSP de %(ca)s, renouvelé de lui-même", ca=key.ca)
        case Role.JOURNAL:
            return _("journal, dont elle signe les sceaux")
        case _:
            return _("rien de connu")


def _note(judgement: Judgement) -> Note:
    said, remedy, command = SAID[judgement.concern]
    return Note(_(said), _(remedy), command, judgement.text)
