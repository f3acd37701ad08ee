"""What an authority was created with stands: its certificates carry it (`sceau init`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pki.bootstrap.create import create
from tests.world import BASE_URL, World
from trust.errors import Conflict


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An authority that exists."""
    world = World(tmp_path / "home")
    yield world
    world.close()


@pytest.mark.parametrize(
    ("base_url", "algorithm", "database_url"),
    [
        ("http://elsewhere.example", None, None),
        (BASE_URL, "ML-DSA-65", None),
        (BASE_URL, None, "postgresql:///elsewhere"),
    ],
)
def test_an_authority_is_not_finished_as_another_one(
    world: World, base_url: str, algorithm: str | None, database_url: str | None
) -> None:
    """Another address, algorithm or database would be ignored in silence: it is refused, and nothing is touched."""
    before = (world.directory / "config" / "authority.toml").read_bytes()
    with pytest.raises(Conflict, match="another"):
        create(world.directory, "dev", base_url, algorithm=algorithm, database_url=database_url)
    assert (world.directory / "config" / "authority.toml").read_bytes() == before


def test_creating_it_again_as_it_is_changes_nothing(world: World) -> None:
    """The address may be written with its last slash."""
    with world.store.read() as tx:
        before = tx.certificates.counts()
    create(world.directory, "dev", f"{BASE_URL}/", clock=world.clock)
    with world.store.read() as tx:
        assert tx.certificates.counts() == before
