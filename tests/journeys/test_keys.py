"""Who runs the machine sees every key of the authority: where it lives, what it signed, until when, and what is wrong with it.

On a software keystore and on a token; by `sceau doctor --keys`, and by the list that the issuer leaves for the pages.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from hsm.api import KeyRef, KeyUse
from pki.bootstrap.keylist import Concern, Key, Keys, Place, Role, keep, kept, path_in
from pki.bootstrap.keysurvey import examine, survey
from pki.cli.main import main
from pki.cli.work.keys import WIDTH, keep_if_old, page
from tests.databases import first_publication, worlds_on
from tests.tokens import PIN, custodian_on, tokens
from tests.unit.custody.test_token import plant
from tests.world import World, nurse
from trust.algorithms import ALGORITHMS
from trust.clock import SystemClock
from trust.testing import FixedClock
from trust.transparency.note import VerifierKey

NAMED = ["racine", "ocsp-racine-1", "personnes", "ocsp-personnes-1", "organisations", "ocsp-organisations-1", "journal"]
_NUMBERS = count(1)


@pytest.fixture
def software(request: pytest.FixtureRequest) -> Iterator[World]:
    """An authority whose keys are in a keystore of the home."""
    with worlds_on("sqlite", request, first_publication).world() as world:
        yield world


@pytest.fixture
def token(request: pytest.FixtureRequest) -> Iterator[World]:
    """An authority whose keys are in a token."""
    with worlds_on("softhsm", request, first_publication).world() as world:
        yield world


@pytest.fixture(params=["software", "token"])
def world(request: pytest.FixtureRequest) -> World:
    """Either."""
    found: World = request.getfixturevalue(request.param)
    return found


def look(world: World) -> Keys:
    """Have the issuer look, as it does once a minute; return the list that it leaves."""
    world.issuer.key_watch.look()
    return kept(world.directory)


def of(found: Keys, label: str) -> Key:
    """Return one key of a list."""
    (key,) = [each for each in found.keys if each.label == label]
    return key


def counts(found: Keys) -> dict[tuple[str, str], int]:
    """Return the signatures of every key, by label and use."""
    return {(key.label, each.use): each.count for key in found.keys for each in key.signed}


def concerns(found: Keys) -> dict[str, list[Concern]]:
    """Return what is the matter, by label."""
    return {each.label: [judgement.concern for judgement in each.judgements] for each in found.keys if each.judgements}


def test_every_key_is_listed_with_what_it_signed(world: World) -> None:
    """All of them in order; the list of the issuer, and that of an operator, say the same; what it signs is added."""
    before = look(world)
    signed = world.custodian.counts()
    world.apply_register([nurse(1)])
    certificate = world.enrol(nurse(1))
    world.revoke(certificate)
    world.issuer.turn_until_idle()
    world.clock.advance(minutes=1)
    after = look(world)

    labels = [key.label for key in after.keys if key.role is not Role.NONE]  # the token may hold other tests' keys
    assert labels == NAMED and not after.is_wrong and [each for each in concerns(after) if each in NAMED] == []
    grown = {key: number - signed.get(key, 0) for key, number in world.custodian.counts().items()}
    assert {
        key: number - counts(before).get(key, 0) for key, number in counts(after).items() if number != counts(before).get(key)
    } == {(label, use.value): number for (label, use), number in grown.items() if number}
    assert grown["personnes", KeyUse.CERTIFICATE] == 1 and of(after, "personnes").last == world.clock.now()
    assert examine(world.home, by="issuer") == after
    place = Place.TOKEN if world.home.settings.custody.kind == "pkcs11" else Place.SOFTWARE
    for ca_id, known in world.home.ca_certificates().items():
        key = of(after, ca_id)
        assert (key.place, key.role, key.sha256) == (place, Role.CA, known.spki_hash.hex())
        assert (key.algorithm, key.uses) == (world.home.settings.ca(ca_id).algorithm, ("certificate", "crl"))
        assert [each.serial for each in key.certificates] == [known.serial.hex()] and key.retires == known.not_after
    text = page(after)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert all(label in text and of(after, label).sha256 in text for label in NAMED)


def test_counts_outlive_the_process(world: World) -> None:
    """A restart goes on counting where the last issuer stopped; what init signed is in it."""
    first = look(world)
    world.reopen()
    world.issuer.turn_until_idle()
    again = look(world)

    assert all(number >= counts(first)[key] for key, number in counts(again).items() if key in counts(first))
    assert set(first.since) == {"init", "issuer"} and again.since == first.since
    assert counts(first)["racine", "certificate"] >= 3  # itself, and the two below it


def test_the_last_day_of_full_length_is_the_last(software: World) -> None:
    """On it a certificate of the longest kind is issued; a second later it is refused, for it would outlive its issuer."""
    key = of(look(software), "personnes")
    assert key.full_until is not None and key.full_profile in ("ps-authentification", "ps-signature", "ps-chiffrement")
    software.clock.advance(seconds=(key.full_until - software.clock.now()).total_seconds())
    software.apply_register([nurse(1)])
    issued = software.enrol(nurse(1), "ps-signature")
    assert issued.not_after == key.retires
    assert Concern.SHORT in concerns(look(software))["personnes"]

    software.clock.advance(seconds=1)
    batch = software.order([software.application(nurse(1), "ps-signature")])
    software.issuer.turn_until_idle()
    with software.store.read() as tx:
        (order,) = tx.orders.of_batch(batch)
    assert order.failure is not None and "outlive" in order.failure


def test_a_key_that_is_lost_or_that_nothing_names_is_said(software: World) -> None:
    """The lost one is grave, the other worth knowing."""
    software.custodian.generate(KeyRef("ancienne"), ALGORITHMS["P-256"], frozenset({KeyUse.CERTIFICATE}))
    (path,) = software.home.settings.keystore.glob("organisations.*")
    path.unlink()
    found = examine(software.home, by="test")

    assert concerns(found) == {"organisations": [Concern.MISSING], "ancienne": [Concern.UNNAMED]}
    assert found.is_wrong and of(found, "organisations").sha256


def test_an_offline_root_and_a_ca_that_waits_for_it_are_listed(software: World) -> None:
    """The root's key is not looked for here; the other has no certificate, and until its ceremony no key: no fault."""
    settings = software.home.settings
    root, *others = settings.cas
    young = replace(settings.ca("personnes"), id="nouvelle", key="nouvelle", common_name="SCEAU NOUVELLE")
    home = replace(software.home, settings=replace(settings, cas=(replace(root, offline=True), *others, young)))
    found = survey(home, software.custodian, by="test")

    (offline,) = [each for each in found.keys if each.place is Place.OFFLINE]
    assert (offline.label, offline.state, offline.retires is not None) == ("racine", "ok", True)
    assert concerns(found)["nouvelle"] == [Concern.WAITING]
    # Its key is in this keystore all the same, which is what an offline root is there to avoid.
    assert [each.role for each in found.keys if each.label == "racine"] == [Role.CA, Role.NONE]
    assert not found.is_wrong and "offline" in page(found)


