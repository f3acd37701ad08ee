"""A practitioner of the demonstration before the real processes: pages, issuer and publication, each on its own, and OpenSSL.

What the browser obtains is asked of OCSP by a stranger: *good* after the activation, *revoked* after the loss.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from playwright.sync_api import Browser, expect

from tests.builders.browser import PHONE, Visitor
from tests.builders.judges import Chain, fetched_chain, openssl, program, write
from tests.builders.served import Served, report, serving, until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The demonstration at work."""
    program("openssl")
    with serving(tmp_path_factory.mktemp("portal")) as served:
        yield served


def status(served: Served, chain: Chain, certificate: Path) -> str:
    """Return what OCSP says of a certificate: its last words on the line of the file."""
    about = ("-issuer", chain.issuing, "-cert", certificate)
    said = openssl("ocsp", "-CAfile", chain.root, *about, "-url", f"{served.publication}/ocsp").words
    return next(line.rpartition(": ")[2] for line in said.splitlines() if line.startswith(f"{certificate}: "))


def test_a_phone_obtains_certificates_that_ocsp_calls_good_until_the_loss_is_reported(
    browser: Browser, served: Served, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The link of the demonstration, two taps, two certificates; then the printed code, and both are revoked."""
    visitor = Visitor.arrive(browser, PHONE)
    page = visitor.page
    page.goto(served.does("demo", "login", "praticien")["link"])
    page.get_by_role("button", name="Continuer").click()
    expect(page.get_by_role("heading", name="Est-ce bien vous")).to_be_visible()
    number = page.locator("#identite .rpps").inner_text()
    began = time.perf_counter()
    page.get_by_role("button", name="C'est bien moi").click()
    expect(page.get_by_text("Valable jusqu'au")).to_have_count(2)
    report(request, f"activation: {time.perf_counter() - began:.1f} s from the tap to two certificates")
    code = page.locator("#codes li").first.inner_text()
    address = page.url.partition("/moi/")[0]
    chain = fetched_chain(served.publication, "personnes", tmp_path / "chain")
    certificates = []
    page.goto(f"{address}/moi/")
    for place, link in enumerate(page.get_by_role("link", name="Détails et fichiers").all()):
        der = page.request.get(f"{address}{link.get_attribute('href')}/certificat.cer").body()
        certificates.append(write(tmp_path / f"{place}.pem", x509.load_der_x509_certificate(der)))
    assert len(certificates) == 2
    for certificate in certificates:
        assert openssl("verify", *chain.openssl, certificate).code == 0
        until(lambda path=certificate: status(served, chain, path) == "good", "OCSP calls it good")  # type: ignore[misc]
    page.goto(f"{address}/moi/perte")
    page.get_by_label("Numéro RPPS").fill(number)
    page.get_by_label("Un de vos codes").fill(code)
    page.get_by_role("button", name="Tout bloquer").click()
    expect(page.get_by_role("heading", name="Tout est bloqué")).to_be_visible()
    began = time.perf_counter()
    for certificate in certificates:
        until(lambda path=certificate: status(served, chain, path) == "revoked", "OCSP calls it revoked")  # type: ignore[misc]
    report(request, f"loss: {time.perf_counter() - began:.1f} s from the report until OCSP calls both revoked")
    assert visitor.complaints == []
