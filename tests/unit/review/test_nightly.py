"""What happens without anybody's command: decisions come into force, what slipped through is found (CP 4.9.1, CP 4.9.3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from pki.bootstrap import registrar
from pki.bootstrap.issuer import Issuer
from pki.faults import Faults
from pki.inventory.model import Certificate, State
from pki.register.invented import finess_of
from pki.register.sanctions import Decision, DecisionKind
from pki.registration.applications import Application
from tests.unit.review.conftest import ANNE
from tests.world import World, certification_request, nurse
from trust.algorithms import ALGORITHMS

HOSPITAL = "1" + finess_of(1)


class Meanwhile(Faults):
    """Has something else happen at a point of issuance, once."""

    def __init__(self, point: str, what: Callable[[], object]) -> None:
        super().__init__()
        self.point, self.what = point, [what]

    def at(self, point: str) -> None:
        """Pass a point."""
        if point == self.point and self.what:
            self.what.pop()()


def decide_ahead(world: World, days: int) -> None:
    """Record a suspension of Anne that takes effect in some days."""
    decisions = (Decision(2, ANNE.idnat, DecisionKind.SUSPENSION, world.clock.now().date() + timedelta(days=days), "D-9"),)
    statement = world.lifecycle.sanctions_statement(decisions, "oni-1")
    world.lifecycle.record_sanctions(decisions, world.act("oni-1", statement))


def only(world: World, holder: str) -> Certificate:
    """Return the one certificate of a holder."""
    with world.store.read() as tx:
        (certificate,) = tx.certificates.of_holder(holder)
    return certificate


def test_a_decision_recorded_ahead_takes_effect_on_its_day(world: World) -> None:
    """Nobody runs a command: the issuer does, at the change of the day, and within minutes if it slept through it."""
    certificate = world.enrol(ANNE)
    decide_ahead(world, 3)
    for day in range(3):
        world.issuer.turn_until_idle()
        assert world.certificate(certificate.serial).state is State.ISSUED, day
        world.clock.advance(days=1)
    world.issuer.turn_until_idle()
    held = world.certificate(certificate.serial)
    assert (held.state, str(held.held_by)[:9]) == (State.HELD, "sanction:")


def test_a_decision_recorded_while_a_certificate_is_made_is_applied_within_a_minute(world: World) -> None:
    """Between the intent and the certificate the decision finds nothing to hold; the next look does."""
    world.issuer.turn_until_idle()
    world.close()
    world.order([world.application(ANNE)])
    seconds = [0.0]
    fault = Meanwhile("hsm.before", lambda: world.sanction(ANNE, DecisionKind.RADIATION))
    issuer = Issuer(world.home, world.custodian, faults=fault, ticks=lambda: seconds[0])
    issuer.turn_until_idle()
    seconds[0] = 60.0
    issuer.turn_until_idle()
    issuer.close()
    assert only(world, ANNE.idnat).state is State.REVOKED


def test_a_structure_withdrawn_while_its_certificate_is_made_has_none_the_next_day(world: World) -> None:
    """Reconciliation by night reads structures too."""
    service = registrar.organisations(world.home)
    draft = service.draft("oni-1", HOSPITAL, "HÔPITAL FICTIF", "Essai (99)", ["hopital.example"])
    service.declare(draft, world.act("oni-1", service.declaration_statement(draft)))
    service.approve(world.act("oni-2", service.approval_statement(HOSPITAL, "oni-2")))
    world.issuer.turn_until_idle()
    world.close()
    request = certification_request(ALGORITHMS["P-256"].generate())
    world.order([Application(HOSPITAL, "serveur-tls-ec", request, dns_names=("hopital.example",))])
    withdraw = world.act("oni-1", service.withdrawal_statement(HOSPITAL, "oni-1", "fermeture"))
    issuer = world.open_issuer(Meanwhile("hsm.before", lambda: service.withdraw(withdraw)))
    issuer.turn_until_idle()
    assert only(world, HOSPITAL).state is State.ISSUED
    world.clock.advance(days=1)
    issuer.turn_until_idle()
    issuer.close()
    assert only(world, HOSPITAL).state is State.REVOKED


def test_many_are_looked_at_a_few_at_a_time(world: World) -> None:
    """The walk goes on where it stopped: everybody is seen, however small the steps."""
    people = [nurse(rank) for rank in range(1, 8)]
    world.apply_register(people)
    world.order([world.application(person) for person in people])
    world.issuer.turn_until_idle()
    world.close()
    with world.store.write() as tx:
        tx.connection.exec_driver_sql("UPDATE register_entries SET absent_since = 1 WHERE idnat <> ?", (ANNE.idnat,))
    held: list[int] = []
    after: str | None = ""
    while after is not None:
        done, after = world.lifecycle.reconcile_some(after, 2)
        held.append(done.held)
    assert sum(held) == 6 and max(held) == 2


@pytest.mark.parametrize("days", [3648, 3649, 3651])
def test_an_authority_at_the_end_of_its_life_does_not_end_the_others(world: World, days: int) -> None:
    """A responder that would outlive its CA gets a shorter life, or none; the turn goes on (CP 6.3.2)."""
    world.clock.advance(days=days)
    world.issuer.turn_until_idle()
