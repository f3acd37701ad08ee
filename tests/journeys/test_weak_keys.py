"""An operator's list of keys whose private half is public knowledge (CP 6.1.6): the RA and the CA both consult it."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from pki.registration.applications import Application
from tests.world import World, nurse
from trust.errors import Malformed, Missing
from trust.known_weak import digest

PROFILE = "ps-chiffrement"


def becomes_known(world: World, application: Application) -> None:
    """Put the key of an application on the operator's list, and start again."""
    config = world.directory / "config"
    key = x509.load_der_x509_csr(application.csr).public_key()
    assert isinstance(key, RSAPublicKey)
    (config / "weak-moduli").write_text(f"# ours\n{digest(key.public_numbers().n).hex()}\n")
    name_list(world)
    world.reopen()


def name_list(world: World) -> None:
    """Name the list in the configuration."""
    authority = world.directory / "config" / "authority.toml"
    authority.write_text(authority.read_text() + '\n[keys]\nknown_weak = "weak-moduli"\n')


def test_a_key_on_the_operators_list_is_refused_by_registration(world: World) -> None:
    """With the rule that says so."""
    world.apply_register([nurse(1)])
    application = world.application(nurse(1), PROFILE)
    becomes_known(world, application)

    (refused,) = world.enrolment.draft("oni-1", [application]).refused
    assert "CP 6.1.6" in refused.reason


def test_a_key_that_became_known_after_its_approval_is_refused_by_the_issuer(world: World) -> None:
    """It asks again; others of the round are issued."""
    world.apply_register([nurse(1), nurse(2)])
    known, other = world.application(nurse(1), PROFILE), world.application(nurse(2), PROFILE)
    batch = world.order([known, other])
    becomes_known(world, known)

    world.issuer.turn_until_idle()

    with world.store.read() as tx:
        failures = [order.failure or "" for order in tx.orders.of_batch(batch)]
    assert sorted("CP 6.1.6" in failure for failure in failures) == [False, True]


@pytest.mark.parametrize(("content", "error"), [(None, Missing), ("not a list", Malformed)])
def test_a_list_that_cannot_be_read_stops_the_start(world: World, content: str | None, error: type[Exception]) -> None:
    """The configuration names it: its absence is not an empty list."""
    name_list(world)
    if content is not None:
        (world.directory / "config" / "weak-moduli").write_text(content)

    with pytest.raises(error, match="weak-moduli"):
        world.reopen()
