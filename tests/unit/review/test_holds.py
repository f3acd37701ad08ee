"""Holds, and who may end them: an intent is no certificate, and no cause is lifted by another's release (CP 4.9.13 to 4.9.16)."""

from __future__ import annotations

import pytest

from pki.faults import Faults, InjectedFault
from pki.inventory.model import Certificate, Reason, State
from pki.issuance.order import OrderState
from pki.register.sanctions import Decision, DecisionKind
from tests.unit.review.conftest import ANNE
from tests.world import World, nurse
from trust.errors import Conflict, Missing, Refused


def open_intent(world: World, fault: str = "intent.committed") -> Certificate:
    """Leave an intent open, as a crash would, and return it; the order's batch was approved."""
    batch = world.order([world.application(ANNE)])
    issuer = world.open_issuer(Faults(f"{fault}:raise"))
    with pytest.raises(InjectedFault):
        issuer.turn_until_idle()
    issuer.close()
    with world.store.read() as tx:
        order = tx.orders.of_batch(batch)[0]
        assert order.serial is not None and order.state is OrderState.PREPARED
        return tx.certificates.get(order.serial)


@pytest.mark.parametrize("reason", [Reason.CERTIFICATE_HOLD, Reason.SUPERSEDED, Reason.KEY_COMPROMISE])
def test_an_intent_is_neither_held_nor_revoked_by_an_officer(world: World, reason: Reason) -> None:
    """It may be signed or not: recovery alone judges it, as revoked. Held then released, it would be called good (I9)."""
    world.issuer.turn_until_idle()
    world.close()
    intent = open_intent(world)
    with pytest.raises(Missing):
        world.revoke(intent, reason)
    world.issuer.turn_until_idle()
    assert world.certificate(intent.serial).state is State.REVOKED


def test_a_certificate_without_signature_never_becomes_good(world: World) -> None:
    """The model itself refuses to hold an intent, and to release what was never signed."""
    world.issuer.turn_until_idle()
    world.close()
    intent = open_intent(world)
    with pytest.raises(Refused):
        intent.revoked(Reason.CERTIFICATE_HOLD, world.clock.now())


def test_an_officers_release_does_not_lift_a_suspension(world: World) -> None:
    """Held by an officer, then suspended by the ordre: each cause has its own end."""
    certificate = world.enrol(ANNE)
    world.revoke(certificate, Reason.CERTIFICATE_HOLD)
    world.sanction(ANNE, DecisionKind.SUSPENSION)
    with pytest.raises(Refused, match=r"suspended by ONI"):
        world.release(certificate)
    world.sanction(ANNE, DecisionKind.LEVEE, reference="L-1")
    assert world.certificate(certificate.serial).state is State.HELD
    assert world.release(certificate).state is State.ISSUED


def test_an_officers_release_does_not_bring_back_who_left_the_register(world: World) -> None:
    """Held by an officer, then gone from the register."""
    certificate = world.enrol(ANNE)
    world.revoke(certificate, Reason.CERTIFICATE_HOLD)
    world.clock.advance(days=1)
    world.apply_register([nurse(2)])
    with pytest.raises(Refused, match="register"):
        world.release(certificate)
    world.clock.advance(days=1)
    world.apply_register([ANNE, nurse(2)])
    assert world.certificate(certificate.serial).state is State.HELD, "the officer's own hold stands"
    assert world.release(certificate).state is State.ISSUED


def test_an_officers_hold_outlives_the_registers(world: World) -> None:
    """Held by the register, then by an officer too: the person's return does not end what the officer asked for."""
    certificate = world.enrol(ANNE)
    world.clock.advance(days=1)
    world.apply_register([nurse(2)])
    assert world.certificate(certificate.serial).held_by == "register"
    world.revoke(certificate, Reason.CERTIFICATE_HOLD)
    world.clock.advance(days=1)
    world.apply_register([ANNE, nurse(2)])
    assert world.certificate(certificate.serial).state is State.HELD
    assert world.release(certificate).state is State.ISSUED


def test_an_act_older_than_the_hold_does_not_end_it(world: World) -> None:
    """An officer who signed two releases has one in store: it is not for the next hold."""
    certificate = world.enrol(ANNE)
    world.revoke(certificate, Reason.CERTIFICATE_HOLD)
    spare = world.act("oni-1", world.revocation.release_statement(certificate.serial, "oni-1"))
    world.clock.advance(seconds=1)
    world.release(certificate)
    world.clock.advance(seconds=1)
    world.revoke(certificate, Reason.CERTIFICATE_HOLD, officer="oni-2")
    with pytest.raises((Refused, Conflict)):
        world.revocation.release_by_officer(spare)
    assert world.certificate(certificate.serial).state is State.HELD


def test_a_levee_signed_before_a_decision_does_not_lift_it(world: World) -> None:
    """An officer who signed the levée twice has one in store: it is not for the next suspension."""
    certificate = world.enrol(ANNE)
    world.sanction(ANNE, DecisionKind.SUSPENSION)
    decisions = (Decision(2, ANNE.idnat, DecisionKind.LEVEE, world.clock.now().date(), "L-1"),)
    spare = world.act("oni-1", world.lifecycle.sanctions_statement(decisions, "oni-1"))
    world.clock.advance(seconds=1)
    world.sanction(ANNE, DecisionKind.LEVEE, reference="L-1")
    world.clock.advance(days=1)
    world.sanction(ANNE, DecisionKind.SUSPENSION, reference="D-2")
    world.clock.advance(seconds=1)
    with pytest.raises(Missing):
        world.lifecycle.record_sanctions(decisions, spare)
    assert world.certificate(certificate.serial).state is State.HELD
