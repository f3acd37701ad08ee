"""A season of an ordre, from fifty applications to what relying parties read at its end (invariants I3 to I11)."""

from __future__ import annotations

from collections import Counter

from pki.inventory.model import Reason, State
from pki.register.sanctions import DecisionKind
from tests.invariants import check_journal, check_monotone, inventory
from tests.outside import check_content, check_good_is_earned, check_published
from tests.world import World, doctor, nurse


def test_a_season_of_an_ordre(world: World) -> None:
    """Fifty at once, asked for twice; held, released, struck off, sanctioned, forgiven, gone and back; all of it on record."""
    people = [nurse(rank) for rank in range(1, 51)]
    applications = [world.application(person) for person in people]
    world.apply_register(people)
    world.issuer.turn_until_idle()
    published = check_published(world)

    batch = world.order(applications)
    again = world.enrolment.draft("oni-1", applications)
    world.issuer.turn_until_idle()
    certificates = {certificate.holder: certificate for certificate in world.certificates_of_batch(batch)}
    assert (len(again.known), len(again.records), len(certificates)) == (50, 0, 50)
    check_content(world, certificates.values())
    published = check_published(world, published)
    before = inventory(world)

    world.clock.advance(hours=1)
    world.revoke(certificates[people[0].idnat], Reason.SUPERSEDED)
    world.revoke(certificates[people[1].idnat], Reason.CERTIFICATE_HOLD)
    world.revoke(certificates[people[2].idnat], Reason.CERTIFICATE_HOLD)
    world.sanction(people[3], DecisionKind.RADIATION)
    world.sanction(people[4], DecisionKind.SUSPENSION)
    world.issuer.turn_until_idle()
    published = check_published(world, published)

    world.clock.advance(hours=1)
    world.release(certificates[people[1].idnat])
    world.sanction(people[4], DecisionKind.LEVEE, reference="D-2")
    gone = world.apply_register([*people[:40], doctor(99)])
    world.issuer.turn_until_idle()
    published = check_published(world, published)
    world.clock.advance(hours=1)
    back = world.apply_register([*people, doctor(99)])
    physician = world.enrol(doctor(99))
    world.issuer.turn_until_idle()

    assert (gone.held, back.released) == (10, 10)
    check_content(world, [physician])
    check_published(world, published)
    check_good_is_earned(world, [b"\x41" * 16])
    check_monotone(before, inventory(world))
    check_journal(world)
    states = Counter(world.certificate(certificate.serial).state for certificate in certificates.values())
    assert states == {State.ISSUED: 47, State.HELD: 1, State.REVOKED: 2}
