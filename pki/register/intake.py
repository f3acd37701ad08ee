"""The two halves of an import: lines of the extraction to sorted runs on the disk, and the runs to one line for each person.

An external merge sort, because the lines of a person may be anywhere in the file and the file is larger than the memory we allow
ourselves. Bad lines are counted and listed here; whether there are too many is asked at the end of the reading.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pki.register.archive import DOUBT
from pki.register.entry import UNIT, merge_lines
from pki.register.layout import MAX_LINE, Layout, Numbers, line_reader
from pki.register.source import Source
from trust.errors import Malformed

_AT_HAND: Final = 1 << 20  # octets of a run in memory while runs are merged
_RUBBISH: Final = 100_000  # bad lines after which a file that is mostly bad is given up
_RUN: Final = 32 << 20  # octets of extraction in one sorted run: about a hundred thousand lines, some 40 MiB in memory


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was not read: its number in the file (the header is line 1) and why."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A person to whom two lines give different names; the snapshot has the first in the order of code points."""

    idnat: str
    kept: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is: lines and octets read (of `total` octets, if known), then people written."""

    stage: Literal["reading", "writing"]
    lines: int
    octets: int
    total: int | None
    people: int


class Intake:
    """The reading half of an import: lines of the extraction to sorted runs of canonical lines, in files of the workshop."""

    def __init__(self, workshop: Path, listed: int, progress: Callable[[Progress], None]) -> None:
        self.workshop = workshop
        self.listed = listed
        self.progress = progress
        self.lines = 0
        self.refused: list[BadLine] = []
        self.refused_total = 0
        self.last_refused = 0
        self.unreadable = 0
        self.runs: list[Path] = []

    def read(self, source: Source, numbers: Numbers) -> Layout:
        """Read it all; the last run is written too."""
        layout: Layout | None = None
        read = None
        records: list[str] = []
        spilled = 0
        for block, ended in source.blocks():
            lines = _lines_of(block)
            if layout is None or read is None:
                layout = _layout_of(lines.pop(0))
                read = line_reader(layout, numbers)
            self._take(lines, read, layout, records)
            if not ended and self.last_refused == self.lines + 1:
                raise Malformed(f"the file stops in the middle of line {self.lines + 1}: it was cut")
            self.progress(Progress("reading", self.lines, source.octets, source.total, 0))
            if source.octets - spilled >= _RUN:
                self._spill(records)
                spilled = source.octets
        if layout is None:
            raise Malformed("the file is empty")
        if self.lines == 0:
            raise Malformed("the file has a header and nobody in it")
        self._spill(records)
        self._source = source
        return layout

    def _take(self, lines: list[str], read: Callable[[str], str], layout: Layout, records: list[str]) -> None:
        known = len(records)
        try:
            records.extend(map(read, lines))
        except Malformed:  # somewhere in these lines: take them one by one
            del records[known:]
            for number, line in enumerate(lines, self.lines + 2):
                try:
                    records.append(read(line))
                except Malformed as error:
                    self._refuse(number, str(error), layout.identifier(line[:MAX_LINE]), records)
        self.lines += len(lines)
        if self.refused_total > _RUBBISH and 2 * self.refused_total > self.lines:
            self.require_few_refused(0.5)  # no need to read gigabytes more of this

    def _refuse(self, number: int, reason: str, identifier: str | None, records: list[str]) -> None:
        self.refused_total += 1
        self.last_refused = number
        if len(self.refused) < self.listed:
            self.refused.append(BadLine(number, reason))
        if identifier is None:
            self.unreadable += 1
        else:
            records.append(identifier + DOUBT.decode().rstrip("\n"))

    def _spill(self, records: list[str]) -> None:
        """Write a sorted run and forget it. Sorting text by code points is sorting its UTF-8 by octets."""
        records.sort()
        path = self.workshop / f"run-{len(self.runs)}"
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for start in range(0, len(records), 8192):
                file.write("\n".join(records[start : start + 8192]) + "\n")
        self.runs.append(path)
        records.clear()

    def require_few_refused(self, share: float) -> None:
        """Refuse the import when too many lines are bad."""
        if self.refused_total > share * self.lines:
            first = "; ".join(f"line {bad.number}: {bad.reason}" for bad in self.refused[:3])
            raise Malformed(f"{self.refused_total} of {self.lines} lines are bad, more than {share:.2%}. {first}")

    def batches(self) -> Iterator[list[bytes]]:
        """Yield the canonical lines of all runs, sorted, in batches.

        Of each run some lines are at hand. Those up to the least of their last ones can be followed by no smaller line: they are
        taken and sorted together, which is quick because they are sorted in parts already (`heapq.merge` costs three times as
        much).
        """
        with ExitStack() as stack:
            files = [stack.enter_context(path.open("rb")) for path in self.runs]
            waiting = [(lines, file) for file in files if (lines := file.readlines(_AT_HAND))]
            while waiting:
                bound = min(lines[-1] for lines, _ in waiting)
                batch: list[bytes] = []
                left = []
                for lines, file in waiting:
                    cut = bisect_right(lines, bound)
                    batch += lines[:cut]
                    if rest := lines[cut:] or file.readlines(_AT_HAND):
                        left.append((rest, file))
                waiting = left
                batch.sort()
                yield batch

    def written(self, count: int) -> None:
        """Tell how many people are written."""
        self.progress(Progress("writing", self.lines, self._source.octets, self._source.total, count))


def _lines_of(block: bytes) -> list[str]:
    """Split a block into lines. Octets that are not UTF-8 become lone surrogates, which no reader takes for text."""
    content = block.decode("utf-8", "surrogateescape")
    if "\r" in content:
        content = content.replace("\r\n", "\n").removesuffix("\r")
    return content.split("\n")


def _layout_of(header: str) -> Layout:
    header = header.removeprefix("\ufeff")
    if len(header) > MAX_LINE or not header.replace("\xa0", " ").isprintable():
        raise Malformed("the file does not begin with the header of an extraction")
    return Layout.of(header)


class Gathering:
    """The writing half of an import: sorted canonical lines to one line for each person."""

    def __init__(self, listed: int) -> None:
        self.listed = listed
        self.contradictions: list[Contradiction] = []
        self.contradictions_total = 0

    def people(self, batches: Iterable[list[bytes]]) -> Iterator[list[bytes]]:
        """Yield one line for each person, in batches; in what is given, the lines of a person are next to each other."""
        held: list[bytes] = []
        person = b"\n"  # begins no line
        for batch in batches:
            done: list[bytes] = []
            for record in batch:
                if record.startswith(person):
                    held.append(record)
                    continue
                if held:
                    done.append(held[0] if len(held) == 1 else self._joined(person, held))
                held = [record]
                person = record[: record.index(b"\t") + 1]
            yield done
        if held:
            yield [held[0] if len(held) == 1 else self._joined(person, held)]

    def _joined(self, person: bytes, held: list[bytes]) -> bytes:
        if any(record.endswith(DOUBT) for record in held):
            return person[:-1] + DOUBT
        heads, _, places = zip(*[record[:-1].partition(UNIT.encode()) for record in held], strict=True)
        if heads.count(heads[0]) == len(heads) and all(places):  # nearly always: one exercice, several activities
            return b"".join([heads[0], UNIT.encode(), UNIT.encode().join(sorted(set(places))), b"\n"])
        line, contradictory = merge_lines([record[:-1].decode() for record in held])
        if contradictory:
            self.contradictions_total += 1
            if len(self.contradictions) < self.listed:
                idnat, names, *_ = line.split("\t")
                self.contradictions.append(Contradiction(idnat, names))
        return line.encode() + b"\n"
