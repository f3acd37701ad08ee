"""A clock that steps back, a generator that repeats itself, a key that signs wrongly, a module that is slow.

Failure cases I06, I09 and K04; invariants I1, I2, I8 and I12.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from hsm.api import KeyUse
from hsm.testing import CorruptingCustodian
from pki.bootstrap import registrar
from pki.bootstrap.issuer import Issuer
from pki.inventory.model import Reason, State
from pki.issuance.order import OrderState
from pki.register.sanctions import DecisionKind
from pki.revocation.service import holder_statement
from tests.faults.injections import BusyClock, Doing, SlowCustodian
from tests.invariants import begin_witness, check_journal, check_witness, inventory, witnessed
from tests.outside import check_answers, check_content, check_good_is_earned, check_published
from tests.world import World, nurse
from trust.algorithms import algorithm_of
from trust.errors import Alarm, SceauError
from trust.testing import RepeatingEntropy


@pytest.fixture
def witness(world_on: World) -> Path:
    """The witness of what is signed from here on."""
    return begin_witness(world_on)


def certificates_signed(witness: Path) -> list[str]:
    """Return the serials of the certificates that were signed."""
    return [line.subject for line in witnessed(witness) if line.use == "certificate"]


def test_a_clock_that_steps_back_between_intent_and_signature_has_nothing_signed(world_on: World, witness: Path) -> None:
    """The validity was written under another time; once the clock is right again, a start takes the order anew (I09)."""
    world_on.apply_register([nurse(1)])
    batch = world_on.order([world_on.application(nurse(1))])
    issuer = world_on.open_issuer(Doing("intent.committed", lambda: world_on.clock.advance(hours=-1)))
    with pytest.raises(Alarm, match="clock"):
        issuer.turn_until_idle()
    issuer.close()
    assert certificates_signed(witness) == []
    world_on.clock.advance(hours=1, seconds=1)
    check_good_is_earned(world_on)
    world_on.reopen()

    world_on.issuer.turn_until_idle()

    check_content(world_on, world_on.certificates_of_batch(batch))
    check_witness(world_on, witness)
    check_published(world_on)
    check_journal(world_on)


@pytest.mark.parametrize("orders", [1, 2])
def test_a_generator_that_repeats_itself_stops_issuance_and_not_revocation(world_on: World, witness: Path, orders: int) -> None:
    """One serial can be drawn, the next is the same: an alarm, and no second certificate; what is revoked is published (I06)."""
    people = [nurse(rank) for rank in range(1, 5)]
    world_on.apply_register(people)
    certificate = world_on.enrol(people[0])
    world_on.close()
    world_on.order([world_on.application(person) for person in people[1 : 1 + orders]])
    broken = world_on.issuer = Issuer(replace(world_on.home, entropy=RepeatingEntropy()), world_on.custodian)
    if orders == 1:
        broken.turn_until_idle()
        world_on.order([world_on.application(people[3])])
    before = inventory(world_on)
    world_on.revoke(certificate)

    with pytest.raises(Alarm, match="serial numbers repeat"):
        broken.turn_until_idle()

    assert inventory(world_on).keys() == before.keys()
    check_witness(world_on, witness)
    check_answers(world_on)
    check_journal(world_on)


@pytest.mark.parametrize("nth", [1, 2])
def test_a_signature_that_does_not_verify_is_not_released_nor_what_was_signed_with_it(
    world_on: World, witness: Path, nth: int
) -> None:
    """One flipped bit: an alarm; both certificates of the batch stay intents, and the next start revokes them."""
    people = [nurse(1), nurse(2)]
    world_on.apply_register(people)
    batch = world_on.order([world_on.application(person) for person in people])
    custodian = CorruptingCustodian(world_on.custodian)
    custodian.corrupt = False
    faults = Doing("hsm.before", lambda: setattr(custodian, "corrupt", True), nth)
    issuer = Issuer(world_on.home, custodian, faults=faults)
    with pytest.raises(Alarm, match="does not verify"):
        issuer.turn_until_idle()
    issuer.close()
    spoiled = [c for c in inventory(world_on).values() if c.holder in {person.idnat for person in people}]
    check_good_is_earned(world_on)
    world_on.reopen()

    world_on.issuer.turn_until_idle()

    assert len(spoiled) == 2
    assert {c.state for c in spoiled} == {State.PREPARED}
    assert {world_on.certificate(c.serial).state for c in spoiled} == {State.REVOKED}
    check_content(world_on, world_on.certificates_of_batch(batch))
    check_witness(world_on, witness)
    check_published(world_on)
    check_journal(world_on)


@pytest.mark.parametrize("point", ["intent.committed", "hsm.after", "sig.verified"])
@pytest.mark.parametrize("how", [DecisionKind.RADIATION, DecisionKind.SUSPENSION, "gone", "compromise"])
def test_what_is_decided_while_a_certificate_is_signed_holds_for_it_too(
    world_on: World, point: str, how: DecisionKind | str
) -> None:
    """Struck off, suspended, gone, or the key compromised between intent and certificate: it never serves (I4, I6)."""
    people = [nurse(1), nurse(2)]
    world_on.apply_register(people)
    earlier = world_on.enrol(people[0])
    world_on.close()
    key = world_on.key_of(earlier)
    applications = [world_on.application(people[0], "ps-signature", key=key), world_on.application(people[1])]
    batch = world_on.order(applications)

    def something_is_decided() -> None:
        world_on.clock.advance(seconds=2)
        if isinstance(how, DecisionKind):
            world_on.sanction(people[0], how)
        elif how == "gone":
            world_on.apply_register([people[1]])
        else:
            statement = holder_statement(earlier.serial, Reason.KEY_COMPROMISE, world_on.clock.now())
            algorithm = algorithm_of(key.public_key())
            assert algorithm is not None
            world_on.revocation.by_holder(statement, algorithm.sign(key, statement.encode()))

    issuer = world_on.open_issuer(Doing(point, something_is_decided))
    with suppress(SceauError):
        issuer.turn_until_idle()
    issuer.close()
    world_on.reopen()
    world_on.issuer.turn_until_idle()

    mine = [c for c in inventory(world_on).values() if c.holder == people[0].idnat]
    assert [c for c in mine if c.state is State.ISSUED] == []
    assert [c.holder for c in inventory(world_on).values() if c.board and c.state is State.ISSUED] == [people[1].idnat]
    with world_on.store.read() as tx:
        assert {order.state for order in tx.orders.of_batch(batch)} <= {OrderState.DONE, OrderState.FAILED}
    check_published(world_on)
    check_journal(world_on)


def test_a_writer_that_waited_for_its_turn_is_recorded_after_those_who_came_first(world_on: World) -> None:
    """It looked at the clock before it waited: that is no clock that steps back, and entries stay in the order of time."""
    people = [nurse(1), nurse(2)]
    world_on.apply_register(people)
    first, second = world_on.enrol(people[0]), world_on.enrol(people[1])
    world_on.issuer.turn_until_idle()

    def another_officer_is_faster() -> None:
        world_on.clock.advance(seconds=25)
        world_on.revoke(second)

    act = world_on.act("oni-1", world_on.revocation.officer_statement(first.serial, Reason.SUPERSEDED, "oni-1"))
    busy = replace(world_on.home, clock=BusyClock(world_on.clock, another_officer_is_faster))
    registrar.revocation(busy).by_officer(act)

    world_on.issuer.turn_until_idle()
    check_published(world_on)
    check_journal(world_on)


def test_what_others_record_while_a_long_batch_is_signed_does_not_spoil_it(world_on: World, witness: Path) -> None:
    """Its entries are written at the time of the commit, not of the first signature, which the journal has left behind."""
    people = [nurse(rank) for rank in range(1, 4)]
    world_on.apply_register(people)
    certificate = world_on.enrol(people[0])
    world_on.close()
    batch = world_on.order([world_on.application(person) for person in people[1:]])
    custodian = SlowCustodian(world_on.custodian, KeyUse.CERTIFICATE)

    def an_officer_revokes_meanwhile() -> None:
        world_on.clock.advance(minutes=2)
        world_on.revoke(certificate)

    custodian.meanwhile = an_officer_revokes_meanwhile
    issuer = world_on.issuer = Issuer(world_on.home, custodian)
    issuer.turn()
    custodian.meanwhile = None
    issuer.turn_until_idle()

    check_content(world_on, world_on.certificates_of_batch(batch))
    check_witness(world_on, witness)
    check_published(world_on)
    check_journal(world_on)
