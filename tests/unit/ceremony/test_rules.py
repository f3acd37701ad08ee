"""May this script be played on this authority? Every fault is named, by its step, before anything is done."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from pki.bootstrap.ceremony.rules import Stage, check
from pki.bootstrap.ceremony.script import read
from pki.settings import CaSettings
from tests.builders.ceremonies import EXAMPLE
from tests.builders.profiles import limits, profiles
from trust.errors import Refused

DAY = date(2026, 11, 23)
ROOT = (EXAMPLE / "ceremonies" / "racine.toml").read_text(encoding="utf-8")
ISSUE = (EXAMPLE / "ceremonies" / "emettrices.toml").read_text(encoding="utf-8")
CROSS = (EXAMPLE / "ceremonies" / "croisee.toml").read_text(encoding="utf-8")


def root_ca(number: str = "") -> CaSettings:
    """Return the settings of a root of the examples."""
    name = f"racine{number and '-' + number}"
    return CaSettings(name, f"SCEAU EXEMPLE RACINE {number}".strip(), "ca-racine", name, "P-384", 20)


def issuing_ca() -> CaSettings:
    """Return the settings of an issuing CA whose key is here."""
    return CaSettings("personnes", "SCEAU EXEMPLE PERSONNES", "ca-emettrice", "personnes", "P-256", 10, issuer="racine")


def stage(**differences: object) -> Stage:
    """Return the home of the root before its first ceremony, but for what is said."""
    usual = Stage(
        authority="Sceau, racine d'exemple",
        custody="software",
        configuration="c" * 64,
        today=DAY,
        cas={"racine": root_ca(), "racine-2": root_ca("2")},
        profiles=profiles(),
        limits=limits(),
        list_hours=144,
        root_list_hours=1080,
        witnesses=2,
        keys={},
        ends={},
        files=frozenset(),
    )
    return replace(usual, **differences)  # type: ignore[arg-type]


def later(**differences: object) -> Stage:
    """Return the same home after that ceremony, with two requests in the folder."""
    there = {"keys": {"racine": "P-384"}, "ends": {"racine": DAY + timedelta(days=7300)}}
    return stage(**{**there, "files": frozenset({"personnes.csr", "organisations.csr"}), **differences})


def changed(text: str, *changes: tuple[str, str]) -> bytes:
    """Return a script with some words in the place of others."""
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return text.encode()


def test_the_example_scripts_may_be_played_where_they_belong() -> None:
    """Nothing is wrong with what ships."""
    check(read(ROOT.encode()), stage())
    check(read(ISSUE.encode()), later())
    check(read(CROSS.encode()), later())


def test_a_script_may_pin_the_configuration_that_was_reviewed_with_it() -> None:
    """By its hash; then nobody changes a profile between the review and the day."""
    pinned = changed(ROOT, ('custody = "software"', f'custody = "software"\nconfiguration = "{"c" * 64}"'))
    check(read(pinned), stage())
    with pytest.raises(Refused, match="not the one that was reviewed: its SHA-256 is d"):
        check(read(pinned), stage(configuration="d" * 64))


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({"authority": "Another"}, "this is 'Another'"),
        ({"custody": "pkcs11"}, "custody 'software'"),
        ({"today": DAY + timedelta(days=2)}, "2026-11-23, which is over"),
        ({"today": DAY - timedelta(days=1)}, "until then it can be rehearsed"),
        ({"witnesses": 4}, "at least 4 are needed"),
        ({"keys": {"racine": "P-384"}}, "step 1 .generate.: the key racine exists already"),
        ({"ends": {"racine": DAY + timedelta(days=9)}}, "step 2 .self-sign.: the certificate of racine exists already"),
        ({"files": frozenset({"racine.crl"})}, "step 3 .crl.: the file racine.crl exists already"),
        ({"cas": {}}, "step 2 .self-sign.: racine is not a root of this configuration"),
        ({"cas": {"racine": replace(root_ca(), offline=True)}}, "racine is not a root of this configuration"),
        ({"cas": {"racine": replace(root_ca(), key="autre")}}, "the key 'autre', not 'racine'"),
        ({"cas": {"racine": replace(root_ca(), common_name="AUTRE")}}, "the common_name 'AUTRE'"),
        ({"cas": {"racine": replace(root_ca(), algorithm="P-256")}}, "a key of kind P-256, not P-384"),
        ({"cas": {"racine": replace(root_ca(), profile="ca-croisee")}}, "the profile ca-croisee, not ca-racine"),
        ({"profiles": {}}, "no profile ca-racine"),
    ],
)
def test_a_script_for_another_authority_or_another_day_is_refused(there: dict[str, object], said: str) -> None:
    """What it was reviewed for is not what is there."""
    with pytest.raises(Refused, match=said):
        check(read(ROOT.encode()), stage(**there))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("days = 7300", "days = 7306", "at most 7305 days"),
        ("hours = 1080", "hours = 1081", "at most 1080 hours, not 1081 .CP 4.9.7."),
        ('uses = ["certificate", "crl"]', 'uses = ["certificate", "ocsp"]', "uses that never share a key"),
        ('uses = ["certificate", "crl"]', 'uses = ["everything"]', "no use is called 'everything'"),
        ('algorithm = "P-384"', 'algorithm = "RSA-1024"', "no algorithm is called"),
        ('algorithm = "P-384"', 'algorithm = "RSA-2048"', "does not certify a key of kind RSA-2048 .CP 6.1.5."),
        ('profile = "ca-racine"', 'profile = "ca-emettrice"', "is not a root's"),
        ('key = "racine"\ncommon', 'key = "ailleurs"\ncommon', "there is no key ailleurs"),
        ('name = "Odile Marchetti"', 'name = "Nadia Kermarrec"', "named twice"),
        ('custody = "software"', f'custody = "software"\nconfiguration = "{"d" * 64}"', "not the one that was reviewed"),
        ('file = "racine.crl"', 'file = "racine.cer"', "is to end in .crl"),
    ],
)
def test_a_script_looser_than_the_policy_or_in_contradiction_is_refused(before: str, after: str, said: str) -> None:
    """Limits, uses, kinds of keys, words that do not go together."""
    with pytest.raises(Refused, match=said):
        check(read(changed(ROOT, (before, after))), stage())


def test_the_same_thing_twice_is_refused() -> None:
    """A key, a certificate or a file is made once in a script."""
    _, generate, *_ = ROOT.split("[[step]]")
    doubled = ROOT + f"[[step]]{generate}" + "[[step]]" + ROOT.split("[[step]]")[2]
    with pytest.raises(Refused) as refused:
        check(read(doubled.encode()), stage())

    said = str(refused.value)
    assert "step 4 (generate): the key racine is made twice" in said
    assert "step 5 (self-sign): the certificate of racine is made twice" in said
    assert "step 5 (self-sign): the file racine.cer is made twice" in said


def test_steps_in_the_wrong_order_are_refused() -> None:
    """A key that is made later is not there yet, nor a root that certifies itself later."""
    head, generate, certificate, crl = ROOT.split("[[step]]")
    text = "[[step]]".join([head, crl + "\n", certificate, generate])
    with pytest.raises(Refused, match=r"step 1 \(crl\): racine has no certificate yet; step 2 \(self-sign\): there is no key"):
        check(read(text.encode()), stage())


@pytest.mark.parametrize(
    ("changes", "there", "said"),
    [
        ([("days = 3650", "days = 3654")], {}, "at most 3653 days"),
        ([], {"ends": {"racine": DAY + timedelta(days=30)}}, "it would outlive racine"),
        ([], {"files": frozenset()}, "there is no file personnes.csr"),
        ([], {"ends": {}}, "racine has no certificate yet"),
        ([('profile = "ca-emettrice"', 'profile = "ps-signature"')], {}, "is not certified in a ceremony"),
        ([('profile = "ca-emettrice"', 'profile = "ca-racine"')], {}, "is not certified in a ceremony"),
        ([('profile = "ca-emettrice"', 'profile = "ocsp-responder"')], {}, "ca is said for an authority"),
        ([('request = "personnes.csr"', 'request = "personnes.csr"\nkey = "racine"')], {}, "either a request or a key"),
        ([('request = "personnes.csr"\n', "")], {}, "either a request or a key"),
        ([('issuer = "racine"\nca', 'issuer = "ailleurs"\nca')], {}, "ailleurs is not an authority of this configuration"),
        ([('ca = "personnes"', 'ca = "racine"')], {}, "in a circle: racine → racine"),
        ([('request = "personnes.csr"', 'request = "personnes.crl"')], {}, "is to end in .csr"),
    ],
)
def test_a_certification_that_the_policy_or_the_hierarchy_forbids_is_refused(
    changes: list[tuple[str, str]], there: dict[str, object], said: str
) -> None:
    """Too long, of nobody, by nobody, of somebody above."""
    with pytest.raises(Refused, match=said):
        check(read(changed(ISSUE, *changes)), later(**there))


def test_authorities_that_certify_each_other_are_refused() -> None:
    """Two roots may, by cross-certificates; by the certificates of issuing authorities nobody may."""
    with pytest.raises(Refused, match="in a circle: racine → racine-2 → racine"):
        check(read(changed(CROSS, ('profile = "ca-croisee"', 'profile = "ca-emettrice"'))), later())


def test_the_lists_of_an_authority_at_work_are_not_made_in_a_ceremony() -> None:
    """Its issuer process makes them as they are due."""
    step = '[[step]]\ndo = "crl"\nissuer = "personnes"\nhours = 24\nfile = "p.crl"\n'
    online = later(cas={"racine": root_ca(), "personnes": issuing_ca()}, ends={"racine": DAY, "personnes": DAY})
    with pytest.raises(Refused, match="made by its issuer process"):
        check(read((ROOT.split("[[step]]")[0] + step).encode()), online)


def test_a_revocation_has_a_reason_that_the_policy_allows() -> None:
    """An authority's certificate is not put on hold (CP 4.9.1)."""
    step = '[[step]]\ndo = "revoke"\nissuer = "racine"\nca = "personnes"\nreason = "certificateHold"\n'
    with pytest.raises(Refused, match="'certificateHold' is no reason"):
        check(read((ISSUE.split("[[step]]")[0] + step).encode()), later())


