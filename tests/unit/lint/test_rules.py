from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pki.lint.corpus import trials
from pki.lint.finding import Finding, Severity, blocking, refuse
from pki.lint.rules import check
from pki.profiles.compiled import CompiledProfile
from pki.profiles.specimens import specimen_spki
from tests.builders.names import people
from tests.builders.profiles import IDS, ISSUER_ALGORITHMS, START, compiled, issuer, ordinary
from tests.builders.tbs import Damage, Opened, damaged
from tests.unit.lint.damages import EXTENSIONS, FIELDS, OTHERS, PERSON, SUBJECTS, swap
from trust.errors import Refused
from trust.naming import PersonSubject, ServerSubject


def codes(profile_id: str, damage: Damage, mode: str = "demo") -> set[str]:
    """Damage an ordinary certificate of a profile and return the codes of what the rules find, without the order."""
    profile = compiled(profile_id, mode=mode)
    particulars = ordinary(profile)
    found = check(damaged(profile.render(*particulars), damage), profile, particulars.not_before)
    assert all(finding.citation and finding.detail for finding in found)
    return {finding.code.removeprefix("sceau.") for finding in found}


@pytest.mark.parametrize("algorithm", ISSUER_ALGORITHMS)
@pytest.mark.parametrize("profile_id", IDS)
def test_a_certificate_as_it_was_ordered_has_no_finding(profile_id: str, algorithm: str) -> None:
    """Every profile, algorithm of the issuer and extreme name."""
    profile = compiled(profile_id, algorithm)
    for particulars in trials(profile):
        assert check(profile.render(*particulars), profile, particulars.not_before, particulars) == []


@settings(max_examples=60, deadline=None)
@given(people())
def test_anybodys_certificate_has_no_finding(subject: PersonSubject) -> None:
    """Whoever `trust.naming` lets in, the rules let out: the two say the same in opposite ways."""
    profile = compiled("ps-signature")
    particulars = ordinary(profile)._replace(subject=subject)

    assert check(profile.render(*particulars), profile, particulars.not_before, particulars) == []


@pytest.mark.parametrize("name", FIELDS)
def test_a_wrong_field_is_found(name: str) -> None:
    """Version, serial, algorithm, issuer, dates, key."""
    damage, code = FIELDS[name]

    assert code in codes(PERSON, damage)


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_wrong_subject_is_found(name: str) -> None:
    """Shape, string types, lengths, forbidden characters, identifiers, professions."""
    damage, code = SUBJECTS[name]

    assert code in codes(PERSON, damage)


@pytest.mark.parametrize("name", EXTENSIONS)
def test_a_wrong_extension_is_found(name: str) -> None:
    """Missing, doubled, unknown, of another criticality, or of another content."""
    damage, code = EXTENSIONS[name]

    assert code in codes(PERSON, damage)


@pytest.mark.parametrize("name", OTHERS)
def test_a_wrong_seal_server_or_authority_is_found(name: str) -> None:
    """What is particular to signatures, structures, servers, responders and authorities."""
    profile_id, damage, code = OTHERS[name]

    assert code in codes(profile_id, damage)


def test_a_production_authority_refuses_test_people_and_products() -> None:
    """A test number in a certificate for real use is as wrong as the reverse (CP 3.1.5)."""
    profile = compiled(PERSON, mode="production")
    particulars = ordinary(profile)

    assert {finding.code for finding in check(profile.render(*particulars), profile, particulars.not_before)} == {
        "sceau.subject.mode"
    }
    assert "product_category" in codes(PERSON, swap(b"\x04\x03\x04\x01\x03", b"\x04\x03\x04\x01\x83"), "production")


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        (START - timedelta(seconds=1), "sceau.validity.clock"),
        (START + timedelta(seconds=301), "sceau.validity.clock"),
        (START - timedelta(days=1), "sceau.validity.issuer_expired"),
        (START + timedelta(days=7306), "sceau.validity.issuer_expired"),
    ],
)
def test_the_beginning_follows_the_clock(moment: object, code: str) -> None:
    """Never after it, and before it by no more than the profile allows; the issuer must be valid then."""
    profile = compiled(PERSON)

    assert code in {finding.code for finding in check(profile.specimen(), profile, moment)}  # type: ignore[arg-type]


def test_a_certificate_beyond_its_issuer_is_found() -> None:
    """By one second (reliability case I08)."""
    profile = compiled(PERSON)
    short = CompiledProfile(profile.profile, replace(issuer(), not_after=START + timedelta(days=1094)))
    long = CompiledProfile(profile.profile, issuer()).render(*ordinary(profile))

    assert "sceau.validity.issuer" in {finding.code for finding in check(long, short, START)}


