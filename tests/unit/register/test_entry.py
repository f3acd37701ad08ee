"""A person of the register, in values and in one line of text."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki.register.entry import (
    Activity,
    Exercice,
    RegisterEntry,
    WhyNot,
    authority_ordre,
    authority_ordres,
    merge_lines,
    standing,
)
from trust.errors import Malformed
from trust.identity import Rpps

WORDS = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="|"), max_size=12)
CODES = st.sampled_from(["", "10", "21", "60", "SM54", "SM26"])
ACTIVITIES = st.builds(Activity, mode=st.sampled_from("LSB"), structure_id=WORDS, structure_name=WORDS, department=CODES)
EXERCICES = st.builds(
    Exercice,
    profession=st.sampled_from(["10", "21", "60"]),
    category=st.sampled_from(["C", "E", "F", ""]),
    authority=st.sampled_from(["", "CNOM/CNOM/CNOM", "CNOM/CNOM/ARS", "ONI//"]),
    know_how=st.lists(st.sampled_from(["SM54", "SM26", "SM53"]), max_size=3).map(tuple),
    activities=st.lists(ACTIVITIES, max_size=3).map(tuple),
)
ENTRIES = st.builds(
    RegisterEntry,
    idnat=st.just("899700000013"),
    family_name=WORDS.filter(bool),
    given_name=WORDS,
    title=st.sampled_from(["", "DR"]),
    exercices=st.lists(EXERCICES, max_size=4).map(tuple),
)

DOCTOR = Exercice("10", "C", "CNOM/CNOM/CNOM", ("SM54",), (Activity("L", "R10100000999991"),))
STUDENT = Exercice("10", "E")
OSTEOPATH = Exercice("71", "C", "ARS/ARS/ARS")


def entry(*exercices: Exercice) -> RegisterEntry:
    """A doctor's name, with these exercices."""
    return RegisterEntry("899700000013", "EXEMPLE", "ANNE", "DR", exercices)


@given(ENTRIES)
def test_the_canonical_line_says_all_of_an_entry(person: RegisterEntry) -> None:
    """Reading what was written gives the same value, in one line, with the same digest."""
    again = RegisterEntry.parse(person.text)

    assert again == person
    assert again.text == person.text
    assert len(person.text.splitlines()) == 1
    assert person.digest == hashlib.sha256(person.text.encode()).digest()


@given(st.lists(EXERCICES, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_exercices_and_activities_does_not_count(exercices: list[Exercice], chance: object) -> None:
    """Equal people are equal values, however their parts came."""
    mixed = [
        Exercice(one.profession, one.category, one.authority, one.know_how[::-1], one.activities[::-1])
        for one in reversed(exercices)
    ]

    assert entry(*mixed) == entry(*exercices)
    assert entry(*mixed, *exercices) == entry(*exercices)


@given(st.lists(EXERCICES, min_size=1, max_size=5))
def test_merging_lines_says_what_joining_values_says(exercices: list[Exercice]) -> None:
    """The quick way on text and the plain way on values agree, and the order of the lines does not count."""
    lines = [entry(exercice).text for exercice in exercices]

    assert merge_lines(lines) == (entry(*exercices).text, False)
    assert merge_lines(lines[::-1]) == merge_lines(lines)


def test_contradictory_names_are_reported_and_the_first_in_code_points_stands() -> None:
    """The rule has no merit but being the same everywhere."""
    lines = ["8997\tEXEMPLE|ANNE|\t10|C||", "8997\tESSAI|ANNE|DR\t10|C||"]

    assert merge_lines(lines) == ("8997\tESSAI|ANNE|DR\t10|C||", True)
    assert merge_lines(lines[::-1]) == merge_lines(lines)


def test_two_civilities_of_exercise_are_no_contradiction() -> None:
    """A doctor who is an osteopath too is DR on one line only; the one that says something stands."""
    lines = ["8997\tEXEMPLE|ANNE|\t71|C||", "8997\tEXEMPLE|ANNE|DR\t10|C||"]

    assert merge_lines(lines) == ("8997\tEXEMPLE|ANNE|DR\t10|C||\t71|C||", False)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "899700000013",
        "899700000013\tEXEMPLE|ANNE",
        "899700000013\t|ANNE|",
        "\tEXEMPLE|ANNE|",
        "899700000013\tEXEMPLE|ANNE|\t10|C",
        "899700000013\tEXEMPLE|ANNE|\t10|C||SM54,",
        "899700000013\tEXEMPLE|ANNE|\t10|C||\x1fL|R1",
        "899700000013\tEXEMPLE|ANNE|\t10|C||\x1f|||||||",
        "899700000013\tEXEMPLE|AN\x00NE|",
        "899700000013\tEXEMPLE|ANNE|\n",
        "899700000013\t!",
    ],
)
def test_what_is_no_canonical_line_is_malformed(line: str) -> None:
    """Half a line, an empty activity, a control character: none is taken for a person."""
    with pytest.raises(Malformed):
        RegisterEntry.parse(line)


