"""Practitioners on a phone: activation by a link, renewal in two taps, what they have, and a lost phone.

Chromium and its virtual authenticator in front, the services and the issuer of a whole authority behind. What the browser sends
is recorded: no private key is in it.
"""

from __future__ import annotations

import base64
import hashlib
import plistlib
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs12
from playwright.sync_api import Browser, expect

from pki.authenticators.model import Account, Kind
from pki.bootstrap.proof import evidence_of
from pki.inventory.model import Certificate, Reason, State
from pki.registration.evidence import check
from pki.registration.grants import GrantApplication
from tests.builders.browser import PHONE, Visitor, chromium
from tests.builders.pages import Pages, served
from tests.world import World, doctor
from trust.algorithms import spki

DUPONT, ESSAI = doctor(1, "DUPONT"), doctor(2)
THREE = ("ps-authentification", "ps-chiffrement", "ps-signature")
TWO = ("ps-authentification", "ps-signature")
ACCOUNT = Account(Kind.PERSON, DUPONT.idnat)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the module."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    """The pages of an authority whose register has two doctors."""
    world = World(tmp_path / "home")
    world.apply_register([DUPONT, ESSAI])
    with served(world) as pages:
        yield pages
    world.close()


@contextmanager
def issuing(world: World) -> Iterator[None]:
    """Have the issuer work beside the pages, as its process does."""
    issuer, over = world.issuer, threading.Event()

    def work() -> None:
        while not over.wait(0.05):
            issuer.turn_until_idle()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def grant(pages: Pages, profiles: tuple[str, ...] = TWO) -> None:
    """Have two officers grant Dr Dupont certificates."""
    world = pages.world
    draft = pages.office.grants.draft("cnom-1", [GrantApplication(DUPONT.rpps, profiles, "DUPONT", "Camille")])
    assert not draft.refused
    batch = pages.office.grants.submit(draft, world.act("cnom-1", draft.statement(world.clock.now())))
    world.decisions.approve(world.act("cnom-2", world.decisions.approval_statement(batch.id, "cnom-2")))


def arrive(browser: Browser) -> tuple[Visitor, list[bytes]]:
    """Give somebody a phone; return also what it sends, as it grows."""
    visitor, sent = Visitor.arrive(browser, PHONE), list[bytes]()
    visitor.page.on("request", lambda request: sent.append(request.url.encode() + b"\n" + (request.post_data_buffer or b"")))
    return visitor, sent


def activate(visitor: Visitor, pages: Pages) -> None:
    """Follow the link of a letter to the end: the code, then one tap."""
    link, code = pages.invite(ACCOUNT, with_code=True)
    assert code is not None
    visitor.page.goto(link)
    visitor.page.get_by_label("Code reçu").fill(code.lower())
    visitor.page.get_by_role("button", name="Continuer").click()
    visitor.page.get_by_role("button", name="C'est bien moi").click()
    expect(visitor.page.get_by_role("heading", name="C'est fait")).to_be_visible()
    expect(visitor.page.locator("#codes li")).to_have_count(3)


def mine(pages: Pages) -> list[Certificate]:
    """Return what Dr Dupont has, newest first."""
    return pages.office.selfservice.credentials(DUPONT.idnat)


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


def test_the_private_key_never_leaves_the_browser_and_the_file_has_it(browser: Browser, pages: Pages, tmp_path: Path) -> None:
    """The .p12 opens in openssl and in pyca, its keys are the certified ones, and no request carried a part of any of them."""
    grant(pages, THREE)
    visitor, sent = arrive(browser)
    with issuing(pages.world):
        activate(visitor, pages)
        visitor.page.get_by_role("button", name="Préparer le fichier .p12").click()
        expect(visitor.page.locator("#fichier-fait")).to_be_visible()
        password = visitor.page.locator("#mot-de-passe").inner_text()
        with visitor.page.expect_download() as download:
            visitor.page.get_by_role("link", name="Télécharger le fichier .p12").click()
    path = tmp_path / "cles.p12"
    download.value.save_as(path)
    assert download.value.suggested_filename == f"sceau-{DUPONT.rpps}.p12"
    opened = subprocess.run(
        ["openssl", "pkcs12", "-in", str(path), "-passin", f"pass:{password}", "-nodes"], capture_output=True, check=True
    ).stdout
    keys = re.findall(rb"-----BEGIN [P]RIVATE KEY-----.*?-----END PRIVATE KEY-----", opened, re.DOTALL)
    assert len(keys) == 3
    first = pkcs12.load_pkcs12(path.read_bytes(), password.encode())
    assert first.key is not None and first.cert is not None
    assert spki(first.key.public_key()) == spki(first.cert.certificate.public_key())
    certified = {hashlib.sha256(spki(load_pem_private_key(pem, None).public_key())).digest() for pem in keys}
    assert certified == {each.spki_hash for each in mine(pages)}
    said = b"\n".join(sent)
    said += decoded(said)
    for public, secrets in map(numbers_of, keys):
        assert public in said  # the request holds it: what was sent is read as it should be
        for secret in secrets:
            # A quarter of the number would be enough to know it was there.
            assert all(secret[start : start + 8] not in said for start in range(0, len(secret) - 8, 8))
            assert secret.hex().encode() not in said.lower()
    assert visitor.page.evaluate("import('/static/keys.js').then(({ kept }) => kept()).then((all) => all.length)") == 0
    assert visitor.complaints == []


def test_the_profile_for_an_iphone_is_signed_and_holds_the_keys_for_mail(browser: Browser, pages: Pages, tmp_path: Path) -> None:
    """OpenSSL verifies who signed it; its two identities open with the password, which is not in it."""
    grant(pages, THREE)
    visitor, _ = arrive(browser)
    with issuing(pages.world):
        activate(visitor, pages)
    visitor.page.get_by_role("button", name="Préparer le fichier .p12").click()
    expect(visitor.page.locator("#fichier-fait")).to_be_visible()
    password = visitor.page.locator("#mot-de-passe").inner_text()
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name="profil pour iPhone").click()
    path, root = tmp_path / "courrier.mobileconfig", tmp_path / "root.pem"
    download.value.save_as(path)
    authority = pages.world.home.ca_certificates()["racine"].der
    root.write_bytes(x509.load_der_x509_certificate(authority).public_bytes(Encoding.PEM))
    verify = ["openssl", "cms", "-verify", "-inform", "DER", "-in", str(path), "-CAfile", str(root), "-purpose", "any", "-binary"]
    verified = subprocess.run([*verify, "-no_check_time"], capture_output=True, check=True)
    assert b"successful" in verified.stderr and password.encode() not in verified.stdout
    profile = plistlib.loads(verified.stdout)
    assert (profile["PayloadType"], profile["PayloadVersion"]) == ("Configuration", 1)
    parts = profile["PayloadContent"]
    assert len({part["PayloadUUID"] for part in [profile, *parts]}) == len(parts) + 1
    files = [part["PayloadContent"] for part in parts if part["PayloadType"] == "com.apple.security.pkcs12"]
    found = [pkcs12.load_pkcs12(file, password.encode()).cert for file in files]
    serials = {each.certificate.serial_number for each in found if each is not None}
    assert serials == {int.from_bytes(each.serial) for each in mine(pages) if each.profile != "ps-authentification"}
    assert [part["PayloadType"] for part in parts].count("com.apple.security.pkcs1") == 1
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
    pages.world.clock.advance(days=1095 * 2 / 3 + 2)
    pages.world.apply_register([DUPONT, ESSAI])
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
    pages.world.clock.advance(days=1095 + 8)
    pages.world.apply_register([DUPONT, ESSAI])
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


def test_a_browser_that_keeps_nothing_says_to_take_the_file(browser: Browser, pages: Pages) -> None:
    """In a window without a database the certificates are made all the same, and their keys are in the file only."""
    grant(pages)
    visitor, _ = arrive(browser)
    visitor.page.add_init_script("Object.defineProperty(window, 'indexedDB', { value: { open() { throw new Error('no'); } } })")
    with issuing(pages.world):
        activate(visitor, pages)
    expect(visitor.page.get_by_text("ne garde pas vos clés")).to_be_visible()
    visitor.page.get_by_role("button", name="Préparer le fichier .p12").click()
    expect(visitor.page.get_by_role("link", name="Télécharger le fichier .p12")).to_be_visible()
    expect(visitor.page.get_by_text("ne garde pas vos clés")).to_be_hidden()


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
    expect(visitor.page.get_by_role("link", name="Télécharger")).to_be_visible()
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


def sign_in(visitor: Visitor, pages: Pages) -> None:
    """Sign in anew and see one's certificates."""
    visitor.page.goto(f"{pages.url}/moi/")
    visitor.page.get_by_role("button", name="Se connecter").click()
    expect(visitor.page.get_by_role("heading", name="Camille DUPONT")).to_be_visible()


def numbers_of(pem: bytes) -> tuple[bytes, list[bytes]]:
    """Return a public number of a key and its secret ones, as octets."""
    key = load_pem_private_key(pem, None)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        public, secrets = key.public_key().public_numbers().x, [key.private_numbers().private_value]
    else:
        assert isinstance(key, rsa.RSAPrivateKey)
        numbers = key.private_numbers()
        public, secrets = numbers.public_numbers.n, [numbers.d, numbers.p, numbers.q]
    return octets_of(public), [octets_of(each) for each in secrets]


def octets_of(number: int) -> bytes:
    """Write a number as keys are written."""
    return number.to_bytes((number.bit_length() + 7) // 8)


def decoded(octets: bytes) -> bytes:
    """Return what any base64 in these octets hides, whichever letter it begins at."""
    plain = [run.replace(b"-", b"+").replace(b"_", b"/") for run in re.findall(rb"[A-Za-z0-9+/_-]{16,}", octets)]
    starts = [run[start:] for run in plain for start in range(4)]
    return b"\n".join(base64.b64decode(run[: len(run) // 4 * 4]) for run in starts)
