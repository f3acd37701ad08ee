"""The administrator of servers in a browser: a structure declared and approved, a certificate asked for, renewed and revoked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import Browser, expect

from pki.inventory.model import Certificate, State
from pki.register.invented import finess_of
from tests.builders.browser import PHONE, Visitor
from tests.builders.pages import Pages, served
from tests.journeys.test_board_pages import enter
from tests.world import World, nurse

HOST = "www.hopital-fictif.example"
SIGN = re.compile("avec ma clé d'accès")


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    """The pages of an authority without any structure."""
    world = World(tmp_path / "home")
    world.apply_register([nurse(1)])
    with served(world) as pages:
        yield pages
    world.close()


def request_of(*names: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None) -> str:
    """Make a certification request, PEM, that asks for these names."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
    signed = builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return signed.public_bytes(Encoding.PEM).decode()


def declare(pages: Pages, visitor: Visitor, number: str = finess_of(1)) -> None:
    """Have an officer declare the hospital."""
    visitor.page.goto(f"{pages.url}/ordre/structures")
    visitor.page.get_by_label("Numéro FINESS").fill(number)
    visitor.page.get_by_label("Nom, tel qu'il sera").fill("HÔPITAL FICTIF")
    visitor.page.get_by_label("Département").fill("Essai (99)")
    visitor.page.get_by_label("Domaines").fill("hopital-fictif.example")
    visitor.page.get_by_role("button", name="Déclarer").click()


def approved(browser: Browser, pages: Pages) -> tuple[Visitor, Visitor]:
    """Have two officers bring the hospital in; return them, the second on its page."""
    first, second = enter(browser, pages, "oni-1"), enter(browser, pages, "oni-2")
    declare(pages, first)
    expect(first.page.get_by_text("Vous l'avez déclarée")).to_be_visible()
    second.page.goto(f"{pages.url}/ordre/structures")
    second.page.get_by_role("link", name="HÔPITAL FICTIF").click()
    second.page.get_by_role("button", name="Approuver cette structure").click()
    expect(second.page.get_by_text("Approuvée le")).to_be_visible()
    return first, second


def obtain(pages: Pages, first: Visitor, second: Visitor, link: str, csr: str) -> Certificate:
    """Have a certificate asked for by the first officer from a link of the structure's page, approved by the second, and made."""
    first.page.goto(f"{pages.url}/ordre/structures/1{finess_of(1)}")
    first.page.get_by_role("link", name=link).click()
    first.page.get_by_label("Demande de certificat (CSR)").fill(csr)
    first.page.get_by_role("button", name=SIGN).click()
    expect(first.page.get_by_text("une autre personne de l'ordre doit l'approuver")).to_be_visible()
    second.page.goto(first.page.url)
    expect(second.page.get_by_text(HOST).first).to_be_visible()
    second.page.get_by_role("button", name="Approuver avec ma clé d'accès").click()
    expect(second.page.get_by_text("Approuvé le")).to_be_visible()
    pages.world.issuer.turn_until_idle()
    with pages.world.store.read() as tx:
        return tx.certificates.search(board="ONI", holder=f"1{finess_of(1)}", limit=1)[0]


