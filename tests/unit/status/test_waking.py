"""A machine wakes after a long sleep: its responders ended meanwhile, and its monotonic clock did not move (CP 4.9.9)."""

from __future__ import annotations

from pathlib import Path

from pki.inventory.model import Reason
from tests.world import World, nurse


def test_an_issuer_that_slept_a_year_renews_its_responders_at_once_and_rests(tmp_path: Path) -> None:
    """At its first turn, and then it waits: what nobody can sign yet does not make it busy."""
    world = World(tmp_path / "home")
    world.apply_register([nurse(1)])
    certificate = world.enrol(nurse(1))
    world.issuer.turn_until_idle()
    producer = world.issuer._producer
    world.clock.advance(days=370)
    world.revoke(certificate, Reason.SUPERSEDED)
    assert producer.drain() == 0
    turns = 0
    while world.issuer.turn():
        turns += 1
        assert turns < 50
    assert producer.responder("personnes").not_after > world.clock.now()
    assert producer.drain() == 0
    world.close()
