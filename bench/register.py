"""The register (P13, W3): an extraction into the database, the next day's plan, the comparison against a set difference."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.table import Row, note, peak_mib, within
from pki.register.plan import compare
from tests.world import World
from trust.testing import FixedClock

DAY = datetime(2026, 11, 20, 6, tzinfo=UTC)


def main(*, full: bool) -> None:
    """Measure and print; the import runs first, so that the peak of memory is its own."""
    people = 1_450_000 if full else 100_000
    with tempfile.TemporaryDirectory(prefix="sceau-bench-") as folder:
        directory = Path(folder)
        files = [_generate(directory, people, day) for day in (0, 1)]
        lines = sum(1 for _ in files[0].open("rb")) - 1
        share = lines / 1_800_000
        world = World(directory / "home", clock=FixedClock(DAY))
        wall, cpu = time.perf_counter(), time.process_time()
        plan = _apply(world, files[0], DAY)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        what = f"{lines} lines into SQLite: import, plan, apply"
        within("W3", f"{what} (promise scaled)", "s wall", wall, round(40 * share, 2)).emit()
        Row("W3", what, "s CPU", cpu).emit()
        within("W3", f"{what}: peak memory", "MiB", peak_mib(), 300).emit()
        world.clock.advance(days=1)
        second = world.lifecycle.receive(files[1], by="bench", register_date=DAY + timedelta(days=1))
        wall = time.perf_counter()
        world.lifecycle.plan(second.snapshot.sha256)
        within("W3", "the next day's plan (promise scaled)", "s wall", time.perf_counter() - wall, round(20 * share, 2)).emit()
        cpu = time.process_time()
        old, new = (world.home.settings.snapshots / record for record in (plan, second.snapshot.path.name))
        changes = {(change.before_line, change.after_line) for change in compare(old, new)}
        within("P13", "comparison of two days (promise scaled)", "s CPU", time.process_time() - cpu, round(6 * share, 2)).emit()
        _same_as_sets(old, new, changes)


def _apply(world: World, path: Path, date: datetime) -> str:
    result = world.lifecycle.receive(path, by="bench", register_date=date)
    plan = world.lifecycle.plan(result.snapshot.sha256)
    for officer in ("cnom-1", "oni-1")[: plan.needed]:
        world.lifecycle.sign(plan, world.act(officer, world.lifecycle.plan_statement(plan, officer)))
    world.lifecycle.apply(plan)
    return result.snapshot.path.name


def _generate(directory: Path, people: int, day: int) -> Path:
    path = directory / f"day-{day}.txt"
    options = ["--people", str(people), "--day", str(day), "--out", str(path)]
    subprocess.run([sys.executable, "-P", "-m", "pki.register.generator", *options], check=True)
    return path


def _same_as_sets(old: Path, new: Path, changes: set[tuple[str | None, str | None]]) -> None:
    before, after = (set(path.read_text(encoding="utf-8").split("\n")[1:-2]) for path in (old, new))
    assert {line for line, _ in changes if line is not None} == before - after
    assert {line for _, line in changes if line is not None} == after - before
    note("  the comparison gives what a set difference gives")


if __name__ == "__main__":
    main(full="--full" in sys.argv)
