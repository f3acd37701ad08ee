"""How much publication answers, as it leaves it in the home for whoever looks after the machine (CPS 6.7).

Publication counts in memory, all its workers together. Its first process writes what they counted every ten seconds, with what
they had counted before: a quarter of an hour, in a file that is replaced whole. Who reads it sees answers a second without asking
publication anything, and sees that nobody writes any more. May be lost; nothing is decided by it.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from trust.errors import Malformed, Missing

EVERY = timedelta(seconds=10)
KEPT = 90
"""Samples: a quarter of an hour."""
SILENT_AFTER = timedelta(seconds=60)
"""A file older than this is of a publication that stopped."""
LARGEST = 64 * 1024
COUNTED = ("ocsp", "crl")
_KIND = "publication-traffic/1"


@dataclass(frozen=True, slots=True)
class Sample:
    """What had been answered since publication started, at one moment."""

    at: datetime
    ocsp: int
    crl: int


@dataclass(frozen=True, slots=True)
class Rate:
    """Answers a second between two samples."""

    begins: datetime
    ends: datetime
    ocsp: float
    crl: float


class Recorder:
    """Writes the samples of one publication process group."""

    def __init__(self, path: Path) -> None:
        """Write to this file; samples of an earlier process are not taken over, for its counts ended with it."""
        self._path = path
        self._samples: deque[Sample] = deque(maxlen=KEPT)

    def due(self, now: datetime) -> bool:
        """Tell whether it is time for another sample; a clock that went back begins anew."""
        if self._samples and now < self._samples[-1].at:
            self._samples.clear()
        return not self._samples or now - self._samples[-1].at >= EVERY

    def add(self, counts: Mapping[str, int], now: datetime) -> None:
        """Write one more sample of all counts, by their words; where it cannot, the measure is lost, and no answer."""
        ocsp = sum(count for word, count in counts.items() if word.startswith("ocsp-"))
        crl = sum(count for word, count in counts.items() if word.startswith("crl"))
        self._samples.append(Sample(now, ocsp, crl))
        rows = [[round(each.at.timestamp(), 3), each.ocsp, each.crl] for each in self._samples]
        other = self._path.with_suffix(".new")
        try:
            other.write_text(json.dumps({"kind": _KIND, "samples": rows}), encoding="ascii")
            os.replace(other, self._path)
        except OSError:
            return


def path_in(home: Path) -> Path:
    """Return where a home keeps it."""
    return home / "run" / "publication-traffic.json"


def read(path: Path) -> list[Sample]:
    """Return the samples, oldest first.

    Raises:
        Missing: publication never left any here.
        Malformed: the file is not that.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError:
        raise Missing(f"{path} is not there: publication does not run in this home") from None
    try:
        document = json.loads(content)
        if document["kind"] != _KIND or len(document["samples"]) > KEPT:
            raise ValueError("another kind")
        found = [Sample(datetime.fromtimestamp(at, UTC), int(ocsp), int(crl)) for at, ocsp, crl in document["samples"]]
    except (ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError):
        raise Malformed(f"{path} is not what publication writes") from None
    if not found or any(later.at <= earlier.at for earlier, later in pairwise(found)):
        raise Malformed(f"{path} is not what publication writes")
    return found


def rates(samples: list[Sample], spans: int) -> list[Rate]:
    """Return answers a second over `spans` stretches of equal length, oldest first; over fewer when there are few samples."""
    step = max(1, (len(samples) - 1 + spans - 1) // spans)
    marks = samples[::-1][::step][::-1]
    found = []
    for earlier, later in pairwise(marks):
        seconds = (later.at - earlier.at).total_seconds()
        counts = (max(0, later.ocsp - earlier.ocsp), max(0, later.crl - earlier.crl))
        found.append(Rate(earlier.at, later.at, counts[0] / seconds, counts[1] / seconds))
    return found
