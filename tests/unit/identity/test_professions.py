"""Professions and ordres by their national codes."""

from __future__ import annotations

import pytest

from trust.errors import Missing
from trust.identity import ORDRES, PRACTISING, PROFESSIONS, RETIRED, label_of, ordre_of, ordre_of_profession, profession_of


@pytest.mark.parametrize(
    ("code", "profession"),
    [("CNOM", "10"), ("ONCD", "40"), ("CNOP", "21"), ("CNOSF", "50"), ("CNOMK", "70"), ("CNOPP", "80"), ("ONI", "60")],
)
def test_each_ordre_governs_its_profession(code: str, profession: str) -> None:
    """The seven ordres, under their official codes."""
    assert ordre_of(code).professions == {profession}
    assert ordre_of_profession(profession) == ordre_of(code)


def test_there_are_seven_ordres_and_no_profession_has_two() -> None:
    """TRE_R82 has seven entries."""
    governed = [profession for ordre in ORDRES.values() for profession in ordre.professions]

    assert len(ORDRES) == 7
    assert len(governed) == len(set(governed))
    assert set(governed) <= set(PROFESSIONS)


@pytest.mark.parametrize("press_name", ["CNOI", "MKO", "ONPP", "ONSSF"])
def test_a_name_used_in_the_press_is_not_a_code(press_name: str) -> None:
    """The official code of the nurses' ordre is ONI."""
    with pytest.raises(Missing):
        ordre_of(press_name)


def test_professions_without_ordre_have_none() -> None:
    """Speech therapists, for instance, have no ordre; nor have psychologists, whose title alone is protected."""
    assert ordre_of_profession("91") is None
    assert ordre_of_profession("93") is None
    assert profession_of("93").title_only
    assert not profession_of("91").title_only


def test_retired_codes_are_no_profession_in_force() -> None:
    """Codes 35 to 39 were withdrawn on 2024-12-13."""
    assert RETIRED.isdisjoint(PROFESSIONS)
    with pytest.raises(Missing):
        profession_of("35")


def test_a_student_is_named_as_one_and_does_not_practise() -> None:
    """A student bears the code of the profession that they learn, with category E."""
    assert label_of("10", "E") == "Étudiant (Médecin)"
    assert label_of("10") == "Médecin"
    assert "E" not in PRACTISING
