"""A plan of the register in words and figures: who is gone, who loses the right, who must sign (CP 4.9.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pki.bootstrap.home import Home
from pki.cli._text import at, count, minute, person_name, profession, table
from pki.register.plan import Change, ChangeKind, ChangeReason, Tally, compare
from pki.registration.lifecycle import Plan
from pki.registration.model import SnapshotRecord


@dataclass(frozen=True)
class PlannedPerson:
    """One person of a plan."""

    idnat: str
    name: str
    professions: str
    kind: ChangeKind
    reasons: tuple[ChangeReason, ...]
    loses_right: bool

    @classmethod
    def of(cls, change: Change) -> PlannedPerson:
        """Read a change."""
        entry = change.before or change.after
        if entry is None:  # the person's line could not be read before, and now there is none
            return cls(change.idnat, "", "", change.kind, (), loses_right=True)
        had_right = any(each.gives_right for each in entry.exercices)
        reasons = change.reasons()
        return cls(
            idnat=change.idnat,
            name=person_name(entry.given_name, entry.family_name),
            professions=", ".join(dict.fromkeys(profession(each.profession, each.category) for each in entry.exercices)),
            kind=change.kind,
            reasons=reasons,
            loses_right=had_right if change.kind is ChangeKind.GONE else ChangeReason.RIGHT_LOST in reasons,
        )

    def as_data(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "idnat": self.idnat,
            "name": self.name,
            "professions": self.professions,
            "change": self.kind.value,
            "reasons": [reason.value for reason in self.reasons],
            "loses_right": self.loses_right,
        }

    def row(self) -> tuple[str, str, str, str]:
        """Return it for a table."""
        what = "gone" if self.kind is ChangeKind.GONE else ", ".join(reason.value for reason in self.reasons) or self.kind.value
        return self.idnat, self.name, self.professions, what


def people_of(home: Home, plan: Plan, *, everybody: bool) -> list[PlannedPerson]:
    """Return the people whom a plan touches; those who are merely new are left out unless everybody is asked for."""
    if plan.previous is None and not everybody:
        return []
    with home.store.read() as tx:
        absent = tx.register.absent()
    comparison = compare(_file(home, plan.previous) if plan.previous else None, _file(home, plan.snapshot))
    changes = Tally(absent.__contains__).counting(comparison)
    return [PlannedPerson.of(change) for change in changes if everybody or change.kind is not ChangeKind.NEW]


def counts(plan: Plan) -> str:
    """Say a plan in one line."""
    s = plan.summary
    parts = [f"{s.new} new", f"{s.changed} changed", f"{s.gone} gone", f"{s.back} back"]
    return f"{', '.join(parts)}; {count(s.rights_taken, 'person loses', 'people lose')} the right to practise"


def as_data(plan: Plan) -> dict[str, Any]:
    """Return a plan's figures for JSON."""
    s = plan.summary
    return {
        "plan": plan.hash,
        "snapshot": plan.snapshot.sha256,
        "register_date": at(plan.snapshot.register_date),
        "previous": plan.previous.sha256 if plan.previous else None,
        "previous_date": at(plan.previous.register_date) if plan.previous else None,
        "new": s.new,
        "changed": s.changed,
        "gone": s.gone,
        "back": s.back,
        "unchanged": s.unchanged,
        "doubtful": s.doubtful,
        "unreadable_lines": s.unreadable,
        "rights_taken": s.rights_taken,
        "reasons": {reason.value: number for reason, number in sorted(s.reasons.items())},
        "professions": {kind.value: dict(sorted(numbers.items())) for kind, numbers in s.professions.items()},
        "needed": plan.needed,
        "signed": list(plan.signed),
    }


def text(home: Home, plan: Plan, people: Sequence[PlannedPerson], *, limit: int | None) -> str:
    """Write a plan for people; with a limit, only the first of those who lose the right are named."""
    s = plan.summary
    instead = f"that of {minute(plan.previous.register_date)}" if plan.previous else "nothing: it is the first"
    figures = [
        ("new", s.new, _by_profession(plan, ChangeKind.NEW)),
        ("changed", s.changed, ", ".join(f"{reason.value} {number}" for reason, number in sorted(s.reasons.items()))),
        ("gone", s.gone, _by_profession(plan, ChangeKind.GONE)),
        ("back", s.back, _by_profession(plan, ChangeKind.BACK)),
        ("unchanged", s.unchanged, ""),
        ("in doubt", s.doubtful, "a line could not be read: nothing happens to them" if s.doubtful else ""),
    ]
    parts = [
        f"Plan {plan.hash}\nRegister of {minute(plan.snapshot.register_date)} (snapshot {plan.snapshot.sha256[:16]}) "
        f"instead of {instead}.",
        table(("", "PEOPLE", ""), figures, numbers=(1,)),
    ]
    parts += _named(home, people, limit)
    return "\n\n".join([*parts, _signatures(home, plan)])


def _named(home: Home, people: Sequence[PlannedPerson], limit: int | None) -> list[str]:
    losing = [person for person in people if person.loses_right]
    others = [] if limit is not None else [person for person in people if not person.loses_right]
    parts = []
    if losing:
        now = home.clock.now()
        with home.store.read() as tx:
            live = len(tx.certificates.live_of_holders([person.idnat for person in losing], now))
        shown = losing if limit is None else losing[:limit]
        head = (
            f"{count(len(losing), 'person loses', 'people lose')} the right to practise; {count(live, 'certificate')} of theirs:"
        )
        more = f"\nand {len(losing) - len(shown)} more: --full names them" if len(shown) < len(losing) else ""
        parts.append(f"{head}\n{table(_HEAD, [person.row() for person in shown])}{more}")
    if others:
        parts.append(f"The others:\n{table(_HEAD, [person.row() for person in others])}")
    return parts


def _signatures(home: Home, plan: Plan) -> str:
    threshold = home.settings.register.threshold
    why = f"{plan.summary.rights_taken} lose a right; above {threshold}, {home.settings.register.approvals} officers sign"
    signed = f"signed by {', '.join(plan.signed)}" if plan.signed else "nobody has signed it yet"
    ready = len(plan.signed) >= plan.needed
    then = "`sceau register apply`" if ready else "`sceau register sign --officer ID`"
    return f"{count(plan.needed, 'officer signs', 'officers sign')} this plan ({why}); {signed}.\nNext: {then}"


def _by_profession(plan: Plan, kind: ChangeKind) -> str:
    numbers = sorted(plan.summary.professions.get(kind, {}).items(), key=lambda item: -item[1])
    return ", ".join(f"{profession(code)} {number}" for code, number in numbers[:4]) + (", …" if len(numbers) > 4 else "")


def _file(home: Home, record: SnapshotRecord) -> Path:
    return home.settings.snapshots / record.file


_HEAD = ("IDENTIFIER", "NAME", "PROFESSION", "CHANGE")
