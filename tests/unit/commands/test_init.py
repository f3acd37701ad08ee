"""`sceau init`: created, finished after an interruption, and never twice (CP 6.1.1)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pki.cli.main import main
from tests.builders.keystore import make_keystore
from tests.unit.commands.conftest import Sceau, runner


@pytest.fixture
def empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Sceau:
    """Run command lines on a home that is not there yet."""
    return runner(tmp_path / "new", capsys)


def test_a_bare_authority_has_nobody_in_it(empty: Sceau, tmp_path: Path) -> None:
    """Only itself; and it is not announced as a demonstration of anything."""
    said = empty("init", "--bare", "--json")
    assert (said.code, said.data["demonstration"]) == (0, False)
    assert {each["profile"] for each in empty("cert", "list", "--json").data} == {"ca-racine", "ca-emettrice"}
    assert empty("board", "list", "--json").data[0]["officers"][0]["keys"] == []
    assert not (tmp_path / "new" / "demo").exists()
    assert empty("init", "--bare").out.startswith("Sceau, autorité de démonstration was there already")


def test_a_post_quantum_authority_is_created_from_the_same_template(empty: Sceau) -> None:
    """Every authority of it."""
    assert empty("init", "--bare", "--algorithm", "ML-DSA-65").code == 0
    assert {each["algorithm"] for each in empty("ca", "list", "--json").data} == {"ML-DSA-65"}


def test_the_address_of_publication_is_in_every_certificate(empty: Sceau, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the base port, or as given."""
    monkeypatch.setenv("SCEAU_BASE_PORT", "9400")
    assert empty("init", "--bare", "--json").data["base_url"] == "http://127.0.0.1:9401"
    assert "http://127.0.0.1:9401/crl/racine.crl" in empty("ca", "show", "personnes", "--text").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--template", "none"),
        ("--algorithm", "DSA"),
        ("--base-url", "https://pki.example"),
        ("--base-url", 'http://pki.example/"'),
        ("--base-url", "pki.example"),
        ("--database", "postgresql://sceau:word@localhost/sceau"),
        ("--database", "postgresql://localhost/sceau?password=word"),
        ("--database", "mysql://localhost/sceau"),
        ("--database", 'sqlite:///"x'),
    ],
)
def test_what_cannot_be_created_is_refused_and_leaves_no_configuration(
    empty: Sceau, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """Passwords on the command line above all."""
    said = empty("init", "--bare", *arguments)
    assert said.code == 1
    assert "word@" not in said.err
    assert not (tmp_path / "new" / "config").exists()


def test_the_demonstration_has_something_of_everything(looking: Sceau) -> None:
    """Twenty-four practitioners of three ordres, a hospital, every state, requests that wait, a plan."""
    certificates = looking("cert", "list", "--json").data
    people = {each["holder"] for each in certificates if each["holder"].startswith("8")}
    assert len(people) == 24
    assert {each["board"] for each in certificates} == {"CNOM", "ONI", "CNOP", None}
    states = [each["status"] for each in certificates]
    assert (states.count("held"), states.count("revoked")) == (3, 5)
    assert {each["state"] for each in looking("ra", "list", "--json").data} == {"submitted", "approved", "refused"}
    assert looking("register", "plan", "--json").data["rights_taken"] > 0


def test_the_demonstrations_certificates_lie_beside_their_keys(demonstration: Path) -> None:
    """Everything that was issued, for whoever tries it with other software."""
    keys = {path.name for path in (demonstration / "demo" / "keys").iterdir()}
    certificates = {path.name for path in (demonstration / "demo" / "certificates").iterdir()}
    assert len(certificates) == 35
    assert certificates < keys
    assert all(path.stat().st_mode & 0o077 == 0 for path in (demonstration / "demo" / "keys").iterdir())


def test_a_complete_demonstration_is_left_alone(sceau: Sceau, home: Path) -> None:
    """What was released since is not held again."""
    serial = sceau("cert", "list", "--state", "held", "--board", "CNOM", "--json").data[0]["serial"]
    assert sceau("ra", "release", serial, "--officer", "cnom-1").code == 0
    before = sceau("audit", "show", "--limit", "1", "--json").data
    assert sceau("init").code == 0
    assert sceau("audit", "show", "--limit", "1", "--json").data == before
    (home / "demo" / "complete").unlink()
    shutil.rmtree(home / "demo" / "certificates")
    assert sceau("init").code == 0
    assert sceau("audit", "verify").code == 0


@pytest.mark.parametrize(
    "fault",
    ["serial.drawn:raise", "intent.committed:raise", "issued.committed:raise:4", "crl.signed:raise:3", "ocsp.cached:raise"],
)
def test_an_interrupted_creation_is_finished_by_running_it_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Wherever it stopped: the outcome is a whole demonstration, and a journal that agrees with its tables."""
    home = tmp_path / "home"
    make_keystore(home)
    monkeypatch.setenv("SCEAU_FAULT", fault)
    assert main(["init", "--home", str(home)]) == 1
    monkeypatch.delenv("SCEAU_FAULT")
    sceau = runner(home, capsys)
    assert sceau("init").code == 0
    assert (home / "demo" / "complete").exists()
    assert len({each["holder"] for each in sceau("cert", "list", "--state", "issued", "--json").data}) >= 20
    assert sceau("audit", "verify").code == 0


def test_two_creations_do_not_mix(home: Path, sceau: Sceau) -> None:
    """The second one says who is at work."""
    from pki.bootstrap.lock import HomeLock

    with HomeLock(home, "init", 8400):
        said = sceau("init", "--json")
    assert (said.code, said.error["error"]) == (1, "conflict")
