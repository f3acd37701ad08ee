"""A database that refuses, fills up or goes away: what is not on record is not released (P1, P18; I15; invariants I1, I11)."""

from __future__ import annotations

from pathlib import Path

import pytest

from pki.inventory.model import Reason, State
from tests.faults.injections import Doing, cut, full_disk, refusing
from tests.faults.test_kill_sweep import STRANGERS, Scene, scene
from tests.invariants import begin_witness, check_journal, check_witness, inventory, witnessed
from tests.outside import Sight, check_content, check_good_is_earned, check_published
from tests.world import World, nurse
from trust.errors import Alarm, Conflict, SceauError, Unavailable

__all__ = ["scene"]
CUTS = (
    "req.parsed audit.presign intent.committed hsm.after sig.verified issued.committed ocsp.cached outbox.sent crl.recorded"
).split()


@pytest.fixture
def witness(world_on: World) -> Path:
    """The witness of what is signed from here on."""
    return begin_witness(world_on)


def test_a_certificate_that_the_database_will_not_take_is_never_released_and_can_be_revoked(
    world_on: World, witness: Path
) -> None:
    """The signature exists: its serial is on record from before, nobody is told that it is good, and it ends revoked."""
    world_on.apply_register([nurse(1)])
    batch = world_on.order([world_on.application(nurse(1))])
    with refusing(world_on, "certificates", "UPDATE", f"NEW.state = 1 AND NEW.holder = '{nurse(1).idnat}'"):
        with pytest.raises(Unavailable, match="refused by trigger"):
            world_on.issuer.turn_until_idle()
        orphan = next(c for c in inventory(world_on).values() if c.holder == nurse(1).idnat)
        sight = Sight(world_on)
        before = sight.ask(orphan.ca, orphan.serial)
        sight.close()
    world_on.reopen()

    world_on.issuer.turn_until_idle()

    assert next(line.subject for line in witnessed(witness) if line.use == "certificate") == orphan.serial.hex()
    assert (orphan.state, before.status) == (State.PREPARED, "unauthorized")
    assert world_on.certificate(orphan.serial).state is State.REVOKED
    assert world_on.certificates_of_batch(batch)[0].serial != orphan.serial
    check_witness(world_on, witness)
    check_published(world_on)
    check_journal(world_on)


def test_what_the_journal_cannot_record_does_not_happen(world_on: World, witness: Path) -> None:
    """Neither a certificate nor a revocation; once it can be written again, both (failure case I15)."""
    world_on.apply_register([nurse(1), nurse(2)])
    certificate = world_on.enrol(nurse(1))
    signed = len(witnessed(witness))
    world_on.order([world_on.application(nurse(2))])
    before = inventory(world_on)
    with refusing(world_on, "journal", "INSERT"):
        with pytest.raises((Unavailable, Conflict)):
            world_on.issuer.turn()
        with pytest.raises((Unavailable, Conflict)):
            world_on.revoke(certificate, Reason.SUPERSEDED)
    assert inventory(world_on) == before
    assert [line for line in witnessed(witness)[signed:] if line.use == "certificate"] == []
    check_journal(world_on)

    world_on.revoke(certificate, Reason.SUPERSEDED)
    world_on.issuer.turn_until_idle()

    check_published(world_on)
    check_journal(world_on)
    assert len([c for c in inventory(world_on).values() if c.holder == nurse(2).idnat]) == 1


@pytest.mark.parametrize("scene", ["sqlite"], indirect=True)
@pytest.mark.parametrize("pages_left", [0, 4, 8, 16])
def test_a_full_disk_stops_the_issuer_and_loses_nothing(scene: Scene, pages_left: int) -> None:
    """It stops with an alarm where the space ends; given space and a start, it ends what it began."""
    world = scene.world
    people = [nurse(rank) for rank in range(11, 41)]
    world.clock.advance(minutes=1)
    world.apply_register([*[nurse(rank) for rank in range(1, 5)], *people])
    more = world.order([world.application(person) for person in people])
    with full_disk(world, pages_left), pytest.raises(Alarm, match="database is full"):
        world.issuer.turn_until_idle()
    check_witness(world, scene.witness)
    check_journal(world)

    scene.recovers()

    scene.holds()
    assert len(world.certificates_of_batch(more)) == len(people)


@pytest.mark.parametrize("scene", ["postgresql"], indirect=True)
@pytest.mark.parametrize("point", CUTS)
def test_a_connection_cut_anywhere_is_mended_by_the_same_process(scene: Scene, point: str) -> None:
    """Whether the commit happened is not known: the issuer looks, and goes on; no start is needed."""
    world = scene.world
    issuer = world.issuer = world.open_issuer(Doing(point, lambda: cut(world)))
    for _ in range(3):
        try:
            issuer.turn_until_idle()
        except Unavailable:
            issuer.recover()
    check_good_is_earned(world, STRANGERS)

    scene.holds()


@pytest.mark.parametrize("scene", ["postgresql"], indirect=True)
def test_a_server_that_is_away_is_waited_for(scene: Scene) -> None:
    """Every use case says that it is unavailable, none half happens."""
    world = scene.world
    issuer = world.issuer
    before = inventory(world)
    url = world.store.engine.url
    with pytest.raises(SceauError):
        world.store.open(str(url.set(database="nowhere")))
    cut(world)

    assert inventory(world) == before
    issuer.turn_until_idle()
    check_content(world, scene.issued().values())
    scene.holds()
