"""A plan of the register, walked once and kept for its pages: figures, and the people it touches, by what happens to them.

The first register makes everybody new: their names are not kept. Of any list the first names are, up to a bound; the figures
count all. What officers sign is the plan of `pki.registration.lifecycle`, not these lists.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pki.bootstrap.office import Office
from pki.register.plan import Change, ChangeKind, ChangeReason, Tally, compare
from pki.registration.lifecycle import Plan
from pki.registration.model import SnapshotRecord
from trust.errors import Missing
from trust.identity.professions import label_of
from web.board.work import Work
from web.kit.language import N_, _

LISTED = 20_000
"""People named in one list, at most."""
_EVERY = 5_000

LISTS = {
    "perdent": N_("Perdent le droit d'exercer"),
    "partis": N_("Ne sont plus dans le registre"),
    "changent": N_("Changent"),
    "nouveaux": N_("Nouveaux"),
    "reviennent": N_("Reviennent"),
}
WHY = {
    ChangeReason.RIGHT_LOST: N_("perd le droit d'exercer une profession"),
    ChangeReason.RIGHT_GAINED: N_("reçoit le droit d'exercer une profession"),
    ChangeReason.PROFESSION: N_("profession"),
    ChangeReason.NAME: N_("nom"),
    ChangeReason.TITLE: N_("civilité"),
    ChangeReason.AUTHORITY: N_("autorité d'enregistrement"),
    ChangeReason.KNOW_HOW: N_("savoir-faire"),
    ChangeReason.ACTIVITY: N_("lieux d'exercice"),
    ChangeReason.AFRESH: N_("illisible la dernière fois, lu de nouveau"),
}
_HAPPENS = {ChangeKind.GONE: N_("n'y est plus"), ChangeKind.NEW: N_("nouveau"), ChangeKind.BACK: N_("revient")}
_OF_KIND = {
    ChangeKind.GONE: "partis",
    ChangeKind.CHANGED: "changent",
    ChangeKind.NEW: "nouveaux",
    ChangeKind.BACK: "reviennent",
}


@dataclass(frozen=True, slots=True)
class Touched:
    """One person of a plan."""

    idnat: str
    name: str
    professions: str
    what: tuple[str, ...]
    """What happens to them, in French: pages say it in their language."""

    @property
    def words(self) -> str:
        """Say what happens to them."""
        return ", ".join(map(_, self.what))


@dataclass
class Prepared:
    """A plan with its lists."""

    plan: Plan
    lists: dict[str, list[Touched]] = field(default_factory=lambda: {name: [] for name in LISTS})
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LISTS, 0))
    certificates: int = 0
    """Certificates, alive, of people who lose the right."""

    def stands(self, applied: SnapshotRecord | None) -> bool:
        """Tell whether the register in force is still the one that the plan begins from."""
        return (applied.file if applied else None) == (self.plan.previous.file if self.plan.previous else None)


def prepare(office: Office, sha256: str, work: Work) -> Prepared:
    """Make the plan of a snapshot and walk it for its lists.

    Raises:
        Missing, Conflict: as `Lifecycle.plan`.
    """
    work.tell(N_("Le registre est comparé à celui en vigueur"))
    plan = office.lifecycle.plan(sha256)
    prepared = Prepared(plan)
    s = plan.summary
    prepared.counts = {
        "perdent": s.rights_taken, "partis": s.gone, "changent": s.changed, "nouveaux": s.new, "reviennent": s.back,
    }  # fmt: skip
    if plan.previous is None or not s.total:
        return prepared
    home = office.home
    with home.store.read() as tx:
        absent = tx.register.absent()
    folder = home.settings.snapshots
    changes = Tally(absent.__contains__).counting(compare(folder / plan.previous.file, folder / plan.snapshot.file))
    losing: list[str] = []
    for number, change in enumerate(changes, 1):
        if number % _EVERY == 0:
            work.tell(N_("Les personnes concernées sont relevées"), number, s.total)
        loses = _loses(change)
        if loses:
            losing.append(change.idnat)
        for name in ("perdent", _OF_KIND[change.kind]) if loses else (_OF_KIND[change.kind],):
            if len(prepared.lists[name]) < LISTED:
                prepared.lists[name].append(_touched(change))
    now = home.clock.now()
    with home.store.read() as tx:
        for start in range(0, len(losing), _EVERY):
            prepared.certificates += len(tx.certificates.live_of_holders(losing[start : start + _EVERY], now))
    return prepared


def _loses(change: Change) -> bool:
    if change.kind is ChangeKind.GONE:
        before = change.before
        return before is None or any(each.gives_right for each in before.exercices)
    return change.kind is ChangeKind.CHANGED and ChangeReason.RIGHT_LOST in change.reasons()


def _touched(change: Change) -> Touched:
    entry = change.after or change.before
    what = (_HAPPENS[change.kind],) if change.kind in _HAPPENS else tuple(WHY[reason] for reason in change.reasons())
    if entry is None:  # the line could not be read before, and now there is none
        return Touched(change.idnat, "", "", what)
    professions = ", ".join(dict.fromkeys(_label(each.profession, each.category) for each in entry.exercices))
    return Touched(change.idnat, f"{entry.given_name} {entry.family_name}".strip(), professions, what)


def _label(profession: str, category: str) -> str:
    try:
        return label_of(profession, category)
    except Missing:
        return profession
