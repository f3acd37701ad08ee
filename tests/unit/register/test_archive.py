"""The snapshot file: found by halving, checked to the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from pki.register import import_extraction, lookup, open_snapshot, people, verify
from tests.unit.register.builders import row, rpps, write
from trust.errors import Alarm, Missing


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    """Three hundred people, two numbers apart."""
    rows = [row(2 * index, family=f"EXEMPLE{'X' * (index % 7)}") for index in range(300)]
    return import_extraction(write(tmp_path, rows), tmp_path / "snapshots").snapshot.path


def test_everyone_is_found_and_nobody_else(snapshot: Path) -> None:
    """The first, the last, those between; not those before, between and after."""
    everyone = {person.idnat: person for person in people(snapshot)}

    assert len(everyone) == 300
    assert all(lookup(snapshot, idnat) == person for idnat, person in everyone.items())
    assert all(lookup(snapshot, f"8{rpps(2 * index + 1)}") is None for index in range(300))
    assert lookup(snapshot, "0") is None
    assert lookup(snapshot, "9") is None
    assert lookup(snapshot, "") is None


@pytest.mark.parametrize("octets", [b"", b"x", b"#sceau-register-snapshot 1\n", b"#sceau-register-snapshot 2\ta\tb\n#end\n"])
def test_what_is_no_snapshot_is_an_alarm(tmp_path: Path, octets: bytes) -> None:
    """Whoever put it there, it is not ours."""
    path = tmp_path / "a.snapshot"
    path.write_bytes(octets)

    with pytest.raises(Alarm):
        open_snapshot(path)


def test_a_snapshot_cut_short_is_an_alarm(snapshot: Path, tmp_path: Path) -> None:
    """Wherever it was cut."""
    octets = snapshot.read_bytes()
    path = tmp_path / "cut.snapshot"
    for length in (len(octets) - 1, len(octets) - 90, len(octets) // 2, 100, 10):
        path.write_bytes(octets[:length])
        with pytest.raises(Alarm):
            verify(path)


def test_one_changed_octet_is_an_alarm_at_the_end(snapshot: Path, tmp_path: Path) -> None:
    """A line removed, or a name changed, is noticed by who reads to the end."""
    octets = snapshot.read_bytes()
    lines = octets.split(b"\n")
    for touched in (octets.replace(b"EXEMPLEX|", b"EXEMPLEY|", 1), b"\n".join(lines[:5] + lines[6:])):
        path = tmp_path / "touched.snapshot"
        path.write_bytes(touched)
        with pytest.raises(Alarm, match="vouches"):
            verify(path)


def test_a_snapshot_that_is_not_there_is_missing(tmp_path: Path) -> None:
    """Not an alarm: it can be imported again."""
    with pytest.raises(Missing):
        open_snapshot(tmp_path / "none.snapshot")


def test_a_snapshot_cannot_be_written_to_by_mistake(snapshot: Path) -> None:
    """It is read-only from the start."""
    assert snapshot.stat().st_mode & 0o222 == 0