@given(st.text(alphabet=st.sampled_from("8a|\t\x1f,\x00 "), max_size=40))
def test_no_text_makes_the_reader_fail_otherwise(text: str) -> None:
    """Whatever the text, an entry comes out that writes a line, or `Malformed` is raised."""
    try:
        person = RegisterEntry.parse(text)
    except Malformed:
        return
    assert RegisterEntry.parse(person.text) == person


@pytest.mark.parametrize("field", ["A|B", "A\tB", "A\x1fB", "A\nB", "A\u202eB"])
def test_a_field_cannot_hold_a_separator_or_an_invisible_character(field: str) -> None:
    """Otherwise a name could forge an exercice."""
    with pytest.raises(Malformed):
        RegisterEntry("899700000013", field)
    with pytest.raises(Malformed):
        Exercice("10", "C", field)
    with pytest.raises(Malformed):
        Activity(structure_name=field)


def test_an_entry_gives_its_rpps_and_its_professions() -> None:
    """A member of staff has no RPPS."""
    assert entry(DOCTOR, OSTEOPATH).professions == {"10", "71"}
    assert entry().rpps == Rpps("99700000013")
    assert RegisterEntry("3990000010/AGT0001", "EXEMPLE").rpps is None


@pytest.mark.parametrize(
    ("authority", "ordre"),
    [("CNOM/CNOM/ARS", "CNOM"), ("ONI//", "ONI"), ("CNOMK//", "CNOMK"), ("ARS/CPAM/CPAM", None), ("", None), ("CNOI//", None)],
)
def test_the_ordre_is_the_first_part_of_the_authority(authority: str, ordre: str | None) -> None:
    """An ARS is no ordre, nor is a name used in the press."""
    exercice = Exercice("10", "C", authority)

    assert authority_ordre(exercice) == ordre
    assert authority_ordres(entry(exercice)) == ({ordre} if ordre else set())


@pytest.mark.parametrize(
    ("exercices", "right", "reasons"),
    [
        ((DOCTOR,), True, ()),
        ((DOCTOR, STUDENT), True, ()),
        ((Exercice("10", "F"),), True, ()),
        ((Exercice("10", "M"),), True, ()),
        ((STUDENT,), False, (WhyNot.STUDENT,)),
        ((Exercice("10", ""),), False, (WhyNot.UNKNOWN_CATEGORY,)),
        ((Exercice("10", "X"), STUDENT), False, (WhyNot.STUDENT, WhyNot.UNKNOWN_CATEGORY)),
        ((OSTEOPATH,), False, (WhyNot.OTHER_PROFESSION,)),
        ((), False, (WhyNot.OTHER_PROFESSION,)),
    ],
)
def test_the_standing_of_a_person_before_the_doctors_board(
    exercices: tuple[Exercice, ...], right: bool, reasons: tuple[WhyNot, ...]
) -> None:
    """A student has no right to practise; an unknown category gives none; another board's profession does not count."""
    place = standing(entry(*exercices), {"10"})

    assert (place.present, place.right_to_practise, place.reasons) == (True, right, reasons)
    assert all(exercice.profession == "10" for exercice in place.exercices)


def test_a_person_whom_the_register_lacks_has_no_right() -> None:
    """Absence is a reason of its own."""
    place = standing(None, {"10"})

    assert (place.present, place.right_to_practise, place.reasons) == (False, False, (WhyNot.ABSENT,))
