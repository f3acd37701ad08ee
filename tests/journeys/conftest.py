"""The world that a journey happens in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A new authority with its officers, an empty register, and a clock that the test moves."""
    built = World(tmp_path / "home")
    yield built
    built.close()
