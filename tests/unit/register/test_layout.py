"""The columns of an extraction, by name, and what makes a line bad."""

from __future__ import annotations

import pytest

from pki.register.layout import COLUMNS, MAX_LINE, Layout, Numbers, line_reader, normalised
from tests.unit.register.builders import HEADER, WORKED, row, rpps
from trust.errors import Malformed

LABELS_OF_2021 = {
    "Code civilité d'exercice": "Code civilité exercice",
    "Nom d'exercice": "Nom d’exercice",
    "Code Département (structure)": "Code département (coord. structure)",
    "Identifiant technique de la structure": "IDENTIFIANT TECHNIQUE DE LA STRUCTURE",
    "Numéro SIRET site": "Numero SIRET site",
}


def read(line: str, header: str = HEADER, numbers: Numbers = "any") -> str:
    """Read one line under a header."""
    return line_reader(Layout.of(header), numbers)(line)


def test_worked_lines_are_read() -> None:
    """A doctor, a nurse with accents, a pharmacist with a section, a student without activity."""
    assert [read(line) for line in WORKED] == [
        "899700000013\tD'EXEMPLE-TEST|ANNE|DR\t10|C|CNOM/CNOM/CNOM|SM54\x1fL|R10100000999991|CABINET DU DR EXEMPLE|||SA07||",
        "899700000013\tD'EXEMPLE-TEST|ANNE|DR\t10|C|CNOM/CNOM/CNOM|SM54\x1fS|F990000010|HOPITAL FICTIF||990000010|SA01||",
        "899700000021\tÉPREUVE|LOÏC|\t60|C|ONI//|\x1fL|C99999999800019|SCM FICTIVE|99999999800019||SA08||",
        "899700000039\tESSAI|MARIE JEANNE|\t21|C|CNOP/CNOP/CNOP|\x1fL|R10100000999992|PHARMACIE FICTIVE|||SA33|A|",
        "899700000047\tETUDIANT|PAUL|\t10|E||",
    ]


def test_there_are_56_columns_and_a_separator_after_the_last() -> None:
    """The header of today's extraction."""
    assert len(COLUMNS) == 56
    assert len(WORKED[0].split("|")) == 57


def test_the_labels_of_2021_give_the_same_columns() -> None:
    """52 columns only, other accents, apostrophes and parentheses."""
    old = "|".join(LABELS_OF_2021.get(label, label) for label in COLUMNS[:52]) + "|"
    line = "|".join(WORKED[2].split("|")[:52]) + "|"

    assert read(line, old) == read(WORKED[2])
    assert Layout.of(old).absent == ()
    assert Layout.of(old).unknown == ()


def test_columns_are_found_wherever_they_are_and_new_ones_are_accepted() -> None:
    """A column in front of the others, unknown to us, changes nothing."""
    layout = Layout.of("Empreinte|" + HEADER)

    assert layout.unknown == ("Empreinte",)
    assert line_reader(layout)("x|" + WORKED[0]) == read(WORKED[0])


def test_an_optional_column_may_be_absent_and_is_reported() -> None:
    """The fields that it would give are empty."""
    place = COLUMNS.index("Raison sociale site")
    header = "|".join(label for label in COLUMNS if label != "Raison sociale site") + "|"
    fields = WORKED[0].split("|")

    assert Layout.of(header).absent == ("Raison sociale site",)
    assert read("|".join(fields[:place] + fields[place + 1 :]), header) == read(WORKED[0]).replace("CABINET DU DR EXEMPLE", "")


@pytest.mark.parametrize(
    "label", ["Identification nationale PP", "Nom d'exercice", "Code catégorie professionnelle", "Autorité d'enregistrement"]
)
def test_a_missing_column_that_identity_or_standing_needs_refuses_the_file(label: str) -> None:
    """The reason names the column."""
    with pytest.raises(Malformed, match=label.split()[-1]):
        Layout.of("|".join(column for column in COLUMNS if column != label))


def test_a_column_that_is_there_twice_refuses_the_file() -> None:
    """Which one is right is not ours to guess."""
    with pytest.raises(Malformed, match="2 times"):
        Layout.of(HEADER + "NOM D'EXERCICE|")


def test_the_separator_after_the_last_field_may_be_missing() -> None:
    """On the header, on the lines, or on both."""
    assert read(WORKED[0][:-1]) == read(WORKED[0])
    assert read(WORKED[0], HEADER[:-1]) == read(WORKED[0])


