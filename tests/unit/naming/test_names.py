from __future__ import annotations

import unicodedata

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from pki.lint.corpus import CORPUS
from tests.builders.names import given_names, people
from trust import der, oids
from trust.canonical import canonical
from trust.errors import Malformed
from trust.nameforms import MAX_PERSON_NAME
from trust.naming import (
    AnySubject,
    AuthoritySubject,
    OrganisationSubject,
    PersonSubject,
    ServerSubject,
    ServiceSubject,
    is_test_identity,
    is_test_structure,
    organisation_id,
    shortened,
    subject_from_record,
    tidy,
)

ANNE = PersonSubject("899700000013", "D'EXEMPLE-TEST", "ANNE", "10", "Médecin", "anne@exemple.com")
EVERYBODY = [subject for subjects in CORPUS.values() for subject in subjects]

# What no name may hold: NUL, line ends, a C1 control, zero width, overrides, a tag, a private character, other spaces.
POISONS = (
    "\0",
    "\r",
    "\n",
    "\t",
    "\x7f",
    "\x85",
    "\u00ad",
    "\u200b",
    "\u202e",
    "\u2066",
    "\ufeff",
    "\U000e0041",
    "\ue000",
    "\u00a0",
    "\u2003",
)


def pyca_name(subject: AnySubject) -> bytes:
    """Write the name with the other library."""
    return x509.Name(
        x509.RelativeDistinguishedName(x509.NameAttribute(x509.ObjectIdentifier(dotted), value) for dotted, value in rdn)
        for rdn in subject.rdns()
    ).public_bytes()


@given(people())
def test_the_name_of_a_person_is_what_pyca_writes(person: PersonSubject) -> None:
    """Byte for byte, whatever the lengths that decide the order of the three attributes in their SET."""
    assert person.name_der() == pyca_name(person)


@pytest.mark.parametrize("subject", EVERYBODY, ids=lambda subject: subject.kind)
def test_every_name_of_the_corpus_is_what_pyca_writes(subject: AnySubject) -> None:
    """People, structures, servers, authorities and services, at their extremes."""
    assert subject.name_der() == pyca_name(subject)


@pytest.mark.parametrize("subject", EVERYBODY, ids=lambda subject: subject.kind)
def test_a_subject_comes_back_from_its_record(subject: AnySubject) -> None:
    """The record has a canonical form, and is the subject: nothing is lost."""
    assert subject.text() == canonical(subject.record()).decode()

    assert subject_from_record(subject.record()) == subject


def test_a_practitioner_has_the_national_shape() -> None:
    """C as PrintableString, title, then given name, identifier and family name together (domain page B2)."""
    rdns = [content for _, content, _ in der.children(der.whole(ANNE.name_der(), der.SEQUENCE))]

    assert [sum(1 for _ in der.children(rdn)) for rdn in rdns] == [1, 1, 3]
    assert rdns[0] == der.sequence(der.oid(oids.COUNTRY), der.printable("FR"))
    assert der.sequence(der.oid(oids.COMMON_NAME), der.utf8("899700000013")) in rdns[2]


@pytest.mark.parametrize("poison", POISONS, ids=lambda poison: f"U+{ord(poison):04X}")
@pytest.mark.parametrize("place", ["start", "middle", "end"])
def test_an_invisible_character_is_refused_everywhere(poison: str, place: str) -> None:
    """A name that a reader cannot see as it is written is not a name."""
    text = {"start": f"{poison}AB", "middle": f"A{poison}B", "end": f"AB{poison}"}[place]

    for build in (
        lambda: PersonSubject("899700000013", text, "ANNE", "10", "Médecin"),
        lambda: PersonSubject("899700000013", "ESSAI", text, "10", "Médecin"),
        lambda: PersonSubject("899700000013", "ESSAI", "ANNE", "10", text),
        lambda: OrganisationSubject("1990000010", text, "Paris (75)", "X"),
        lambda: OrganisationSubject("1990000010", "X", text, "X"),
        lambda: OrganisationSubject("1990000010", "X", "Paris (75)", text),
        lambda: AuthoritySubject(text, "X"),
        lambda: ServiceSubject("X", text),
    ):
        with pytest.raises(Malformed):
            build()


@pytest.mark.parametrize(
    "text", ["", " A", "A ", "A  B", "-", "'", "АННА", "ΑΝΝΑ", "A1", "A/B", "A,B", "e\u0301", "A" * (MAX_PERSON_NAME + 1)]
)
def test_a_text_that_is_no_persons_name_is_refused(text: str) -> None:
    """Spaces that do not show, no letter at all, look-alike scripts, digits, decomposed accents, a paragraph."""
    with pytest.raises(Malformed):
        PersonSubject("899700000013", text, "ANNE", "10", "Médecin")


@pytest.mark.parametrize(
    "identifier",
    [
        "899700000014",
        "99700000013",
        "8997000000",
        "000000000",
        "800000000000",
        "9997000000130",
        "3750000011/A",
        "3990000010",
        "3990000010/é",
    ],
)
def test_a_wrong_national_identifier_names_nobody(identifier: str) -> None:
    """Key, length, type, or the local part of a staff identifier."""
    with pytest.raises(Malformed):
        PersonSubject(identifier, "ESSAI", "ANNE", "10", "Médecin")


@pytest.mark.parametrize("identifier", ["899700000013", "0990000010", "00B6077602", "3990000010/AGT0001", "599999999800019/X-1"])
def test_the_identifiers_of_practitioners_and_staff_are_accepted(identifier: str) -> None:
    """RPPS, ADELI (a made-up one too), staff of a FINESS and of a SIRET."""
    assert PersonSubject(identifier, "ESSAI", "ANNE", "10", "Médecin").idnat == identifier


