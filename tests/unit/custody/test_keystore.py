"""The software keystore keeps a custodian's promises, and says that it is not one for production."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hsm.api import Custodian, KeyRef, KeyUse
from hsm.software import SoftwareKeystore
from tests.unit.custody.conftest import CHEAP, PASSPHRASE, Reopen
from trust.algorithms import CUSTODY_ALGORITHMS, spki
from trust.entropy import SystemEntropy
from trust.errors import Conflict, Malformed, Missing, Refused

CA_USES = frozenset({KeyUse.CERTIFICATE, KeyUse.CRL})


@pytest.mark.parametrize("name", CUSTODY_ALGORITHMS)
def test_a_key_of_every_algorithm_signs_and_survives_a_restart(keystore: SoftwareKeystore, reopen: Reopen, name: str) -> None:
    """What was generated in one process signs in the next, and its public half verifies."""
    algorithm, ref = CUSTODY_ALGORITHMS[name], KeyRef("essai")
    public = keystore.generate(ref, algorithm, CA_USES)

    signature = reopen().sign(ref, KeyUse.CRL, b"liste")

    assert algorithm.verifies(public, signature, b"liste")
    assert spki(reopen().public_key(ref)) == spki(public)


def test_a_keystore_is_a_custodian(keystore: SoftwareKeystore) -> None:
    """The type checker reads this line: every method of the protocol is there, with its types."""
    custodian: Custodian = keystore
    assert custodian.labels() == []


def test_a_keystore_says_what_it_is(keystore: SoftwareKeystore) -> None:
    """`doctor` and the start banner print this sentence."""
    assert keystore.describe() == "software keystore, not for production"


def test_an_authority_in_production_gets_no_software_keystore(keystore: SoftwareKeystore, directory: Path) -> None:
    """CP 6.2.1 wants a certified module: neither a new nor an existing keystore opens."""
    with pytest.raises(Refused) as refusal:
        SoftwareKeystore(directory, PASSPHRASE, mode="production", entropy=SystemEntropy())
    assert refusal.value.citation == "CP 6.2.1"

    with pytest.raises(Refused):
        SoftwareKeystore.create(directory / "new", PASSPHRASE, mode="production", entropy=SystemEntropy())
    assert not (directory / "new").exists()


def test_a_key_refuses_a_use_it_was_not_made_for(keystore: SoftwareKeystore, ca: KeyRef) -> None:
    """A key that certifies cannot be asked for an OCSP response, and nothing is counted."""
    with pytest.raises(Refused) as refusal:
        keystore.sign(ca, KeyUse.OCSP, b"statut")
    assert refusal.value.citation == "CP 6.1.7"
    assert keystore.counts() == {}


@pytest.mark.parametrize(
    "uses", [set(), {KeyUse.CERTIFICATE, KeyUse.OCSP}, {KeyUse.OCSP, KeyUse.TIMESTAMP}, {KeyUse.CRL, KeyUse.CHECKPOINT}]
)
def test_uses_of_different_processes_never_share_a_key(keystore: SoftwareKeystore, uses: set[KeyUse]) -> None:
    """Only certificates and CRLs go together; a key without use is not made either."""
    with pytest.raises(Refused) as refusal:
        keystore.generate(KeyRef("melange"), CUSTODY_ALGORITHMS["P-256"], frozenset(uses))
    assert refusal.value.citation == "CP 6.1.7"
    assert keystore.labels() == []


def test_a_label_names_one_key_for_ever(keystore: SoftwareKeystore, ca: KeyRef) -> None:
    """A second generation under the same label is a conflict, and the first key stays."""
    before = spki(keystore.public_key(ca))
    with pytest.raises(Conflict):
        keystore.generate(ca, CUSTODY_ALGORITHMS["P-384"], CA_USES)
    assert spki(keystore.public_key(ca)) == before


def test_of_two_processes_generating_one_label_exactly_one_wins(keystore: SoftwareKeystore, reopen: Reopen) -> None:
    """The file system decides; whoever lost is told so, and both then use the same key."""
    stores = [reopen() for _ in range(4)]

    def attempt(store: SoftwareKeystore) -> bool:
        try:
            store.generate(KeyRef("course"), CUSTODY_ALGORITHMS["P-256"], CA_USES)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, stores)) == [False, False, False, True]
    assert len({spki(store.public_key(KeyRef("course"))) for store in stores}) == 1


def test_labels_are_listed_without_opening_anything(keystore: SoftwareKeystore, ca: KeyRef, directory: Path) -> None:
    """A broken file is listed all the same: the list is how one notices that a key is there."""
    (directory / "casse.key").write_bytes(b"{")
    (directory / ".casse.key.draft").write_bytes(b"{")
    assert keystore.labels() == ["casse", "personnes-2026"]


@pytest.mark.parametrize("label", ["", "../racine", "a/b", "Racine", "racine\n", "-racine", "é", "x" * 65])
def test_a_label_is_lower_case_digits_and_hyphens(keystore: SoftwareKeystore, label: str) -> None:
    """A label becomes the name of a file, and never one outside the directory."""
    with pytest.raises(Malformed):
        keystore.public_key(KeyRef(label))


def test_a_key_that_does_not_exist_is_missing(keystore: SoftwareKeystore) -> None:
    """It is neither malformed nor refused: the asker named something that is not there."""
    with pytest.raises(Missing):
        keystore.sign(KeyRef("inconnue"), KeyUse.CRL, b"")


def test_a_directory_without_keystore_is_missing(tmp_path: Path) -> None:
    """`sceau doctor` then says to run `sceau init`."""
    (tmp_path / "rien").mkdir(mode=0o700)
    with pytest.raises(Missing):
        SoftwareKeystore(tmp_path / "rien", PASSPHRASE, mode="demo", entropy=SystemEntropy())


def test_a_keystore_is_never_created_over_another(
    keystore: SoftwareKeystore, ca: KeyRef, directory: Path, reopen: Reopen
) -> None:
    """A new salt over old keys would lose them all."""
    with pytest.raises(Conflict):
        SoftwareKeystore.create(directory, PASSPHRASE, mode="demo", entropy=SystemEntropy(), kdf=CHEAP)
    assert reopen().labels() == [ca.label]


def test_files_belong_to_their_owner_alone(keystore: SoftwareKeystore, ca: KeyRef, directory: Path) -> None:
    """0600 in a 0700 directory, and no draft is left behind."""
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert modes == {"keystore.json": 0o600, "personnes-2026.key": 0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_directory_open_to_others_is_refused(keystore: SoftwareKeystore, directory: Path, reopen: Reopen) -> None:
    """Whoever can write there can replace the keystore by an older one."""
    directory.chmod(0o750)
    with pytest.raises(Refused) as refusal:
        reopen()
    assert refusal.value.citation == "CP 6.2.7"


def test_signatures_are_counted_by_key_and_use(keystore: SoftwareKeystore, ca: KeyRef) -> None:
    """Across threads too: the sum is what was asked."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: keystore.sign(ca, KeyUse.CERTIFICATE, bytes([number])), range(40)))
    keystore.sign(ca, KeyUse.CRL, b"liste")
    assert keystore.counts() == {(ca.label, KeyUse.CERTIFICATE): 40, (ca.label, KeyUse.CRL): 1}


def test_a_key_is_described_by_its_fingerprint(keystore: SoftwareKeystore, ca: KeyRef) -> None:
    """A ceremony's transcript carries this line."""
    description = keystore.description(ca)
    assert (description.label, description.algorithm, description.uses) == (ca.label, "P-256", ("certificate", "crl"))
    assert len(bytes.fromhex(description.spki_sha256)) == 32


def test_the_private_key_is_nowhere_in_clear(keystore: SoftwareKeystore, ca: KeyRef, directory: Path) -> None:
    """The file opens with the JSON of the public half; the rest is sealed."""
    text = (directory / "personnes-2026.key").read_text()
    assert '"sealed"' in text
    assert "PRIVATE" not in text
