"""The private keys of practitioners: made in the browser, kept or given as a file there, and in no request that it sends."""

from __future__ import annotations

import base64
import hashlib
import plistlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs12
from playwright.sync_api import Browser, expect

from tests.builders.pages import Pages, served
from tests.builders.portal import DUPONT, ESSAI, THREE, activate, arrive, grant, issuing, later, mine, sign_in
from tests.world import World
from trust.algorithms import spki


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    """The pages of an authority whose register has two doctors."""
    world = World(tmp_path / "home")
    world.apply_register([DUPONT, ESSAI])
    with served(world) as pages:
        yield pages
    world.close()


@pytest.mark.parametrize("act", ["activation", "renewal"])
def test_the_private_key_never_leaves_the_browser_and_the_file_has_it(
    browser: Browser, pages: Pages, tmp_path: Path, act: str
) -> None:
    """The .p12 opens in openssl and in pyca, its keys are the certified ones, and no request carried a part of any of them."""
    grant(pages, THREE)
    visitor, sent = arrive(browser)
    with issuing(pages.world):
        activate(visitor, pages)
    if act == "renewal":
        later(pages, 800)
        sign_in(visitor, pages)
        with issuing(pages.world):
            visitor.page.get_by_role("button", name="Tout renouveler").click()
            expect(visitor.page.get_by_role("heading", name="C'est fait")).to_be_visible()
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
    assert certified == {each.spki_hash for each in mine(pages)[:3]}
    said = b"\n".join(sent)
    said += decoded(said)
    for public, secrets in map(numbers_of, keys):
        assert public in said  # the request holds it: what was sent is read as it should be
        for secret in secrets:
            # A quarter of the number would be enough to know it was there.
            assert all(secret[start : start + 8] not in said for start in range(0, len(secret) - 8, 8))
            assert secret.hex().encode() not in said.lower()
    assert (
        visitor.page.evaluate("import('/static/keys.js').then(({ kept }) => kept()).then((all) => all.length)")
        == len(mine(pages)) - 3
    )
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
