"""What journeys share: the world that each happens in, on SQLite and on PostgreSQL, and the browser of those that have pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.builders.browser import chromium
from tests.databases import cluster, world_on
from tests.world import World

__all__ = ["cluster", "world_on"]


@pytest.fixture
def world(world_on: World) -> World:
    """An authority with its officers, an empty register, and a clock that the test moves, on either engine."""
    return world_on


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for all: whoever comes has a context of their own, which shares nothing with another's.

    It ends with these tests: Playwright keeps an event loop in this thread as long as it lives, and other tests have their own.
    """
    with chromium() as browser:
        yield browser
