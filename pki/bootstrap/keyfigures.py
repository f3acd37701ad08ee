"""How often each key has signed, and when last: counted by the processes that hold keys, for people (RFC 3647 §6.1.7; CPS 6.7).

A custodian counts what its process signed, in memory. Here that is added up over the life of a key: a file for each kind of
process that signs (``HOME/run/signatures-issuer.json``), written once a minute and when it ends; whoever reads adds them up.
May be lost: yes; the file says since when it counts, and a crash costs a minute. Nothing is decided by it: what bears witness
of signatures is the witness (`hsm.witness`). Nothing here knows a key: pages may read it (law 2).
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from trust import clock as times
from trust.clock import Clock
from trust.errors import Malformed

LOG = logging.getLogger("sceau.keys")
LARGEST = 1_000_000
"""Octets of a file."""
_KIND = "signatures/1"
_PREFIX, _SUFFIX = "signatures-", ".json"
_MOST = 1 << 62


@dataclass(frozen=True)
class Figure:
    """What one key did for one use."""

    count: int
    last: datetime
    """When it was last seen to have grown: to the minute."""


Figures = dict[tuple[str, str], Figure]
"""By label and use."""


@dataclass(frozen=True)
class Counted:
    """What every process of a home counted, added up."""

    figures: Figures
    since: dict[str, datetime] = field(default_factory=dict)
    """Since when each of them counts, by its name."""
    damaged: tuple[str, ...] = ()
    """Those whose file cannot be read: their signatures are missing here."""

    def of(self, label: str) -> dict[str, Figure]:
        """Return what one key did, by use."""
        return {use: figure for (key, use), figure in sorted(self.figures.items()) if key == label}


class Tally:
    """Adds up, for one process, what its custodian signs. Not safe between threads; safe between processes."""

    def __init__(self, home: Path, name: str, counts: Callable[[], Mapping[Any, int]], clock: Clock) -> None:
        """Begin where the last process of that name ended; what was counted before now is not this tally's.

        Args:
            home: the directory of the authority.
            name: of this process: ``issuer``.
            counts: signatures made by this process since it began, by label and use.
            clock: tells when.
        """
        self._path = home / "run" / f"{_PREFIX}{name}{_SUFFIX}"
        self._counts, self._clock = counts, clock
        self._seen = dict(counts())
        self._looked = clock.now()
        self._grown: Figures = {}
        self._written = self._silent = False

    def look(self) -> None:
        """Add what was signed since the last look, and write it. Raises nothing: a figure never stops a signature."""
        now, counts = self._clock.now(), dict(self._counts())
        for (label, use), count in counts.items():
            if (grown := count - self._seen.get((label, use), 0)) > 0:
                _add(self._grown, (label, str(use)), Figure(grown, now))
        self._seen = counts
        if self._grown or not self._written:
            self._write()
        self._looked = now

    def _write(self) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            with self._path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # another of this name may have written since
                since, figures = self._known()
                for key, figure in self._grown.items():
                    _add(figures, key, figure)
                replace_file(self._path, _text(since, figures))
            self._grown, self._written, self._silent = {}, True, False
        except OSError as error:
            if not self._silent:
                LOG.warning("%s cannot be written: %s; what was counted is kept in memory", self._path, error.strerror)
            self._silent = True

    def _known(self) -> tuple[datetime, Figures]:
        try:
            return _parsed(self._path)
        except FileNotFoundError:
            return self._looked, {}
        except Malformed as error:
            LOG.warning("%s: signatures are counted anew", error)
            return self._looked, {}


def counted(home: Path) -> Counted:
    """Add up what every process of a home left. A file that cannot be read is named, and stops nothing."""
    total: Figures = {}
    since: dict[str, datetime] = {}
    damaged = []
    for path in sorted((home / "run").glob(f"{_PREFIX}*{_SUFFIX}")):
        name = path.name.removeprefix(_PREFIX).removesuffix(_SUFFIX)
        try:
            since[name], figures = _parsed(path)
        except (OSError, Malformed):
            damaged.append(name)
            continue
        for key, figure in figures.items():
            _add(total, key, figure)
    return Counted(total, since, tuple(damaged))


def replace_file(path: Path, text: str) -> None:
    """Write a file of ``HOME/run``, whole or not at all, for its owner alone.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(mode=0o700, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(draft, path)


def _add(figures: Figures, key: tuple[str, str], more: Figure) -> None:
    known = figures.get(key)
    figures[key] = more if known is None else Figure(known.count + more.count, max(known.last, more.last))


def _text(since: datetime, figures: Figures) -> str:
    rows = [
        {"key": label, "use": use, "count": figure.count, "last": times.text(figure.last)}
        for (label, use), figure in sorted(figures.items())
    ]
    return json.dumps({"kind": _KIND, "since": times.text(since), "signatures": rows})


def _parsed(path: Path) -> tuple[datetime, Figures]:
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    try:
        document = json.loads(content)
        if document["kind"] != _KIND:
            raise ValueError("another kind")
        rows = [_row(row) for row in document["signatures"]]
        return times.parse(document["since"]), dict(rows)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Malformed(f"{path} is not a count of signatures") from None


def _row(row: Any) -> tuple[tuple[str, str], Figure]:
    label, use, count = row["key"], row["use"], row["count"]
    if not (isinstance(label, str) and isinstance(use, str)) or type(count) is not int or not 0 < count < _MOST:
        raise ValueError("not a count")
    return (label, use), Figure(count, times.parse(row["last"]))
