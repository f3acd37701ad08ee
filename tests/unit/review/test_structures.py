"""Structures: no officers obtain a certificate for another board's, nor for a host outside its domains (CP 3.2.2, CP 3.2.5)."""

from __future__ import annotations

from typing import Any

import pytest

from pki.bootstrap import registrar
from pki.issuance.approvals import APPROVAL, SUBMISSION
from pki.issuance.order import OrderState
from pki.register.invented import finess_of
from pki.registration.applications import Application, LineError
from tests.unit.review.forger import TWO, Forger
from tests.world import World, certification_request, nurse
from trust.algorithms import ALGORITHMS

HOSPITAL = "1" + finess_of(1)
SERVER: dict[str, Any] = {
    "kind": "server",
    "struct_idnat": HOSPITAL,
    "name": "HÔPITAL FICTIF",
    "department": "Essai (99)",
    "dns_names": ["www.hopital-fictif.example"],
}


@pytest.fixture
def forger(world: World) -> Forger:
    """A forger in an authority where nurses answer for a hospital."""
    service = registrar.organisations(world.home)
    draft = service.draft("oni-1", HOSPITAL, SERVER["name"], SERVER["department"], ["hopital-fictif.example"])
    service.declare(draft, world.act("oni-1", service.declaration_statement(draft)))
    service.approve(world.act("oni-2", service.approval_statement(HOSPITAL, "oni-2")))
    return Forger(world)


def ordered(forger: Forger, acts: Any = TWO, board: str = "ONI", requester: str = "oni-1", **subject: Any) -> str:
    """Order a server's certificate, truthful but for these changes."""
    with forger.world.store.read() as tx:
        found = tx.register.standings([HOSPITAL], forger.world.clock.now())[HOSPITAL]
    changes: dict[str, Any] = {
        "holder": HOSPITAL,
        "profile": "serveur-tls-ec",
        "ca": "organisations",
        "subject": SERVER | subject,
    }
    changes |= {"register": {"entry": found.digest.hex()}, "board": board, "requester": requester}
    statement, key = forger.statement(nurse(1), **changes)
    return forger.order(statement, key, acts, ca="organisations", board=board)


def test_a_truthful_order_is_issued(forger: Forger) -> None:
    """What the next tests change is all that is wrong there."""
    assert forger.outcome(ordered(forger)) == (OrderState.DONE, None)


def test_another_boards_officers_obtain_nothing_for_it(forger: Forger) -> None:
    """Not even two of them, with the right digest of its record."""
    two = (("cnom-1", SUBMISSION), ("cnom-2", APPROVAL))
    assert "does not answer" in forger.all_fail([ordered(forger, two, "CNOM", "cnom-1")])[0]


def test_no_other_name_and_no_other_host_is_certified(forger: Forger) -> None:
    """A suffix is a label or more, the case is one, and nothing stands for something else."""
    hosts = (
        "evil-hopital-fictif.example",
        "hopital-fictif.example.evil.example",
        "WWW.hopital-fictif.example",
        "www.hopital-fictif.example.",
        ".hopital-fictif.example",
        "example",
        "*.example",
        "*.hopital-fictif.example",
        "www.hopital-fictif.example\x00.evil.example",
        "www.hôpital-fictif.example",
        "",
    )
    changes: list[dict[str, Any]] = [{"dns_names": [host]} for host in hosts]
    changes += [{"dns_names": value} for value in (None, [], "www.hopital-fictif.example", [["x"]], {"x": 1}, [5])]
    changes += [{"name": "AUTRE"}, {"department": "Paris (75)"}, {"struct_idnat": "1" + finess_of(2)}]
    forger.all_fail(ordered(forger, **change) for change in changes)


def test_registration_refuses_the_same_hosts(world: World, forger: Forger) -> None:
    """Line by line, before anybody is asked to approve."""
    key = ALGORITHMS["P-256"].generate()
    asked = [
        Application(HOSPITAL, "serveur-tls-ec", certification_request(key), dns_names=(host,), line=line)
        for line, host in enumerate(("evil-hopital-fictif.example", "WWW.hopital-fictif.example", "www.hopital-fictif.example."))
    ]
    lines: list[Application | LineError] = [*asked]
    draft = world.enrolment.draft("oni-1", lines)
    assert not draft.records and len(draft.refused) == 3
