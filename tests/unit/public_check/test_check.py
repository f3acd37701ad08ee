"""Anybody has a certificate checked: it is called valid when that is certain, and only then (RFC 5280 §6; CP 4.9.6)."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from werkzeug.test import Client

from pki.bootstrap.office import Office
from pki.inventory.model import Certificate, Reason
from tests.world import World, nurse
from web.kit.language import typeset
from web.verify.application import LARGEST, make

URL = "http://localhost:8400"
CORPUS = sorted((Path(__file__).parents[2] / "corpus" / "certificates").glob("*.der"))
ANNE, BRUNO, CHLOE = nurse(1, "MARTIN"), nurse(2, "PETIT"), nurse(3, "ROUX")


ADDRESSES = count(1)


def post(client: Client, path: str, form: dict[str, Any], statuses: tuple[int, ...]) -> str:
    """Send a form of the page, each time from another address; return what is said."""
    peer = {"REMOTE_ADDR": f"198.51.{next(ADDRESSES) % 250}.7"}
    sent = {"csrf": "anonymous"} | form
    answer = client.post(path, base_url=URL, headers={"Origin": URL}, data=sent, environ_overrides=peer)
    assert answer.status_code in statuses, answer.get_data(as_text=True)
    return html.unescape(answer.get_data(as_text=True))


@dataclass
class Checked:
    """The page, and what there is to check."""

    world: World
    client: Client
    good: Certificate
    revoked: Certificate
    held: Certificate

    def file(self, octets: bytes, *statuses: int) -> str:
        """Drop a file; return what is said."""
        return post(self.client, "/fichier", {"certificat": (BytesIO(octets), "certificat.pem")}, statuses or (200,))

    def number(self, typed: str, *statuses: int) -> str:
        """Ask for a serial number; return what is said."""
        return post(self.client, "/numero", {"numero": typed}, statuses or (200,))


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checked]:
    """An authority with a good certificate, a revoked one and one on hold."""
    world = World(tmp_path_factory.mktemp("check") / "home")
    world.apply_register([ANNE, BRUNO, CHLOE])
    good, revoked, held = (world.enrol(person) for person in (ANNE, BRUNO, CHLOE))
    world.revoke(revoked, Reason.KEY_COMPROMISE)
    world.revoke(held, Reason.CERTIFICATE_HOLD)
    yield Checked(world, Client(make(Office(world.home, URL))), good, revoked, held)
    world.close()


def pem(der: bytes) -> bytes:
    """Write a certificate in PEM."""
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def title(said: str) -> str:
    """Return the heading of a page."""
    return said.split("<h1>", 1)[1].split("</h1>", 1)[0]


def test_a_good_certificate_is_valid_with_its_chain_its_policy_and_its_dates(checked: Checked) -> None:
    """In DER and in PEM."""
    for octets in (checked.good.der, pem(checked.good.der)):
        said = checked.file(octets)
        assert title(said) == "Valide"
        assert (
            "Camille MARTIN, 899700000013, Infirmier" in said
            and "SCEAU DEMO RACINE" in said
            and checked.good.serial.hex() in said
        )
        assert typeset(checked.world.home.profiles[checked.good.profile].title) in said
        assert checked.world.home.profiles[checked.good.profile].policy in said


def test_a_certificate_that_was_ended_says_since_when_and_why(checked: Checked) -> None:
    """Revoked, and on hold."""
    said = checked.file(checked.revoked.der)
    assert title(said) == "Non valide" and "Il a été révoqué." in said and "la clé est compromise ou perdue" in said
    said = checked.file(checked.held.der)
    assert title(said) == "Non valide" and "Il est suspendu" in said and "Suspendu depuis le" in said


def test_nothing_that_was_altered_is_valid(checked: Checked) -> None:
    """Whichever octet it is: what can still be read is not valid."""
    der = checked.good.der
    for place in range(0, len(der), 37):
        octets = der[:place] + bytes((der[place] ^ 0x01,)) + der[place + 1 :]
        assert title(checked.file(octets, 200, 400)) != "Valide", place


def test_a_certificate_of_somebody_else_with_our_names_and_number_is_not_ours(checked: Checked) -> None:
    """The same issuer name, subject and serial number, another key."""
    ours = x509.load_der_x509_certificate(checked.good.der)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(ours.issuer, ours.subject, key.public_key(), ours.serial_number)
    builder = builder.not_valid_before(ours.not_valid_before_utc).not_valid_after(ours.not_valid_after_utc)
    said = checked.file(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))
    assert title(said) in ("On ne peut pas le dire", "Non valide") and "Nature" not in said


def test_a_certificate_that_the_inventory_does_not_hold_is_not_called_valid(checked: Checked, tmp_path: Path) -> None:
    """Signed by our own key: an authority that shares it knows nothing of the certificate."""
    twin = World(tmp_path / "twin")  # begins from the same keys, before any certificate of a person
    said = post(Client(make(Office(twin.home, URL))), "/fichier", {"certificat": (BytesIO(checked.good.der), "c")}, (200,))
    assert title(said) == "On ne peut pas le dire" and "ne connaît pas ce certificat" in said
    twin.close()


def test_a_number_says_how_it_stands_and_not_whose_it_is(checked: Checked) -> None:
    """As people copy it; never the word valid, for no file was seen."""
    serial = checked.good.serial.hex()
    colons = ":".join(serial[place : place + 2] for place in range(0, 32, 2)).upper()
    for typed in (serial, colons, f"0x{serial}", f" {serial[:16]} {serial[16:]} ", f"00{serial}"):
        said = checked.number(typed)
        assert title(said) == "Ni révoqué, ni expiré"
        assert "MARTIN" not in said and ANNE.rpps not in said and "Valide" not in said
    assert title(checked.number(checked.revoked.serial.hex())) == "Révoqué"
    assert title(checked.number(checked.held.serial.hex())) == "Suspendu"
    assert title(checked.number("4" + "a" * 31)) == "Numéro inconnu"


@pytest.mark.parametrize("typed", ["", "zz", "0", "é" * 32, "4" * 41, "'; DROP TABLE certificates; --"])
def test_what_is_no_number_is_said_beside_the_field_and_kept(checked: Checked, typed: str) -> None:
    """Nothing to type again."""
    said = checked.number(typed, 400)
    assert "s'écrit en hexadécimal" in said and 'aria-invalid="true"' in said
    assert f'value="{typed}"' in said


@pytest.mark.parametrize("octets", [b"", b"\x30", b"bonjour", b"A" * (LARGEST + 1), b"-----BEGIN CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_said(checked: Checked, octets: bytes) -> None:
    """Empty, cut, of another kind, too large."""
    assert "Vérifier un certificat" in checked.file(octets, 400)


def test_a_file_that_is_far_too_large_is_not_read(checked: Checked) -> None:
    """The limit stands before the form is."""
    assert "C'est trop volumineux" in checked.file(b"A" * 300_000, 413)


def test_two_certificates_in_a_file_are_not_one(checked: Checked) -> None:
    """Which one would the answer be about?"""
    checked.file(pem(checked.good.der) + pem(checked.revoked.der), 400)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_no_odd_certificate_is_valid_or_breaks_the_page(checked: Checked, path: Path) -> None:
    """The whole corpus."""
    assert title(checked.file(path.read_bytes(), 200, 400)) != "Valide"


def test_the_years_pass(checked: Checked) -> None:
    """An expired certificate is no longer valid; its number says so."""
    checked.world.clock.advance(days=365 * 12)
    assert title(checked.file(checked.good.der)) == "Non valide"
    assert title(checked.number(checked.good.serial.hex())) == "Expiré"
