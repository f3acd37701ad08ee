"""Practitioners on a phone: activation by a link, renewal in two taps, what they have, and a lost phone.

Chromium and its virtual authenticator in front, the services and the issuer of a whole authority behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import Browser, expect

from pki.bootstrap.proof import evidence_of
from pki.inventory.model import Reason, State
from pki.registration.evidence import check
from tests.builders.browser import PHONE, Visitor
from tests.builders.pages import Pages, served
from tests.builders.portal import (
    ACCOUNT,
    DUPONT,
    ESSAI,
    THREE,
    activate,
    arrive,
    grant,
    issuing,
    later,
    mine,
    sign_in,
)
from tests.world import World


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    """The pages of an authority whose register has two doctors."""
    world = World(tmp_path / "home")
    world.apply_register([DUPONT, ESSAI])
    with served(world) as pages:
        yield pages
    world.close()


def test_a_practitioner_activates_on_a_phone_and_the_certificates_prove_it(browser: Browser, pages: Pages) -> None:
    """Code, name shown, one tap: three certificates that an offline verifier traces to the officers and to the passkey."""
    grant(pages, THREE)
    visitor, _ = arrive(browser)
    link, code = pages.invite(ACCOUNT, with_code=True)
    assert code is not None
    with issuing(pages.world):
        visitor.page.goto(link)
        assert "DUPONT" not in visitor.page.content()
        visitor.page.get_by_label("Code reçu").fill(f"{code[:4]} {code[4:].lower()}")
        visitor.page.get_by_role("button", name="Continuer").click()
        for words in ("Camille DUPONT", "Médecin", DUPONT.rpps):
            expect(visitor.page.get_by_text(words, exact=True).first).to_be_visible()
        visitor.page.get_by_role("button", name="C'est bien moi").click()
        expect(visitor.page.get_by_role("heading", name="C'est fait")).to_be_visible()
        expect(visitor.page.get_by_text("Valable jusqu'au")).to_have_count(3)
    assert sorted(each.profile for each in mine(pages)) == list(THREE)
    for certificate in mine(pages):
        assert check(evidence_of(pages.world.home, certificate.serial)).serial == certificate.serial.hex()
    assert visitor.complaints == []


def test_renewal_takes_one_tap_and_the_passkey(browser: Browser, pages: Pages) -> None:
    """Two years later the card asks; a tap and a finger, and there are new certificates with new keys, within five seconds."""
    grant(pages)
    visitor, sent = arrive(browser)
    with issuing(pages.world):
        activate(visitor, pages)
    before = mine(pages)
    visitor.page.goto(f"{pages.url}/moi/")
    expect(visitor.page.get_by_text("valable", exact=True)).to_have_count(2)
    expect(visitor.page.get_by_role("button", name="Renouveler")).to_have_count(0)
    expect(visitor.page.get_by_text("Sa clé est dans ce navigateur.")).to_have_count(2)
    later(pages, 1095 * 2 / 3 + 2)
    sign_in(visitor, pages)
    expect(visitor.page.get_by_text("à renouveler", exact=True)).to_have_count(2)
    sent.clear()
    with issuing(pages.world):
        visitor.page.get_by_role("button", name="Tout renouveler").click()
        expect(visitor.page.get_by_role("heading", name="C'est fait")).to_be_visible(timeout=5000)
    after = mine(pages)[:2]
    assert {each.spki_hash for each in after}.isdisjoint(each.spki_hash for each in before)
    assert all(each.state is State.ISSUED and each.not_before > before[0].not_before for each in after)
    assert all(b"private" not in each.lower() for each in sent)
    visitor.page.goto(f"{pages.url}/moi/")
    expect(visitor.page.get_by_text("valable", exact=True)).to_have_count(2)
    assert visitor.complaints == []


def test_an_expired_certificate_is_renewed_for_a_month_more(browser: Browser, pages: Pages) -> None:
    """The card says since when; a week after its end one tap is still enough."""
    grant(pages, ("ps-authentification",))
    visitor, _ = arrive(browser)
    with issuing(pages.world):
        activate(visitor, pages)
    later(pages, 1095 + 8)
    sign_in(visitor, pages)
    expect(visitor.page.get_by_text("expiré", exact=True)).to_be_visible()
    with issuing(pages.world):
        visitor.page.get_by_role("button", name="Renouveler").click()
        expect(visitor.page.get_by_role("heading", name="C'est fait")).to_be_visible()
    assert mine(pages)[0].status_at(pages.world.clock.now()) == "issued"


def test_a_practitioner_sees_who_asked_and_who_approved_and_takes_the_certificate(browser: Browser, pages: Pages) -> None:
    """The history names the officers; the files are the certificate, and the certificate with its authority."""
    grant(pages, ("ps-authentification",))
    visitor, _ = arrive(browser)
    with issuing(pages.world):
        activate(visitor, pages)
    (certificate,) = mine(pages)
    visitor.page.goto(f"{pages.url}/moi/")
    visitor.page.get_by_role("link", name="Détails et fichiers").click()
    officers = [pages.world.home.settings.officer(each).name for each in ("cnom-1", "cnom-2")]
    expect(visitor.page.get_by_text(f"Demande faite par {officers[0]}")).to_be_visible()
    expect(visitor.page.get_by_text(f"Demande approuvée par {officers[1]}")).to_be_visible()
    expect(visitor.page.get_by_text("Demandé par vous, avec votre clé d'accès")).to_be_visible()
    address = f"{pages.url}/moi/certificats/{certificate.serial.hex()}/certificat"
    assert visitor.page.request.get(f"{address}.cer").body() == certificate.der
    chain = x509.load_pem_x509_certificates(visitor.page.request.get(f"{address}.pem").body())
    assert chain[0].public_bytes(Encoding.DER) == certificate.der and chain[1].subject == chain[0].issuer


def test_a_lost_phone_is_reported_from_any_browser_with_a_printed_code(browser: Browser, pages: Pages) -> None:
    """Link, code, button: certificates and passkeys end, and the phone is signed out at its next click."""
    grant(pages)
    phone, _ = arrive(browser)
    with issuing(pages.world):
        activate(phone, pages)
    code = phone.page.locator("#codes li").nth(2).inner_text()
    other = Visitor.arrive(browser, {"viewport": {"width": 800, "height": 600}})
    other.page.goto(f"{pages.url}/moi/")
    other.page.get_by_role("link", name="J'ai perdu mon téléphone").click()
    other.page.get_by_label("Numéro RPPS").fill(DUPONT.rpps)
    other.page.get_by_label("Un de vos codes").fill("AAAA-BBBB-CCCC-DDDD")
    other.page.get_by_role("button", name="Tout bloquer").click()
    expect(other.page.get_by_text("ne vont pas ensemble")).to_be_visible()
    expect(other.page.get_by_label("Numéro RPPS")).to_have_value(DUPONT.rpps)
    other.page.get_by_label("Un de vos codes").fill(code.lower())
    other.page.get_by_role("button", name="Tout bloquer").click()
    expect(other.page.get_by_role("heading", name="Tout est bloqué")).to_be_visible()
    assert {(each.state, each.reason) for each in mine(pages)} == {(State.REVOKED, Reason.KEY_COMPROMISE)}
    phone.page.goto(f"{pages.url}/moi/")
    expect(phone.page.get_by_role("button", name="Se connecter")).to_be_visible()
    phone.page.get_by_role("button", name="Se connecter").click()
    expect(phone.page.get_by_role("status")).to_contain_text("n'est pas (ou n'est plus) valable")


def test_a_wrong_code_shows_nobody_and_the_third_ends_the_link(browser: Browser, pages: Pages) -> None:
    """Who only has the letter's link learns no name and gets nowhere."""
    grant(pages)
    visitor, _ = arrive(browser)
    link, code = pages.invite(ACCOUNT, with_code=True)
    visitor.page.goto(link)
    for wrong in ("AAAAAAAA", "BBBBBBBB", "CCCCCCCC", code):
        visitor.page.get_by_label("Code reçu").fill(str(wrong))
        visitor.page.get_by_role("button", name="Continuer").click()
        expect(visitor.page.get_by_role("status")).to_contain_text("n'est pas (ou n'est plus) valable")
    assert "DUPONT" not in visitor.page.content()


