"""The worked examples of French health numbers: which are right, and why the others are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust.errors import Malformed
from trust.identity import (
    Adeli,
    AdeliRang,
    Finess,
    IdNatPs,
    Ins,
    PersonKind,
    Rpps,
    RppsRang,
    Siren,
    Siret,
    StructIdNat,
    StructureKind,
    is_test_rpps,
    key_warning,
    luhn_key,
    nir_key,
    quick_rpps_check,
)

RIGHT = [
    *((Rpps, text) for text in ("99700000005", "99700000013", "99700000021", "99700123450", "99799999992", "10101010105")),
    *((Rpps, text) for text in ("99700009014", "99700090014")),
    *((Adeli, text) for text in ("990000010", "750000010")),
    *((Finess, text) for text in ("990000010", "990000028", "750000010", "2A0000006", "2B0000004")),
    *((Siren, text) for text in ("999999998", "187512751")),
    *((Siret, text) for text in ("99999999800019", "18751275100020", "35600000000048")),
    *((RppsRang, text) for text in ("99700000013018", "99700000013026")),
    (AdeliRang, "99000001001"),
    *((Ins, text) for text in ("184019999900067", "299129999900040", "255102A99900056", "255102B99900083")),
    *((Ins, text) for text in ("185057807000001", "185057802800097")),
    *((Ins, text) for text in ("279035121518989", "277076322082910", "248039263001064")),
    *((IdNatPs, text) for text in ("899700000013", "0990000010", "3990000010/AGT0001")),
    *((IdNatPs, text) for text in ("599999999800019/AGT-1", "699700000013018/7", "199000001001/X", "4999999998/A")),
    (IdNatPs, "10anne.dexemple-test@exemple.mssante.fr"),
    *((StructIdNat, text) for text in ("399999999800019", "318751275100020", "1990000010", "499700000013018", "099000001001")),
]

WRONG = [
    (Rpps, "99700000014", "key"),
    (Rpps, "9970000001", "11 characters, not 10"),
    (Rpps, "899700000013", "11 characters, not 12"),
    (Rpps, "9970000001A", "digits only"),
    (Rpps, "00000000000", "all zero"),
    (Rpps, "", "11 characters, not 0"),
    (Rpps, "٩٩٧٠٠٠٠٠٠١٣", "digits only"),
    (Rpps, "9970000001²", "digits only"),
    (Rpps, "99700000013\n", "11 characters, not 12"),
    (Adeli, "750000011", "key"),
    (Adeli, "0B6077602", "digits only"),
    (Adeli, "000000000", "all zero"),
    (AdeliRang, "9900000100", "11 characters, not 10"),
    (AdeliRang, "990000010011", "11 characters, not 12"),
    (AdeliRang, "99000001101", "key"),
    (AdeliRang, "9900000100A", "two digits"),
    (Finess, "750000011", "key"),
    (Finess, "2A0000008", "key"),
    (Finess, "2C0000000", "digits only"),
    (Finess, "75000001", "9 characters, not 8"),
    (Finess, "000000000", "all zero"),
    (Siren, "999999999", "key"),
    (Siret, "99999999800018", "key"),
    (Siret, "99999999900019", "key"),
    (Siret, "9999999980001A", "digits only"),
    (RppsRang, "99700000013019", "key"),
    (RppsRang, "99700000014017", "key"),
    (Ins, "184019999900068", "key"),
    (Ins, "276059205062865", "key"),
    (Ins, "209053105611201", "key"),
    (Ins, "223042545611404", "key"),
    (Ins, "255102C99900056", "digits only"),
    (Ins, "1840199999000", "15 characters, not 13"),
    (Ins, "000000000000097", "all zero"),
    (IdNatPs, "8997000000", "11 characters, not 9"),
    (IdNatPs, "999700000013", "begins with"),
    (IdNatPs, "299700000013", "begins with"),
    (IdNatPs, "", "not empty"),
    (IdNatPs, "399999999800019", "local number"),
    (IdNatPs, "3990000010/", "local number"),
    (IdNatPs, "3990000010/AGT 1", "local number"),
    (IdNatPs, "30B0057881/CPET0002", "digits only"),
    (IdNatPs, "00B6077602", "digits only"),
    (IdNatPs, "899700000013/1", "11 characters"),
    (IdNatPs, "10anne@", "mail address"),
    (StructIdNat, "3990000010", "14 characters, not 9"),
    (StructIdNat, "899700000013", "begins with"),
    (StructIdNat, "", "not empty"),
]


@pytest.mark.parametrize(("kind", "text"), RIGHT)
def test_a_right_number_is_accepted_and_writes_itself_as_it_was(kind: type, text: str) -> None:
    """The value's text is the text it was read from, and two readings are equal."""
    assert str(kind(text)) == text
    assert kind(text).text == text
    assert kind(text) == kind(text)


@pytest.mark.parametrize(("kind", "text", "reason"), WRONG)
def test_a_wrong_number_is_refused_with_a_plain_reason(kind: type, text: str, reason: str) -> None:
    """The reason says which demand failed first."""
    with pytest.raises(Malformed, match=reason):
        kind(text)


@pytest.mark.parametrize("kind", [Rpps, Adeli, Finess, Siren, Siret, RppsRang, AdeliRang, Ins, IdNatPs, StructIdNat])
@pytest.mark.parametrize("value", [None, 99700000013, b"99700000013"])
def test_what_is_not_text_is_malformed_and_not_a_crash(kind: type, value: object) -> None:
    """A number read from JSON, or octets, are refused like any wrong text."""
    with pytest.raises(Malformed):
        kind(value)


