"""Mandates are configuration, and each stands for one natural person (CP 5.2.1, CP 5.2.4, invariant I4)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pki.settings import load
from trust.errors import Malformed, Refused

DEV = Path(__file__).parents[3] / "ca_config" / "dev"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that is only a configuration."""
    shutil.copytree(DEV, tmp_path / "config")
    return tmp_path


def change(home: Path, before: str, after: str, board: str = "CNOM") -> None:
    """Replace a text in a board's file."""
    (path,) = (path for path in (home / "config" / "boards").glob("*.toml") if f'code = "{board}"' in path.read_text("utf-8"))
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), "utf-8")


def test_a_mandate_with_a_fact_that_nobody_reads_stops_the_start(home: Path) -> None:
    """``rpps`` for ``idnat``: the officer would decide about himself, and nobody would know why."""
    change(home, 'name = "Claire Dubreuil"', 'name = "Claire Dubreuil"\nrpps = "99700000013"')
    with pytest.raises(Malformed, match="rpps"):
        load(home)


@pytest.mark.parametrize("idnat", ["99700000013", "899700000014", "", "8997 00000013", "x"])
def test_an_identifier_that_no_holder_bears_stops_the_start(home: Path, idnat: str) -> None:
    """An identifier that never equals a holder's protects from nothing."""
    change(home, 'name = "Claire Dubreuil"', f'name = "Claire Dubreuil"\nidnat = "{idnat}"')
    with pytest.raises(Malformed, match="idnat"):
        load(home)


def test_one_person_has_one_mandate_in_a_board(home: Path) -> None:
    """Two identifiers of one person would be two signatures of one person."""
    for name in ("Claire Dubreuil", "Hugo Marchetti"):
        change(home, f'name = "{name}"', f'name = "{name}"\nidnat = "899700000013"')
    with pytest.raises(Refused, match="same person"):
        load(home)


def test_a_role_that_does_not_exist_stops_the_start(home: Path) -> None:
    """A typing error is not taken for fewer powers."""
    change(home, '"register", "approve", "revoke"', '"register", "aprove", "revoke"')
    with pytest.raises(Malformed, match="aprove"):
        load(home)


@pytest.mark.parametrize("name", ["register", "sanction:1", "", "cnom 1", "holder:899700000013"])
def test_an_officer_is_not_called_as_one_of_our_processes(home: Path, name: str) -> None:
    """What holds a certificate is known by that name: an officer called ``register`` would hold what the register releases."""
    change(home, 'id = "cnom-1"', f'id = "{name}"')
    with pytest.raises(Malformed, match="officer"):
        load(home)


def test_two_files_of_one_board_stop_the_start(home: Path) -> None:
    """The second would replace the first in silence."""
    change(home, 'code = "CNOP"', 'code = "CNOM"', board="CNOP")
    with pytest.raises(Malformed, match="CNOM"):
        load(home)


@pytest.mark.parametrize("value", ["true", '"1"', "1.5", "-1"])
def test_numbers_of_a_board_are_numbers(home: Path, value: str) -> None:
    """``true`` approvals is not one approval."""
    change(home, "approvals = 1", f"approvals = {value}")
    with pytest.raises((Malformed, Refused)):
        load(home)
