"""`sceau init --pkcs11`: an authority whose keys are made in a PKCS#11 token."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm.api import KeyRef, KeyUse
from pki.bootstrap.custody import open_custodian
from pki.bootstrap.issuer import open_issuer
from pki.cli.main import main
from tests.tokens import PIN, tokens
from tests.world import World
from trust.algorithms import ALGORITHMS
from trust.errors import Alarm


def test_an_authority_is_created_with_its_keys_in_a_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each key is one that never leaves; the home keeps the PIN for its owner alone; another home finds the token taken."""
    tokens()
    pin = tmp_path / "pin.txt"
    pin.write_text(PIN + "\n")
    pin.chmod(0o600)
    said = ["--template", "dev", "--bare", "--pkcs11", "pkcs11:token=init", "--pin-file", str(pin)]

    assert main(["init", "--home", str(tmp_path / "one"), *said]) == 0
    assert "keys: PKCS#11 token, pkcs11:token=init" in capsys.readouterr().out
    kept = tmp_path / "one" / "secrets" / "token-pin"
    assert kept.read_text() == PIN + "\n"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "one" / "keys").exists()
    assert PIN not in (tmp_path / "one" / "config" / "authority.toml").read_text()

    assert main(["init", "--home", str(tmp_path / "two"), *said]) == 1
    assert "holds keys of an authority already (journal, organisations, personnes, racine)" in capsys.readouterr().err

    assert main(["init", "--home", str(tmp_path / "three"), "--pin-file", str(pin)]) == 1
    assert "--pin-file and --module go with --pkcs11" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("label", "uses", "whose"),
    [
        ("personnes", {KeyUse.CERTIFICATE, KeyUse.CRL}, "of personnes"),
        ("ocsp-personnes-1", {KeyUse.OCSP}, "of a responder of personnes"),
    ],
)
def test_a_key_that_is_not_the_one_of_its_certificate_stops_the_start(
    tmp_path: Path, label: str, uses: set[KeyUse], whose: str
) -> None:
    """Somebody put another key under the label of a CA, or of a responder: nothing is signed with it."""
    world = World(tmp_path / "home")
    world.issuer.turn_until_idle()
    world.close()
    (world.home.settings.keystore / f"{label}.key").unlink()
    custodian = open_custodian(world.home)
    custodian.generate(KeyRef(label), ALGORITHMS["P-256"], frozenset(uses))
    with pytest.raises(Alarm, match=f"key {label} in custody is not the one of the certificate {whose}:"):
        open_issuer(world.home)
