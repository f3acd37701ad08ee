"""A signed act serves once: what an officer decided last year decides nothing today (CP 5.2.3)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pki.bootstrap.registrar import officer_keys
from pki.inventory.model import Reason, State
from pki.register.sanctions import Decision, DecisionKind
from tests.world import World, nurse
from trust.algorithms import ALGORITHMS, spki
from trust.errors import Conflict


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An authority with some nurses; each test takes one of its own."""
    made = World(tmp_path_factory.mktemp("replay") / "home")
    made.apply_register([nurse(rank) for rank in range(1, 10)])
    yield made
    made.close()


def test_an_old_release_does_not_lift_a_new_hold(world: World) -> None:
    """Held, released, held again: the first release is spent."""
    certificate = world.enrol(nurse(1))
    world.revoke(certificate, Reason.CERTIFICATE_HOLD)
    release = world.act("oni-1", world.revocation.release_statement(certificate.serial, "oni-1"))
    world.revocation.release_by_officer(release)
    world.clock.advance(minutes=1)
    world.revoke(certificate, Reason.CERTIFICATE_HOLD)
    with pytest.raises(Conflict):
        world.revocation.release_by_officer(release)
    assert world.certificate(certificate.serial).state is State.HELD


def test_an_old_hold_does_not_hold_again(world: World) -> None:
    """Held, released: the hold is spent."""
    certificate = world.enrol(nurse(2))
    hold = world.act("oni-1", world.revocation.officer_statement(certificate.serial, Reason.CERTIFICATE_HOLD, "oni-1"))
    world.revocation.by_officer(hold)
    assert world.revocation.by_officer(hold).already, "sent twice by a client that heard no answer: nothing changes"
    world.release(certificate)
    with pytest.raises(Conflict):
        world.revocation.by_officer(hold)
    assert world.certificate(certificate.serial).state is State.ISSUED


def test_an_old_lifting_does_not_lift_a_new_suspension(world: World) -> None:
    """Suspended, lifted, suspended again: the first levée is spent."""
    person = nurse(3)
    certificate = world.enrol(person)
    world.sanction(person, DecisionKind.SUSPENSION, reference="D-1")
    decisions = (Decision(2, person.idnat, DecisionKind.LEVEE, world.clock.now().date(), "D-2"),)
    lifting = world.act("oni-1", world.lifecycle.sanctions_statement(decisions, "oni-1"))
    world.lifecycle.record_sanctions(decisions, lifting)
    world.clock.advance(minutes=1)
    world.sanction(person, DecisionKind.SUSPENSION, reference="D-3")
    with pytest.raises(Conflict):
        world.lifecycle.record_sanctions(decisions, lifting)
    assert world.certificate(certificate.serial).state is State.HELD


def test_a_plan_signed_with_a_key_withdrawn_since_is_signed_again(world: World) -> None:
    """The first signature no longer counts, and does not stand in the way of the second."""
    snapshot = world.import_register([nurse(rank) for rank in range(1, 9)])
    plan = world.lifecycle.plan(snapshot)
    world.lifecycle.sign(plan, world.act("oncd-1", world.lifecycle.plan_statement(plan, "oncd-1")))
    assert world.lifecycle.plan(snapshot).signed == ("oncd-1",)
    officer_keys(world.home).withdraw("oncd-1", "replaced", by="test")
    assert world.lifecycle.plan(snapshot).signed == ()
    key = world.officer_keys["oncd-1"] = ALGORITHMS["P-256"].generate()
    world.clock.advance(hours=1)
    officer_keys(world.home).register("oncd-1", spki(key.public_key()), by="test")
    assert world.lifecycle.sign(plan, world.act("oncd-1", world.lifecycle.plan_statement(plan, "oncd-1"))) == ("oncd-1",)
    assert world.lifecycle.apply(plan).held == 0
