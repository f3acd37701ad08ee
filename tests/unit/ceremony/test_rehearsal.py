"""Rehearsals: what is needed for one, and what they never mix with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pki.bootstrap.ceremony.rehearsal import rehearse
from tests.builders.ceremonies import DAY, EXAMPLE
from tests.tokens import tokens
from trust.errors import Conflict, Malformed, Missing

SCRIPT = (EXAMPLE / "ceremonies" / "liste.toml").read_bytes()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A configuration and nothing else: a rehearsal opens no more of a home."""
    folder = tmp_path / "racine" / "config"
    (folder / "profiles").mkdir(parents=True)
    (folder / "authority.toml").write_bytes((EXAMPLE / "racine" / "authority.toml").read_bytes())
    return tmp_path / "racine"


def silent(_line: str) -> None:
    """Hear the news, and tell nobody."""


def test_below_an_offline_root_a_rehearsal_has_a_stand_in_for_it(tmp_path: Path) -> None:
    """An authority that waits for its root's file signs in the rehearsal; the home itself gets nothing."""
    tokens()  # skips where there is no SoftHSM
    config = tmp_path / "sceau" / "config"
    shutil.copytree(EXAMPLE.parent / "dev" / "profiles", config / "profiles")
    (config / "authority.toml").write_bytes((EXAMPLE / "emettrices" / "authority.toml").read_bytes())
    script = (EXAMPLE / "ceremonies" / "repondeur.toml").read_bytes().replace(DAY, b"2126-11-23")
    played = rehearse(script, config.parent, tmp_path / "out", silent)

    assert [made.file for made in played.made] == ["repondeur.cer"]
    assert sorted(path.name for path in config.parent.iterdir()) == ["config"]


def test_without_softhsm_the_package_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line that installs it, and nothing is left behind."""
    monkeypatch.setenv("PATH", str(home))
    with pytest.raises(Missing, match="apt-get install softhsm2"):
        rehearse(SCRIPT, home, None, silent)
    assert [path.name for path in home.iterdir()] == ["config"]


def test_a_rehearsal_does_not_mix_with_what_is_there(home: Path, tmp_path: Path) -> None:
    """Files of no value beside real ones would be taken for them."""
    tokens()  # skips where there is no SoftHSM
    out = tmp_path / "out"
    out.mkdir()
    (out / "racine.crl").write_bytes(b"a real one")
    with pytest.raises(Conflict, match="is not empty"):
        rehearse(SCRIPT, home, out, silent)
    assert (out / "racine.crl").read_bytes() == b"a real one"


def test_a_home_that_is_none_is_not_rehearsed(tmp_path: Path) -> None:
    """There is no configuration to rehearse with; nor is a script that is none read."""
    with pytest.raises(Missing):
        rehearse(SCRIPT, tmp_path, None, silent)
    with pytest.raises(Malformed):
        rehearse(b"", tmp_path, None, silent)
