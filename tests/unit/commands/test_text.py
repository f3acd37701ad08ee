"""How the commands write: columns, names, distinguished names, numbers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509

from pki.cli._text import at, count, day, distinguished_name, fields, minute, person_name, profession, short_name, table
from trust.naming import AuthoritySubject, OrganisationSubject, PersonSubject, ServerSubject

PERSON = PersonSubject("899700000013", "D'EXEMPLE-TEST", "ANNE-MARIE", "10", "Médecin")
ORGANISATION = OrganisationSubject("1990000010", 'CLINIQUE "X", NORD; <SUD>', "Essai (99)", "Sceau + cachet")
SERVER = ServerSubject("1990000010", "HÔPITAL", "Essai (99)", ("www.hopital.example", "localhost"))
AUTHORITY = AuthoritySubject(" SCEAU #1 ".strip(), "SCEAU")


def test_columns_align_and_numbers_to_the_right() -> None:
    """Without spaces at the ends of lines."""
    assert table(("A", "N"), [("été", 1), ("x", 10)], numbers=(1,)) == "A     N\nété   1\nx    10"
    assert table(("A", "B"), [("x", ""), ("long", "y")]) == "A     B\nx\nlong  y"


def test_a_strangers_text_does_not_command_the_terminal() -> None:
    """Names come from files that others wrote."""
    assert "\x1b" not in table(("A",), [("\x1b[2J",)]) + fields([("a", "\x1b[2J\n")])


def test_values_align_and_what_is_unknown_is_left_out() -> None:
    """One pair a line."""
    assert fields([("serial", "1"), ("a", 2), ("none", None)]) == "serial  1\na       2"


def test_things_are_counted_in_words() -> None:
    """One line, two lines, a thousand people."""
    assert (count(1, "line"), count(2, "line"), count(1873, "person", "people")) == ("1 line", "2 lines", "1 873 people")


def test_dates_are_iso_and_absence_is_a_dash() -> None:
    """UTC, and said so."""
    moment = datetime(2026, 11, 20, 6, 5, 4, tzinfo=UTC)
    assert (at(moment), day(moment), minute(moment)) == ("2026-11-20T06:05:04Z", "2026-11-20", "2026-11-20 06:05Z")
    assert (at(None), day(None), minute(None)) == (None, "-", "-")


def test_people_are_named_as_french_forms_do() -> None:
    """Given name first, family name in capitals, accents kept."""
    assert person_name("JEAN-NOËL", "d'éclair") == "Jean-Noël D'ÉCLAIR"
    assert short_name(PERSON.record()) == "Anne-Marie D'EXEMPLE-TEST, Médecin"
    assert short_name(SERVER.record()) == "www.hopital.example localhost"
    assert short_name(AUTHORITY.record()) == "SCEAU #1"


def test_a_profession_without_a_label_stands_for_itself() -> None:
    """A code of an old file."""
    assert (profession("10"), profession("10", "E"), profession("36")) == ("Médecin", "Étudiant (Médecin)", "profession 36")


@pytest.mark.parametrize("subject", [PERSON, ORGANISATION, SERVER, AUTHORITY], ids=lambda subject: subject.kind)
def test_a_distinguished_name_is_one_that_others_read(subject: PersonSubject) -> None:
    """RFC 4514: what we write, another library parses back to the same attributes."""
    names = {
        "GN": x509.NameOID.GIVEN_NAME,
        "SN": x509.NameOID.SURNAME,
        "title": x509.NameOID.TITLE,
        "organizationIdentifier": x509.NameOID.ORGANIZATION_IDENTIFIER,
    }
    parsed = x509.Name.from_rfc4514_string(distinguished_name(subject.record()), names)
    expected = [{(oid, value) for oid, value in rdn} for rdn in subject.rdns()]
    assert [{(each.oid.dotted_string, each.value) for each in rdn} for rdn in parsed.rdns] == expected
