"""An authority with one certificate, a group of five who keep its backups, and a backup."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from pki.bootstrap.backup.envelope import Group, identity_of_shares, new_group
from pki.bootstrap.backup.make import Made, make
from tests.databases import swift_directory
from tests.world import World, nurse
from trust.entropy import SystemEntropy


@dataclass(frozen=True)
class Saved:
    """A world, and its backup."""

    world: World
    group: Group
    made: Made

    @property
    def identities(self) -> list[Any]:
        """What three of the five open it with."""
        return [identity_of_shares(self.group.shares[1:4])]


@pytest.fixture(scope="package")
def saved() -> Iterator[Saved]:
    """A backup that nobody changes."""
    with TemporaryDirectory(prefix="sceau-backup-", dir=swift_directory()) as folder:
        world = World(Path(folder) / "home")
        person = nurse(1)
        world.apply_register([person])
        world.enrol(person)
        group = new_group(3, 5, SystemEntropy())
        yield Saved(world, group, make(world.home, Path(folder) / "backup.age", [group.recipient]))
        world.close()


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder where a home may be put, in memory if possible."""
    with TemporaryDirectory(prefix="sceau-restored-", dir=swift_directory()) as folder:
        yield Path(folder)