def test_a_finger_that_is_not_the_holder_s_activates_nothing_and_may_try_again(browser: Browser, pages: Pages) -> None:
    """The page says what happened and stays where it was; the right finger then finishes."""
    grant(pages)
    visitor, _ = arrive(browser)
    link, code = pages.invite(ACCOUNT, with_code=True)
    visitor.verified(False)
    visitor.page.goto(link)
    visitor.page.get_by_label("Code reçu").fill(str(code))
    visitor.page.get_by_role("button", name="Continuer").click()
    visitor.page.get_by_role("button", name="C'est bien moi").click()
    expect(visitor.page.get_by_role("status").last).to_contain_text("annulé")
    assert mine(pages) == []
    visitor.verified(True)
    with issuing(pages.world):
        visitor.page.get_by_role("button", name="C'est bien moi").click()
        expect(visitor.page.get_by_role("heading", name="C'est fait")).to_be_visible()


def test_another_person_s_certificate_does_not_exist(browser: Browser, pages: Pages) -> None:
    """Its page, its files and its batch answer 404, and the same as what was never made."""
    grant(pages)
    visitor, _ = arrive(browser)
    with issuing(pages.world):
        activate(visitor, pages)
    other = pages.world.enrol(ESSAI)
    for path in (
        f"certificats/{other.serial.hex()}",
        f"certificats/{other.serial.hex()}/certificat.cer",
        "certificats/" + "40" * 16,
    ):
        assert visitor.page.request.get(f"{pages.url}/moi/{path}").status == 404, path
    with pages.world.store.read() as tx:
        batch = tx.orders.get(other.order_id).batch
    assert visitor.page.request.get(f"{pages.url}/moi/certificats/lots/{batch}").status == 404


