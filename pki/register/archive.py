"""The snapshot file: the register on one day, one person a line, sorted by national identifier, never changed once written.

A header names the extraction it came from; a last line counts the people and carries the SHA-256 of their lines, so that a
file cut short or touched is noticed by whoever reads it to the end. A person one of whose lines could not be read is there as
*doubtful*, ``idnat TAB !``: a bad line in a file must not look like a strike-off.

Trusted: yes, it was checked on import. May be lost: yes, the extraction gives it again, octet for octet. May be rolled back:
never.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from pki.register.entry import RegisterEntry
from trust.clock import parse, text
from trust.errors import Alarm, Missing, Unavailable

DOUBT: Final = b"\t!\n"
"""The end of a doubtful person's line; no other line ends so."""

_MAGIC = "#sceau-register-snapshot 1"
_END = b"#end\t"
_ENDS_WITHIN = 512


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a snapshot file says of itself.

    `sha256` is that of the extraction, `content_sha256` that of the people's lines (equal for equal registers); both hexadecimal.
    `register_date` is the moment in the extraction's name. `lines` counts the extraction's lines without header; `people`
    those who were read whole; `doubtful` those with a line that was refused; `unreadable` the refused lines that do not even
    say whose they are.
    """

    sha256: str
    content_sha256: str
    register_date: datetime
    lines: int
    people: int
    doubtful: int
    unreadable: int
    path: Path


def open_snapshot(path: Path) -> Snapshot:
    """Read the first and the last line of a snapshot file; the people are not read (see `verify`).

    Raises:
        Missing: there is no such file.
        Alarm: it is not a whole snapshot.
    """
    try:
        with path.open("rb") as file:
            first = file.readline(_ENDS_WITHIN)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _ENDS_WITHIN))
            last = file.read(_ENDS_WITHIN)
    except FileNotFoundError:
        raise Missing(f"there is no snapshot {path}") from None
    try:
        magic, sha256, dated = first.decode().rstrip("\n").split("\t")
        if magic != _MAGIC or not last.endswith(b"\n"):
            raise ValueError
        end, people, doubtful, lines, unreadable, content = last[:-1].rsplit(b"\n", 1)[1].decode().split("\t")
        if end != "#end":
            raise ValueError
        return Snapshot(sha256, content, parse(dated), int(lines), int(people), int(doubtful), int(unreadable), path)
    except (ValueError, IndexError):
        raise Alarm(f"{path.name} is not a whole register snapshot") from None


def blocks(path: Path) -> Iterator[list[bytes]]:
    """Yield the people's lines, each with its end of line, by blocks of about a mebibyte.

    Whoever acts on them reads to the end first: only then is it known that the file is whole.

    Raises:
        Alarm: the lines are not those that the last line vouches for.
    """
    told = open_snapshot(path)
    digest, count = hashlib.sha256(), 0
    with path.open("rb") as file:
        file.readline()
        while lines := file.readlines(1 << 20):
            if lines[-1].startswith(_END):
                lines.pop()
            digest.update(b"".join(lines))
            count += len(lines)
            if lines:
                yield lines
    if digest.hexdigest() != told.content_sha256 or count != told.people + told.doubtful:
        raise Alarm(f"{path.name} does not hold the people that its last line vouches for")


def verify(path: Path) -> Snapshot:
    """Read a snapshot to the end and return what it says of itself, now known to be true.

    Raises:
        Missing, Alarm: as `open_snapshot` and `blocks`.
    """
    for _ in blocks(path):
        pass
    return open_snapshot(path)


def people(path: Path) -> Iterator[RegisterEntry]:
    """Yield everyone who was read whole, in order of national identifier. Raises as `blocks`."""
    for lines in blocks(path):
        for line in lines:
            if not line.endswith(DOUBT):
                yield RegisterEntry.parse(line[:-1].decode())


def lookup(path: Path, idnat: str) -> RegisterEntry | None:
    """Find one person in a snapshot by halving: some twenty lines are read, whatever its size. None when the register lacks them.

    Raises:
        Unavailable: the person's line could not be read on import; the next extraction may say.
        Missing, Alarm: as `open_snapshot`.
    """
    open_snapshot(path)
    wanted = idnat.encode() + b"\t"
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as octets:
        low = octets.find(b"\n") + 1
        high = octets.rfind(_END)
        while low < high:
            start = octets.rfind(b"\n", low, (low + high) // 2) + 1 or low
            end = octets.find(b"\n", start) + 1
            line = octets[start:end]
            found = line[: line.index(b"\t") + 1]
            if found == wanted:
                if line.endswith(DOUBT):
                    raise Unavailable(f"the register's line for {idnat} could not be read", retry_after=86_400)
                return RegisterEntry.parse(line[:-1].decode())
            if found < wanted:
                low = end
            else:
                high = start
    return None


def write_snapshot(path: Path, told: Snapshot, batches: Iterable[list[bytes]], tick: Callable[[int], None]) -> Snapshot:
    """Write sorted lines (each with its end of line) to `path`, to the disk, and return `told` with what was counted.

    The caller writes beside the final name, then renames: see `snapshot.import_extraction`. `tick` is told the lines so far.
    """
    digest, count, doubtful = hashlib.sha256(), 0, 0
    with path.open("xb") as file:
        file.write(f"{_MAGIC}\t{told.sha256}\t{text(told.register_date)}\n".encode())
        for lines in batches:
            octets = b"".join(lines)
            digest.update(octets)
            file.write(octets)
            count += len(lines)
            doubtful += octets.count(DOUBT)
            tick(count)
        written = replace(told, content_sha256=digest.hexdigest(), people=count - doubtful, doubtful=doubtful)
        counts = f"{written.people}\t{doubtful}\t{told.lines}\t{told.unreadable}\t{written.content_sha256}"
        file.write(_END + counts.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return written
