"""Every engine's worlds, for every fault."""

from __future__ import annotations

from tests.databases import cluster, world_on

__all__ = ["cluster", "world_on"]