ORDERS = {
    "subject": {
        "subject": PersonSubject("899700000013", "D'EXEMPLE-TEST", "ANNA", "10", "Médecin", "anne.dexemple-test@exemple.com")
    },
    "key": {"spki_der": specimen_spki("P-384")},
    "serial": {"serial": b"\x41" * 16},
    "validity": {"not_after": START + timedelta(days=1094)},
    "shard": {"shard": 1},
    "profession": {
        "subject": PersonSubject("899700000013", "D'EXEMPLE-TEST", "ANNE", "60", "Médecin", "anne.dexemple-test@exemple.com")
    },
    "alternative_names": {
        "subject": PersonSubject("899700000013", "D'EXEMPLE-TEST", "ANNE", "10", "Médecin", "autre@exemple.com")
    },
}


@pytest.mark.parametrize("part", ORDERS)
def test_a_certificate_for_another_order_is_found(part: str) -> None:
    """A good certificate of the profile, and not the one that was asked for."""
    profile = compiled("ps-signature")
    particulars = ordinary(profile)
    found = check(profile.render(*particulars), profile, START, particulars._replace(**ORDERS[part]))  # type: ignore[arg-type]

    assert f"sceau.order.{part}" in {finding.code for finding in found}
    assert check(profile.render(*particulars), profile, START, particulars) == []


def test_other_hosts_than_the_orders_are_found() -> None:
    """One name more than was approved."""
    profile = compiled("serveur-tls-ec")
    particulars = ordinary(profile)
    subject = particulars.subject
    assert isinstance(subject, ServerSubject)
    more = particulars._replace(subject=replace(subject, dns_names=(*subject.dns_names, "b.exemple.com")))

    found = check(profile.render(*more), profile, START, particulars)

    assert {finding.code for finding in found} == {"sceau.order.alternative_names"}


@pytest.mark.parametrize(
    "profile_id", ["ps-authentification", "ps-signature", "serveur-tls-ec", "ca-emettrice", "ocsp-responder"]
)
def test_one_flipped_bit_anywhere_is_found(profile_id: str) -> None:
    """Each bit in turn, against the order: none is free (reliability case P14)."""
    profile = compiled(profile_id)
    particulars = ordinary(profile)
    tbs = profile.render(*particulars)
    for position in range(8 * len(tbs)):
        octets = bytearray(tbs)
        octets[position // 8] ^= 1 << position % 8
        assert check(bytes(octets), profile, particulars.not_before, particulars), position


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_octets_give_findings_and_never_a_traceback(data: st.DataObject) -> None:
    """Cut, doubled, overwritten anywhere."""
    profile = compiled("ps-signature")
    tbs = profile.specimen()
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(tbs)), st.integers(0, len(tbs)))))
    octets = tbs[:start] + data.draw(st.binary(max_size=12)) + tbs[end:]

    assert isinstance(check(octets, profile, START), list)


@given(st.binary(max_size=60))
def test_what_is_no_certificate_is_a_finding(octets: bytes) -> None:
    """One, with its citation."""
    assert [finding.code for finding in check(octets, compiled(PERSON), START)] == ["sceau.der"]


def test_errors_and_warnings_block_and_notices_do_not() -> None:
    """An accepted warning is shown, not obeyed."""
    findings = [Finding("sceau.x", severity, "CP 7.1", "y") for severity in Severity]

    assert [finding.severity for finding in blocking(findings)] == [Severity.ERROR, Severity.WARNING]
    refuse(findings[2:])
    with pytest.raises(Refused, match=r"sceau\.x: y"):
        refuse(findings)
    assert str(findings[0]) == "error: sceau.x: y [CP 7.1]"


def test_the_rules_forget_rather_than_grow() -> None:
    """Thousands of different dates and employers later, a certificate is judged as the first one was."""
    profile = compiled("ps-signature")
    particulars = ordinary(profile)
    for second in range(5000):
        begin = START + timedelta(seconds=second)
        one = particulars._replace(not_before=begin, not_after=begin + timedelta(days=1000))
        assert check(profile.render(*one), profile, begin, one) == []


def test_opening_and_closing_a_certificate_changes_nothing() -> None:
    """The damage of these tests is the damage that they say."""
    for profile_id in IDS:
        tbs = compiled(profile_id).specimen()
        assert Opened(tbs).close() == tbs
