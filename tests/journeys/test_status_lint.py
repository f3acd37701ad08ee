"""CRLs and OCSP answers of a new authority, judged by pkilint: header and sample, whatever the algorithm (CP 7.2, CP 7.3)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from pki.adapters.publication_files import PublicationFiles
from pki.bootstrap.custody import open_authority
from pki.bootstrap.lists import crl_publisher
from pki.inventory.model import Certificate, Reason
from pki.lint.external import lint_certificate, lint_crl, lint_ocsp_response
from pki.lint.finding import blocking
from pki.protocols.ocsp import read_request
from pki.signing.door import SigningDoor
from pki.status.answer import Answerer, Policy
from tests.world import World, nurse

ALGORITHMS = ("P-256", "P-384", "RSA-3072", "Ed25519", "ML-DSA-65")


@pytest.fixture(params=ALGORITHMS)
def published(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """An authority of one algorithm with a good, a held and a revoked certificate, lists and deltas with entries of each kind."""
    world = World(tmp_path / "home", algorithm=request.param)
    people = [nurse(rank) for rank in range(1, 5)]
    world.apply_register(people)
    certificates = [world.enrol(person) for person in people]
    world.revoke(certificates[0])
    world.revoke(certificates[1], Reason.CERTIFICATE_HOLD)
    world.revoke(certificates[2], Reason.CERTIFICATE_HOLD)
    world.issuer.turn_until_idle()
    files, door = PublicationFiles(world.home.settings.publication / "www"), SigningDoor(world.custodian)
    ahead = crl_publisher(world.home, open_authority(world.home), door, files, small=-1)
    ahead.publish_due()
    world.release(certificates[2])
    world.revoke(certificates[3], Reason.KEY_COMPROMISE)
    ahead.publish_due()
    world.clock.advance(minutes=1)
    ahead.publish_due()
    world.issuer._publish()  # the answers, at once; the lists wait for company
    yield world
    world.close()


def test_what_a_new_authority_publishes_passes_pkilint(published: World) -> None:
    """Every list, every delta, an answer about each certificate: no error and no warning."""
    _lists(published)
    _answers(published)
    _authorities(published)


def _lists(world: World) -> None:
    lists = {path.name: path.read_bytes() for path in (world.directory / "publication" / "www" / "crl").rglob("*.crl")}
    findings = {name: found for name, octets in lists.items() if (found := blocking(lint_crl(octets)))}
    entries = {name: len(list(x509.load_der_x509_crl(octets))) for name, octets in lists.items()}

    assert findings == {}
    assert entries["personnes.crl"] == 3 and entries["personnes-delta.crl"] >= 2 and entries["racine.crl"] == 0


def _answers(world: World) -> None:
    answerer = Answerer(world.home.settings.publication / "status", None, Policy(), read_request)
    answerer.look()
    with world.store.read() as tx:
        holders = tx.certificates.live_holders(world.clock.now(), after="", limit=99)
        known = [certificate for holder in holders for certificate in tx.certificates.of_holder(holder)]
    assert len(known) > 3
    for certificate in known:
        for digest in (SHA1(), SHA256()):
            answer = _ask(world, answerer, certificate, digest)
            assert blocking(lint_ocsp_response(answer)) == [], certificate.holder
    answerer.close()


def _ask(world: World, answerer: Answerer, certificate: Certificate, digest: HashAlgorithm) -> bytes:
    issuer = x509.load_der_x509_certificate(world.home.ca_certificates()[certificate.ca].der)
    builder = ocsp.OCSPRequestBuilder().add_certificate(x509.load_der_x509_certificate(certificate.der), issuer, digest)
    return answerer.answer(builder.build().public_bytes(Encoding.DER), world.clock.now()).body


def _authorities(world: World) -> None:
    for name, certificate in world.home.ca_certificates().items():
        # A root's authority key identifier, its address of policies on another host: what `accepted` and the trial are about.
        assert blocking(lint_certificate(certificate.der, "rfc5280", world.home.profiles[certificate.profile].accepted)) == [], (
            name
        )
