"""Officers at work in a browser: a passkey from a one-time link, the queue, a decision signed with the passkey."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import Browser, Route, expect

from pki.authenticators.model import Account, Kind
from pki.bootstrap.proof import evidence_of
from pki.inventory.model import State
from pki.issuance.approvals import Act
from pki.registration.evidence import check
from pki.registration.grants import GrantApplication
from pki.registration.model import BatchState
from pki.registration.selfservice import Asked
from tests.builders.authenticator import Authenticator
from tests.builders.browser import DESK, PHONE, Visitor
from tests.builders.pages import Pages, served
from tests.world import World, certification_request, doctor


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    """The pages of an authority whose register has three doctors."""
    world = World(tmp_path / "home")
    world.apply_register([doctor(1, "DUPONT"), doctor(2), doctor(3)])
    with served(world) as pages:
        yield pages
    world.close()


def enter(browser: Browser, pages: Pages, officer: str, screen: dict[str, Any] = DESK, *, proposes: bool = False) -> Visitor:
    """Have an officer create a passkey from a one-time link."""
    visitor = Visitor.arrive(browser, screen, proposes=proposes)
    link, _ = pages.invite(Account(Kind.OFFICER, officer))
    visitor.page.goto(link)
    visitor.page.get_by_role("button", name="Créer ma clé d'accès").click()
    expect(visitor.page.get_by_role("heading", name="Demandes de certificats")).to_be_visible()
    return visitor


def submitted(world: World, *ranks: int) -> str:
    """Have the first officer of CNOM ask for certificates with the key of the command line."""
    people = [doctor(rank, "DUPONT" if rank == 1 else "ESSAI") for rank in ranks]
    draft = world.enrolment.draft("cnom-1", [world.application(person) for person in people])
    return world.enrolment.submit(draft, world.act("cnom-1", draft.statement(world.clock.now()))).id


def test_an_officer_approves_with_a_passkey_and_the_certificate_proves_it(browser: Browser, pages: Pages) -> None:
    """The issuer takes the passkey's signature for what it is, and so does whoever checks the evidence elsewhere."""
    world = pages.world
    batch = submitted(world, 1)
    visitor = enter(browser, pages, "cnom-2")
    visitor.page.get_by_role("link", name="1 demande").click()
    expect(visitor.page.get_by_text("identique").first).to_be_visible()
    visitor.page.get_by_role("button", name="Approuver avec ma clé d'accès").click()
    expect(visitor.page.get_by_text("Approuvé le")).to_be_visible()
    world.issuer.turn_until_idle()
    (certificate,) = world.certificates_of_batch(batch)
    proven = check(evidence_of(world.home, certificate.serial))
    assert any("approval/1" in step for step in proven.steps)
    assert not visitor.complaints


def test_a_browser_that_proposes_passkeys_signs_in_without_the_button(browser: Browser, pages: Pages) -> None:
    """The field is there while the browser waits in it, the button takes over from it, and a finger in the field is enough."""
    visitor = enter(browser, pages, "cnom-2", proposes=True)
    page = visitor.page
    visitor.touched(False)
    page.get_by_role("button", name="Se déconnecter").click()
    field = page.get_by_label("choisissez votre clé")
    expect(field).to_be_visible()
    expect(field).to_have_attribute("autocomplete", "username webauthn")

    def with_a_finger(route: Route) -> None:
        visitor.touched(True)
        route.continue_()

    page.route("**/connexion/options", with_a_finger)
    page.get_by_role("button", name="Se connecter").click()  # takes the field's question back: browsers refuse a second one
    expect(page.get_by_role("heading", name="Demandes de certificats")).to_be_visible()
    with page.expect_response(lambda answer: answer.request.method == "POST" and answer.url.endswith("/connexion")) as answered:
        page.get_by_role("button", name="Se déconnecter").click()
    assert answered.value.status == 200  # nobody pressed anything on the page of signing in
    expect(page.get_by_role("heading", name="Demandes de certificats")).to_be_visible()
    assert not visitor.complaints


def test_a_browser_that_proposes_nothing_shows_the_button_alone(browser: Browser, pages: Pages) -> None:
    """No field to be puzzled by, and no word about it."""
    visitor = enter(browser, pages, "cnom-2")
    visitor.page.get_by_role("button", name="Se déconnecter").click()
    button = visitor.page.get_by_role("button", name="Se connecter")
    expect(button).to_be_visible()
    expect(visitor.page.get_by_label("choisissez votre clé")).to_be_hidden()
    button.click()
    expect(visitor.page.get_by_role("heading", name="Demandes de certificats")).to_be_visible()
    assert not visitor.complaints


def test_the_pages_fit_a_phone_and_the_browser_complains_of_nothing(browser: Browser, pages: Pages) -> None:
    """Queue, batch, search and keys at 320 px: no sideways scroll, nothing that the content security policy stopped."""
    batch = submitted(pages.world, 1, 2)
    visitor = enter(browser, pages, "cnom-2", PHONE | {"viewport": {"width": 320, "height": 700}})
    for path in ("/", f"/lots/{batch}", "/recherche?q=DUPONT", "/cles", "/rien", "/?etat=refuses"):
        visitor.page.goto(f"{pages.url}/ordre{path}")
        assert not visitor.scrolls_sideways(), path
    assert [text for text in visitor.complaints if "404" not in text] == []


