"""A list and its delta, by part (RFC 5280 §5.2.3 to §5.2.6; CP 7.2): what relying parties combine, ours and openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pki.adapters.publication_files import PublicationFiles
from pki.bootstrap.custody import open_authority
from pki.bootstrap.lists import crl_publisher
from pki.inventory.model import Certificate, Reason
from pki.signing.door import SigningDoor
from tests.outside import check_published
from tests.world import World, nurse
from trust.errors import Unavailable
from trust.validation.certificate import Certificate as Read
from trust.validation.chain import Validator
from trust.validation.check import Checker
from trust.validation.crl_client import CrlClient
from trust.validation.status import CertificateStatus, StatusAnswer

PARTS = ("shard", "full")


@pytest.fixture
def certificate(world: World) -> Certificate:
    """A certificate, published."""
    world.apply_register([nurse(1)])
    return world.enrol(nurse(1))


def file_of(world: World, certificate: Certificate, part: str, *, delta: bool = False) -> Path:
    """Return the published file of a list or of its delta."""
    name = f"{certificate.ca}/{certificate.shard}" if part == "shard" else certificate.ca
    return world.directory / "publication" / "www" / "crl" / f"{name}{'-delta' if delta else ''}.crl"


def read(path: Path) -> tuple[int, int | None, set[int]]:
    """Return number, base number and serials of a published list."""
    crl = x509.load_der_x509_crl(path.read_bytes())
    extensions = {each.oid: each.value for each in crl.extensions}
    base = extensions.get(x509.DeltaCRLIndicator.oid)
    return extensions[x509.CRLNumber.oid].crl_number, base and base.crl_number, {entry.serial_number for entry in crl}


def number_of(certificate: Certificate) -> int:
    """Return the serial as a number."""
    return int.from_bytes(certificate.serial, "big")


def status(world: World, certificate: Certificate) -> StatusAnswer:
    """Return what our own relying party makes of the lists that the certificate names."""
    www = world.directory / "publication" / "www"

    def fetch(url: str) -> bytes:
        path = www / url.removeprefix(world.home.settings.base_url + "/")
        if not path.is_file():
            raise Unavailable(url)
        return path.read_bytes()

    authorities = [Read(path.read_bytes()) for path in (www / "aia").glob("*.cer")]
    validator = Validator([one for one in authorities if one.is_self_issued], authorities)
    return Checker(validator, CrlClient(fetch)).check(certificate.der, world.clock.now()).statuses[0]


def openssl(world: World, certificate: Certificate, folder: Path, part: str, *, deltas: bool = True) -> str:
    """Return what ``openssl verify -crl_check`` says, with the list of that part, and its delta, at hand."""
    www = world.directory / "publication" / "www"
    leaf = folder / "leaf.pem"
    leaf.write_bytes(x509.load_der_x509_certificate(certificate.der).public_bytes(Encoding.PEM))
    lists = folder / "lists.pem"
    files = [file_of(world, certificate, part, delta=delta) for delta in (False, True)[: 1 + deltas]]
    options = ["-use_deltas"] * deltas
    lists.write_bytes(b"".join(x509.load_der_x509_crl(path.read_bytes()).public_bytes(Encoding.PEM) for path in files))
    chain = ["-CAfile", str(www / "chain" / "racine.pem"), "-untrusted", str(www / "chain" / f"{certificate.ca}.pem")]
    moment = ["-attime", str(int(world.clock.now().timestamp())), "-CRLfile", str(lists), "-crl_check"]
    done = subprocess.run(["openssl", "verify", *options, *moment, *chain, str(leaf)], capture_output=True, text=True)
    return done.stdout + done.stderr


class Ahead:
    """A publisher to whom every list is too large to follow at once."""

    def __init__(self, world: World) -> None:
        files = PublicationFiles(world.home.settings.publication / "www")
        door = SigningDoor(world.custodian)
        self._world = world
        self._publisher = crl_publisher(world.home, open_authority(world.home), door, files, small=-1)
        self._publisher.publish_due()

    def publishes(self) -> None:
        """Publish what changed since, once it waited for company."""
        self._publisher.publish_due()
        self._world.clock.advance(minutes=1)
        self._publisher.publish_due()


@pytest.mark.parametrize("part", PARTS)
def test_a_list_and_its_delta_made_together_bear_one_number_and_the_delta_is_empty(
    world: World, certificate: Certificate, part: str
) -> None:
    """They give the same revocation information (RFC 5280 §5.2.3)."""
    world.revoke(certificate)
    world.issuer.turn_until_idle()

    number, base, serials = read(file_of(world, certificate, part))
    assert base is None and number_of(certificate) in serials
    assert read(file_of(world, certificate, part, delta=True)) == (number, number, set())


def test_a_certificate_its_list_and_the_delta_name_one_part(world: World, certificate: Certificate) -> None:
    """The delta has the issuing distribution point of its list; certificate and list name it as their freshest."""
    world.issuer.turn_until_idle()
    base = f"{world.home.settings.base_url}/crl/{certificate.ca}/{certificate.shard}"
    crl, delta = (x509.load_der_x509_crl(file_of(world, certificate, "shard", delta=each).read_bytes()) for each in (False, True))
    leaf = x509.load_der_x509_certificate(certificate.der)

    for named in (leaf, crl):
        (point,) = named.extensions.get_extension_for_class(x509.FreshestCRL).value
        assert point.full_name == [x509.UniformResourceIdentifier(f"{base}-delta.crl")]
    points = [each.extensions.get_extension_for_class(x509.IssuingDistributionPoint) for each in (crl, delta)]
    assert points[0] == points[1]
    assert points[0].value.full_name == [x509.UniformResourceIdentifier(f"{base}.crl")]
    with pytest.raises(x509.ExtensionNotFound):
        delta.extensions.get_extension_for_class(x509.FreshestCRL)


@pytest.mark.parametrize("part", PARTS)
def test_the_delta_of_a_list_that_waits_goes_ahead(world: World, certificate: Certificate, part: str, tmp_path: Path) -> None:
    """Revoked: the delta says so first; our relying party and openssl combine the two, and the next list takes over."""
    world.issuer.turn_until_idle()
    before = read(file_of(world, certificate, part))
    ahead = Ahead(world)
    world.revoke(certificate)
    ahead.publishes()

    assert read(file_of(world, certificate, part)) == before
    assert read(file_of(world, certificate, part, delta=True)) == (before[0] + 1, before[0], {number_of(certificate)})
    assert status(world, certificate).status is CertificateStatus.REVOKED
    assert "certificate revoked" in openssl(world, certificate, tmp_path, part)
    assert openssl(world, certificate, tmp_path, part, deltas=False).endswith(": OK\n"), "the list alone does not know yet"
    world.clock.advance(minutes=11)
    ahead.publishes()
    world.issuer.turn_until_idle()
    check_published(world)
    number, _, serials = read(file_of(world, certificate, part))
    assert number == before[0] + 2 and number_of(certificate) in serials
    assert read(file_of(world, certificate, part, delta=True)) == (number, number, set())


@pytest.mark.parametrize("part", PARTS)
def test_a_delta_releases_what_its_list_holds(world: World, certificate: Certificate, part: str, tmp_path: Path) -> None:
    """removeFromCRL: good again by list and delta together, for ours and for openssl."""
    world.revoke(certificate, Reason.CERTIFICATE_HOLD)
    world.issuer.turn_until_idle()
    ahead = Ahead(world)
    world.release(certificate)
    ahead.publishes()

    assert number_of(certificate) in read(file_of(world, certificate, part))[2]
    assert status(world, certificate).status is CertificateStatus.GOOD
    assert openssl(world, certificate, tmp_path, part).endswith(": OK\n")
    assert "certificate revoked" in openssl(world, certificate, tmp_path, part, deltas=False)


def test_openssl_accepts_lists_and_deltas_as_they_usually_are(world: World, certificate: Certificate, tmp_path: Path) -> None:
    """Good, then revoked, with every list small enough to follow at once."""
    world.issuer.turn_until_idle()
    assert [openssl(world, certificate, tmp_path, part)[-5:] for part in PARTS] == [": OK\n"] * 2
    world.revoke(certificate)
    world.issuer.turn_until_idle()

    for part in PARTS:
        assert "certificate revoked" in openssl(world, certificate, tmp_path, part)
    assert status(world, certificate).status is CertificateStatus.REVOKED


def test_a_delta_lists_nothing_of_another_shard(world: World) -> None:
    """A release and a revocation are told by the delta of their own shard, and by that of the whole."""
    people = [nurse(rank) for rank in range(1, 13)]
    world.apply_register(people)
    certificates = [world.enrol(person) for person in people]
    assert len({certificate.shard for certificate in certificates}) > 1
    held = certificates[::3]
    for certificate in held:
        world.revoke(certificate, Reason.CERTIFICATE_HOLD)
    world.issuer.turn_until_idle()
    world.clock.advance(hours=1)
    world.issuer.crls.publish_all()
    ahead = Ahead(world)
    for certificate in held[:2]:
        world.release(certificate)
    for certificate in certificates[1::3]:
        world.revoke(certificate)
    ahead.publishes()

    changed = [*held[:2], *certificates[1::3]]
    for certificate in certificates:
        expected = {number_of(each) for each in changed if each.shard == certificate.shard}
        listed = read(file_of(world, certificate, "shard", delta=True))[2]
        assert listed == expected
    assert read(file_of(world, certificates[0], "full", delta=True))[2] == {number_of(each) for each in changed}


def test_a_delta_that_was_lost_is_made_again_and_its_list_is_not(world: World, certificate: Certificate) -> None:
    """What a crash between the two files leaves is mended at the next start, under the next number."""
    world.revoke(certificate)
    world.issuer.turn_until_idle()
    number = read(file_of(world, certificate, "shard"))[0]
    file_of(world, certificate, "shard", delta=True).unlink()
    world.reopen()
    world.issuer.turn_until_idle()

    assert read(file_of(world, certificate, "shard"))[0] == number
    assert read(file_of(world, certificate, "shard", delta=True))[:2] == (number + 1, number)
    check_published(world)