def test_keys_of_responders_that_ended_are_told_in_one_line(software: World) -> None:
    """There are more of them every week, and they are no news; those that replaced them are listed."""
    software.clock.advance(days=15)
    software.issuer.turn_until_idle()
    found = look(software)

    ended = {label for label in NAMED if label.startswith("ocsp-")}
    assert set(found.over) == ended and not ended.intersection(each.label for each in found.keys)
    assert of(found, "ocsp-racine-2").role is Role.RESPONDER
    assert "3 more keys of responders that ended" in page(found)


def test_another_key_under_the_name_of_a_ca_is_said(software: World) -> None:
    """Sealed as it should be, and not the one of the certificate."""
    (path,) = software.home.settings.keystore.glob("organisations.*")
    path.unlink()
    software.custodian.generate(KeyRef("organisations"), ALGORITHMS["P-256"], frozenset({KeyUse.OCSP}))
    found = examine(software.home, by="test")

    assert concerns(found) == {"organisations": [Concern.MISMATCH, Concern.USES]}


def test_another_key_than_the_journal_s_readers_know_is_said(software: World) -> None:
    """They verify its seals with the one that is published; where that cannot be read, another check says so."""
    path = software.directory / "publication" / "www" / "journal" / "key"
    path.write_text(f"{VerifierKey('personnes.sceau/journal', bytes(32))}\n")
    assert concerns(examine(software.home, by="test")) == {"journal": [Concern.MISMATCH]}
    path.write_text("rien")
    assert concerns(examine(software.home, by="test")) == {}


