"""Signatures are added up over the life of a key, by every process that signs; what is lost or damaged stops nothing."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from hsm.api import KeyUse
from hsm.uses import SignatureCounts
from pki.bootstrap.keyfigures import Figure, Tally, counted
from trust.testing import FixedClock


def tally(home: Path, counts: SignatureCounts, clock: FixedClock, name: str = "issuer") -> Tally:
    """Return the tally of a process."""
    return Tally(home, name, counts.taken, clock)


def test_what_a_process_signs_is_added_to_what_its_forerunners_did(tmp_path: Path) -> None:
    """By key and use, with the moment of the last look at which it had grown."""
    clock, counts = FixedClock(), SignatureCounts()
    begun = clock.now()
    first = tally(tmp_path, counts, clock)
    counts.add("racine", KeyUse.CRL, 2)
    first.look()
    clock.advance(minutes=1)
    first.look()
    counts.add("racine", KeyUse.CERTIFICATE)
    first.look()

    after = SignatureCounts()
    clock.advance(minutes=1)
    second = tally(tmp_path, after, clock)
    after.add("racine", KeyUse.CRL, 40)
    second.look()

    found = counted(tmp_path)
    assert found.of("racine") == {
        "certificate": Figure(1, begun + timedelta(minutes=1)),
        "crl": Figure(42, begun + timedelta(minutes=2)),
    }
    assert found.since == {"issuer": begun} and found.of("journal") == {}
    assert (tmp_path / "run" / "signatures-issuer.json").stat().st_mode & 0o777 == 0o600


def test_what_was_signed_before_a_tally_begins_is_not_its_own(tmp_path: Path) -> None:
    """A custodian that an earlier issuer of this process used is not counted twice."""
    clock, counts = FixedClock(), SignatureCounts()
    counts.add("racine", KeyUse.CRL, 5)
    looking = tally(tmp_path, counts, clock)
    looking.look()
    counts.add("racine", KeyUse.CRL)
    looking.look()

    assert counted(tmp_path).of("racine")["crl"].count == 1


def test_processes_of_one_home_do_not_lose_each_others_counts(tmp_path: Path) -> None:
    """Each writes a file of its own; whoever reads adds them up."""
    clock = FixedClock()
    counts = {name: SignatureCounts() for name in ("issuer", "issuer-2", "init")}
    tallies = {name: tally(tmp_path, each, clock, name) for name, each in counts.items()}
    for number, name in enumerate(counts, 1):
        counts[name].add("racine", KeyUse.CRL, number)
    for each in tallies.values():
        each.look()

    found = counted(tmp_path)
    assert found.of("racine")["crl"].count == 6 and sorted(found.since) == ["init", "issuer", "issuer-2"]


def test_two_processes_of_one_name_do_not_lose_each_others_counts(tmp_path: Path) -> None:
    """Two commands at once: each adds to what stands in the file."""
    clock, one, other = FixedClock(), SignatureCounts(), SignatureCounts()
    tallies = [tally(tmp_path, counts, clock, "ceremony") for counts in (one, other)]
    one.add("racine", KeyUse.CERTIFICATE, 2)
    other.add("racine", KeyUse.CERTIFICATE, 3)
    for each in (*tallies, *tallies):
        each.look()

    assert counted(tmp_path).of("racine")["certificate"].count == 5


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"[" * 5000,
        b'{"kind": "signatures/2"}',
        b'{"kind": "signatures/1", "since": "hier", "signatures": []}',
        b'{"kind": "signatures/1", "since": "2026-01-01T00:00:00Z", "signatures": [{"key": 1}]}',
        b'{"kind": "signatures/1", "since": "2026-01-01T00:00:00Z", "signatures":'
        b' [{"key": "a", "use": "crl", "count": -1, "last": "2026-01-01T00:00:00Z"}]}',
    ],
)
def test_a_damaged_file_is_named_and_begun_anew(tmp_path: Path, content: bytes) -> None:
    """The other files still count."""
    clock, counts = FixedClock(), SignatureCounts()
    other = tally(tmp_path, counts, clock, "init")
    counts.add("racine", KeyUse.CERTIFICATE)
    other.look()
    (tmp_path / "run" / "signatures-issuer.json").write_bytes(content)

    found = counted(tmp_path)
    assert found.damaged == ("issuer",) and found.of("racine")["certificate"].count == 1

    clock.advance(days=1)
    tally(tmp_path, counts, clock).look()
    assert counted(tmp_path).damaged == () and counted(tmp_path).since["issuer"] == clock.now()


def test_what_cannot_be_written_stays_in_memory(tmp_path: Path) -> None:
    """A figure never stops a signature; it is written when there is a place again."""
    clock, counts = FixedClock(), SignatureCounts()
    (tmp_path / "run").write_text("a file where the folder should be")
    looking = tally(tmp_path, counts, clock)
    counts.add("racine", KeyUse.CRL, 3)
    looking.look()
    (tmp_path / "run").unlink()
    looking.look()

    assert counted(tmp_path).of("racine")["crl"].count == 3


def test_nothing_is_written_when_nothing_was_signed(tmp_path: Path) -> None:
    """Once a minute, for years: a disk is spared."""
    clock, counts = FixedClock(), SignatureCounts()
    looking = tally(tmp_path, counts, clock)
    looking.look()
    path = tmp_path / "run" / "signatures-issuer.json"
    before = path.stat().st_mtime_ns
    looking.look()

    assert path.stat().st_mtime_ns == before
    assert json.loads(path.read_text())["signatures"] == []
