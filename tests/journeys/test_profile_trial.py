"""No authority works with a profile to which the linters object (CP 7.1.2)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from pki.bootstrap import trial
from pki.bootstrap.create import create
from pki.bootstrap.custody import open_authority
from pki.bootstrap.home import open_home
from tests.world import BASE_URL, World
from trust.errors import Refused
from trust.testing import FixedClock

MEMORY = Path(trial.MEMORY)
START = """
import sys
from pathlib import Path
from pki.bootstrap.home import open_home
from pki.bootstrap.issuer import open_issuer
from trust.testing import FixedClock
open_issuer(open_home(Path(sys.argv[1]), clock=FixedClock())).turn()
print(sorted({name.partition(".")[0] for name in sys.modules} & {"pkilint", "pyasn1", "pyasn1_alt_modules"}))
"""
"""A start in a process of its own, which says what it imported."""


def edit(world: World, profile: str, change: Callable[[str], str]) -> None:
    """Change a profile of the home."""
    path = world.directory / "config" / "profiles" / f"{profile}.toml"
    before = path.read_text(encoding="utf-8")
    path.write_text(change(before), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != before


def news(world: World) -> list[str]:
    """Try the profiles of the home as a start does; return what was tried."""
    told: list[str] = []
    home = open_home(world.directory, clock=world.clock)
    trial.try_authority(world.directory, open_authority(home), told.append)
    return told


def test_a_new_authority_remembers_that_every_profile_passed(world: World) -> None:
    """Fifteen pairs of CA and profile; nothing is left to try."""
    with_issuers = open_authority(world.home).issues()
    remembered = (world.directory / MEMORY).read_text().split()

    assert len(set(remembered)) >= len(with_issuers)
    assert news(world) == []


def test_a_profile_that_changed_is_tried_at_the_next_start_and_no_other(world: World) -> None:
    """It is new to the home; what it was is remembered too."""
    edit(world, "ps-signature", lambda text: text.replace("days = 1095", "days = 1000"))
    before = (world.directory / MEMORY).read_text()

    assert news(world) == ["profiles to try on extreme names: ps-signature"]
    assert len((world.directory / MEMORY).read_text().split()) == len(before.split()) + 1
    assert news(world) == []


def test_a_profile_that_a_linter_objects_to_stops_the_start(world: World) -> None:
    """A warning that nobody accepted is enough; nothing is remembered, and nothing is issued."""
    edit(world, "org-cachet", lambda text: text[: text.index("[lint.accepted]")])
    world.close()

    with pytest.raises(Refused, match=r"profile org-cachet under organisations fails its trial.*mixed_key_usage.*CP 7\.1\.2"):
        world.reopen()
        world.issuer.turn()
    with pytest.raises(Refused):
        world.open_issuer()


def test_a_lost_memory_costs_a_trial_and_nothing_else(world: World) -> None:
    """In this process the profiles passed before: what is asked again is found good at once."""
    (world.directory / MEMORY).unlink()
    world.issuer.turn()

    assert (world.directory / MEMORY).is_file()


class SlowClock(FixedClock):
    """A clock by which everything takes its time."""

    def now(self) -> datetime:
        """Return a moment seven seconds after the last one."""
        self.advance(seconds=7)
        return self.moment


def test_a_creation_that_takes_its_time_is_a_creation(tmp_path: Path) -> None:
    """The root is described, its profile tried, and only then its certificate made, whose dates count from there."""
    home = create(tmp_path / "home", "dev", BASE_URL, clock=SlowClock())

    assert sorted(home.ca_certificates()) == ["organisations", "personnes", "racine"]


def test_a_usual_start_does_not_import_pkilint(world: World) -> None:
    """It would cost two seconds and a hundred megabytes."""
    world.issuer.turn()
    world.close()
    root = Path(trial.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", START, str(world.directory)], capture_output=True, text=True, cwd=root)

    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