def test_a_token_that_is_away_is_named_and_what_is_known_is_shown(token: World, capsys: pytest.CaptureFixture[str]) -> None:
    """By its URI, never with a PIN; exit code 1."""
    authority = token.directory / "config" / "authority.toml"
    authority.write_text(authority.read_text("utf-8").replace("token=worlds", "token=parti"), encoding="utf-8")
    token.close()

    assert main(["doctor", "--keys", "--home", str(token.directory)]) == 1
    text = capsys.readouterr().out
    assert "no token answers to pkcs11:token=parti" in text and PIN not in text
    assert max(map(len, text.splitlines())) <= WIDTH
    assert main(["doctor", "--keys", "--json", "--home", str(token.directory)]) == 1
    found = json.loads(capsys.readouterr().out)
    assert "pkcs11:token=parti" in found["fault"] and PIN not in json.dumps(found)
    listed = {each["label"]: each for each in found["keys"]}
    for ca_id, known in token.home.ca_certificates().items():
        assert listed[ca_id]["sha256"] == known.spki_hash.hex() and listed[ca_id]["retires"]
        assert listed[ca_id]["judgements"][0]["concern"] == "unreachable"


def test_a_key_of_a_token_that_could_leave_it_or_is_another_program_s_is_said(software: World) -> None:
    """Whoever made them; the authority's own, which are not in that token, are missing there."""
    tokens()
    unsafe, foreign = (f"cle-{os.getpid()}-{next(_NUMBERS)}" for _ in range(2))
    plant("spoilt", f"Clé de {foreign}")
    plant("spoilt", unsafe, extractable=True)
    plant("spoilt", foreign, uses=frozenset({KeyUse.TIMESTAMP, KeyUse.OCSP}))
    found = concerns(survey(software.home, custodian_on("spoilt"), by="test"))

    assert (found[unsafe], found[foreign], found[f"Clé de {foreign}"]) == ([Concern.UNSAFE], [Concern.FOREIGN], [Concern.FOREIGN])
    assert all(found[label] == [Concern.MISSING] for label in NAMED)


def test_a_list_that_cannot_be_made_or_counts_that_cannot_be_read_stop_nothing(software: World) -> None:
    """The issuer works, and the list says whose counts are missing."""
    (software.directory / "run" / "signatures-init.json").write_text("{")
    assert look(software).damaged == ("init",)
    assert "The counts of init cannot be read" in page(look(software))
    path_in(software.directory).unlink()
    path_in(software.directory).mkdir()
    software.issuer.key_watch.look()
    software.apply_register([nurse(1)])
    assert software.enrol(nurse(1)).signature is not None


def test_an_operator_without_an_issuer_keeps_the_list_and_leaves_a_fresh_one(software: World) -> None:
    """`sceau doctor --keep` writes it when nobody else does: the issuer's own is newer every minute."""
    old = look(software)
    keep_if_old(software.directory)
    assert kept(software.directory).by == "doctor"
    fresh = Keys(SystemClock().now(), "issuer", old.custody, "", "", old.keys)
    keep(software.directory, fresh)
    keep_if_old(software.directory)
    assert kept(software.directory).by == "issuer"
    keep_if_old(software.directory / "nowhere")


def test_a_new_authority_is_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0: nothing has signed but init, which is no fault yet."""
    world = World(tmp_path / "home", clock=FixedClock(SystemClock().now()))
    world.close()

    assert main(["doctor", "--keys", "--home", str(world.directory)]) == 0
    shown = capsys.readouterr().out
    assert "racine" in shown and "journal" in shown and "by: init since" in shown
