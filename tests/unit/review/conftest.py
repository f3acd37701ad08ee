"""An authority with one nurse in its register, and a forger beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.review.forger import Forger
from tests.world import World, nurse

ANNE = nurse(1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An authority on SQLite."""
    world = World(tmp_path / "home")
    world.apply_register([ANNE, nurse(2)])
    yield world
    world.close()


@pytest.fixture
def forger(world: World) -> Forger:
    """The forger."""
    return Forger(world)
