"""The page of the authority's keys shows the list that the issuer left, and its age; it holds no key itself (law 2)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from pki.bootstrap.keylist import GRAVE, Concern, Judgement, Key, Keys, Place, Role, keep, kept, path_in
from tests.unit.administration.test_state import URL, Desk
from tests.world import World
from web.admin.custody import AWAY, LENGTH, PATH, PLACES, SAID, USES, lives

TITLE = "Clés de l'autorité"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """An administrator of an authority that has published once."""
    world = World(tmp_path_factory.mktemp("keys-page") / "home")
    world.issuer.turn_until_idle()
    yield Desk(world)
    world.close()


@pytest.fixture
def found(desk: Desk) -> Keys:
    """The list that the issuer has just left."""
    desk.world.issuer.key_watch.look()
    return kept(desk.home)


def see(desk: Desk, language: str = "fr") -> str:
    """Open the page; return its words."""
    desk.see()  # signs in
    desk.client.set_cookie("sceau-langue", language, domain="localhost")
    answer = desk.client.get(PATH, base_url=URL)
    desk.client.set_cookie("sceau-langue", "fr", domain="localhost")
    assert answer.status_code == 200
    return html.unescape(answer.get_data(as_text=True)).replace("\u00a0", " ").replace("\u202f", " ")


def changed(found: Keys, label: str, concern: Concern) -> Keys:
    """Return a list in which something is the matter with one key."""
    bad = (Judgement(concern, f"<{concern}> in English", "a remedy"),)
    return replace(found, keys=tuple(replace(key, judgements=bad) if key.label == label else key for key in found.keys))


def test_each_key_has_a_card_with_what_is_known_of_it(desk: Desk, found: Keys) -> None:
    """Where it lives, what it signed, its fingerprint, its certificates; and the tile of the first page says how many."""
    shown = see(desk)
    assert "7 clés, toutes en ordre." in shown and "Vues il y a 0 min" in shown
    assert shown.count('<li class="card"') == len(found.keys) == 7
    for key in found.keys:
        assert key.sha256 in shown and all(each.serial in shown for each in key.certificates)
    assert "coffre logiciel" in shown and "sceaux du journal : " in shown and "autorité de certification racine" in shown
    assert (desk.tile(TITLE) or "").startswith("en ordre 7 clés de l'autorité ; à corriger : 0, à surveiller : 0.")
    assert f'href="/admin{PATH}"' in desk.see()


def test_a_list_that_grows_old_says_so(desk: Desk, found: Keys) -> None:
    """The issuer makes it anew each minute: three minutes later it does not work."""
    keep(desk.home, replace(found, at=found.at - timedelta(minutes=3)))
    assert "Cette liste vieillit" not in see(desk)
    keep(desk.home, replace(found, at=found.at - timedelta(minutes=7)))
    assert "Cette liste vieillit" in see(desk) and "Vues il y a 7 min" in see(desk)
    assert (desk.tile(TITLE) or "").startswith("à surveiller")


@pytest.mark.parametrize("concern", list(Concern))
def test_whatever_is_the_matter_is_said_with_its_remedy(desk: Desk, found: Keys, concern: Concern) -> None:
    """In both languages; the machine's own words beside, and never as markup."""
    keep(desk.home, changed(found, "personnes", concern))
    shown = see(desk)
    said, remedy, command = SAID[concern]
    assert all(each in shown for each in (said, remedy, command))
    raw = desk.client.get(PATH, base_url=URL).get_data(as_text=True)
    assert f'<p class="soft" lang="en">&lt;{concern}&gt; in English' in raw
    look = "à corriger" if concern in GRAVE else "à surveiller"
    assert re.search(rf'<a href="#cle-3"[^>]*>personnes</a> <span class="tag \w+">{look}</span>', shown)
    assert (desk.tile(TITLE) or "").startswith(look)
    assert said not in see(desk, "en")


def test_what_holds_the_keys_and_is_away_is_said_once(desk: Desk, found: Keys) -> None:
    """With the remedy of its kind of place."""
    away = [replace(key, judgements=(Judgement(Concern.UNREACHABLE, "away", ""),), place=Place.TOKEN) for key in found.keys]
    keep(desk.home, replace(found, fault="no token answers", remedy="connect it", keys=tuple(away)))
    shown = see(desk)
    assert shown.count("no token answers") == 1 and shown.count(AWAY[Place.TOKEN]) == 1
    assert SAID[Concern.UNREACHABLE][0] not in shown
    assert (desk.tile(TITLE) or "").startswith("à corriger")


@pytest.mark.parametrize("content", [None, b"{", b'{"kind": "keys/9"}'])
def test_no_list_or_a_damaged_one_is_no_page_that_fails(desk: Desk, content: bytes | None) -> None:
    """It says how to have one; there is no tile."""
    path_in(desk.home).unlink(missing_ok=True)
    if content is not None:
        path_in(desk.home).write_bytes(content)
    assert "Personne n'a encore laissé la liste des clés" in see(desk)
    assert desk.tile(TITLE) is None


def test_a_passing_stranger_is_led_to_the_door(desk: Desk) -> None:
    """Fingerprints and dates are for who runs the machine."""
    desk.client.delete_cookie("sceau-administrator", domain="localhost")
    assert desk.client.get(PATH, base_url=URL).status_code == 302


def test_lives_share_one_scale(desk: Desk, found: Keys) -> None:
    """From the first day of any to the last of any; the first to end comes first; a year that is over is no negative length."""
    now = found.at
    drawn = lives(found.keys, now)
    assert drawn is not None and [bar.label for bar in drawn.bars] == ["personnes", "organisations", "racine"]
    root = drawn.bars[-1]
    assert (drawn.now, root.begins, root.ends) == (0, 0, LENGTH) and 490 < root.full < 510
    late = lives(found.keys, now + timedelta(days=40 * 365))
    assert late is not None and late.now == LENGTH and all(0 <= bar.begins <= bar.full <= bar.ends <= LENGTH for bar in late.bars)
    assert lives([Key("x", Role.NONE, "", Place.SOFTWARE, "", "", (), "")], now) is None


def test_every_word_of_a_list_has_one_on_the_page() -> None:
    """A concern, a place or a use that is new is not forgotten here."""
    assert set(SAID) == set(Concern) and set(PLACES) == set(Place)
    assert set(AWAY) == set(Place) - {Place.OFFLINE}
    assert set(USES) == {"certificate", "crl", "ocsp", "timestamp", "checkpoint"}