def test_an_interrupted_ceremony_finds_what_it_made() -> None:
    """What the steps that were begun may have left there is no fault; what later steps make must still be new."""
    there = {"keys": {"racine": "P-384"}, "ends": {"racine": DAY + timedelta(days=7300)}, "files": frozenset({"racine.cer"})}
    check(read(ROOT.encode()), stage(**there, begun=2))
    with pytest.raises(Refused, match=r"step 3 \(crl\): the file racine.crl exists already"):
        check(read(ROOT.encode()), stage(**{**there, "files": frozenset({"racine.cer", "racine.crl"})}, begun=2))


def test_a_ceremony_may_end_after_midnight() -> None:
    """It is taken up on the day after, and no later."""
    check(read(ROOT.encode()), stage(today=DAY + timedelta(days=1)))


def test_a_rehearsal_comes_before_the_day_and_brings_what_is_lacking() -> None:
    """Its requests are stand-ins; a day that is over is over for it too."""
    check(read(ISSUE.encode()), later(rehearsal=True, today=DAY - timedelta(days=20), files=frozenset()))
    with pytest.raises(Refused, match="which is over"):
        check(read(ISSUE.encode()), later(rehearsal=True, today=DAY + timedelta(days=20)))


def test_every_fault_is_named_at_once() -> None:
    """Who wrote the script mends it in one go."""
    script = read(changed(ROOT, ("days = 7300", "days = 9000"), ("hours = 1080", "hours = 9000")))
    with pytest.raises(Refused) as refused:
        check(script, stage(authority="Another"))

    said = str(refused.value)
    assert all(part in said for part in ("Another", "9000 [CP 6.3.2]", "9000 [CP 4.9.7]"))
    assert refused.value.citation == "CP 6.1.1"