@pytest.mark.parametrize("name", ["mss.exemple.fr", "localhost", "*.exemple.fr", "xn--hpital-ixa.fr", "a-b.c1.fr", "1a.fr"])
def test_a_host_name_in_letters_digits_and_hyphens_is_accepted(name: str) -> None:
    """A single label and a wildcard are the profile's to refuse."""
    assert ServerSubject("1990000010", "X", "Paris (75)", (name,)).dns_names == (name,)


@pytest.mark.parametrize(
    "name",
    [
        *("", "127.0.0.1", "1.2.3", "::1", "a..fr", ".fr", "a.fr.", "-a.fr", "a-.fr", "A.fr", "é.fr", "a_b.fr", "*", "*.fr"),
        *("a.*.fr", "*a.fr", "a b.fr", "a.fr\n", f"{'a' * 64}.fr", ".".join(["a" * 60] * 5)),
    ],
)
def test_what_is_no_host_name_is_refused(name: str) -> None:
    """Addresses, empty or long labels, upper case, underscores, wildcards elsewhere than alone on the left."""
    with pytest.raises(Malformed):
        ServerSubject("1990000010", "X", "Paris (75)", (name,))


def test_a_server_has_one_to_a_hundred_different_names() -> None:
    """The first is the common name, hence at most 64 characters."""
    long = ".".join(["a" * 60, "exemple", "fr"])
    for names in ((), ("a.fr", "a.fr"), tuple(f"a{number}.fr" for number in range(101)), (long, "a.fr"), ["a.fr"]):
        with pytest.raises(Malformed):
            ServerSubject("1990000010", "X", "Paris (75)", names)  # type: ignore[arg-type]

    assert ServerSubject("1990000010", "X", "Paris (75)", ("a.fr", long)).dns_names[1] == long


@pytest.mark.parametrize(
    "email", ["", "a", "a@b", "@b.fr", "a@B.fr", "é@b.fr", "a@b.fr ", "a@@b.fr", "a..b@c.fr", ".a@c.fr", "a@b.fr\0", "a@-b.fr"]
)
def test_a_mail_address_that_a_certificate_cannot_hold_is_refused(email: str) -> None:
    """rfc822Name is IA5String; the domain is lower case so that two spellings are not two addresses."""
    with pytest.raises(Malformed):
        PersonSubject("899700000013", "ESSAI", "ANNE", "10", "Médecin", email)


def test_a_common_name_is_bounded_in_octets() -> None:
    """32 accented letters are 64 octets, which is what strict readers count."""
    assert AuthoritySubject("É" * 32, "X").common_name

    with pytest.raises(Malformed, match="octets"):
        AuthoritySubject("É" * 33, "X")


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"kind": "robot"},
        {"kind": "person"},
        {**ANNE.record(), "role": "admin"},
        {key: value for key, value in ANNE.record().items() if key != "email"},
        {**ANNE.record(), "idnat": 899700000013},
        {**ANNE.record(), "given_name": None},
        {**ServerSubject("1990000010", "X", "Paris (75)", ("a.fr",)).record(), "dns_names": "a.fr"},
        {**ServerSubject("1990000010", "X", "Paris (75)", ("a.fr",)).record(), "dns_names": [1]},
    ],
)
def test_a_record_that_is_not_a_subjects_is_refused(record: dict[str, object]) -> None:
    """Unknown kind, missing or surplus member, a value of another type."""
    with pytest.raises(Malformed):
        subject_from_record(record)


def test_the_identifier_of_an_organisation_follows_from_its_structure() -> None:
    """A SIRET gives its SIREN, anything else the whole national identifier (CP 3.1.1)."""
    assert organisation_id("399999999800019") == "NTRFR-999999998"
    assert organisation_id("1990000010") == "IS:FR-1990000010"


def test_test_identities_are_told_from_real_ones() -> None:
    """By type: the test range of the RPPS, departments 99 and 0B, SIREN 999…."""
    assert all(map(is_test_identity, ["899700000013", "00B6077602", "0990000010", "3990000010/A", "599999999800019/A"]))
    assert not any(map(is_test_identity, ["810101010105", "0750000010", "3750000010/A"]))
    assert all(map(is_test_structure, ["1990000010", "399999999800019", "499700000013018", "099000001001"]))
    assert not any(map(is_test_structure, ["318751275100020", "1750000010", "0750000010"]))


@given(given_names())
def test_tidying_a_tidy_name_changes_nothing(name: str) -> None:
    """And whatever it is given, it gives the same a second time."""
    assert tidy(name) == name
    assert tidy(f"  {unicodedata.normalize('NFD', name)} ") == name


def test_the_name_of_a_structure_is_cut_at_a_word() -> None:
    """At a letter only when there is no word to end at."""
    assert shortened("CENTRE HOSPITALIER FICTIF", 20) == "CENTRE HOSPITALIER"
    assert shortened("CENTRE HOSPITALIER FICTIF", 18) == "CENTRE HOSPITALIER"
    assert shortened("CENTRE", 6) == "CENTRE"
    assert shortened("X" * 70) == "X" * 64


@given(st.text(alphabet=st.characters(categories=["L", "Zs", "P"]), max_size=90))
def test_a_shortened_name_fits(name: str) -> None:
    """Always within the bound, always the beginning of what it was."""
    assert len(shortened(name)) <= 64
    assert name.startswith(shortened(name))
