from __future__ import annotations

from pathlib import Path

import pytest

from pki.profiles.load import load_profiles, read_profile
from pki.profiles.model import AlternativeName, Profile, RevocationList
from tests.builders.profiles import ARC, IDS, PROFILES, profiles
from trust.errors import Malformed, Missing

PERSON = (PROFILES / "ps-authentification.toml").read_text(encoding="utf-8")


def read(text: str) -> Profile:
    """Read a profile as a demonstration does."""
    return read_profile(text.encode(), policy_arc=ARC, mode="demo")


def edited(profile_id: str, *changes: tuple[str, str]) -> str:
    """Return a profile of the demonstration with lines replaced, each of which must be there."""
    text = (PROFILES / f"{profile_id}.toml").read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    return text


def test_the_demonstration_has_its_twelve_profiles() -> None:
    """Three for practitioners, two for structures, two for servers, two for services, three for authorities."""
    assert list(profiles()) == [
        "ca-croisee",
        "ca-emettrice",
        "ca-racine",
        "horodatage",
        "ocsp-responder",
        "org-authentification",
        "org-cachet",
        "ps-authentification",
        "ps-chiffrement",
        "ps-signature",
        "serveur-tls-ec",
        "serveur-tls-rsa",
    ]


def test_a_profile_says_what_its_file_says() -> None:
    """Read once by eye, word by word."""
    profile = profiles()["ps-authentification"]

    assert profile.policy == f"{ARC}.1.1"
    assert profile.key_usage == ("digital_signature",)
    assert profile.extended_usage == ("client_auth", "smartcard_logon")
    assert profile.alternative_name is AlternativeName.UPN
    assert profile.revocation_list is RevocationList.SHARD
    assert (profile.validity_days, profile.product_category, profile.card_type, profile.profession) == (1095, 0x83, 0, True)


@pytest.mark.parametrize("profile_id", IDS)
def test_only_a_production_authority_leaves_the_test_bit_unset(profile_id: str) -> None:
    """The product category is 83h in a demonstration and in a test, 03h for real use."""
    categories = [profiles(mode)[profile_id].product_category for mode in ("demo", "test", "production")]

    assert categories in ([0x83, 0x83, 0x03], [None, None, None])
    assert [profiles(mode)[profile_id].test for mode in ("demo", "test", "production")] == [True, True, False]


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ('subject = "person"', 'subject = "robot"', "does not know 'robot'"),
        ('subject = "person"', "", "'subject' is missing"),
        ('id = "ps-authentification"', "id = 7", "is a text, not 7"),
        ("days = 1095", 'days = "1095"', "is a whole number"),
        ("days = 1095", "days = true", "is a whole number"),
        ("days = 1095", "days = 0", "at least 1"),
        ("days = 1095", "days = 1095\nbackdate_seconds = -1", "not negative"),
        ("days = 1095", "days = 1095\nprivate_key_margin_days = 1095", "less than days"),
        ("days = 1095", "days = 1095\nyears = 3", "unknown key 'years'"),
        ("[health]", "[healt]", "unknown table [healt]"),
        ('leaf = "1.1"', 'leaf = "1.250.1"\nqualified = true', "unknown key 'qualified'"),
        ('leaf = "1.1"', 'leaf = "un"', "numbers and dots"),
        ('leaf = "1.1"', 'leaf = "1.1"\nstated = false', "only an authority"),
        ('leaf = "1.1"', 'leaf = "1.1"\nany_policy = true', "for authorities"),
        ('key = ["digital_signature"]', "key = []", "at least one thing"),
        ('key = ["digital_signature"]', 'key = ["digital_signature", "digital_signature"]', "twice"),
        ('key = ["digital_signature"]', 'key = ["signing"]', "does not know 'signing'"),
        ('key = ["digital_signature"]', 'key = ["digital_signature", "key_cert_sign"]', "all three or none"),
        ('key = ["digital_signature"]', 'key = ["key_encipherment"]', "RSA subject keys"),
        ('key = ["digital_signature"]', "key = [1]", "holds texts only"),
        ('"smartcard_logon"]', '"ocsp_signing"]', "ocsp_signing is alone"),
        ('"smartcard_logon"]', '"time_stamping"]', "alone and critical"),
        ('extended = ["client_auth", "smartcard_logon"]', "extended_critical = true", "without extended"),
        ('"RSA-3072"', '"RSA-1024"', "does not know 'RSA-1024'"),
        ('alternative = "upn"', 'alternative = "dns"', "for a server"),
        ('alternative = "upn"', 'alternative = "email"', "upn_domain goes with"),
        ('upn_domain = "ps.sceau.example.com"', "", "upn_domain goes with"),
        ('upn_domain = "ps.sceau.example.com"', 'upn_domain = "PS.FR"', "lower-case domain"),
        ('alternative = "upn"', 'alternative = "upn"\nwildcard = true', "go with alternative 'dns'"),
        ('revocation_list = "shard"', 'revocation_list = "none"', "freshest goes with"),
        ('revocation_list = "shard"', 'revocation_list = "none"\nocsp_no_check = true', "goes with ocsp_signing"),
        ("product_category = 3", "product_category = 131", "the mode of the authority adds the test bit"),
        ("card_type = 0", "card_type = 200", "card_type is 0 to 127"),
        ('kind = "ncp-natural-person"', 'kind = "qcp"', "does not know 'qcp'"),
        ('kind = "ncp-natural-person"', 'kind = "ncp-natural-person"\naccepted = {a = 1}', "holds texts only"),
        ("[lint]", "[authority]\n[lint]", "all three or none"),
    ],
)
def test_a_profile_that_cannot_be_meant_stops_the_start(before: str, after: str, complaint: str) -> None:
    """Unknown words, missing words, other types, and values that contradict each other."""
    with pytest.raises(Malformed) as refusal:
        read(edited("ps-authentification", (before, after)))

    assert complaint in str(refusal.value)


