"""The plan: what changed between two snapshots of the register (CP 4.9.1: a change of standing is a trigger of revocation).

Two files sorted alike are walked side by side, so that memory does not grow with them. The plan proposes nothing: it says who
is new, changed or gone and in what respect; people and rules decide, and a plan above a threshold waits for two officers, who
approve its hash.

A person whose line could not be read today is in no change: doubt is no strike-off. One who was doubtful yesterday and is
read today is *changed* with nothing before, to be looked at afresh.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from pki.register.archive import DOUBT, blocks, open_snapshot
from pki.register.entry import RegisterEntry
from trust.errors import Conflict


class ChangeKind(StrEnum):
    """What happened to a person. ``back`` is given by `Tally`, which can ask who was gone; `compare` says ``new``."""

    NEW = "new"
    CHANGED = "changed"
    GONE = "gone"
    BACK = "back"


class ChangeReason(StrEnum):
    """In what respect a person changed."""

    RIGHT_LOST = "right-lost"
    """A profession that they had the right to practise, they no longer have."""
    RIGHT_GAINED = "right-gained"
    PROFESSION = "profession"
    """The set of professions, learned or practised, is another."""
    NAME = "name"
    TITLE = "title"
    AUTHORITY = "authority"
    KNOW_HOW = "know-how"
    ACTIVITY = "activity"
    AFRESH = "afresh"
    """The day before, the person's line could not be read: there is nothing to compare with."""


class Change(NamedTuple):
    """One person's change. The canonical lines (without end of line) are None on the side where the person is not.

    A tuple, because the first plan of a register makes a million and a half of them.
    """

    kind: ChangeKind
    idnat: str
    before_line: str | None
    after_line: str | None

    @property
    def before(self) -> RegisterEntry | None:
        """The person before, read from the line each time it is asked."""
        return None if self.before_line is None else RegisterEntry.parse(self.before_line)

    @property
    def after(self) -> RegisterEntry | None:
        """The person after, read from the line each time it is asked."""
        return None if self.after_line is None else RegisterEntry.parse(self.after_line)

    @property
    def after_digest(self) -> bytes | None:
        """SHA-256 of the line after, which is the digest of the entry; without reading the entry."""
        return None if self.after_line is None else hashlib.sha256(self.after_line.encode()).digest()

    @property
    def text(self) -> str:
        """The canonical line of the change: kind, identifier, SHA-256 of each side (``-`` for none)."""
        return "\t".join((self.kind, self.idnat, _digest(self.before_line), _digest(self.after_line)))

    def reasons(self) -> tuple[ChangeReason, ...]:
        """Say in what respect a changed person changed, gravest first; nothing for the other kinds."""
        if self.kind is not ChangeKind.CHANGED:
            return ()
        before, after = self.before, self.after
        if before is None or after is None:
            return (ChangeReason.AFRESH,)
        return tuple(reason for reason, differs in _differences(before, after) if differs)


def _digest(line: str | None) -> str:
    return "-" if line is None else hashlib.sha256(line.encode()).hexdigest()


def _differences(before: RegisterEntry, after: RegisterEntry) -> Iterator[tuple[ChangeReason, bool]]:
    had, has = _rights(before), _rights(after)
    yield ChangeReason.RIGHT_LOST, bool(had - has)
    yield ChangeReason.RIGHT_GAINED, bool(has - had)
    yield ChangeReason.PROFESSION, before.professions != after.professions
    yield ChangeReason.NAME, (before.family_name, before.given_name) != (after.family_name, after.given_name)
    yield ChangeReason.TITLE, before.title != after.title
    yield ChangeReason.AUTHORITY, _each(before, "key") != _each(after, "key")
    yield ChangeReason.KNOW_HOW, _each(before, "know_how") != _each(after, "know_how")
    yield ChangeReason.ACTIVITY, _each(before, "activities") != _each(after, "activities")


def _rights(entry: RegisterEntry) -> set[str]:
    return {exercice.profession for exercice in entry.exercices if exercice.gives_right}


def _each(entry: RegisterEntry, field: str) -> set[object]:
    return {(exercice.profession, getattr(exercice, field)) for exercice in entry.exercices}


class Comparison(Iterator[Change]):
    """The changes from one snapshot to another, in order of national identifier; the counts are right once it is exhausted."""

    def __init__(self, old: Path | None, new: Path) -> None:
        after = open_snapshot(new)
        if old is not None:
            before = open_snapshot(old)
            if after.register_date < before.register_date:
                # An older file would bring back people struck off since.
                raise Conflict(f"the register of {after.register_date:%Y-%m-%d %H:%M} is older than the one to compare with")
        self.unchanged = 0
        self.doubtful = after.doubtful
        self.unreadable = after.unreadable
        self._changes = _everybody(_lines(new)) if old is None else self._walk(_lines(old), _lines(new))

    def __iter__(self) -> Comparison:
        """Return itself: a comparison is walked once."""
        return self

    def __next__(self) -> Change:
        """Return the next change."""
        return next(self._changes)

    def _walk(self, old: Iterator[bytes], new: Iterator[bytes]) -> Iterator[Change]:
        before, after = next(old, None), next(new, None)
        while before is not None or after is not None:
            if before == after:
                self.unchanged += not (before or b"").endswith(DOUBT)
                before, after = next(old, None), next(new, None)
                continue
            left, right = _idnat(before), _idnat(after)
            if right is None or (left is not None and left < right):
                change = _change(before, None)
                before = next(old, None)
            elif left is None or right < left:
                change = _change(None, after)
                after = next(new, None)
            else:
                change = _change(before, after)
                before, after = next(old, None), next(new, None)
            if change is not None:
                yield change


