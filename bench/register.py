"""The register (P13, W3): an extraction into the database, the next day's plan, the comparison against a set difference.

Importing is all that officers see of it: reading, snapshot, plan, signatures, application to the database. Each step has a
process of its own, so that its peak of memory is its own. Promises are for 1.8 million lines; for fewer they are scaled.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.apart import Cost, apart, timed
from bench.sizes import Size, chosen
from bench.table import Row, note, within
from pki.bootstrap import registrar
from pki.bootstrap.home import open_home
from pki.register.plan import compare
from tests.databases import Cluster, installed
from tests.world import World
from trust.testing import FixedClock

DAY = datetime(2026, 11, 20, 6, tzinfo=UTC)
GOAL = 1_800_000
"""Lines of the promises."""


def main(size: Size) -> None:
    """Measure and print."""
    people = size.of(tiny=500, usual=160_000, full=1_450_000)
    with tempfile.TemporaryDirectory(prefix="sceau-bench-") as folder:
        directory = Path(folder)
        files = [_generate(directory, people, day) for day in (0, 1)]
        lines = sum(1 for _ in files[0].open("rb")) - 1
        share = min(lines / GOAL, 1.0)
        (snapshot, cost), peak = apart(first_day, directory / "home", files[0], None)
        for row in _import_rows("SQLite", lines, share, cost, peak):
            row.emit()
        (after, reading, planning), peak = apart(next_day, directory / "home", files[1])
        Row("W3", "the next day's extraction read into a snapshot", "s wall", reading.wall).emit()
        within("W3", f"the next day's plan{_scaled(share)}", "s wall", planning.wall, round(20 * share, 2)).emit()
        within("W3", "the next day: peak memory", "MiB", peak, 300).emit()
        cost, peak = apart(comparison, snapshot, after)
        within("P13", f"comparison of two days{_scaled(share)}", "s CPU", cost.cpu, round(6 * share, 2)).emit()
        within("P13", "comparison of two days: peak memory", "MiB", peak, 400).emit()
        apart(same_as_sets, snapshot, after)
        note("  the comparison gives what a set difference gives")
        if (binaries := installed()) is not None:
            cluster = Cluster(binaries)
            try:
                (_, cost), peak = apart(first_day, directory / "other", files[0], cluster.url(cluster.new_database()))
            finally:
                cluster.stop()
            for row in _import_rows("PostgreSQL", lines, share, cost, peak):
                row.emit()


def _scaled(share: float) -> str:
    return "" if share == 1 else " (promise scaled)"


def _import_rows(engine: str, lines: int, share: float, cost: Cost, peak: float) -> list[Row]:
    what = f"{lines:,} lines into {engine}: read, plan, apply"
    return [
        within("W3", f"{what}{_scaled(share)}", "s wall", cost.wall, round(40 * share, 2)),
        Row("W3", f"{what}, our process", "s CPU", cost.cpu),
        within("W3", f"{what}: peak memory", "MiB", peak, 300),
    ]


def first_day(home: Path, file: Path, database_url: str | None) -> tuple[Path, Cost]:
    """Make a home, import its first extraction; return the snapshot and what the import took."""
    world = World(home, clock=FixedClock(DAY), database_url=database_url)
    snapshot, cost = timed(lambda: _import(world, file))
    return world.home.settings.snapshots / snapshot, cost


def _import(world: World, file: Path) -> str:
    result = world.lifecycle.receive(file, by="bench", register_date=DAY)
    plan = world.lifecycle.plan(result.snapshot.sha256)
    for officer in ("cnom-1", "oni-1")[: plan.needed]:
        world.lifecycle.sign(plan, world.act(officer, world.lifecycle.plan_statement(plan, officer)))
    world.lifecycle.apply(plan)
    return result.snapshot.path.name


def next_day(home: Path, file: Path) -> tuple[Path, Cost, Cost]:
    """Read the second extraction and make its plan; return its snapshot, and what reading and planning took."""
    lifecycle = registrar.lifecycle(open_home(home, clock=FixedClock(DAY + timedelta(days=1))))
    result, reading = timed(lambda: lifecycle.receive(file, by="bench", register_date=DAY + timedelta(days=1)))
    _, planning = timed(lambda: lifecycle.plan(result.snapshot.sha256))
    return result.snapshot.path, reading, planning


def comparison(old: Path, new: Path) -> Cost:
    """Walk the changes from one day to the next."""
    return timed(lambda: sum(1 for _ in compare(old, new)))[1]


def same_as_sets(old: Path, new: Path) -> None:
    """Check that the changes are what the difference of two sets of lines is."""
    changes = list(compare(old, new))
    before, after = (set(path.read_text(encoding="utf-8").split("\n")[1:-2]) for path in (old, new))
    assert {change.before_line for change in changes} - {None} == before - after
    assert {change.after_line for change in changes} - {None} == after - before


def _generate(directory: Path, people: int, day: int) -> Path:
    path = directory / f"day-{day}.txt"
    options = ["--people", str(people), "--day", str(day), "--out", str(path)]
    subprocess.run([sys.executable, "-P", "-m", "pki.register.generator", *options], check=True)
    return path


if __name__ == "__main__":
    main(chosen("register"))
