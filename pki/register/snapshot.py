"""Importing an extraction: a file from the national directory becomes one immutable snapshot, or nothing at all.

Lines are read as a stream, each brought to canonical form, sorted in runs that fit in memory and merged: the several lines of
a person need not be next to each other, and memory does not grow with the register (measured: bench/register). The snapshot
appears under its final name by one rename, after everything is on the disk; until then a crash leaves only a folder that the
next import removes.

It does not decide anything: what changed since the day before is `plan`'s to say.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from pathlib import Path
from typing import BinaryIO, Final, Literal

from pki.register.archive import DOUBT, Snapshot, blocks, lookup, open_snapshot, people, verify, write_snapshot
from pki.register.entry import UNIT, merge_lines
from pki.register.layout import MAX_LINE, Layout, Numbers, line_reader
from pki.register.source import SIZE_LIMIT, Source, opened
from trust.clock import parse, text
from trust.errors import Conflict, Malformed, Unavailable

__all__ = [
    "BadLine",
    "Contradiction",
    "ImportResult",
    "Progress",
    "Snapshot",
    "blocks",
    "import_extraction",
    "lookup",
    "open_snapshot",
    "people",
    "verify",
]

_RUN: Final = 32 << 20  # octets of extraction in one sorted run: about a hundred thousand lines, some 40 MiB in memory


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was not read: its number in the file (the header is line 1) and why."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A person to whom two lines give different names or civility; the snapshot has the first in the order of code points."""

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


@dataclass(frozen=True, slots=True)
class ImportResult:
    """An import that stands. The lists hold the first ones only; the totals count all.

    `absent` names the optional columns that the file lacks, `unknown` the columns that we do not know.
    """

    snapshot: Snapshot
    refused: tuple[BadLine, ...]
    refused_total: int
    contradictions: tuple[Contradiction, ...]
    contradictions_total: int
    absent: tuple[str, ...]
    unknown: tuple[str, ...]


def import_extraction(
    origin: Path | BinaryIO,
    directory: Path,
    *,
    register_date: datetime | None = None,
    refused_share: float = 0.01,
    listed: int = 1000,
    size_limit: int = SIZE_LIMIT,
    numbers: Numbers = "any",
    progress: Callable[[Progress], None] | None = None,
) -> ImportResult:
    """Read an extraction (text, zip or stream of text) and write `directory`/<sha256>.snapshot, whole or not at all.

    `register_date` replaces the moment in the file's name. An import in which more than `refused_share` of the lines are bad is
    refused. `listed` bounds the lists of the result. `numbers` says which RPPS numbers the authority accepts. `progress` is
    called about once for each mebibyte. Importing the same file again gives the same snapshot.

    Raises:
        Malformed: the file is no extraction (empty, columns missing, cut, damaged, too large, too many bad lines), or has no
        date. Missing: there is no such file. Unavailable: the disk is full, or does not answer. Conflict: another import is
        at work, or the same file was imported before with another result (other rules or date).
    """
    with _workshop(directory) as workshop:
        intake = _Intake(workshop, listed, progress or _silent)
        with opened(origin, size_limit) as source:
            layout = intake.read(source, numbers)
            dated = register_date or source.dated
        if dated is None:
            raise Malformed("the name of the file does not say the date of the register (…_YYYYMMDDhhmm.txt): give it")
        intake.require_few_refused(refused_share)
        target = directory / f"{source.sha256}.snapshot"
        told = Snapshot(source.sha256, "", parse(text(dated)), intake.lines, 0, 0, intake.unreadable, target)
        gathering = _Gathering(listed)
        drafted = write_snapshot(workshop / "snapshot", told, gathering.people(intake.records()), intake.written)
        _put_in_place(workshop / "snapshot", drafted)
    return ImportResult(
        drafted,
        tuple(intake.refused),
        intake.refused_total,
        tuple(gathering.contradictions),
        gathering.contradictions_total,
        layout.absent,
        layout.unknown,
    )


def _silent(progress: Progress) -> None:
    """Tell nobody."""


@contextmanager
def _workshop(directory: Path) -> Iterator[Path]:
    """Lend a folder for drafts to one import at a time, and clear away what a crashed one left."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict("another import of the register is at work") from None
        for left in directory.glob(".import-*"):
            shutil.rmtree(left)
        folder = Path(tempfile.mkdtemp(prefix=".import-", dir=directory))
        try:
            yield folder
        except OSError as error:
            raise Unavailable(f"reading or writing failed: {error}") from error
        finally:
            shutil.rmtree(folder)


def _put_in_place(draft: Path, drafted: Snapshot) -> None:
    target = drafted.path
    if target.exists():
        if open_snapshot(target) != drafted:
            raise Conflict(f"{target.name} exists and says something else: the same file was imported under other rules or date")
        return
    draft.chmod(0o444)
    draft.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class _Intake:
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

    def records(self) -> Iterator[bytes]:
        """Yield the canonical lines of all runs, sorted."""
        with ExitStack() as stack:
            yield from merge(*(stack.enter_context(path.open("rb", buffering=1 << 18)) for path in self.runs))

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


class _Gathering:
    """The writing half of an import: sorted canonical lines to one line for each person."""

    def __init__(self, listed: int) -> None:
        self.listed = listed
        self.contradictions: list[Contradiction] = []
        self.contradictions_total = 0

    def people(self, records: Iterable[bytes]) -> Iterator[bytes]:
        """Yield one line for each person; `records` has the lines of a person next to each other."""
        held: list[bytes] = []
        person = b"\n"  # begins no line
        for record in records:
            if record.startswith(person):
                held.append(record)
                continue
            if held:
                yield held[0] if len(held) == 1 else self._joined(person, held)
            held = [record]
            person = record[: record.index(b"\t") + 1]
        if held:
            yield held[0] if len(held) == 1 else self._joined(person, held)

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