def test_a_finger_that_is_not_the_officers_signs_nothing(browser: Browser, pages: Pages) -> None:
    """Without user verification the page says so, and the batch waits."""
    batch = submitted(pages.world, 1)
    visitor = enter(browser, pages, "cnom-2")
    visitor.verified(False)
    visitor.page.goto(f"{pages.url}/ordre/lots/{batch}")
    visitor.page.get_by_role("button", name="Approuver avec ma clé d'accès").click()
    expect(visitor.page.get_by_role("status")).to_contain_text("annulé")
    with pages.world.store.read() as tx:
        assert tx.requests.batch(batch).state is BatchState.SUBMITTED


def test_an_officer_suspends_releases_and_revokes_from_the_page_of_a_certificate(browser: Browser, pages: Pages) -> None:
    """Each with the passkey; the page says who asked, who approved, and only the reasons that the profile allows."""
    world = pages.world
    certificate = world.enrol(doctor(1, "DUPONT"))
    visitor = enter(browser, pages, "cnom-2")
    visitor.page.goto(f"{pages.url}/ordre/recherche?q={doctor(1).rpps}")
    visitor.page.get_by_role("link", name=certificate.serial.hex()).click()
    expect(visitor.page.get_by_role("heading", name="Certificat de Camille DUPONT")).to_be_visible()
    expect(visitor.page.get_by_text("Claire Dubreuil, le")).to_be_visible()
    expect(visitor.page.get_by_text("Hugo Marchetti, le")).to_be_visible()

    visitor.page.get_by_text("Suspendre", exact=True).click()
    visitor.page.get_by_role("button", name="Suspendre avec ma clé d'accès").click()
    expect(visitor.page.get_by_text("Suspendu depuis le")).to_be_visible()
    assert world.certificate(certificate.serial).state is State.HELD

    visitor.page.get_by_role("button", name="Lever la suspension avec ma clé d'accès").click()
    expect(visitor.page.get_by_text("Suspendre", exact=True)).to_be_visible()
    assert world.certificate(certificate.serial).state is State.ISSUED

    visitor.page.get_by_text("Révoquer", exact=True).click()
    offered = visitor.page.get_by_label("Motif").locator("option").evaluate_all("all => all.map((each) => each.value)")
    assert set(offered) == {each.standard_name for each in pages.office.home.reasons[certificate.profile]} - {"certificateHold"}
    visitor.page.get_by_label("Motif").select_option("privilegeWithdrawn")
    visitor.page.get_by_role("button", name="Révoquer avec ma clé d'accès").click()
    expect(visitor.page.get_by_text("Révoqué le")).to_be_visible()
    assert world.certificate(certificate.serial).state is State.REVOKED
    assert not visitor.complaints


def test_the_page_of_a_certificate_is_for_its_own_ordre(browser: Browser, pages: Pages) -> None:
    """Another ordre's certificate does not exist, nor does its proof; ours can be downloaded and checked."""
    certificate = pages.world.enrol(doctor(1, "DUPONT"))
    ours, theirs = enter(browser, pages, "cnom-2"), enter(browser, pages, "oni-1")
    for path in ("", "/preuve.json", "/certificat.pem"):
        url = f"{pages.url}/ordre/certificats/{certificate.serial.hex()}{path}"
        assert ours.page.request.get(url).status == 200
        assert theirs.page.request.get(url).status == 404
    proof = ours.page.request.get(f"{pages.url}/ordre/certificats/{certificate.serial.hex()}/preuve.json").json()
    assert check(proof).serial == certificate.serial.hex()


def test_a_certificate_that_its_holder_made_says_who_granted_it(browser: Browser, pages: Pages) -> None:
    """The page names the holder's own signature and both officers, in the order in which it happened."""
    world = pages.world
    draft = pages.office.grants.draft("cnom-1", [GrantApplication(doctor(1).rpps, ("ps-signature",), "DUPONT", "Camille")])
    batch = pages.office.grants.submit(draft, world.act("cnom-1", draft.statement(world.clock.now())))
    world.decisions.approve(world.act("cnom-2", world.decisions.approval_statement(batch.id, "cnom-2")))
    holder = Account(Kind.PERSON, doctor(1).idnat)
    made, authenticator = pages.office.entries.invite(holder, timedelta(days=1), by="cnom-1"), Authenticator()
    answer = authenticator.make(pages.office.passkeys.registration_options(holder, "Camille"))
    pages.office.passkeys.register_by_entry(made.token, None, answer, "Téléphone")
    csr = certification_request(ec.generate_private_key(ec.SECP256R1()))
    asked = pages.office.selfservice.prepare(holder.id, [Asked("ps-signature", csr)])
    act = Act.of(asked.statement, authenticator.sign(asked.statement).pack(), officer=str(holder))
    pages.office.selfservice.submit(act, asked.requests, [csr])
    world.issuer.turn_until_idle()
    (certificate,) = pages.office.selfservice.credentials(holder.id)
    visitor = enter(browser, pages, "cnom-2")
    visitor.page.goto(f"{pages.url}/ordre/certificats/{certificate.serial.hex()}")
    for words in ("Claire Dubreuil, le", "Hugo Marchetti, le", "le titulaire, avec sa clé d'accès, le"):
        expect(visitor.page.get_by_text(words)).to_be_visible()
