"""A database that went back while its lists did not (reliability P6, B01): what relying parties were told stays told."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from pki.inventory.model import Certificate, Reason
from tests.outside import check_published
from tests.world import World, nurse
from trust.errors import Alarm


@pytest.fixture
def revoked(world_on: World) -> Certificate:
    """A certificate whose revocation is published."""
    world_on.apply_register([nurse(1), nurse(2)])
    certificate = world_on.enrol(nurse(1))
    world_on.revoke(certificate)
    world_on.issuer.turn_until_idle()
    world_on.close()
    return certificate


def go_back(world: World, *statements: str, **values: object) -> None:
    """Change the database behind the publisher's back."""
    with world.store.write() as tx:
        for statement in statements:
            tx.connection.execute(text(statement), values)


def lists_of(world: World, ca: str) -> dict[str, bytes]:
    """Return the lists of a CA, as they are served."""
    folder = world.home.settings.publication / "www" / "crl"
    return {str(path): path.read_bytes() for path in [*folder.glob(f"{ca}*.crl"), *folder.glob(f"{ca}/*.crl")]}


def test_a_number_that_was_given_is_not_given_again(world_on: World, revoked: Certificate) -> None:
    """An alarm, and the lists stay as they are served; those of the other authorities go on."""
    go_back(world_on, "UPDATE crls SET number = 1, sha256 = :nothing WHERE ca = 'personnes'", nothing=bytes(32))
    ours = {name: octets for name, octets in lists_of(world_on, "personnes").items() if revoked.serial in octets}
    theirs = lists_of(world_on, "organisations")
    world_on.clock.advance(hours=13)

    with pytest.raises(Alarm, match=r"personnes/\S+ number [0-9]+ is served, and the database is at 1"):
        world_on.issuer.crls.publish_due()

    now = lists_of(world_on, "personnes")
    assert ours and all(now[name] == octets for name, octets in ours.items())
    assert lists_of(world_on, "organisations") != theirs


@pytest.mark.parametrize("change", ["state = 1, revoked_at = NULL, reason = NULL", "serial = :other"])
def test_a_revocation_that_was_told_is_not_taken_back(world_on: World, revoked: Certificate, change: str) -> None:
    """Whether the database forgot the revocation or the whole certificate."""
    other = bytes((revoked.serial[0],)) + bytes(15)
    values = {"serial": revoked.serial} | ({"other": other} if "other" in change else {})
    go_back(
        world_on,
        f"UPDATE certificates SET {change} WHERE serial = :serial",
        **values,
    )
    go_back(world_on, "UPDATE crls SET sha256 = :nothing WHERE ca = 'personnes'", nothing=bytes(32))
    ours = {name: octets for name, octets in lists_of(world_on, "personnes").items() if revoked.serial in octets}

    with pytest.raises(Alarm, match=revoked.serial.hex()):
        world_on.issuer.crls.publish_due(now=True)

    now = lists_of(world_on, "personnes")
    complete = [name for name in ours if "delta" not in name]
    assert len(complete) == 2 and all(now[name] == ours[name] for name in complete)


def test_what_left_a_list_rightly_raises_nothing(world_on: World, revoked: Certificate) -> None:
    """A hold that ended leaves the list, though the file that is served is not the one on record."""
    held = world_on.enrol(nurse(2))
    world_on.revoke(held, Reason.CERTIFICATE_HOLD)
    world_on.issuer.turn_until_idle()
    world_on.close()
    world_on.release(held)
    go_back(world_on, "UPDATE crls SET sha256 = :nothing", nothing=bytes(32))

    world_on.issuer.turn_until_idle()

    check_published(world_on)


def test_what_is_no_list_is_replaced(world_on: World, revoked: Certificate) -> None:
    """A file that nobody can read told nobody anything."""
    path = world_on.home.settings.publication / "www" / "crl" / "personnes.crl"
    path.write_bytes(b"not a list")

    world_on.issuer.crls.publish_due(now=True)

    check_published(world_on)
