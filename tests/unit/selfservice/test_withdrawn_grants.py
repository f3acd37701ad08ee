"""An officer withdraws what the ordre granted to somebody (CP 4.7.2): signed, with a reason, for their own ordre."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pki.authenticators.model import Account, Kind
from pki.bootstrap import registrar
from pki.bootstrap.office import Office
from pki.inventory.model import State
from pki.issuance.approvals import Act
from pki.issuance.order import OrderState
from pki.registration.grants import GrantApplication
from tests.unit.selfservice.test_selfservice import ANNE, AUTHENTICATION, BRUNO, SIGNATURE, Somebody, grant, world
from tests.world import World
from trust.errors import Conflict, Malformed, Missing, Refused

__all__ = ["world"]


def signed(world: World, officer: str = "oni-1", reason: str = "Partie à la retraite.") -> Act:
    """Have an officer sign that what Anne was granted is withdrawn."""
    grants = registrar.grants(world.home)
    (given,) = grants.of_holder(ANNE.idnat)
    return world.act(officer, grants.withdrawal_statement(given.id, officer, reason))


def test_nothing_more_is_obtained_and_what_was_obtained_stays(world: World) -> None:
    """Neither a new certificate nor what the issuer had not begun; the certificate is for the officers to revoke."""
    anne = Somebody(world, ANNE.idnat)
    assert anne.obtain(AUTHENTICATION) == [(OrderState.DONE, None)]
    waits = anne.ask(SIGNATURE)
    withdrawn = registrar.grants(world.home).withdraw(signed(world))
    assert withdrawn.withdrawn_at == world.clock.now()
    world.issuer.turn_until_idle()
    ((state, failure),) = [(order.state, order.failure) for order in anne.office.selfservice.state(waits, ANNE.idnat)]
    assert state is OrderState.FAILED and "withdrawn" in str(failure)
    with pytest.raises(Refused, match=r"CP 4\.7\.2"):
        anne.ask(SIGNATURE)
    (certificate,) = anne.office.selfservice.credentials(ANNE.idnat)
    assert world.certificate(certificate.serial).state is State.ISSUED


def test_a_link_that_leads_to_nothing_any_more_ends_and_the_ordre_may_grant_again(world: World) -> None:
    """Another person's link is left alone; what was withdrawn is asked for and approved as the first time."""
    grant(world, BRUNO.rpps, "PETIT")
    office = Office(world.home, "http://localhost:8400")
    links = [
        office.entries.invite(Account(Kind.PERSON, person.idnat), timedelta(days=15), by="oni-1", with_code=True)
        for person in (ANNE, BRUNO)
    ]
    office.grants.withdraw(signed(world))
    with pytest.raises(Refused):
        office.entries.look(links[0].token)
    assert office.entries.look(links[1].token).account.id == BRUNO.idnat
    again = office.grants.draft("oni-1", [GrantApplication(ANNE.rpps, (AUTHENTICATION, SIGNATURE), "MARTIN", "Camille")])
    assert len(again.records) == 1 and not again.known and not again.refused


def test_a_withdrawal_serves_once_and_needs_a_reason_and_a_mandate_of_the_ordre(world: World) -> None:
    """Another ordre's grant does not exist; a signature about something else is none."""
    grants = registrar.grants(world.home)
    (given,) = grants.of_holder(ANNE.idnat)
    for reason in ("", " ", "a\nb", "x" * 201):
        with pytest.raises(Malformed):
            grants.withdrawal_statement(given.id, "oni-1", reason)
    with pytest.raises(Missing):
        grants.withdrawal_statement(given.id, "cnom-1", "Non.")
    ours = signed(world)
    foreign = ours.statement.replace('"officer":"oni-1"', '"officer":"cnom-1"')
    with pytest.raises(Missing):
        grants.withdraw(world.act("cnom-1", foreign))
    with pytest.raises(Refused, match="something else"):
        grants.withdraw(world.act("oni-1", ours.statement.replace(ANNE.idnat, BRUNO.idnat)))
    with pytest.raises(Malformed):
        grants.withdraw(world.act("oni-2", ours.statement))
    assert grants.withdraw(ours).withdrawn_at is not None
    with pytest.raises(Conflict):
        grants.withdraw(ours)
