"""The world that a journey happens in: each journey is made on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from tests.databases import cluster, world_on
from tests.world import World

__all__ = ["cluster", "world_on"]


@pytest.fixture
def world(world_on: World) -> World:
    """An authority with its officers, an empty register, and a clock that the test moves, on either engine."""
    return world_on
