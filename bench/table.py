"""One line of the table: what was measured, ours, the peer's in the same run, and what was promised."""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """A measurement. `peer` is empty when the promise is absolute."""

    goal: str
    what: str
    unit: str
    ours: float
    peer: str = ""
    theirs: float | None = None
    promised: str = ""
    met: bool | None = None

    @property
    def ratio(self) -> float | None:
        """Ours over theirs."""
        return self.ours / self.theirs if self.theirs else None

    def emit(self) -> None:
        """Print as one line of JSON: sections run in processes of their own, and the table collects them."""
        print("ROW " + json.dumps(asdict(self)), flush=True)


def against(goal: str, what: str, unit: str, ours: float, peer: str, theirs: float, at_most: float) -> Row:
    """Make a row that promises a ratio."""
    return Row(goal, what, unit, ours, peer, theirs, f"≤ {at_most:.3g} ×", ours <= at_most * theirs)


def within(goal: str, what: str, unit: str, ours: float, at_most: float) -> Row:
    """Make a row that promises an amount."""
    return Row(goal, what, unit, ours, promised=f"≤ {at_most:g} {unit}", met=ours <= at_most)


def cpu_of(action: Callable[[], object]) -> float:
    """Return the CPU seconds of this process (its threads included) that an action takes."""
    start = time.process_time()
    action()
    return time.process_time() - start


def cpu_of_children(action: Callable[[], object]) -> float:
    """Return the CPU seconds of the child processes that an action starts and waits for."""

    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    start = used()
    action()
    return used() - start


def cpu_of_pid(pid: int) -> float:
    """Return the CPU seconds that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def peak_mib() -> float:
    """Return the peak memory of this process, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def median_of(rounds: int, measure: Callable[[], float]) -> float:
    """Measure several times and return the median."""
    return statistics.median(measure() for _ in range(rounds))


def note(text: str) -> None:
    """Say what is going on, beside the rows."""
    print(text, file=sys.stderr, flush=True)
