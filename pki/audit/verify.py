"""Verification of a journal, entry by entry, against checkpoints kept elsewhere (reliability P19, U01).

Reads what an auditor was given and says where it stops being what was written. A change that leaves its neighbours alone is
named to the entry. A history rewritten from some point on, with every link and the head made anew, is still caught by any
checkpoint signed before, and then the report says between which entries it begins: nobody can say more without a copy of the
entries.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pki.audit.journal import Head, Row
from trust.canonical import canonical
from trust.errors import Alarm, Malformed
from trust.transparency.checkpoint import Checkpoint, open_checkpoint
from trust.transparency.merkle import EMPTY_ROOT, Frontier, leaf_hash
from trust.transparency.note import VerifierKey

_FORM = {"at": str, "facts": dict, "prev": str, "seq": int, "type": str}
_REMEMBERED = 10_000
"""How many leaf hashes are kept to tell an insertion from a change: an insertion longer than this is reported at its end."""


class Kind(StrEnum):
    """What is wrong with a journal."""

    ALTERED = "altered"
    """The entry is not the one that was written there."""
    MISSING = "missing"
    """The entry, and perhaps some after it, is gone."""
    INSERTED = "inserted"
    """The entry was not there when the next one was written."""
    MOVED = "moved"
    """The entry stands at a number that is not its own."""
    REWRITTEN = "rewritten"
    """The entries agree with each other and not with a checkpoint signed before."""
    FORGED = "forged checkpoint"
    """A checkpoint that the journal's key did not sign."""
    FORK = "fork"
    """Two checkpoints, both signed, of two different histories."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: the first entry concerned, and in one sentence how it shows.

    `index` is exact, except for REWRITTEN and FORK: there the first bad entry is between `index` and `last`.
    """

    index: int
    kind: Kind
    text: str
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What verification found. `faults` are in the order of the entries; none means that everything agreed."""

    entries: int
    """Entries read."""
    proven: int
    """Entries, from the first, that are exactly those under a checkpoint with a good signature."""
    faults: tuple[Fault, ...]

    @property
    def first_bad(self) -> int | None:
        """Number of the first entry that is wrong or gone; None when everything agreed. A forged checkpoint names no entry."""
        return min((fault.index for fault in self.faults if fault.kind is not Kind.FORGED), default=None)


def verify_journal(
    entries: Iterable[Row],
    head: Head | None,
    checkpoints: Iterable[str],
    verifier_key: VerifierKey,
    external_checkpoints: Sequence[str] = (),
) -> Report:
    """Verify entries, in their order, against the head and the checkpoints beside them and those kept elsewhere.

    A checkpoint may be given twice. Memory does not grow with the entries. Never raises on what it reads: it reports.
    """
    faults: list[Fault] = []
    believed = _believe([*checkpoints, *external_checkpoints], verifier_key, faults)
    walk = _Walk({checkpoint.size for checkpoint in believed} | ({head.size - 1, head.size} if head else set()))
    broken = walk.run(iter(entries)) or _last_altered(head, walk)
    proven, disagreements = _compare(believed, walk, broken)
    faults += disagreements
    faults += [broken] if broken else _compare_head(head, walk, proven)
    return Report(walk.count, proven, tuple(sorted(faults, key=lambda fault: (fault.index, fault.kind))))


def _believe(notes: Sequence[str], key: VerifierKey, faults: list[Fault]) -> list[Checkpoint]:
    """Return the checkpoints that the journal's key signed, by size; report the others."""
    believed: dict[tuple[int, bytes], Checkpoint] = {}
    for note in notes:
        try:
            checkpoint = open_checkpoint(note, key)
        except (Malformed, Alarm) as error:
            faults.append(Fault(0, Kind.FORGED, str(error)))
            continue
        if checkpoint.origin == key.name:
            believed[checkpoint.size, checkpoint.root] = checkpoint
        else:
            faults.append(Fault(0, Kind.FORGED, f"a checkpoint of another journal, {checkpoint.origin}"))
    return sorted(believed.values(), key=lambda checkpoint: checkpoint.size)


def _compare(believed: Sequence[Checkpoint], walk: _Walk, broken: Fault | None) -> tuple[int, list[Fault]]:
    """Compare each signed checkpoint with the tree at its size; return how many entries are proven, and what disagrees."""
    agreed = [one.size for one in believed if one.size in walk.states and walk.states[one.size].root() == one.root]
    proven = max(agreed, default=0)
    faults: list[Fault] = []
    for size in sorted({one.size for one in believed}):
        if broken and size > broken.index:
            break  # what is above a broken entry disagrees because of it
        roots = {one.root for one in believed if one.size == size}
        before = max((other for other in agreed if other < size), default=0)
        if len(roots) > 1:
            faults.append(Fault(before, Kind.FORK, f"checkpoints of {size} entries, all signed, have different roots", size - 1))
        elif size in agreed:
            continue
        elif size not in walk.states:
            faults.append(Fault(walk.count, Kind.MISSING, f"a checkpoint of {size} entries is signed, {walk.count} are here"))
        elif size < proven:
            text = f"a checkpoint of {size} entries is signed and is not of this history, though one of {proven} entries is"
            faults.append(Fault(before, Kind.FORK, text, size - 1))
        else:
            faults.append(Fault(before, Kind.REWRITTEN, f"the first {size} entries are not those that were signed", size - 1))
    return proven, faults


