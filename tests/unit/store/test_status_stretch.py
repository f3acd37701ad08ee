"""Walking the statuses of one CA among those of all: everything once, in order, and never far in one step."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.population import fill, model_certificate, serials
from pki.adapters.store.certificates import STRETCH
from pki.inventory.model import State
from tests.world import World


@pytest.mark.parametrize("limit", [1, 7, 1_000])
def test_each_ca_is_walked_whole_whatever_the_size_of_the_others(tmp_path: Path, limit: int) -> None:
    """The root has a few certificates among three hundred of another CA: they are all found, each once, in order."""
    world = World(tmp_path / "home")
    fill(world, model_certificate(world), serials(300, 5), State.ISSUED)

    with world.store.read() as tx:
        for ca in ("racine", "personnes"):
            expected = [row[0] for row in tx.certificates.status_page(ca, b"", 1_000)]
            found: list[bytes] = []
            steps = 0
            after: bytes | None = b""
            while after is not None:
                rows, after = tx.certificates.status_stretch(ca, after, limit)
                assert len(rows) <= limit
                found += [row[0] for row in rows]
                steps += 1
            assert expected == found == sorted(set(found))
            assert steps >= len(expected) / limit
            if ca == "racine":
                assert steps >= 300 // (STRETCH * limit + 1), "a step passes a stretch at most"
    world.close()
