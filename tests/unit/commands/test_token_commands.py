"""`sceau board token…`: what programs come in with (CP 5.2.3)."""

from __future__ import annotations

import stat
from pathlib import Path

from pki.bootstrap.office import open_office
from pki.register.invented import finess_of
from tests.unit.commands.conftest import Sceau


def test_a_token_is_shown_once_listed_and_withdrawn(sceau: Sceau, home: Path) -> None:
    """The list knows everything of it but the token."""
    made = sceau("board", "token", "cnom-1", "--name", "export de nuit", "--days", "30", "--json")
    assert (made.code, made.data["account"], made.data["scopes"]) == (0, "officer:cnom-1", ["read"])
    assert open_office(home).tokens.find(made.data["token"]) is not None
    listed = sceau("board", "tokens", "--json")
    assert [(each["id"], each["state"], each["name"]) for each in listed.data] == [(made.data["id"], "serves", "export de nuit")]
    assert made.data["token"] not in listed.out + sceau("board", "tokens").out
    assert sceau("board", "token-withdraw", made.data["id"]).code == 0
    assert open_office(home).tokens.find(made.data["token"]) is None
    assert "withdrawn" in sceau("board", "tokens").out


def test_a_token_goes_into_a_file_of_its_owner_s_alone(sceau: Sceau, home: Path, tmp_path: Path) -> None:
    """Nothing of it is printed, and no file is replaced."""
    path, hospital = tmp_path / "renewals.token", "1" + finess_of(1)
    command = ("board", "token", "--structure", hospital, "--name", "x", "--scope", "read", "--scope", "request", "--out", path)
    said = sceau(*command)
    secret = path.read_text().strip()
    assert said.code == 0 and secret not in said.out and stat.S_IMODE(path.stat().st_mode) == 0o600
    found = open_office(home).tokens.find(secret)
    assert found is not None and str(found.account) == f"structure:{hospital}"
    assert sceau(*command, "--json").error["error"] == "conflict"


def test_what_cannot_have_a_token_is_told_why(sceau: Sceau) -> None:
    """Nobody's, both's, a structure's that is not approved, a structure that would decide."""
    waiting, approved = "1" + finess_of(2), "1" + finess_of(1)
    assert sceau("board", "token", "--name", "x", "--json").error["error"] == "malformed"
    assert sceau("board", "token", "cnom-1", "--structure", approved, "--name", "x", "--json").error["error"] == "malformed"
    assert sceau("board", "token", "nobody", "--name", "x", "--json").error["error"] == "missing"
    assert sceau("board", "token", "--structure", waiting, "--name", "x", "--json").error["error"] == "missing"
    said = sceau("board", "token", "--structure", approved, "--name", "x", "--scope", "decide", "--json")
    assert said.error["citation"] == "CP 5.2.1"