def _compare_head(head: Head | None, walk: _Walk, proven: int) -> Iterator[Fault]:
    size = head.size if head else 0
    if size > walk.count:
        yield Fault(walk.count, Kind.MISSING, f"the head counts {size} entries, {walk.count} are here")
    elif size < walk.count:
        yield Fault(size, Kind.INSERTED, f"the head counts {size} entries, {walk.count} are here")
    elif head and (walk.states[size].edge != head.frontier.edge or walk.tip != head.tip):
        yield Fault(proven, Kind.REWRITTEN, "the entries do not lead to the head", size - 1)


def _last_altered(head: Head | None, walk: _Walk) -> Fault | None:
    """No entry confirms the last one; the head does, or would with another last entry."""
    if head is None or not 0 < head.size == walk.count or walk.tip == head.tip:
        return None
    expected = walk.states[head.size - 1].copy()
    expected.append(head.tip)
    if expected.edge != head.frontier.edge:
        return None
    return Fault(head.size - 1, Kind.ALTERED, f"entry {head.size - 1}, the last, is not the one that the head was written after")


class _Walk:
    """One pass over the entries: links, numbers, times, and the roots at the sizes asked for."""

    def __init__(self, sizes: set[int]) -> None:
        self._sizes = sizes
        self._recent: deque[bytes] = deque(maxlen=_REMEMBERED)
        self._at = ""
        self._frontier = Frontier()
        self.tip = EMPTY_ROOT
        self.states: dict[int, Frontier] = {0: Frontier()}
        self.count = 0

    def run(self, rows: Iterator[Row]) -> Fault | None:
        """Walk to the end or to the first fault; count every row that came."""
        for row in rows:
            fault = self._step(row, rows)
            if fault:
                self.count += 1 + sum(1 for _ in rows)
                return fault
            self.count += 1
        return None

    def _step(self, row: Row, rows: Iterator[Row]) -> Fault | None:
        number, line = row
        if number > self.count:
            return Fault(self.count, Kind.MISSING, f"entry {self.count} is gone; the next one is {number}")
        if number < self.count:
            return Fault(self.count, Kind.MOVED, f"entry {number} stands where {self.count} belongs")
        try:
            record = _read(line)
        except ValueError as error:
            return Fault(number, Kind.ALTERED, f"entry {number} is not a line that we write: {error}")
        leaf = leaf_hash(line.encode())
        inserted = self._inserted(number, record["prev"])
        if inserted:
            return inserted
        if record["seq"] != number:
            return Fault(number, Kind.MOVED, f"entry {record['seq']} stands where {number} belongs")
        if record["prev"] != self.tip.hex():
            return self._broken_link(number, leaf, rows)
        if record["at"] < self._at:
            return Fault(number, Kind.ALTERED, f"entry {number} is older than the one before it")
        self._at, self.tip = record["at"], leaf
        self._recent.append(leaf)
        self._frontier.append(leaf)
        if self._frontier.size in self._sizes:
            self.states[self._frontier.size] = self._frontier.copy()
        return None

    def _inserted(self, number: int, prev: str) -> Fault | None:
        """A link to an entry further back means that those between came later."""
        if prev == self.tip.hex():
            return None
        known = [*self._recent] if number > _REMEMBERED else [EMPTY_ROOT, *self._recent]
        for back, leaf in enumerate(reversed(known)):
            if leaf.hex() == prev:
                return Fault(
                    number - back, Kind.INSERTED, f"the entry at {number} was written when only {number - back} stood before it"
                )
        return None

    def _broken_link(self, number: int, leaf: bytes, rows: Iterator[Row]) -> Fault:
        """Say which of two neighbours that do not match is the wrong one, by asking the entry after them.

        When it confirms this one, the one before was changed; when it does not, this one was, and what it links to says nothing.
        """
        confirmed = number > 0
        for _, line in rows:
            self.count += 1
            try:
                confirmed = confirmed and _read(line)["prev"] == leaf.hex()
            except ValueError:
                confirmed = False
            break
        if confirmed:
            return Fault(number - 1, Kind.ALTERED, f"entry {number - 1} is not the one that entry {number} was written after")
        return Fault(number, Kind.ALTERED, f"entry {number} does not continue the one before it")


def _read(line: str) -> dict[str, Any]:
    """Read an entry; ValueError when it is not the canonical text of one."""
    try:
        record = json.loads(line)
        if not isinstance(record, dict) or {name: type(value) for name, value in record.items()} != _FORM:
            raise ValueError("not an entry")
        if canonical(record) != line.encode():
            raise ValueError("not in canonical form")
    except RecursionError:
        raise ValueError("nested too deep") from None
    return record