@pytest.mark.parametrize(
    ("profile_id", "before", "after", "complaint"),
    [
        ("ca-emettrice", "path_length = 0", "path_length = -1", "not negative"),
        ("ca-emettrice", "any_policy = true", "any_policy = false", "an issuing CA states a policy or anyPolicy"),
        ("ca-emettrice", '"crl_sign"]', '"crl_sign"]\nextended = ["ocsp_signing"]', "two things"),
        ("ca-emettrice", '"key_cert_sign", ', "", "all three or none"),
        ("ca-racine", 'revocation_list = "none"', 'revocation_list = "full"', "a root points at no list"),
        ("org-cachet", "product_category = 3", "product_category = 3\nprofession = true", "profession is for a person"),
        ("org-cachet", "[health]", '[names]\nalternative = "email"\n[health]', "is for a person"),
        ("serveur-tls-ec", 'alternative = "dns"', 'alternative = "none"', "a server, and nothing else"),
        ("ocsp-responder", "ocsp_no_check = true", "", "ocsp_no_check goes with ocsp_signing"),
        ("ps-signature", '"shard"\nfreshest = true\nocsp = true', '"none"', "names a revocation list or an OCSP"),
    ],
)  # fmt: skip
def test_each_kind_of_profile_has_its_own_contradictions(profile_id: str, before: str, after: str, complaint: str) -> None:
    """Authorities, roots, seals, servers, responders."""
    with pytest.raises(Malformed) as refusal:
        read(edited(profile_id, (before, after)))

    assert complaint in str(refusal.value)


def test_every_fault_of_a_file_is_told_at_once() -> None:
    """An operator corrects a file once, not once for each fault."""
    with pytest.raises(Malformed) as refusal:
        read(edited("ps-authentification", ("days = 1095", "jours = 1095"), ("[health]", "[sante]"), ('"P-384"', '"P-512"')))

    for fault in ("unknown table [sante]", "unknown key 'jours'", "'days' is missing", "does not know 'P-512'"):
        assert fault in str(refusal.value)


@pytest.mark.parametrize("text", [b"\xff", b"id = ", b"", b"[usage]\nusage = 3", b"usage = 3"])
def test_what_is_no_toml_or_no_profile_is_malformed(text: bytes) -> None:
    """Never a traceback."""
    with pytest.raises(Malformed):
        read_profile(text, policy_arc=ARC, mode="demo")


def test_a_file_is_named_after_its_profile(tmp_path: Path) -> None:
    """So that whoever looks for a profile finds it."""
    (tmp_path / "autre.toml").write_text(PERSON, encoding="utf-8")

    with pytest.raises(Malformed, match="named after its profile"):
        load_profiles(tmp_path, policy_arc=ARC, mode="demo")


def test_an_authority_without_profiles_is_missing_something(tmp_path: Path) -> None:
    """An empty folder, or none."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(Missing):
            load_profiles(folder, policy_arc=ARC, mode="demo")
