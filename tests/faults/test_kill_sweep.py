"""What `kill -9` leaves behind at each fault point, and what the next start makes of it.

Invariants I1 to I3, I8, I9, I11; failure cases I01, I02 and R08.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pki.faults import Faults, InjectedFault
from pki.inventory.model import Certificate, Reason
from pki.issuance.order import OrderState
from pki.registration.applications import Application
from tests.databases import ENGINES, worlds_on
from tests.faults import children
from tests.invariants import begin_witness, check_journal, check_monotone, check_witness, inventory
from tests.outside import Lists, check_content, check_good_is_earned, check_published, usable
from tests.world import World, nurse

ISSUANCE = (
    "req.parsed authz.checked key.checked serial.drawn lint.done audit.presign intent.committed hsm.before hsm.after "
    "sig.verified issued.committed response.before"
).split()
PUBLICATION = "ocsp.signed ocsp.cached outbox.sent crl.read crl.signed crl.recorded crl.renamed".split()
LATER = ["authz.checked:kill:2", "hsm.before:kill:2", "hsm.after:kill:2", *(f"crl.recorded:kill:{nth}" for nth in (2, 3, 4))]
"""The second of a batch; the delta of a shard, the full list and its delta, which come after a shard."""
STRANGERS = [b"\x40" + bytes(15), b"\x7f" * 16]
"""Serials of our form that nobody drew."""


@dataclass(frozen=True)
class Story:
    """What happened before the issuer comes in: whatever it does next, it has work to do."""

    applications: list[Application]
    """Of two nurses, approved."""
    batch: str
    revoked: Certificate
    """Of a third nurse: revoked and not published."""
    kept: Certificate
    lists: Mapping[str, Lists]
    before: Mapping[bytes, Certificate]


def begin(world: World) -> Story:
    """Bring an authority to where everything that it does is about to be done."""
    people = [nurse(rank) for rank in range(1, 5)]
    world.apply_register(people)
    revoked, kept = world.enrol(people[0]), world.enrol(people[1])
    world.issuer.turn_until_idle()
    lists = check_published(world)
    applications = [world.application(person) for person in people[2:]]
    batch = world.order(applications)
    world.revoke(revoked, Reason.SUPERSEDED)
    # A list that is lost on its way is not made again just because the revocation is fresh.
    world.clock.advance(minutes=1)
    return Story(applications, batch, revoked, kept, lists, inventory(world))


class Scene:
    """A story at its point of suspense, and what must be true at its end."""

    def __init__(self, world: World, story: Story, witness: Path) -> None:
        """Stand in a world; the witness file records what is signed there."""
        self.world, self.story, self.witness = world, story, witness

    def recovers(self) -> None:
        """Start again, submit the same applications again, and let the issuer finish."""
        self.world.reopen()
        check_good_is_earned(self.world, STRANGERS)
        self.is_submitted_again()
        self.world.issuer.turn_until_idle()

    def is_submitted_again(self) -> None:
        """Submit the same applications again: they are known."""
        draft = self.world.enrolment.draft("oni-1", self.story.applications)
        assert (len(draft.records), len(draft.refused), len(draft.known)) == (0, 0, 2)

    def issued(self) -> dict[bytes, Certificate]:
        """Return what the batch came to: one certificate a request, and no other that is usable."""
        released = {certificate.serial: certificate for certificate in self.world.certificates_of_batch(self.story.batch)}
        holders = sorted(certificate.holder for certificate in released.values())
        assert holders == sorted(f"8{application.number}" for application in self.story.applications)
        known = usable(inventory(self.world).values())
        assert {certificate.serial for certificate in known if certificate.holder in holders} == released.keys()
        return released

    def holds(self) -> None:
        """Check every invariant, then that asking again changes nothing."""
        world, released = self.world, self.issued()
        check_content(world, released.values())
        check_witness(world, self.witness)
        check_monotone(self.story.before, inventory(world))
        check_published(world, self.story.lists)
        check_good_is_earned(world, STRANGERS)
        check_journal(world)
        signatures = self.witness.read_text().count("certificate ")
        self.is_submitted_again()
        world.issuer.turn_until_idle()
        again = self.issued()
        assert {serial: c.der for serial, c in again.items()} == {serial: c.der for serial, c in released.items()}
        assert self.witness.read_text().count("certificate ") == signatures, "a retry signs nothing (I3)"
        with world.store.read() as tx:
            assert {order.state for order in tx.orders.of_batch(self.story.batch)} == {OrderState.DONE}


@pytest.fixture(params=ENGINES)
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """The scene on each engine, with an independent record of what is signed."""
    worlds = worlds_on(request.param, request, begin)
    with worlds.world() as world:
        yield Scene(world, worlds.story, begin_witness(world))


@pytest.mark.parametrize("fault", [f"{point}:kill" for point in (*ISSUANCE, *PUBLICATION)] + LATER)
def test_an_issuer_killed_anywhere_leaves_nothing_that_its_next_start_does_not_mend(scene: Scene, fault: str) -> None:
    """One usable certificate a request, nothing signed without a record, nothing good that is not issued, nothing unpublished."""
    world = scene.world
    child = children.start(children.issuer_works, world.directory, world.clock.now(), fault=fault)
    assert children.ends(child) == children.KILLED, "the fault point was never passed"

    scene.recovers()

    scene.holds()


@pytest.mark.parametrize("point", [*ISSUANCE, *PUBLICATION])
def test_an_issuer_surprised_anywhere_leaves_nothing_that_its_next_start_does_not_mend(scene: Scene, point: str) -> None:
    """An error of no family of ours ends the process: what it held is as after a kill, less what it undid on its way out."""
    issuer = scene.world.open_issuer(Faults(f"{point}:raise"))
    with pytest.raises(InjectedFault, match=point):
        issuer.turn_until_idle()
    issuer.close()

    scene.recovers()

    scene.holds()


def test_a_revocation_that_was_committed_and_not_answered_is_repeated_without_effect(scene: Scene) -> None:
    """Killed after the commit; the same act again says *already*, the date stands, and both services say so (R08)."""
    world, kept = scene.world, scene.story.kept
    act = world.act("oni-1", world.revocation.officer_statement(kept.serial, Reason.SUPERSEDED, "oni-1"))
    moment = world.clock.now()
    child = children.start(children.officer_revokes, world.directory, moment, act, fault="revoke.committed:kill")
    assert children.ends(child) == children.KILLED
    world.clock.advance(minutes=5)

    again = world.revocation.by_officer(act)
    scene.recovers()

    assert again.already
    assert again.certificate.revoked_at == moment
    scene.holds()
