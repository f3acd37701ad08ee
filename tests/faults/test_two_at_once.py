"""Two publishers at one repository, two issuers at one queue (failure cases L01, I04 and U03; invariants I2, I3, I10, I11)."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from pki.adapters.publication_files import PublicationFiles
from pki.bootstrap.custody import open_authority
from pki.bootstrap.lists import crl_publisher
from pki.inventory.model import Certificate, State
from pki.signing.door import SigningDoor
from tests.faults import children
from tests.invariants import begin_witness, check_journal, check_witness, inventory, witnessed
from tests.outside import Lists, check_content, check_published, check_sequence, read_lists
from tests.world import World, nurse

CA = "personnes"


def listed(lists: Lists) -> set[bytes]:
    """Return the serials of the full list."""
    return set(lists.full.entries)


@pytest.mark.parametrize(("point", "nth"), [("crl.read", 1), ("crl.signed", 1), ("crl.recorded", 1), ("crl.recorded", 2)])
def test_a_publisher_that_was_suspended_never_takes_back_what_another_published(world_on: World, point: str, nth: int) -> None:
    """It holds an older list, signed or not, on record or not; continued, it throws it away, and the lists go on from there."""
    people = [nurse(rank) for rank in range(1, 4)]
    world_on.apply_register(people)
    certificates: list[Certificate] = [world_on.enrol(person) for person in people]
    world_on.issuer.turn_until_idle()
    first = read_lists(world_on, CA)
    world_on.revoke(certificates[0])
    world_on.close()
    moment = world_on.clock.now()
    slow = children.start(children.issuer_works, world_on.directory, moment, fault=f"{point}:stop:{nth}")
    children.is_stopped(slow)

    world_on.clock.advance(seconds=5)
    world_on.revoke(certificates[1])
    files = PublicationFiles(world_on.home.settings.publication / "www")
    quick = crl_publisher(world_on.home, open_authority(world_on.home), SigningDoor(world_on.custodian), files)
    quick.publish_due(now=True)
    second = read_lists(world_on, CA, first)
    os.kill(slow.pid or 0, signal.SIGCONT)
    ended = children.ends(slow)
    third = read_lists(world_on, CA, second)
    world_on.reopen()
    world_on.issuer.turn_until_idle()

    assert ended == 0
    assert {certificates[0].serial, certificates[1].serial} <= listed(second)
    check_sequence(first, second)
    check_sequence(second, third)
    assert listed(second) <= listed(third)
    check_published(world_on)
    check_journal(world_on)


def test_two_issuers_at_one_queue_issue_each_order_once(world_on: World, tmp_path: Path) -> None:
    """On PostgreSQL each takes what the other has not, on SQLite they take turns: one certificate an order, one chain."""
    people = [nurse(rank) for rank in range(1, 41)]
    world_on.apply_register(people)
    batch = world_on.order([world_on.application(person) for person in people])
    world_on.close()
    witness, moment = begin_witness(world_on), world_on.clock.now()
    pair = [children.start(children.instance_issues, world_on.directory, moment, name, 3) for name in ("one", "two")]

    assert [children.ends(child) for child in pair] == [0, 0]

    world_on.issuer.turn_until_idle()
    issued = world_on.certificates_of_batch(batch)
    holders = Counter(c.holder for c in inventory(world_on).values() if c.state is State.ISSUED and c.board)
    assert holders == Counter(person.idnat for person in people)
    assert len([line for line in witnessed(witness) if line.use == "certificate"]) == len(people)
    check_content(world_on, issued)
    check_witness(world_on, witness)
    check_published(world_on)
    check_journal(world_on)


def test_two_kill_stricken_issuers_leave_only_their_own_intents_to_judge(world_on: World, tmp_path: Path) -> None:
    """Each start revokes what its own name left open, never what another may be signing at that moment."""
    people = [nurse(rank) for rank in range(1, 7)]
    world_on.apply_register(people)
    batch = world_on.order([world_on.application(person) for person in people])
    world_on.close()
    witness, moment = begin_witness(world_on), world_on.clock.now()

    def dies(name: str) -> None:
        child = children.start(children.instance_issues, world_on.directory, moment, name, 2, fault="hsm.after:kill:2")
        assert children.ends(child) == children.KILLED

    dies("one")
    dies("two")
    assert Counter(c.state for c in inventory(world_on).values() if c.board) == {State.PREPARED: 4}
    survivor = children.start(children.instance_issues, world_on.directory, moment, "three", 2)
    assert children.ends(survivor) == 0
    assert Counter(c.state for c in inventory(world_on).values() if c.board) == {State.PREPARED: 4, State.ISSUED: 2}
    for name in ("one", "two"):
        again = children.start(children.instance_recovers, world_on.directory, moment, name)
        assert children.ends(again) == 0

    world_on.issuer.turn_until_idle()
    assert len(world_on.certificates_of_batch(batch)) == len(people)
    check_witness(world_on, witness)
    check_published(world_on)
    check_journal(world_on)