def test_the_pages_fit_a_phone_and_the_browser_complains_of_nothing(browser: Browser, pages: Pages, tmp_path: Path) -> None:
    """Every page at 320 px: no sideways scroll, nothing that the content security policy stopped; the keyboard is enough."""
    grant(pages, THREE)
    visitor = Visitor.arrive(browser, PHONE | {"viewport": {"width": 320, "height": 700}})
    link, code = pages.invite(ACCOUNT, with_code=True)
    keyboard = visitor.page.keyboard
    with issuing(pages.world):
        visitor.page.goto(link)
        assert not visitor.scrolls_sideways()
        visitor.page.get_by_label("Code reçu").focus()
        keyboard.type(str(code))
        keyboard.press("Enter")
        expect(visitor.page.get_by_role("heading", name="Est-ce bien vous ?")).to_be_focused()
        assert not visitor.scrolls_sideways()
        keyboard.press("Tab")
        keyboard.press("Enter")
        expect(visitor.page.get_by_role("heading", name="C'est fait")).to_be_focused()
        expect(visitor.page.locator("#codes li")).to_have_count(3)
    visitor.page.get_by_role("button", name="Préparer le fichier .p12").click()
    expect(visitor.page.get_by_role("link", name="Télécharger le fichier")).to_be_visible()
    assert not visitor.scrolls_sideways()
    serial = mine(pages)[0].serial.hex()
    for path in ("moi/", f"moi/certificats/{serial}", "moi/secours", "moi/perte", "moi/cles", "moi/connexion", "moi/rien", ""):
        visitor.page.goto(f"{pages.url}/{path}")
        assert not visitor.scrolls_sideways(), path
    visitor.page.goto(f"{pages.url}/moi/secours")
    visitor.page.get_by_role("button", name="Faire une nouvelle feuille").click()
    expect(visitor.page.locator("#codes li")).to_have_count(3)
    assert not visitor.scrolls_sideways()
    assert [text for text in visitor.complaints if "404" not in text] == []
