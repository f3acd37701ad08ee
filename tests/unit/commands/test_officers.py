"""Officers' keys: one officer each, entered once, withdrawn for ever; the files that hold them (CP 5.2.3, CP 6.4.2)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pki.bootstrap.officers import make_key, open_key, open_signer
from pki.bootstrap.registrar import officer_keys
from pki.issuance.approvals import statement_of, verify_act
from pki.registration.officers import OfficerKeys
from tests.world import World, nurse
from trust.algorithms import ALGORITHMS, spki
from trust.errors import Conflict, Malformed, Missing, Refused


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An authority whose officers have a key each."""
    made = World(tmp_path_factory.mktemp("officers") / "home")
    yield made
    made.close()


@pytest.fixture
def service(world: World) -> OfficerKeys:
    """The service that enters keys."""
    return officer_keys(world.home)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A passphrase in a file of its owner's alone."""
    path = tmp_path / "passphrase"
    path.write_text("correct horse battery staple\n")
    path.chmod(0o600)
    return path


def new_spki(algorithm: str = "P-256") -> bytes:
    """Make a key and return its public half."""
    return spki(ALGORITHMS[algorithm].generate().public_key())


def test_a_key_is_one_officers_and_is_entered_once(world: World, service: OfficerKeys) -> None:
    """Two mandates behind one key would be one person approving alone."""
    key = new_spki()
    assert service.register("cnop-1", key, by="operator").officer == "cnop-1"
    with pytest.raises(Conflict):
        service.register("cnop-1", key, by="operator")
    with pytest.raises(Refused, match="is the one of cnop-1") as refusal:
        service.register("cnop-2", key, by="operator")
    assert refusal.value.citation == "CP 5.2.3"


def test_a_withdrawn_key_is_not_taken_again(service: OfficerKeys) -> None:
    """By anybody."""
    key = new_spki()
    service.register("oncd-1", key, by="operator")
    assert service.withdraw("oncd-1", "compromised", by="operator") == 2
    for officer, error in (("oncd-1", Conflict), ("oncd-2", Refused)):
        with pytest.raises(error):
            service.register(officer, key, by="operator")
    with pytest.raises(Missing):
        service.withdraw("oncd-1", "left", by="operator")


def test_a_key_needs_a_mandate_and_strength(service: OfficerKeys) -> None:
    """An unknown officer, and a key that signs too weakly."""
    with pytest.raises(Missing):
        service.register("nobody", new_spki(), by="operator")
    with pytest.raises(Refused):
        service.register("cnop-1", new_spki("RSA-2048"), by="operator")
    with pytest.raises(Malformed):
        service.register("cnop-1", b"0\x03key", by="operator")


def test_an_approval_by_a_key_withdrawn_since_issues_nothing(world: World, service: OfficerKeys) -> None:
    """The issuer looks again when it takes the order."""
    world.apply_register([nurse(1)])
    batch = world.order([world.application(nurse(1))])
    service.withdraw("oni-2", "compromised", by="operator")
    world.issuer.turn_until_idle()
    with world.store.read() as tx:
        (order,) = tx.orders.of_batch(batch)
    assert order.failure is not None
    assert "no registered key of oni-2" in order.failure


@pytest.mark.parametrize("algorithm", ["P-256", "RSA-3072", "Ed25519", "ML-DSA-65"])
def test_an_officer_signs_with_a_key_from_a_file(
    world: World, service: OfficerKeys, tmp_path: Path, secret: Path, algorithm: str
) -> None:
    """Of any kind that acts may be signed with; what is signed verifies against the registered key."""
    make_key(tmp_path / "key.pem", secret, algorithm)
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    signer = open_signer(world.home, "cnosf-1", tmp_path / "key.pem", secret)
    service.register("cnosf-1", signer.spki, by="operator")
    now = world.clock.now()
    act = signer.sign(statement_of("test/1", "cnosf-1", "x", now, {"words": "Ça va"}))
    with world.store.read() as tx:
        officer, said = verify_act(act, tx.acts.keys("cnosf-1"), world.home.settings, role="approve", now=now)
    assert (officer.id, said["words"]) == ("cnosf-1", "Ça va")


def test_a_key_made_by_openssl_serves_too(world: World, tmp_path: Path, secret: Path) -> None:
    """Encrypted PKCS#8 is everybody's form."""
    path = tmp_path / "openssl.pem"
    made = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes256", "-pass", f"file:{secret}"]
    subprocess.run([*made, "-out", path], check=True, capture_output=True)
    assert open_signer(world.home, "cnom-1", path, secret).algorithm.name == "P-256"


def test_a_key_is_never_replaced(tmp_path: Path, secret: Path) -> None:
    """The file may be all that an officer has."""
    make_key(tmp_path / "key.pem", secret)
    with pytest.raises(Conflict):
        make_key(tmp_path / "key.pem", secret)


def test_what_is_not_protected_is_refused(world: World, tmp_path: Path, secret: Path) -> None:
    """A plain key for an officer, a plain key open to others, a passphrase open to others."""
    make_key(tmp_path / "plain.pem", None)
    with pytest.raises(Refused, match="openssl pkcs8"):
        open_signer(world.home, "cnom-1", tmp_path / "plain.pem", secret)
    (tmp_path / "plain.pem").chmod(0o644)
    with pytest.raises(Refused, match="0600"):
        open_key(tmp_path / "plain.pem", None)
    make_key(tmp_path / "key.pem", secret)
    secret.chmod(0o640)
    with pytest.raises(Refused, match="0600"):
        open_key(tmp_path / "key.pem", secret)


def test_what_cannot_be_opened_says_so_in_words(world: World, tmp_path: Path, secret: Path) -> None:
    """Another passphrase, no passphrase, no file, no key at all, no option."""
    make_key(tmp_path / "key.pem", secret)
    with pytest.raises(Missing, match="--passphrase-file"):
        open_key(tmp_path / "key.pem", None)
    with pytest.raises(Missing, match="--key"):
        open_signer(world.home, "cnom-1", None, None)
    with pytest.raises(Missing, match="no key file"):
        open_key(tmp_path / "none.pem", secret)
    (tmp_path / "other.pem").write_text("-----BEGIN NOTHING-----\n")
    with pytest.raises(Malformed):
        open_key(tmp_path / "other.pem", secret)
    secret.write_text("another sentence altogether\n")
    with pytest.raises(Malformed):
        open_key(tmp_path / "key.pem", secret)
