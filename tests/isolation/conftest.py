"""One crowd for each module: making it is what takes time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.isolation.people import Crowd, crowd
from tests.isolation.things import Things


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """Two ordres at work, and everybody who may come."""
    with crowd(tmp_path_factory.mktemp("isolation") / "home") as found:
        yield found


@pytest.fixture(scope="module")
def things(everybody: Crowd) -> Things:
    """What they may ask for."""
    return Things(everybody)
