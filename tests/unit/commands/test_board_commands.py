"""`sceau board`: officers and their keys (CP 5.2.1, CP 5.2.3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from pki.bootstrap.officers import make_key
from tests.unit.commands.conftest import Sceau
from trust.algorithms import spki


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A passphrase in a file of its owner's alone."""
    path = tmp_path / "officer.pass"
    path.write_text("correct horse battery staple\n")
    path.chmod(0o600)
    return path


def test_every_board_is_listed_with_its_officers_and_their_keys(looking: Sceau) -> None:
    """Seven ordres; in a demonstration every officer has a key."""
    data = looking("board", "list", "--json").data
    assert [board["code"] for board in data] == ["CNOM", "CNOMK", "CNOP", "CNOPP", "CNOSF", "ONCD", "ONI"]
    officers = [officer for board in data for officer in board["officers"]]
    assert all(len(officer["keys"]) == 1 and officer["keys"][0]["algorithm"] == "P-256" for officer in officers)
    text = looking("board", "list").out
    assert all(officer["name"] in text for officer in officers)


def test_a_new_key_serves_at_once(sceau: Sceau, tmp_path: Path, secret: Path) -> None:
    """Made, entered, and signed with."""
    path = tmp_path / "new.pem"
    said = sceau(
        "board", "officer-key", "cnom-1", "--key-out", path, "--passphrase-file", secret, "--algorithm", "Ed25519", "--json"
    )
    assert (said.code, said.data["algorithm"]) == (0, "Ed25519")
    assert "ENCRYPTED" in path.read_text().splitlines()[0]
    serial = sceau("cert", "list", "--board", "CNOM", "--state", "issued", "--profile", "ps-signature", "--json").data[0][
        "serial"
    ]
    signed = ("--officer", "cnom-1", "--key", path, "--passphrase-file", secret)
    assert sceau("ra", "hold", serial, *signed).code == 0


def test_a_key_that_nobody_entered_decides_nothing(sceau: Sceau, tmp_path: Path, secret: Path) -> None:
    """The mandate alone is not enough, nor the key alone."""
    make_key(tmp_path / "stranger.pem", secret)
    signed = ("--officer", "cnom-1", "--key", tmp_path / "stranger.pem", "--passphrase-file", secret)
    said = sceau("register", "sign", *signed, "--json")
    assert (said.code, said.error["citation"]) == (1, "CP 5.2.3")


def test_a_public_key_is_entered_in_pem_or_der(sceau: Sceau, tmp_path: Path) -> None:
    """An officer may keep the private half elsewhere."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    for number, encoding in enumerate((Encoding.PEM, Encoding.DER)):
        key = make_key(tmp_path / f"key-{number}.pem", None)
        path = tmp_path / f"public-{number}"
        path.write_bytes(key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo))
        said = sceau("board", "officer-register", "oni-1", "--public-key", path, "--json")
        assert said.code == 0, said.err
    keys = next(board for board in sceau("board", "list", "--json").data if board["code"] == "ONI")["officers"][0]["keys"]
    assert len(keys) == 3


def test_a_key_is_one_officers(sceau: Sceau, tmp_path: Path) -> None:
    """Whoever comes second is refused, with the rule."""
    path = tmp_path / "public.der"
    path.write_bytes(spki(make_key(tmp_path / "key.pem", None).public_key()))
    assert sceau("board", "officer-register", "oni-1", "--public-key", path).code == 0
    said = sceau("board", "officer-register", "oni-2", "--public-key", path, "--json")
    assert (said.code, said.error["citation"]) == (1, "CP 5.2.3")


def test_a_withdrawn_officer_signs_nothing_more(sceau: Sceau) -> None:
    """And the list says since when."""
    assert sceau("board", "officer-withdraw", "oni-1", "--reason", "compromised").code == 0
    said = sceau("register", "sign", "--officer", "oni-1", "--json")
    assert (said.code, said.error["error"]) == (1, "refused")
    assert "withdrawn " in sceau("board", "list").out
    (entry,) = sceau("audit", "show", "--type", "officer.withdrawn", "--json").data
    assert entry["facts"] == {"officer": "oni-1", "ordre": "ONI", "reason": "compromised", "by": "operator"}


@pytest.mark.parametrize(
    ("arguments", "family"),
    [
        (("officer-key", "nobody", "--key-out", "{tmp}/k.pem", "--passphrase-file", "{secret}"), "missing"),
        (("officer-key", "oni-1", "--key-out", "{tmp}/k.pem", "--passphrase-file", "{tmp}/none"), "missing"),
        (
            ("officer-key", "oni-1", "--key-out", "{tmp}/k.pem", "--passphrase-file", "{secret}", "--algorithm", "RSA-2048"),
            "refused",
        ),
        (("officer-key", "oni-1", "--key-out", "{secret}", "--passphrase-file", "{secret}"), "conflict"),
        (("officer-register", "oni-1", "--public-key", "{secret}"), "malformed"),
        (("officer-withdraw", "nobody"), "missing"),
    ],
)
def test_a_wrong_wish_is_refused_and_leaves_no_key_behind(
    looking: Sceau, tmp_path: Path, secret: Path, arguments: tuple[str, ...], family: str
) -> None:
    """Unknown officers, missing files, weak kinds, files that exist."""
    said = looking("board", *(argument.format(tmp=tmp_path, secret=secret) for argument in arguments), "--json")
    assert (said.code, said.error["error"]) == (1, family)
    assert not (tmp_path / "k.pem").exists()
