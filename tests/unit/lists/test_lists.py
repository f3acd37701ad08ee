"""Lists of people to enrol, as ordres have them: CSV of every spreadsheet, XLSX, and what is refused of either."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import pytest
from openpyxl import Workbook

from pki.registration.applications import MAX_LINES, LineError
from pki.registration.grants import GrantApplication
from pki.registration.lists import LARGEST, read_list
from tests.world import rpps
from trust.errors import Malformed

DEFAULT = ("ps-authentification", "ps-signature")
EXPECTED = [
    GrantApplication(rpps(1), DEFAULT, "LEFÈVRE", "Anaïs", 2),
    GrantApplication(rpps(2), DEFAULT, "D'ESSAI", "Jean-Œil", 3),
]
TABLE = f"Numéro RPPS;Nom d’exercice;Prénom;Ville\n{rpps(1)};LEFÈVRE;Anaïs;Lyon\n{rpps(2)};D'ESSAI;Jean-Œil;\n"


def book(*rows: Sequence[Any]) -> bytes:
    """Write a spreadsheet."""
    made = Workbook()
    for row in rows:
        made.active.append(row)
    octets = io.BytesIO()
    made.save(octets)
    return octets.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_a_csv_of_any_spreadsheet_is_read(encoding: str, separator: str) -> None:
    """Whatever its encoding, separator and end of line."""
    text = TABLE.replace(";", separator).replace("\n", "\r\n")
    assert read_list(text.encode(encoding), DEFAULT) == EXPECTED


def test_a_spreadsheet_is_read_with_its_numbers_as_numbers() -> None:
    """Excel keeps an RPPS as a number: it comes back without exponent or decimals; empty lines are no lines."""
    rows: list[list[Any]] = [
        ["RPPS", "Nom", "Prénom"],
        [int(rpps(1)), "LEFÈVRE", "Anaïs"],
        [None, None, None],
        [float(rpps(2)), "D'ESSAI", "Jean-Œil"],
    ]
    found = read_list(book(*rows), DEFAULT)
    assert [(each.rpps, each.line) for each in found if isinstance(each, GrantApplication)] == [(rpps(1), 2), (rpps(2), 4)]


def test_a_line_may_name_its_own_certificates() -> None:
    """In French or by the names of the profiles."""
    text = f"rpps,nom,prenom,certificats\n{rpps(1)},A,B,Signature ps-chiffrement\n{rpps(2)},A,B,\n"
    first, second = read_list(text.encode(), DEFAULT)
    assert isinstance(first, GrantApplication) and first.profiles == ("ps-signature", "ps-chiffrement")
    assert isinstance(second, GrantApplication) and second.profiles == DEFAULT


def test_a_formula_is_refused_where_it_stands() -> None:
    """The other lines go on."""
    found = read_list(book(["RPPS", "Nom", "Prénom"], ["=1+1", "A", "B"], [rpps(1), "A", "B"]), DEFAULT)
    assert isinstance(found[0], LineError) and "formula" in found[0].reason
    assert isinstance(found[1], GrantApplication)


@pytest.mark.parametrize(
    ("line", "why"),
    [(f"{rpps(1)};A\x00;B", "cannot be read"), (f"{rpps(1)};{'A' * 300};B", "cannot be read"), (";A;B", "no RPPS")],
)
def test_a_bad_line_is_reported_by_its_number(line: str, why: str) -> None:
    """And read no further."""
    (found,) = read_list(f"RPPS;Nom;Prénom\n{line}\n".encode(), DEFAULT)
    assert isinstance(found, LineError) and found.line == 2 and why in found.reason


def zipped(**members: bytes) -> bytes:
    """Make a zip."""
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return octets.getvalue()


def altered(name: str, content: bytes) -> bytes:
    """Make a spreadsheet in which one member is another."""
    octets = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book(["RPPS", "Nom", "Prénom"]))) as good, zipfile.ZipFile(octets, "w") as archive:
        for each in good.namelist():
            archive.writestr(each, content if each == name else good.read(each))
    return octets.getvalue()


ENTITIES = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet>&b;</worksheet>'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"RPPS\n", "Nom"),
        (b"x" * (LARGEST + 1), "larger"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xls"),
        (b"PK\x03\x04 not a zip", "cannot be read"),
        (zipped(a=b"b"), "cannot be read"),
        (zipped(a=bytes(60 << 20)), "unfolds"),
        (zipped(**{f"m{number}": b"" for number in range(300)}), "unfolds"),
        (altered("xl/worksheets/sheet1.xml", ENTITIES), "entities"),
        (altered("xl/worksheets/sheet1.xml", ENTITIES.decode().encode("utf-16")), "entities"),
        (altered("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row>"), "cannot be read|empty"),
        (f"RPPS;Nom;Prénom\n{'1;A;B' + chr(10)}".encode() + b"1;A;B\n" * MAX_LINES, "more than"),
    ],
    ids=["empty", "no column", "large", "old form", "no zip", "no book", "bomb", "members", "entities", "utf-16", "cut", "lines"],
)
def test_a_file_that_is_no_such_list_is_refused_whole(content: bytes, why: str) -> None:
    """In one sentence, and never with a traceback."""
    with pytest.raises(Malformed, match=why):
        read_list(content, DEFAULT)


@pytest.mark.parametrize("title", ["Courriel", "e-mail", "Adresse électronique"])
def test_an_address_is_taken_along_where_the_ordre_has_one(title: str) -> None:
    """With its domain in small letters, as it is kept; whether it is one is for the services to say."""
    rows = f"RPPS;Nom;Prénom;{title}\n{rpps(1)};A;B;Anne.M@Exemple.EXAMPLE\n{rpps(2)};C;D;\n{rpps(3)};E;F;rien\n"
    found = [each.email for each in read_list(rows.encode(), DEFAULT) if isinstance(each, GrantApplication)]
    assert found == ["Anne.M@exemple.example", "", "rien"]
