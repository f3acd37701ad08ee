"""What can come between a revocation and the lists that relying parties read (invariants I8 and I10; failure case L01)."""

from __future__ import annotations

from pathlib import Path

import pytest

from pki.inventory.model import Certificate, Reason, State
from pki.revocation.changes import end
from tests.invariants import check_journal
from tests.outside import check_published
from tests.world import World, nurse


@pytest.fixture
def certificate(world_on: World) -> Certificate:
    """A certificate, published."""
    world_on.apply_register([nurse(1)])
    return world_on.enrol(nurse(1))


def test_a_revocation_whose_transaction_lasted_is_listed_all_the_same(world_on: World, certificate: Certificate) -> None:
    """It is stamped when it begins; a publisher that asked for what is newer than its last look would never see it."""
    with world_on.store.write() as tx:
        began = world_on.clock.now()
        end(tx, [tx.certificates.get(certificate.serial, lock=True)], Reason.SUPERSEDED, began, "oni-1")
        world_on.clock.advance(minutes=5)
        world_on.issuer.crls.publish_due()
    world_on.issuer.turn_until_idle()

    check_published(world_on)


def test_what_happens_within_one_second_is_listed_as_it_ended(world_on: World, certificate: Certificate) -> None:
    """Held, listed; released, listed no more; held again, listed again; revoked, listed with its reason: at one time."""
    published = check_published(world_on)
    hold = Reason.CERTIFICATE_HOLD
    for officer, reason in [
        ("oni-1", hold),
        ("oni-1", None),
        ("oni-2", hold),
        ("oni-1", Reason.SUPERSEDED),
        ("oni-2", Reason.KEY_COMPROMISE),
    ]:
        if reason is None:
            world_on.release(certificate, officer=officer)
        else:
            world_on.revoke(certificate, reason, officer=officer)
        world_on.issuer.turn_until_idle()
        published = check_published(world_on, published)


def test_a_release_that_a_crash_left_unpublished_is_published_at_the_next_start(
    world_on: World, certificate: Certificate
) -> None:
    """What left the lists is as much a change as what joined them."""
    world_on.revoke(certificate, Reason.CERTIFICATE_HOLD)
    world_on.issuer.turn_until_idle()
    world_on.close()
    world_on.release(certificate)
    world_on.clock.advance(minutes=5)
    world_on.reopen()

    world_on.issuer.turn_until_idle()

    assert world_on.certificate(certificate.serial).state is State.ISSUED
    check_published(world_on)


def test_lists_that_were_lost_are_written_again_at_the_next_start(world_on: World, certificate: Certificate) -> None:
    """The repository may be lost; it is made again under greater numbers."""
    world_on.revoke(certificate)
    world_on.issuer.turn_until_idle()
    world_on.close()
    for path in Path(world_on.directory, "publication", "www", "crl").rglob("*.crl"):
        path.unlink()
    world_on.clock.advance(minutes=5)
    world_on.reopen()

    world_on.issuer.turn_until_idle()

    check_published(world_on)
    check_journal(world_on)


def test_a_start_that_finds_its_lists_in_place_makes_none(world_on: World, certificate: Certificate) -> None:
    """Otherwise each start of each issuer would cost relying parties a download."""
    world_on.revoke(certificate)
    world_on.issuer.turn_until_idle()
    before = check_published(world_on)
    world_on.clock.advance(minutes=5)
    world_on.reopen()

    world_on.issuer.turn_until_idle()

    after = check_published(world_on, before)
    assert {ca: lists.full.number for ca, lists in after.items()} == {ca: lists.full.number for ca, lists in before.items()}
