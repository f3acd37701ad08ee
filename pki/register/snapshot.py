"""Importing an extraction: a file from the national directory becomes one immutable snapshot, or nothing at all.

Lines are read as a stream, each brought to canonical form, sorted in runs that fit in memory and merged: the several lines of
a person need not be next to each other, and memory does not grow with the register. The snapshot
appears under its final name by one rename, after everything is on the disk; until then a crash leaves only a folder that the
next import removes.

It does not decide anything: what changed since the day before is `plan`'s to say.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from pki.register.archive import Snapshot, blocks, lookup, open_snapshot, people, verify, write_snapshot
from pki.register.intake import BadLine, Contradiction, Gathering, Intake, Progress
from pki.register.layout import Numbers
from pki.register.source import SIZE_LIMIT, opened
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
    latest: datetime | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> ImportResult:
    """Read an extraction (text, zip or stream of text) and write `directory`/<date>-<sha256>.snapshot, whole or not at all.

    `register_date` replaces the moment in the file's name. An import in which more than `refused_share` of the lines are bad is
    refused, and so is one dated after `latest`. `listed` bounds the lists of the result. `numbers` says which RPPS numbers the
    authority accepts. `progress` is called about once for each mebibyte. Importing the same file again gives the same snapshot.

    Raises:
        Malformed: the file is no extraction (empty, columns missing, cut, damaged, too large, too many bad lines), or has no
        date, or one to come. Missing: there is no such file. Unavailable: the disk is full, or does not answer. Conflict: another
        import is at work, or the same file was imported before with another result (other rules or date).
    """
    with _workshop(directory) as workshop:
        intake = Intake(workshop, listed, progress or _silent)
        with opened(origin, size_limit) as source:
            layout = intake.read(source, numbers)
            dated = register_date or source.dated
        if dated is None:
            raise Malformed("the name of the file does not say the date of the register (…_YYYYMMDDhhmm.txt): give it")
        if latest is not None and dated > latest:
            raise Malformed(f"this extraction is dated {dated:%Y-%m-%d}, in the future")
        intake.require_few_refused(refused_share)
        # The date is part of the name: a day without any change gives the same file, and a fresher register.
        target = directory / f"{dated:%Y%m%d%H%M%S}-{source.sha256}.snapshot"
        told = Snapshot(source.sha256, "", parse(text(dated)), intake.lines, 0, 0, intake.unreadable, target)
        gathering = Gathering(listed)
        drafted = write_snapshot(workshop / "snapshot", told, gathering.people(intake.batches()), intake.written)
        if drafted.people == 0:
            raise Malformed("nobody in the file could be read")
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
