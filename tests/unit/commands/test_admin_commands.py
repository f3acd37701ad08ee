"""`sceau admin`, and what `sceau doctor` leaves for the administrators' page (CP 5.2.1, CP 5.2.3)."""

from __future__ import annotations

from pathlib import Path

from pki.authenticators.model import Account, Kind
from pki.bootstrap.examined import kept
from pki.bootstrap.office import open_office
from pki.bootstrap.rounds import Rounds
from tests.builders.authenticator import Authenticator
from tests.builders.served import until
from tests.unit.commands.conftest import Sceau

KEEPER = Account(Kind.ADMINISTRATOR, "exploitation-1")


def test_an_administrator_is_invited_listed_and_withdrawn(sceau: Sceau, home: Path) -> None:
    """By a link to the pages that are theirs; who is not in the configuration is not invited."""
    said = sceau("admin", "invite", "exploitation-1", "--json").data
    assert said["account"] == str(KEEPER) and "/admin/entree/" in said["link"]
    office = open_office(home)
    answer = Authenticator().make(office.passkeys.registration_options(KEEPER, "x"))
    office.passkeys.register_by_entry(said["link"].rsplit("/", 1)[1], None, answer, "x")
    assert [(each["id"], each["passkeys"]) for each in sceau("admin", "list", "--json").data] == [
        ("exploitation-1", 1),
        ("exploitation-2", 0),
    ]
    assert sceau("admin", "withdraw", "exploitation-1", "--json").data["withdrawn"] == 1
    assert office.passkeys.of(KEEPER) == []
    for verb in ("invite", "withdraw"):
        assert sceau("admin", verb, "cnom-1", "--json").error["error"] == "missing"


def test_a_demonstration_lets_its_administrator_in(sceau: Sceau) -> None:
    """By the role's name."""
    assert "/admin/entree/" in sceau("demo", "login", "administrateur").out


def test_the_machine_is_examined_now_and_then_and_what_is_found_is_kept(home: Path) -> None:
    """By a process of its own, which ends with the one that began it."""
    with Rounds(home, 18400, first=0.0):
        until((home / "run" / "findings.json").exists, "the machine is examined")
    assert "revocation lists" in {each.name for each in kept(home).findings}
    with Rounds(home, 18400, first=0.0):
        pass  # asked to stop at once: nothing waits for the examination
