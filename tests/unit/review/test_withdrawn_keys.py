"""A key that is withdrawn while a batch waits approves nothing more, and stops nobody else (CP 5.2.3, invariant I4)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pki.bootstrap.registrar import officer_keys
from pki.issuance.order import OrderState
from pki.registration.model import Batch
from tests.world import World, doctor
from trust.algorithms import spki

PEOPLE = [doctor(rank) for rank in range(1, 11)]
"""As many as need two approvals besides who asks."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world whose register has ten doctors."""
    world = World(tmp_path / "home")
    world.apply_register(PEOPLE)
    yield world
    world.close()


def submit(world: World) -> Batch:
    """Ask for ten certificates."""
    draft = world.enrolment.draft("cnom-1", [world.application(person) for person in PEOPLE])
    return world.enrolment.submit(draft, world.act("cnom-1", draft.statement(world.clock.now())))


def approve(world: World, batch: Batch, officer: str, *, excluded: tuple[int, ...] = ()) -> int:
    """Approve; return how many orders that wrote."""
    world.clock.advance(seconds=60)
    statement = world.decisions.approval_statement(batch.id, officer, excluded)
    return world.decisions.approve(world.act(officer, statement)).orders


def change_key(world: World, officer: str) -> None:
    """Withdraw an officer's key and enter another."""
    officer_keys(world.home).withdraw(officer, "stolen", by="test")
    world.officer_keys[officer] = key = ec.generate_private_key(ec.SECP256R1())
    officer_keys(world.home).register(officer, spki(key.public_key()), by="test")


def outcomes(world: World, batch: Batch) -> list[OrderState]:
    """Let the issuer work; return how each order ended."""
    world.issuer.turn_until_idle()
    with world.store.read() as tx:
        return [order.state for order in tx.orders.of_batch(batch.id)]


def test_an_approval_whose_key_was_withdrawn_does_not_count(world: World) -> None:
    """Two are needed: the one by a stolen key and one more are not two; the same officer with a new key is the second."""
    batch = submit(world)
    assert approve(world, batch, "cnom-2") == 0
    change_key(world, "cnom-2")
    assert approve(world, batch, "cnom-3") == 0
    assert approve(world, batch, "cnom-2") == len(PEOPLE)
    assert outcomes(world, batch) == [OrderState.DONE] * len(PEOPLE)


def test_a_key_withdrawn_after_the_last_approval_stops_what_is_not_issued_yet(world: World) -> None:
    """The issuer counts again, at the moment at which it issues."""
    batch = submit(world)
    approve(world, batch, "cnom-2")
    assert approve(world, batch, "cnom-3") == len(PEOPLE)
    change_key(world, "cnom-3")
    assert outcomes(world, batch) == [OrderState.FAILED] * len(PEOPLE)


def test_what_a_withdrawn_key_set_aside_stays_aside(world: World) -> None:
    """An objection outlives the key of who made it."""
    batch = submit(world)
    approve(world, batch, "cnom-2", excluded=(4,))
    change_key(world, "cnom-2")
    approve(world, batch, "cnom-3")
    assert approve(world, batch, "cnom-2") == len(PEOPLE) - 1
    assert outcomes(world, batch) == [OrderState.DONE] * (len(PEOPLE) - 1)
