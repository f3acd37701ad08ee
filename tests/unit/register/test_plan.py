"""What changed between two days of the register."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pki.register import Change, ChangeKind, ChangeReason, PlanSummary, Tally, compare, import_extraction, people
from tests.unit.register.builders import WORKED, row, rpps, write
from trust.errors import Alarm, Conflict

YESTERDAY, TODAY = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)


def snapshot(folder: Path, rows: Sequence[str], day: datetime = TODAY) -> Path:
    """Import these lines as the register of a day."""
    place = Path(tempfile.mkdtemp(dir=folder))
    return import_extraction(write(place, rows), place, register_date=day, refused_share=0.9).snapshot.path


def planned(old: Path | None, new: Path, gone_before: Sequence[str] = ()) -> tuple[list[Change], PlanSummary]:
    """Walk a comparison to its end, counting."""
    comparison = compare(old, new)
    tally = Tally(set(gone_before).__contains__)
    changes = list(tally.counting(comparison))
    return changes, tally.summary(comparison)


REGISTERS = st.dictionaries(st.integers(0, 12), st.sampled_from(["ESSAI", "EXEMPLE", "ÉPREUVE"]), min_size=1)


@settings(max_examples=40, deadline=None)
@given(REGISTERS, REGISTERS)
def test_the_plan_is_the_difference_of_the_two_sets_of_people(before: dict[int, str], after: dict[int, str]) -> None:
    """New and gone are differences of identifiers, changed those whose line differs, in order; nobody else is in it."""
    with tempfile.TemporaryDirectory() as folder:
        old = snapshot(Path(folder), [row(index, family=name) for index, name in before.items()], YESTERDAY)
        new = snapshot(Path(folder), [row(index, family=name) for index, name in after.items()])
        lines = [{person.idnat: person.text for person in people(path)} for path in (old, new)]
        changes, summary = planned(old, new)

    assert {one.idnat for one in changes if one.kind is ChangeKind.NEW} == lines[1].keys() - lines[0].keys()
    assert {one.idnat for one in changes if one.kind is ChangeKind.GONE} == lines[0].keys() - lines[1].keys()
    assert {one.idnat for one in changes if one.kind is ChangeKind.CHANGED} == {
        idnat for idnat in lines[0].keys() & lines[1].keys() if lines[0][idnat] != lines[1][idnat]
    }
    assert [one.idnat for one in changes] == sorted(one.idnat for one in changes)
    assert all((one.before_line, one.after_line) == (lines[0].get(one.idnat), lines[1].get(one.idnat)) for one in changes)
    assert summary.total + summary.unchanged == len(lines[0].keys() | lines[1].keys())


def test_on_the_first_day_everybody_is_new(tmp_path: Path) -> None:
    """There is nothing to compare with."""
    changes, summary = planned(None, snapshot(tmp_path, WORKED))

    assert [one.kind for one in changes] == [ChangeKind.NEW] * 4
    assert (summary.new, summary.total, summary.unchanged, summary.rights_taken) == (4, 4, 0, 0)
    assert summary.professions == {ChangeKind.NEW: {"10": 2, "60": 1, "21": 1}}


def test_a_change_gives_both_entries_and_the_digest_of_the_new_one(tmp_path: Path) -> None:
    """Read from the canonical lines when asked."""
    old = snapshot(tmp_path, [row(1)], YESTERDAY)
    new = snapshot(tmp_path, [row(1, family="ESSAI")])

    [change], _ = planned(old, new)

    assert change.before is not None
    assert change.after is not None
    assert (change.before.family_name, change.after.family_name) == ("EXEMPLE", "ESSAI")
    assert change.after_digest == change.after.digest


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        ({}, {"family": "ESSAI"}, (ChangeReason.NAME,)),
        ({}, {"title": "PR"}, (ChangeReason.TITLE,)),
        ({}, {"name": "AUTRE CABINET"}, (ChangeReason.ACTIVITY,)),
        ({}, {"know_how": "SM26"}, (ChangeReason.KNOW_HOW,)),
        ({}, {"authority": "CNOM/CNOM/ARS"}, (ChangeReason.AUTHORITY,)),
        ({}, {"category": "F"}, (ChangeReason.AUTHORITY,)),
        ({}, {"category": "E"}, (ChangeReason.RIGHT_LOST, ChangeReason.AUTHORITY)),
        ({"category": "E"}, {"category": "C"}, (ChangeReason.RIGHT_GAINED, ChangeReason.AUTHORITY)),
        ({}, {"family": "ESSAI", "name": "AUTRE CABINET"}, (ChangeReason.NAME, ChangeReason.ACTIVITY)),
    ],
)
def test_a_change_says_in_what_respect(
    tmp_path: Path, before: dict[str, str], after: dict[str, str], reasons: tuple[ChangeReason, ...]
) -> None:
    """Gravest first."""
    [change], summary = planned(snapshot(tmp_path, [row(1, **before)], YESTERDAY), snapshot(tmp_path, [row(1, **before | after)]))

    assert change.reasons() == reasons
    assert summary.reasons == dict.fromkeys(reasons, 1)
    assert summary.rights_taken == (ChangeReason.RIGHT_LOST in reasons)


def test_leaving_one_of_two_professions_is_a_right_lost(tmp_path: Path) -> None:
    """A card is of one profession: the other stands."""
    both = [row(1), row(1, profession="71", authority="ARS/ARS/ARS")]

    [change], _ = planned(snapshot(tmp_path, both, YESTERDAY), snapshot(tmp_path, both[1:]))

    assert change.reasons()[:2] == (ChangeReason.RIGHT_LOST, ChangeReason.PROFESSION)


def test_rights_taken_counts_those_gone_who_had_one(tmp_path: Path) -> None:
    """A student who leaves loses no right; the threshold of a plan counts rights."""
    old = snapshot(tmp_path, [row(1), row(2), row(3, category="E"), row(4)], YESTERDAY)
    new = snapshot(tmp_path, [row(4, category="E")])

    _, summary = planned(old, new)

    assert (summary.gone, summary.changed, summary.rights_taken) == (3, 1, 3)


def test_one_who_was_gone_is_back(tmp_path: Path) -> None:
    """Only the caller knows who was gone; the rest are new."""
    old, new = snapshot(tmp_path, [row(1)], YESTERDAY), snapshot(tmp_path, [row(1), row(2), row(3)])

    changes, summary = planned(old, new, gone_before=[f"8{rpps(3)}"])

    assert [one.kind for one in changes] == [ChangeKind.NEW, ChangeKind.BACK]
    assert (summary.new, summary.back) == (1, 1)


def test_a_doubtful_person_is_in_no_change(tmp_path: Path) -> None:
    """Their line could not be read today: that is neither a change nor a strike-off."""
    old = snapshot(tmp_path, [row(1), row(2)], YESTERDAY)
    new = snapshot(tmp_path, [row(1), row(2, family="")])

    changes, summary = planned(old, new)

    assert changes == []
    assert (summary.doubtful, summary.unchanged) == (1, 1)


def test_one_who_is_doubtful_two_days_running_is_not_unchanged(tmp_path: Path) -> None:
    """We know nothing of them, neither day."""
    rows = [row(1), row(2, family="")]

    changes, summary = planned(snapshot(tmp_path, rows, YESTERDAY), snapshot(tmp_path, [*rows, row(3)]))

    assert [one.idnat for one in changes] == [f"8{rpps(3)}"]
    assert (summary.unchanged, summary.doubtful) == (1, 1)


def test_one_who_was_doubtful_is_looked_at_afresh(tmp_path: Path) -> None:
    """There is nothing before; the caller decides on what is there now, or that they are gone."""
    old = snapshot(tmp_path, [row(1), row(2, family=""), row(3, family="")], YESTERDAY)
    new = snapshot(tmp_path, [row(1), row(2)])

    changes, summary = planned(old, new)

    assert [(one.kind, one.before_line, one.reasons()) for one in changes] == [
        (ChangeKind.CHANGED, None, (ChangeReason.AFRESH,)),
        (ChangeKind.GONE, None, ()),
    ]
    assert summary.rights_taken == 1  # doubt counts against the plan


def test_the_hash_of_a_plan_is_that_of_its_changes_and_of_nothing_else(tmp_path: Path) -> None:
    """Officers approve it: the same changes, the same hash; one more person, another."""
    old, new = snapshot(tmp_path, [row(1), row(2)], YESTERDAY), snapshot(tmp_path, [row(2, family="ESSAI"), row(3)])
    more = snapshot(tmp_path, [row(2, family="ESSAI"), row(3), row(4)])

    changes, summary = planned(old, new)

    expected = hashlib.sha256("".join(f"{one.text}\n" for one in changes).encode()).hexdigest()
    assert summary.hash == expected
    assert planned(old, new)[1].hash == expected
    assert planned(old, more)[1].hash != expected
    assert planned(old, new, gone_before=[f"8{rpps(3)}"])[1].hash != expected
    assert changes[0].text == f"gone\t8{rpps(1)}\t{hashlib.sha256((changes[0].before_line or '').encode()).hexdigest()}\t-"


def test_a_register_is_not_compared_with_a_later_one(tmp_path: Path) -> None:
    """An older file would bring back people struck off since."""
    with pytest.raises(Conflict, match="older"):
        compare(snapshot(tmp_path, [row(1)], TODAY), snapshot(tmp_path, [row(2)], YESTERDAY))


def test_damage_shows_before_the_plan_has_a_summary(tmp_path: Path) -> None:
    """The comparison of a touched file ends with an alarm, not with a plan."""
    old, new = snapshot(tmp_path, [row(1), row(2)], YESTERDAY), snapshot(tmp_path, [row(1), row(2)])
    touched = tmp_path / "touched"
    touched.write_bytes(new.read_bytes().replace(b"ANNE", b"ANNA", 1))

    with pytest.raises(Alarm):
        planned(old, touched)
