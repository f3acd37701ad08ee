"""The modules `keys.js` and `pkcs12.js` in a real browser: what they make is read by programs that are not ours."""

from __future__ import annotations

import base64
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key, pkcs12
from playwright.sync_api import Page
from werkzeug.middleware.shared_data import SharedDataMiddleware
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response

from pki.registration.possession import prove_possession
from tests.builders.browser import chromium
from trust.algorithms import spki
from trust.testing import FixedClock
from web.kit.application import STATIC
from web.kit.safety import POLICY

PASSWORD = "ABCDE-FGHJK-LMNPQ-RSTUV"


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@contextmanager
def _serving_the_static_files() -> Iterator[str]:
    blank = Response("<!doctype html><title>test</title>", mimetype="text/html", headers={"Content-Security-Policy": POLICY})
    server = make_server("localhost", 0, SharedDataMiddleware(blank, {"/static": str(STATIC)}), request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A blank page of ours, under the content security policy of ours."""
    with _serving_the_static_files() as url, chromium() as browser:
        page = browser.new_page()
        page.goto(url)
        yield page


MAKE = """async (kinds) => {
  const { makeKey } = await import("/static/keys.js");
  const { base64 } = await import("/static/der.js");
  globalThis.made = await Promise.all(kinds.map(makeKey));
  return globalThis.made.map((key) => ({ id: key.id, spki: base64(key.spki), request: base64(key.request) }));
}"""
FILE = """async ({ chains, password }) => {
  const { makeFile } = await import("/static/pkcs12.js");
  const { base64, unbase64 } = await import("/static/der.js");
  const credentials = await Promise.all(globalThis.made.map(async (key, place) => (
    { name: `Clé n° ${place + 1}`, pkcs8: await key.pkcs8(), chain: chains[place].map(unbase64) })));
  return base64(await makeFile(credentials, password));
}"""


def make(page: Page, *kinds: str) -> list[dict[str, str]]:
    """Have the page make keys; it remembers them."""
    made: list[dict[str, str]] = page.evaluate(MAKE, list(kinds))
    return made


def chain_for(public: bytes, rank: int) -> list[bytes]:
    """Certify a public key under an authority of this test; return the certificate and its issuer."""
    key, now = ec.generate_private_key(ec.SECP256R1()), FixedClock().now()
    authority = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"AC d'essai {rank}")])
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"Camille EXEMPLE {rank}")])

    def certified(name: x509.Name, certified_key: Any) -> bytes:
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(authority).public_key(certified_key)
        builder = builder.serial_number(1000 + rank).not_valid_before(now).not_valid_after(now + timedelta(days=1))
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)

    return [certified(subject, load_der_public_key(public)), certified(authority, key.public_key())]


@pytest.mark.parametrize(("kind", "algorithm"), [("P-256", "P-256"), ("RSA-3072", "RSA-3072")])
def test_the_request_proves_that_the_key_is_held(page: Page, kind: str, algorithm: str) -> None:
    """The strict reader of requests takes what the browser writes, finds the key in it, and no wish."""
    (made,) = make(page, kind)
    proven = prove_possession(base64.b64decode(made["request"]))
    assert (proven.algorithm, proven.spki, proven.spki_sha256.hex()) == (algorithm, base64.b64decode(made["spki"]), made["id"])
    assert (proven.asked_subject, proven.asked_dns_names) == ((), ())


def test_every_signature_of_many_requests_is_strict_der(page: Page) -> None:
    """Half of the numbers of an ECDSA signature need an octet more or less: none of forty is refused."""
    assert len({prove_possession(base64.b64decode(made["request"])).spki for made in make(page, *["P-256"] * 40)}) == 40


def test_openssl_opens_the_file_and_finds_every_key_and_certificate(page: Page, tmp_path: Path) -> None:
    """One file with three keys: openssl reads each, under AES-256 with PBKDF2 and a MAC of SHA-256."""
    three = make(page, "P-256", "P-256", "RSA-3072")
    chains = [chain_for(base64.b64decode(made["spki"]), rank) for rank, made in enumerate(three)]
    path = tmp_path / "cles.p12"
    path.write_bytes(made_file(page, chains))
    opened = openssl("pkcs12", "-in", str(path), "-passin", f"pass:{PASSWORD}", "-nodes", "-info")
    assert opened.stdout.count("BEGIN PRIVATE KEY") == 3 and opened.stdout.count("BEGIN CERTIFICATE") == 6
    assert opened.stderr.count("PBES2, PBKDF2, AES-256-CBC, Iteration 200000, PRF hmacWithSHA256") == 4
    assert "MAC: sha256, Iteration 10000" in opened.stderr
    wrong = subprocess.run(
        ["openssl", "pkcs12", "-in", str(path), "-passin", "pass:autre", "-nodes"], capture_output=True, text=True, check=False
    )
    assert wrong.returncode != 0 and "invalid password" in wrong.stderr


@pytest.mark.parametrize("kind", ["P-256", "RSA-3072"])
def test_cryptography_opens_the_file_and_the_key_is_the_certificate_s(page: Page, kind: str) -> None:
    """A file with one key: the key is the certified one, and its issuer is beside it."""
    (made,) = make(page, kind)
    chain = chain_for(base64.b64decode(made["spki"]), 1)
    opened = pkcs12.load_pkcs12(made_file(page, [chain]), PASSWORD.encode())
    assert opened.key is not None and opened.cert is not None
    assert spki(opened.key.public_key()) == spki(opened.cert.certificate.public_key()) == base64.b64decode(made["spki"])
    assert opened.cert.friendly_name == "Clé n° 1".encode()
    assert [each.certificate.public_bytes(Encoding.DER) for each in opened.additional_certs] == [chain[1]]


def test_what_the_browser_keeps_cannot_be_exported(page: Page) -> None:
    """The copies in the browser's database serve, and no script gets their octets."""
    make(page, "P-256", "RSA-3072")
    found = page.evaluate("""async () => {
      const { forget, keep, kept } = await import("/static/keys.js");
      for (const key of globalThis.made) await keep(key, "essai");
      const there = await kept();
      const exported = ({ key }) => crypto.subtle.exportKey("pkcs8", key).then(() => "exported", (error) => error.name);
      const tried = await Promise.all(there.map(exported));
      const { key } = there.find((each) => each.kind === "P-256");
      const signed = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, new Uint8Array(8));
      for (const { id } of there) await forget(id);
      return { tried, signed: signed.byteLength, left: (await kept()).length };
    }""")
    assert found == {"tried": ["InvalidAccessError", "InvalidAccessError"], "signed": 64, "left": 0}


def test_passwords_are_long_and_differ(page: Page) -> None:
    """Twenty letters and figures that are read for no others, in four groups."""
    made = page.evaluate("""async () => {
      const { newPassword } = await import("/static/pkcs12.js");
      return Array.from({ length: 50 }, newPassword);
    }""")
    assert len(set(made)) == 50
    assert all([len(group) for group in each.split("-")] == [5, 5, 5, 5] and not set(each) & set("IO01") for each in made)


def made_file(page: Page, chains: list[list[bytes]]) -> bytes:
    """Have the page write the keys that it remembers into a file, with these certificates."""
    texts = [[base64.b64encode(each).decode() for each in chain] for chain in chains]
    return base64.b64decode(page.evaluate(FILE, {"chains": texts, "password": PASSWORD}))


def openssl(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run openssl."""
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=True, errors="replace")