def test_luhn_does_not_see_09_and_90_change_places() -> None:
    """Both numbers are right: this is why enrolment must match the name."""
    assert Rpps("99700009014") != Rpps("99700090014")


def test_the_quick_check_of_an_rpps_agrees_with_the_type() -> None:
    """The same rule without a reason, on every worked example, right or wrong."""
    holds = quick_rpps_check()
    texts = [text for kind, text in RIGHT if kind is Rpps] + [text for kind, text, _ in WRONG if kind is Rpps]

    def built(text: str) -> bool:
        try:
            Rpps(text)
        except Malformed:
            return False
        return True

    assert [holds(text) for text in texts] == [built(text) for text in texts]


@given(st.text(alphabet="0123456789", min_size=1, max_size=30))
def test_a_computed_key_is_right_and_one_changed_digit_is_seen(digits: str) -> None:
    """Luhn sees every error of one digit."""
    number = digits + luhn_key(digits)
    changed = number[:-1] + str((int(number[-1]) + 3) % 10)

    assert luhn_key(number[:-1]) == number[-1]
    assert luhn_key(changed[:-1]) != changed[-1]


@given(st.text(max_size=18))
def test_no_text_makes_a_type_fail_otherwise_than_malformed(text: str) -> None:
    """Whatever the text, a value is built or `Malformed` is raised."""
    for kind in (Rpps, Adeli, Finess, Siren, Siret, RppsRang, AdeliRang, Ins, IdNatPs, StructIdNat):
        try:
            kind(text)
        except Malformed:
            continue


def test_an_rpps_number_knows_whether_it_is_set_aside_for_tests() -> None:
    """Numbers that begin with 997 belong to nobody."""
    assert Rpps("99700000013").is_test
    assert is_test_rpps("99700000013")
    assert not is_test_rpps(Rpps("10101010105"))


def test_a_place_names_its_person_and_its_rank() -> None:
    """RPPS-rang 99700000013026 is the second place of 99700000013."""
    place = RppsRang("99700000013026")

    assert (place.rpps, place.rank) == (Rpps("99700000013"), 2)
    assert AdeliRang("99000001001").adeli == Adeli("990000010")


def test_made_up_numbers_are_accepted_only_in_test_mode() -> None:
    """Letters in an ADELI, or in the FINESS of a staff identifier, are for tests; a real authority refuses them."""
    assert Adeli("0B6077602", test_mode=True).text == "0B6077602"
    assert IdNatPs("00B6077602", test_mode=True).kind is PersonKind.ADELI
    assert IdNatPs("30B0057881/CPET0002", test_mode=True).local == "CPET0002"
    with pytest.raises(Malformed, match="capital letters"):
        Adeli("0b6077602", test_mode=True)


def test_digit_3_is_a_finess_for_a_person_and_a_siret_for_a_structure() -> None:
    """The trap of the national identifiers."""
    assert IdNatPs("3990000010/AGT0001").holder == Finess("990000010")
    assert StructIdNat("399999999800019").number == Siret("99999999800019")
    assert StructIdNat("1990000010").kind is StructureKind.FINESS


def test_only_type_8_gives_an_rpps() -> None:
    """A member of staff, or an ADELI, has none."""
    assert IdNatPs("899700000013").rpps == Rpps("99700000013")
    assert IdNatPs.of(Rpps("99700000013")) == IdNatPs("899700000013")
    assert IdNatPs("0990000010").rpps is None
    assert IdNatPs("3990000010/AGT0001").rpps is None


def test_type_10_is_told_from_type_1_by_the_mail_address() -> None:
    """``10`` may begin a mail address or an ADELI-rang of department 0x."""
    assert IdNatPs("10anne@exemple.mssante.fr").kind is PersonKind.MAILBOX
    assert IdNatPs("10anne@exemple.mssante.fr").holder is None
    adeli = "01000001"
    assert IdNatPs(f"1{adeli}{luhn_key(adeli)}01/A").kind is PersonKind.ADELI_RANG


def test_the_keys_of_corsica_are_counted_as_the_rules_say() -> None:
    """A FINESS reads 2A as 21; a NIR reads it as 19."""
    assert Finess("2A0000006").department == "2A"
    assert nir_key("255102A999000") == "56"
    assert nir_key("255102B999000") == "83"


def test_an_ins_copied_without_its_key_gets_it() -> None:
    """The 13-character form is accepted on input."""
    assert Ins.of_matricule("1840199999000") == Ins("184019999900067")
    assert (Ins("184019999900067").matricule, Ins("184019999900067").key) == ("1840199999000", "67")


def test_a_published_sample_with_a_wrong_key_can_be_read_with_a_warning() -> None:
    """Outside the sending of mail the key is a warning; the form never is."""
    assert key_warning("276059205062865") is not None
    assert key_warning("184019999900067") is None
    with pytest.raises(Malformed):
        key_warning("27605920506286X")


def test_the_siret_of_la_poste_may_break_luhn_but_adds_up_to_a_multiple_of_five() -> None:
    """The one published exception to Luhn among SIRET numbers."""
    assert Siret("35600000000010").siren == Siren("356000000")
    with pytest.raises(Malformed, match="key"):
        Siret("35600000000011")