def compare(old: Path | None, new: Path) -> Comparison:
    """Compare two snapshot files; with `old` None everybody is new. The result is an iterator of `Change`.

    Act on the changes only once the iterator is exhausted without an error: damage to a file shows at its end.

    Raises:
        Missing: a file is not there.
        Alarm: a file is not a whole snapshot (at the call, or at the end of the iteration).
        Conflict: `new` is an older register than `old`.
    """
    return Comparison(old, new)


def _lines(path: Path | None) -> Iterator[bytes]:
    if path is not None:
        for block in blocks(path):
            yield from block


def _everybody(lines: Iterator[bytes]) -> Iterator[Change]:
    """Yield the changes of a first register, where there is nobody to compare with: a million and a half of them, made twice."""
    kind = ChangeKind.NEW
    for octets in lines:
        if not octets.endswith(DOUBT):
            line = octets[:-1].decode()
            yield Change(kind, line[: line.index("\t")], None, line)


def _idnat(line: bytes | None) -> bytes | None:
    return None if line is None else line[: line.index(b"\t")]


def _change(before: bytes | None, after: bytes | None) -> Change | None:
    """Return the change between two lines of one person, at most one of them None; None when today's line could not be read."""
    if after is not None and after.endswith(DOUBT):
        return None
    kind = ChangeKind.GONE if after is None else ChangeKind.NEW if before is None else ChangeKind.CHANGED
    idnat = _idnat(after or before) or b""
    if before is not None and before.endswith(DOUBT):
        before = None
    return Change(kind, idnat.decode(), _text(before), _text(after))


def _text(line: bytes | None) -> str | None:
    return None if line is None else line[:-1].decode()


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """A plan in figures. `hash` (hexadecimal SHA-256 over the canonical lines of its changes) is what officers approve.

    `rights_taken` counts the people from whom the plan takes a right to practise: those gone who had one, or who were
    doubtful, and those changed who lost one; it is what a threshold is compared with (CP 4.9.3). `reasons` counts the
    respects in which people changed (one person may count in several); `professions` counts, for each kind, the people by
    profession code, so that an ordre sees what concerns its own. `doubtful` people are in no change; `unreadable` lines might
    be anybody's, so that as many of the ``gone`` may not be.
    """

    new: int
    changed: int
    gone: int
    back: int
    unchanged: int
    doubtful: int
    unreadable: int
    rights_taken: int
    reasons: Mapping[ChangeReason, int]
    professions: Mapping[ChangeKind, Mapping[str, int]]
    hash: str

    @property
    def total(self) -> int:
        """How many people the plan touches."""
        return self.new + self.changed + self.gone + self.back


class Tally:
    """Counts and hashes changes as they go by. `was_gone` says whether a new person is one who was gone before: ``back``."""

    def __init__(self, was_gone: Callable[[str], bool] | None = None) -> None:
        self._was_gone = was_gone
        self._digest = hashlib.sha256()
        self._reasons: Counter[ChangeReason] = Counter()
        self._rights_taken = 0
        self._people: Counter[ChangeKind] = Counter()
        self._professions: dict[ChangeKind, Counter[str]] = {kind: Counter() for kind in ChangeKind}

    def counting(self, changes: Iterable[Change]) -> Iterator[Change]:
        """Yield the changes, each counted; a new person who was gone comes out as ``back``."""
        for change in changes:
            if change.kind is ChangeKind.NEW and self._was_gone is not None and self._was_gone(change.idnat):
                change = Change(ChangeKind.BACK, change.idnat, change.before_line, change.after_line)
            self._digest.update(f"{change.text}\n".encode())
            if change.kind is ChangeKind.CHANGED:
                reasons = change.reasons()
                self._reasons.update(reasons)
                self._rights_taken += ChangeReason.RIGHT_LOST in reasons
            elif change.kind is ChangeKind.GONE:
                before = change.before
                self._rights_taken += before is None or bool(_rights(before))
            self._count(change.kind, change.before_line or change.after_line or "")
            yield change

    def _count(self, kind: ChangeKind, line: str) -> None:
        self._people[kind] += 1
        by_profession, exercices = self._professions[kind], line.split("\t")[2:]
        if len(exercices) == 1:  # nearly everybody
            by_profession[exercices[0].partition("|")[0]] += 1
            return
        for profession in {exercice.partition("|")[0] for exercice in exercices}:
            by_profession[profession] += 1

    def summary(self, comparison: Comparison) -> PlanSummary:
        """Return the figures; the comparison has been walked to its end, through `counting`."""
        return PlanSummary(
            self._people[ChangeKind.NEW],
            self._people[ChangeKind.CHANGED],
            self._people[ChangeKind.GONE],
            self._people[ChangeKind.BACK],
            comparison.unchanged,
            comparison.doubtful,
            comparison.unreadable,
            self._rights_taken,
            dict(self._reasons),
            {kind: dict(counts) for kind, counts in self._professions.items() if counts},
            self._digest.hexdigest(),
        )
