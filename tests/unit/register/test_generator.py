"""Extractions of invented people, and the sample that ships with the demonstration authority."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from pki.register import Tally, WhyNot, compare, import_extraction, people, standing
from pki.register.generator import Recipe, lines, main
from pki.register.invented import MAX_PEOPLE, finess_of, rpps_of, siret_of
from trust.identity import ORDRES, Finess, Rpps, Siret

SAMPLE = Path(__file__).parents[3] / "ca_config" / "dev" / "register"
FIRST = SAMPLE / "PS_LibreAcces_Personne_activite_202611200600.txt"
NEXT = SAMPLE / "PS_LibreAcces_Personne_activite_202611210600.txt"
SHARES = ["--new", "0.005", "--changed", "0.02", "--gone", "0.006"]


@pytest.mark.parametrize(("path", "day"), [(FIRST, "0"), (NEXT, "1")])
def test_the_sample_is_what_the_generator_writes(tmp_path: Path, path: Path, day: str) -> None:
    """Octet for octet: `python -m pki.register.generator --people 1000 --seed 1 --day 0 (or 1)` with these shares."""
    assert main(["--people", "1000", "--seed", "1", "--day", day, *SHARES, "--out", str(tmp_path / "out.txt")]) == 0

    assert (tmp_path / "out.txt").read_bytes() == path.read_bytes()


def test_the_sample_is_accepted_by_a_test_authority_without_a_complaint(tmp_path: Path) -> None:
    """A thousand people, all under test numbers, some before every board, students and people without activity among them."""
    result = import_extraction(FIRST, tmp_path, numbers="test")

    assert (result.refused_total, result.contradictions_total, result.absent, result.unknown) == (0, 0, (), ())
    assert result.snapshot.people == 1000
    assert result.snapshot.lines > 1200
    everyone = list(people(result.snapshot.path))
    boards = {code: [standing(one, ordre.professions) for one in everyone] for code, ordre in ORDRES.items()}
    assert min(sum(place.right_to_practise for place in places) for places in boards.values()) >= 5
    assert any(WhyNot.STUDENT in place.reasons for place in boards["ONI"])
    assert any(not exercice.activities for one in everyone for exercice in one.exercices if exercice.gives_right)
    assert {len(one.family_name) == 1 for one in everyone} == {True, False}
    assert max(len(one.family_name) for one in everyone) > 64


def test_the_day_after_some_are_new_some_changed_and_some_gone(tmp_path: Path) -> None:
    """Enough to show every part of a plan."""
    comparison = compare(
        import_extraction(FIRST, tmp_path, numbers="test").snapshot.path,
        import_extraction(NEXT, tmp_path, numbers="test").snapshot.path,
    )
    tally = Tally()
    for _ in tally.counting(comparison):
        pass
    summary = tally.summary(comparison)

    assert summary.new == 5
    assert summary.gone >= 3
    assert summary.changed >= 10
    assert summary.rights_taken > summary.gone / 2
    assert summary.unchanged > 900


def test_an_extraction_is_a_function_of_its_recipe() -> None:
    """The same seed, the same octets, on every machine; another seed, other people."""

    def digest(seed: int) -> str:
        return hashlib.sha256("\n".join(lines(Recipe(50, seed))).encode()).hexdigest()

    assert digest(7) == digest(7) != digest(8)
    assert digest(7) == "e04ed58171d3d02f6f0718e4fd227611ef5edea2a7a9eafb2ed4172a2ca4c245"


def test_everyone_comes_once_and_their_further_lines_come_later() -> None:
    """Each number has a first line; the lines of a person are not next to each other."""
    numbers = [line.split("|")[1] for line in lines(Recipe(500, 3))][1:]
    counts = Counter(numbers)

    assert set(counts) == {rpps_of(index) for index in range(500)}
    apart = [number for number, count in counts.items() if count > 1]
    assert apart
    assert sum(numbers.index(number) + 1 == numbers.index(number, numbers.index(number) + 1) for number in apart) < len(apart) / 4


def test_days_follow_each_other() -> None:
    """Who is gone stays gone, who is new stays, from one day to the next."""

    def those_of(day: int) -> set[str]:
        return {line.split("|")[1] for line in lines(Recipe(400, 5, day, new=0.01, changed=0.1, gone=0.05))} - {"Identifiant PP"}

    first, second, third = map(those_of, range(3))

    assert len(second - first) == 4
    assert len(third - second) == 4
    assert first - second
    assert not (first - second) & third


def test_invented_numbers_are_right_and_nobodys() -> None:
    """RPPS of the test range, FINESS of department 99, SIRET of a series that begins with 99."""
    for index in (0, 1, 12_345, 999_999):
        assert Rpps(rpps_of(index)).is_test
        assert Finess(finess_of(index)).department == "99"
        assert Siret(siret_of(index)).text.startswith("99")
    assert Rpps(rpps_of(MAX_PEOPLE - 1)).is_test


def test_more_people_than_there_are_test_numbers_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Usage, with the bound."""
    assert main(["--people", str(MAX_PEOPLE + 1), "--out", str(tmp_path / "out.txt")]) == 2
    assert main(["--people", "0", "--out", str(tmp_path / "out.txt")]) == 2
    assert str(MAX_PEOPLE) in capsys.readouterr().err
