"""What pages of the state of things share: a tile that says what was measured and leads to its remedy, ages, bars of a chart.

The register and the lists are everybody's: their tiles are made here, for the page of an ordre and for that of who runs the
machine. What is not measured has no tile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pki.bootstrap.office import Office
from web.kit.language import N_, _, ngettext
from web.kit.writing import moment, number

GOOD, CARE, BAD = "good", "warn", "bad"
LOOKS = {GOOD: N_("en ordre"), CARE: N_("à surveiller"), BAD: N_("à corriger")}
"""The look of a tile, and the same in words."""


@dataclass(frozen=True)
class Tile:
    """One thing that was measured."""

    title: str
    figure: str
    said: str
    look: str
    remedy: str
    """What the link says."""
    link: str
    """Path below the prefix of the application."""

    @property
    def word(self) -> str:
        """The look, in words."""
        return _(LOOKS[self.look])


class RegisterAge:
    """How old the register in force is, and what follows from it (CP 3.2.3)."""

    def __init__(self, applied: datetime | None, now: datetime, max_days: int) -> None:
        """Judge a date now; None when no register was ever applied."""
        self.applied = applied
        self.days = None if applied is None else max(0, (now - applied).days)
        self.max_days = max_days
        self.too_old = applied is None or now - applied > timedelta(days=max_days)

    @classmethod
    def of(cls, office: Office) -> RegisterAge:
        """Look at the register of an office."""
        with office.home.store.read() as tx:
            applied = tx.register.applied_date()
        return cls(applied, office.home.clock.now(), office.home.settings.register.max_age_days)

    @property
    def words(self) -> str:
        """Say the age."""
        if self.days is None:
            return _("aucun registre en vigueur")
        return _("du jour") if self.days == 0 else _("d'hier") if self.days == 1 else _("vieux de %(days)s jours", days=self.days)


def register(office: Office, link: str) -> Tile:
    """Measure the register."""
    age = RegisterAge.of(office)
    title = _("Registre national")
    if age.days is None:
        return Tile(title, _("aucun"), _("registre n'est en vigueur."), BAD, _("Importer un registre"), link)
    look = BAD if age.too_old else CARE if age.days * 2 > age.max_days else GOOD
    said = ngettext(
        "jour d'âge ; passé %(most)s jours, aucune demande n'est plus reçue.",
        "jours d'âge ; passé %(most)s jours, aucune demande n'est plus reçue.",
        age.days,
        most=age.max_days,
    )
    return Tile(title, number(age.days), said, look, _("Importer un registre plus récent"), link)


def lists(office: Office, now: datetime, link: str) -> Tile | None:
    """Measure the lists: the one that ends first speaks for all."""
    with office.home.store.read() as tx:
        records = tx.crls.all()
    if not records:
        return None
    first, oldest = min(each.next_update for each in records), min(each.this_update for each in records)
    said = _("est l'âge de la plus ancienne liste de révocation ; la première à finir finit le %(end)s.", end=moment(first))
    look = max((worth(each.this_update, each.next_update, now) for each in records), key=(GOOD, CARE, BAD).index)
    return Tile(_("Listes de révocation"), age_of(now - oldest), said, look, _("Que faire si elles vieillissent"), link)


def worth(begins: datetime, ends: datetime, now: datetime) -> str:
    """Return the look of something that is made anew at half of its life: from there on it is late."""
    return BAD if ends <= now else CARE if now - begins > (ends - begins) / 2 else GOOD


def age_of(age: timedelta) -> str:
    """Write an age, in the largest unit that still says something."""
    minutes = max(0, int(age.total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else _("%(days)s j", days=minutes // 1440)


@dataclass(frozen=True)
class Bar:
    """One bar of a chart, in the chart's own units."""

    x: int
    y: int
    width: int
    height: int


def bars(counts: Sequence[float], width: int, height: int, gap: int) -> list[Bar]:
    """Return the bars of a chart: the highest is as high as the chart, and none that counts something is too low to be seen."""
    most, each = max([*counts, 0]) or 1, width // max(1, len(counts))
    heights = [max(2, int(count * height / most)) if count else 0 for count in counts]
    return [Bar(rank * each + gap // 2, height - tall, each - gap, tall) for rank, tall in enumerate(heights)]