def test_spaces_around_fields_and_odd_spaces_do_not_count() -> None:
    """A no-break space in a name is a space; spaces at the ends of a field are nothing."""
    line = row(family=" LE\u00a0GRAND ", given="ANNE ", profession="10 ", number=f" {rpps(1)}", mode=" L", name=" CABINET ")

    assert read(line) == read(row(family="LE GRAND", name="CABINET"))


def test_names_are_kept_in_composed_form() -> None:
    """The same name typed with combining accents gives the same line."""
    assert read(row(family="E\u0301PREUVE")) == read(row(family="ÉPREUVE"))


def test_quotes_are_ordinary_characters() -> None:
    """The format has no quoting."""
    assert '"CABINET "DU" PORT' in read(row(name='"CABINET "DU" PORT'))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "empty"),
        ("8|99700000013", "2 fields where the header has 56"),
        (WORKED[0] + "|", "57 fields where the header has 56"),
        (row(number="99700000014", idnat="899700000014"), "wrong key"),
        (row(number="00000000000", idnat="800000000000"), "all zero"),
        (row(idnat="899700000021"), "not the type followed by"),
        (row(kind="9", idnat=f"9{rpps(1)}"), "begins with"),
        (row(kind="", idnat=rpps(1)), "begins with"),
        (row(kind="0", number="750000011", idnat="0750000011"), "wrong key"),
        (row(family=""), "no family name"),
        (row(family="  "), "no family name"),
        (row(family="EX\x00EMPLE"), "U\\+0000"),
        (row(family="EX\x1fEMPLE"), "U\\+001F"),
        (row(family="EX\tEMPLE"), "U\\+0009"),
        (row(family="EX\u202eEMPLE"), "U\\+202E"),
        (row(family="EX\u2028EMPLE"), "U\\+2028"),
        (row(phone="0\x7f1"), "U\\+007F"),
        (row(family="EX\udce9EMPLE"), "not UTF-8"),
        (row(profession="10,21"), "not the code"),
        (row(know_how="SM54,SM26"), "not the code"),
        (row(category="Civil servant of the State"), "not the code"),
        (row(name="X" * MAX_LINE), "longer than 65536"),
    ],
)
def test_a_bad_line_is_refused_with_a_reason(line: str, reason: str) -> None:
    """Each reason says what to look for in the file."""
    with pytest.raises(Malformed, match=reason):
        read(line)


def test_a_bad_line_that_says_whose_it_is_gives_the_identifier() -> None:
    """So that the person is doubtful, not gone; a wrong number is nobody's."""
    layout = Layout.of(HEADER)

    assert layout.identifier(row(family="")) == f"8{rpps(1)}"
    assert layout.identifier(row(number="99700000014", idnat="899700000014")) is None
    assert layout.identifier("8|997") is None


def test_a_test_authority_takes_test_numbers_only_and_a_real_one_takes_none() -> None:
    """Test and production data never mix."""
    real = row(number="10101010105", idnat="810101010105")

    assert read(WORKED[0], numbers="test")
    assert read(real, numbers="real")
    with pytest.raises(Malformed, match="not of the range set aside for tests"):
        read(real, numbers="test")
    with pytest.raises(Malformed, match="is of the range set aside for tests"):
        read(WORKED[0], numbers="real")


def test_an_adeli_number_is_read_and_letters_in_it_are_for_tests() -> None:
    """People of the former repertory may still be in an old file."""
    assert read(row(kind="0", number="750000010", idnat="0750000010")).startswith("0750000010\t")
    made_up = row(kind="0", number="0B6077602", idnat="00B6077602")
    assert read(made_up, numbers="test").startswith("00B6077602\t")
    with pytest.raises(Malformed, match="digits only"):
        read(made_up)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Code Département (structure)", "code departement"),
        ("Code département (coord. structure)", "code departement"),
        ("Libellé civilité d'exercice", "libelle civilite exercice"),
        ("Libellé civilité exercice", "libelle civilite exercice"),
        ("  NOM D’EXERCICE ", "nom exercice"),
        ("Téléphone (coord. correspondance)", "telephone coord correspondance"),
    ],
)
def test_labels_are_compared_without_what_drifts(label: str, name: str) -> None:
    """Only the parenthesis about the structure is dropped: another one is another column."""
    assert normalised(label) == name
