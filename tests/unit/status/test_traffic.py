"""How much publication answers, as it leaves it in the home."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pki.status.traffic import EVERY, KEPT, Recorder, path_in, rates, read
from trust.errors import Malformed, Missing
from trust.testing import FixedClock


def counted(path: Path, clock: FixedClock, *good: int) -> Recorder:
    """Have a publication count so many answers, ten seconds apart."""
    recorder = Recorder(path)
    for count in good:
        assert recorder.due(clock.now())
        recorder.add({"ocsp-good": count, "ocsp-unknown": 1, "crl": 2 * count, "crl-expired": 0, "file": 9}, clock.now())
        assert not recorder.due(clock.now())
        clock.advance(seconds=10)
    return recorder


def test_answers_a_second_are_what_was_counted_between_two_samples(tmp_path: Path) -> None:
    """Every word of OCSP, and lists apart; the longest stretch first is the oldest."""
    path, clock = tmp_path / "traffic", FixedClock()
    counted(path, clock, 0, 100, 100, 400)
    assert [each.ocsp for each in read(path)] == [1, 101, 101, 401]
    assert [(each.ocsp, each.crl) for each in rates(read(path), 10)] == [(10, 20), (0, 0), (30, 60)]
    (whole,) = rates(read(path), 1)
    assert (round(whole.ocsp, 3), whole.ends - whole.begins) == (13.333, timedelta(seconds=30))


def test_a_quarter_of_an_hour_is_kept_and_no_more(tmp_path: Path) -> None:
    """The file does not grow."""
    path, clock = tmp_path / "traffic", FixedClock()
    counted(path, clock, *range(KEPT + 20))
    samples = read(path)
    assert len(samples) == KEPT and samples[-1].at - samples[0].at == (KEPT - 1) * EVERY
    assert len(rates(samples, 12)) <= 12


def test_a_count_that_begins_anew_and_a_clock_that_goes_back_give_no_rate_below_zero(tmp_path: Path) -> None:
    """A worker replaced, a machine that set its clock."""
    path, clock = tmp_path / "traffic", FixedClock()
    recorder = counted(path, clock, 500, 3)
    assert [each.ocsp for each in rates(read(path), 5)] == [0]
    recorder.add({"ocsp-good": 4}, clock.now() - timedelta(hours=1)) if recorder.due(clock.now() - timedelta(hours=1)) else None
    assert len(read(path)) == 1


def test_what_publication_did_not_write_is_not_believed(tmp_path: Path) -> None:
    """No file, another file, one of another kind: said, never guessed."""
    with pytest.raises(Missing):
        read(path_in(tmp_path))
    for content in (
        b"",
        b"[]",
        b'{"kind": "x", "samples": []}',
        b'{"kind": "publication-traffic/1", "samples": []}',
        b"\xff" * 70_000,
    ):
        (tmp_path / "traffic").write_bytes(content)
        with pytest.raises(Malformed):
            read(tmp_path / "traffic")


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    """Publication answers; only the measure is lost."""
    recorder = Recorder(tmp_path / "nowhere" / "traffic")
    recorder.add({"ocsp-good": 1}, FixedClock().now())
