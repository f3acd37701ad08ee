"""A demonstration made once by `sceau init`, and a copy of it for each test that wants one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pki.cli.main import main
from tests.builders.keystore import make_keystore


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Its JSON."""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """Its error, as JSON."""
        return json.loads(self.err)


Sceau = Callable[..., Said]
"""Runs a command line on the test's home."""


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the demonstration; whoever changes it takes a copy."""
    home = tmp_path_factory.mktemp("demonstration") / "home"
    make_keystore(home)
    assert main(["init", "--home", str(home), "--template", "dev"]) == 0
    return home


@pytest.fixture
def home(demonstration: Path, tmp_path: Path) -> Path:
    """A copy of the demonstration."""
    return shutil.copytree(demonstration, tmp_path / "home", symlinks=True)


def runner(home: Path, capsys: pytest.CaptureFixture[str]) -> Sceau:
    """Return what runs command lines on a home."""
    capsys.readouterr()

    def run(*arguments: object) -> Said:
        code = main([*map(str, arguments), "--home", str(home)])
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return run


@pytest.fixture
def sceau(home: Path, capsys: pytest.CaptureFixture[str]) -> Sceau:
    """Run command lines on a copy of the demonstration."""
    return runner(home, capsys)


@pytest.fixture
def looking(demonstration: Path, capsys: pytest.CaptureFixture[str]) -> Sceau:
    """Run command lines that change nothing, on the demonstration itself."""
    return runner(demonstration, capsys)


@pytest.fixture
def serial_of(looking: Sceau) -> Callable[..., str]:
    """Return the serial of the first certificate that matches, for instance ``serial_of(state="held", board="CNOM")``."""

    def find(profile: str = "ps-authentification", held_by: str = "", **options: str) -> str:
        chosen = [argument for name, value in options.items() for argument in (f"--{name}", value)]
        found = looking("cert", "list", "--profile", profile, *chosen, "--json").data
        return str(next(each["serial"] for each in found if (each["held_by"] or "").startswith(held_by)))

    return find
