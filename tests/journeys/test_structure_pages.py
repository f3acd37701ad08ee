"""Who administers a structure's servers, in a browser: chosen by two officers, comes in, obtains, renews, revokes, proposes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from pki.inventory.model import Certificate, Reason, State
from pki.register.invented import finess_of
from tests.builders.browser import PHONE, Visitor
from tests.builders.pages import Pages, served
from tests.journeys.test_server_pages import HOST, approved, request_of
from tests.world import World, nurse

NUMBER = "1" + finess_of(1)
OTHER = "labo-fictif.example"


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    """The pages of an authority without any structure."""
    world = World(tmp_path / "home")
    world.apply_register([nurse(1)])
    with served(world) as pages:
        yield pages
    world.close()


def invited(pages: Pages, first: Visitor, second: Visitor) -> tuple[str, str]:
    """Have two officers choose an administrator, and the first make the link; return it with its code."""
    first.page.goto(f"{pages.url}/ordre/structures/{NUMBER}")
    first.page.get_by_role("button", name="Lui donner un administrateur").click()
    expect(first.page.get_by_role("heading", level=1)).to_be_visible()
    first.page.wait_for_url("**/ordre/lots/*")
    second.page.goto(first.page.url)
    second.page.get_by_role("button", name="Approuver").first.click()
    expect(second.page.get_by_text("Approuvé").first).to_be_visible()
    first.page.goto(f"{pages.url}/ordre/structures/{NUMBER}")
    first.page.get_by_role("button", name="Faire un lien").click()
    expect(first.page.locator("#invitation-lien")).to_contain_text("/structure/entree/")
    return first.page.locator("#invitation-lien").inner_text(), first.page.locator("#invitation-code").inner_text()


def come_in(browser: Browser, link: str, code: str) -> Visitor:
    """Have the administrator open the link, type the code and make a passkey."""
    visitor = Visitor.arrive(browser, PHONE)
    visitor.page.goto(link)
    visitor.page.get_by_label("Code reçu").fill(code)
    visitor.page.get_by_role("button", name="Créer ma clé d'accès").click()
    expect(visitor.page.get_by_role("heading", name="HÔPITAL FICTIF")).to_be_visible()
    return visitor


def obtain(pages: Pages, visitor: Visitor, csr: str) -> Certificate:
    """Paste a request, sign, and wait on the page of the certificate."""
    visitor.page.get_by_label("Demande de certificat (CSR)").fill(csr)
    visitor.page.get_by_role("button", name="Demander avec ma clé d'accès").click()
    visitor.page.wait_for_url("**/structure/demandes/*")
    pages.world.issuer.turn_until_idle()
    visitor.page.wait_for_url("**/structure/certificats/*")
    return pages.office.selfservice.credentials(NUMBER)[0]


def test_an_administrator_obtains_renews_and_revokes_without_the_ordre_and_adds_a_domain_with_it(
    browser: Browser, pages: Pages
) -> None:
    """Four gestures on a phone; officers are asked twice: who it is, and which domains."""
    first, second = approved(browser, pages)
    visitor = come_in(browser, *invited(pages, first, second))
    page = visitor.page

    page.get_by_role("link", name="Demander un certificat").click()
    old = obtain(pages, visitor, request_of(HOST))
    expect(page.get_by_role("heading", name=HOST)).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Fichier PEM").click()
    assert saved.value.path().read_bytes().count(b"BEGIN CERTIFICATE") == 2

    page.get_by_role("link", name="Renouveler").click()
    expect(page.get_by_label("Serveur : ses noms")).to_have_value(HOST)
    new = obtain(pages, visitor, request_of())
    assert (new.subject, new.spki_hash == old.spki_hash) == (old.subject, False)

    page.goto(f"{pages.url}/structure/certificats/{old.serial.hex()}")
    page.get_by_text("Révoquer ce certificat").click()
    page.get_by_role("button", name="Révoquer avec ma clé d'accès").click()
    expect(page.get_by_text("Il ne vaut plus depuis")).to_be_visible()
    ended = pages.office.selfservice.credentials(NUMBER)[1]
    assert (ended.serial, ended.state, ended.reason) == (old.serial, State.REVOKED, Reason.SUPERSEDED)

    page.get_by_role("link", name="Domaines").click()
    page.get_by_label("Tous les domaines").fill(f"hopital-fictif.example\n{OTHER}")
    page.get_by_role("button", name="Proposer").click()
    expect(page.get_by_text("Il attend l'accord de l'ordre")).to_be_visible()
    second.page.goto(f"{pages.url}/ordre/")
    second.page.get_by_role("link", name="HÔPITAL FICTIF").click()
    expect(second.page.get_by_text(OTHER).first).to_be_visible()
    second.page.get_by_role("button", name="Approuver ces domaines").click()
    expect(second.page.get_by_text("Changement de domaines")).to_be_visible()
    page.goto(f"{pages.url}/structure/demande")
    obtain(pages, visitor, request_of(f"www.{OTHER}"))
    assert visitor.complaints == first.complaints == second.complaints == []


def test_a_name_outside_the_domains_is_refused_in_words_and_what_was_typed_stays(browser: Browser, pages: Pages) -> None:
    """The form says what to do; the certificate request is still in it."""
    first, second = approved(browser, pages)
    visitor = come_in(browser, *invited(pages, first, second))
    csr = request_of("www.ailleurs.example")
    visitor.page.goto(f"{pages.url}/structure/demande")
    visitor.page.get_by_label("Demande de certificat (CSR)").fill(csr)
    visitor.page.get_by_role("button", name="Demander avec ma clé d'accès").click()
    expect(visitor.page.locator("#statut")).to_contain_text("domaine")
    expect(visitor.page.get_by_label("Demande de certificat (CSR)")).to_have_value(csr)
