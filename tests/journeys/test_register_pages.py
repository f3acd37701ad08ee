"""The register in a browser: an extraction sent, the plan read as a difference, signed by two officers, in force."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from pki.inventory.model import State
from tests.builders.browser import PHONE, Visitor
from tests.builders.pages import Pages, served
from tests.journeys.test_board_pages import enter
from tests.world import Person, World, doctor, extraction
from web.kit.uploads import LARGEST

MANY = 52
"""More than the threshold of 50."""


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    """The pages of an authority whose register has doctors, one of them with a certificate; a day passes."""
    world = World(tmp_path / "home")
    world.apply_register([doctor(rank) for rank in range(1, MANY + 3)])
    world.enrol(doctor(1))
    world.clock.advance(days=1)
    with served(world) as pages:
        yield pages
    world.close()


def send(pages: Pages, visitor: Visitor, people: Sequence[Person], name: str = "") -> None:
    """Send an extraction of these people from the page, dated by its name."""
    now = pages.world.clock.now()
    path = pages.world.directory / (name or f"PS_LibreAcces_Personne_activite_{now:%Y%m%d%H%M}.txt")
    path.write_text(extraction(people), encoding="utf-8")
    visitor.page.goto(f"{pages.url}/ordre/registre")
    visitor.page.locator("#fichier").set_input_files(path)
    visitor.page.get_by_role("button", name="Importer").click()


def test_two_officers_put_a_large_change_in_force_from_the_page(browser: Browser, pages: Pages) -> None:
    """The page says why two must sign, names who loses the right, and the certificate of one of them is suspended."""
    world = pages.world
    (certificate,) = _certificates(world)
    first, second = enter(browser, pages, "cnom-1"), enter(browser, pages, "oni-1")
    send(pages, first, [doctor(MANY + 1, "AUTRENOM"), doctor(MANY + 2), doctor(99, "NOUVEAU")])
    expect(first.page.get_by_text(f"{MANY} personnes perdent le droit d'exercer")).to_be_visible()
    expect(first.page.get_by_text("il faut la signature de 2 personnes")).to_be_visible()
    expect(first.page.get_by_text("1 certificat suspendu")).to_be_visible()
    first.page.get_by_role("link", name="Perdent le droit d'exercer").click()
    expect(first.page.get_by_role("row")).to_have_count(MANY + 1)
    first.page.go_back()
    first.page.get_by_role("button", name="Signer ce changement avec ma clé d'accès").click()
    expect(first.page.get_by_text("Vous avez signé")).to_be_visible()

    second.page.goto(f"{pages.url}/ordre/registre")
    second.page.get_by_role("button", name="Signer ce changement avec ma clé d'accès").click()
    second.page.get_by_role("button", name="Mettre ce registre en vigueur").click()
    expect(second.page.get_by_text("Certificats suspendus : 1")).to_be_visible()
    assert world.certificate(certificate).state is State.HELD
    assert not first.complaints
    assert not second.complaints


def test_a_file_that_is_no_extraction_is_refused_in_words(browser: Browser, pages: Pages) -> None:
    """Nothing is kept of it: no snapshot, no file in the home."""
    visitor = enter(browser, pages, "cnom-1")
    path = pages.world.directory / "notes.txt"
    path.write_text("rien\n", encoding="utf-8")
    visitor.page.goto(f"{pages.url}/ordre/registre")
    visitor.page.locator("#fichier").set_input_files(path)
    visitor.page.get_by_role("button", name="Importer").click()
    expect(visitor.page.get_by_role("alert")).to_contain_text("ne peut pas être lu")
    assert not list((pages.world.directory / "run").glob("extraction-*"))


def test_the_age_of_the_register_is_on_every_page_and_an_old_one_is_said_to_be(browser: Browser, pages: Pages) -> None:
    """Also on the page of passkeys, and at 320 px without a sideways scroll."""
    visitor = enter(browser, pages, "cnom-1", PHONE | {"viewport": {"width": 320, "height": 700}})
    send(pages, visitor, [doctor(1), doctor(2)])
    expect(visitor.page.get_by_text("Personne n'a encore signé")).to_be_visible()
    assert not visitor.scrolls_sideways()
    for path in ("/", "/cles", "/registre", "/recherche?q=ESSAI"):
        visitor.page.goto(f"{pages.url}/ordre{path}")
        expect(visitor.page.get_by_text("registre national d'hier")).to_be_visible()
        assert not visitor.scrolls_sideways(), path
    pages.world.clock.advance(days=8)
    second = enter(browser, pages, "cnom-2")
    expect(second.page.get_by_text("trop ancien")).to_be_visible()
    assert not visitor.complaints


def test_an_officer_who_only_approves_imports_nothing(browser: Browser, pages: Pages) -> None:
    """The form is not there, and its address refuses."""
    visitor = enter(browser, pages, "cnom-3")
    visitor.page.goto(f"{pages.url}/ordre/registre")
    expect(visitor.page.get_by_role("button", name="Importer")).to_have_count(0)
    said = visitor.page.evaluate(
        """async () => (await fetch("/ordre/registre/imports?nom=x.txt", {
          method: "POST", body: "x",
          headers: { Accept: "application/json", "X-Sceau-Token": document.querySelector('meta[name="csrf"]').content },
        })).status"""
    )
    assert said == 403


def test_a_file_that_announces_too_much_is_refused_before_it_is_sent(browser: Browser, pages: Pages) -> None:
    """More than two gibibytes: the answer comes before the first octet, and nothing stays in the home."""
    visitor = enter(browser, pages, "cnom-1")
    (cookie,) = (each for each in visitor.page.context.cookies() if each["name"] == "sceau-officer")
    connection = HTTPConnection(pages.url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", "/ordre/registre/imports?nom=x.txt")
    for name, value in (
        ("Cookie", f"{cookie['name']}={cookie['value']}"),
        ("Origin", pages.url),
        ("Accept", "application/json"),
        ("X-Sceau-Token", visitor.page.locator('meta[name="csrf"]').get_attribute("content") or ""),
        ("Content-Length", str(LARGEST + 1)),
    ):
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413 and "trop volumineux" in json.loads(answer.read())["error"]
    assert not list((pages.world.directory / "run").glob("extraction-*"))


def _certificates(world: World) -> list[bytes]:
    with world.store.read() as tx:
        return [each.serial for each in tx.certificates.of_holder(doctor(1).idnat)]