def test_a_server_gets_a_certificate_renews_it_and_has_the_old_one_revoked(browser: Browser, pages: Pages) -> None:
    """From the declaration of its structure to the end of its first certificate, and two officers at each step that matters."""
    first, second = approved(browser, pages)
    certificate = obtain(pages, first, second, "Demander un certificat", request_of(HOST))
    assert certificate.profile == "serveur-tls-ec"

    pages.world.clock.advance(days=370)
    pages.world.apply_register([nurse(1)])
    first, second = enter(browser, pages, "oni-1"), enter(browser, pages, "oni-2")
    first.page.goto(f"{pages.url}/ordre/structures/1{finess_of(1)}")
    expect(first.page.get_by_text("finit bientôt")).to_be_visible()
    rsa_key = rsa.generate_private_key(65537, 3072)
    renewed = obtain(pages, first, second, f"Renouveler {HOST}", request_of(key=rsa_key))
    assert renewed.serial != certificate.serial and renewed.profile == "serveur-tls-rsa"
    names = x509.load_der_x509_certificate(renewed.der).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [HOST]

    first.page.goto(f"{pages.url}/ordre/certificats/{renewed.serial.hex()}")
    chain = first.page.request.get(f"{first.page.url}/certificat.pem").text()
    assert chain.count("BEGIN CERTIFICATE") == 2
    first.page.goto(f"{pages.url}/ordre/certificats/{certificate.serial.hex()}")
    first.page.get_by_text("Révoquer", exact=True).click()
    first.page.get_by_label("Motif").select_option("superseded")
    first.page.get_by_role("button", name="Révoquer avec ma clé d'accès").click()
    expect(first.page.get_by_text("Révoqué le")).to_be_visible()
    assert pages.world.certificate(certificate.serial).state is State.REVOKED
    assert pages.world.certificate(renewed.serial).state is State.ISSUED
    assert not first.complaints
    assert not second.complaints


def test_what_cannot_be_asked_is_refused_in_words_and_what_was_typed_stays(browser: Browser, pages: Pages) -> None:
    """A host elsewhere, something that is no request, a key that served: one sentence each, on the same page."""
    first, _ = approved(browser, pages)
    first.page.goto(f"{pages.url}/ordre/structures/1{finess_of(1)}/demande")
    cases = (
        ("www.ailleurs.example", request_of(HOST), "n'est pas dans un domaine approuvé"),
        ("", request_of(), "Donnez les noms du serveur"),
        (HOST, "rien", "Ce n'est pas une demande de certificat"),
        ("pas un nom", request_of(), "n'est pas dans un domaine approuvé|n'a pas la forme"),
    )
    for names, csr, why in cases:
        first.page.get_by_label("Serveur : ses noms").fill(names)
        first.page.get_by_label("Demande de certificat (CSR)").fill(csr)
        first.page.get_by_role("button", name=SIGN).click()
        expect(first.page.get_by_role("status")).to_contain_text(re.compile(why))
        assert first.page.get_by_label("Serveur : ses noms").input_value() == names
    assert all("the server responded" in text for text in first.complaints)


def test_a_withdrawn_structure_loses_its_certificates(browser: Browser, pages: Pages) -> None:
    """At once, by one officer, with a reason."""
    first, second = approved(browser, pages)
    certificate = obtain(pages, first, second, "Demander un certificat", request_of(HOST))
    second.page.goto(f"{pages.url}/ordre/structures/1{finess_of(1)}")
    second.page.get_by_text("Retirer cette structure").click()
    second.page.get_by_label("Motif").fill("fermeture")
    second.page.get_by_role("button", name="Retirer avec ma clé d'accès").click()
    expect(second.page.get_by_text("Retirée le")).to_be_visible()
    assert pages.world.certificate(certificate.serial).state is State.REVOKED


def test_the_pages_of_structures_fit_a_phone_and_are_for_their_own_ordre(browser: Browser, pages: Pages) -> None:
    """At 320 px nothing scrolls sideways; another ordre's officer finds nothing."""
    visitor = enter(browser, pages, "oni-1", PHONE | {"viewport": {"width": 320, "height": 700}})
    declare(pages, visitor)
    expect(visitor.page.get_by_text("Vous l'avez déclarée")).to_be_visible()
    stranger = enter(browser, pages, "cnom-1")
    for path in ("/structures", f"/structures/1{finess_of(1)}", f"/structures/1{finess_of(1)}/demande"):
        visitor.page.goto(f"{pages.url}/ordre{path}")
        assert not visitor.scrolls_sideways(), path
        if path != "/structures":
            assert stranger.page.request.get(f"{pages.url}/ordre{path}").status == 404
    assert not visitor.complaints
