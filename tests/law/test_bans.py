"""Time and randomness are asked of the machine in one place each (house law 5), and the linter finds every other place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.law.tree import ROOT


def banned_in(name: str, source: str) -> str:
    """Lint one source as if it were the file of that name; return what the ban on names found."""
    ruff = [str(Path(sys.executable).parent / "ruff"), "check", "--no-cache", "--select", "TID251", "--output-format", "concise"]
    command = [*ruff, "--stdin-filename", str(ROOT / name), "-"]
    done = subprocess.run(command, input=source, cwd=ROOT, capture_output=True, text=True)
    assert not done.stderr, done.stderr
    return "\n".join(line for line in done.stdout.splitlines() if "TID251" in line)


MISUSES = {
    "now": "import datetime\nx = datetime.datetime.now()",
    "now under another name": "from datetime import datetime as dt\nx = dt.now()",
    "utcnow": "from datetime import datetime\nx = datetime.utcnow()",
    "today": "from datetime import date\nx = date.today()",
    "epoch": "import time\nx = time.time()",
    "epoch by its own name": "from time import time as clock\nx = clock()",
    "nanoseconds": "import time\nx = time.time_ns()",
    "kernel octets": "import os\nx = os.urandom(8)",
    "kernel octets by their own name": "from os import urandom\nx = urandom(8)",
    "secrets": "import secrets\nx = secrets.token_hex()",
    "random": "import random\nx = random.random()",
    "uuid": "from uuid import uuid4\nx = uuid4()",
}


@pytest.mark.parametrize("source", MISUSES.values(), ids=MISUSES)
@pytest.mark.parametrize("name", ["pki/issuance/fault.py", "trust/fault.py", "web/publication/fault.py", "hsm/fault.py"])
def test_the_ban_catches_every_misuse_in_the_product(name: str, source: str) -> None:
    """At its use or its import, aliases included."""
    assert "TID251" in banned_in(name, source)


@pytest.mark.parametrize("source", MISUSES.values(), ids=MISUSES)
def test_the_ban_holds_in_tests_too(source: str) -> None:
    """A test that asks what day it is fails on another day."""
    assert "TID251" in banned_in("tests/unit/fault.py", source)


def test_a_seeded_generator_is_welcome_in_tests_only() -> None:
    """It is the same at each run; in the product, randomness is a visitor."""
    source = "import random\nx = random.Random(7)"
    assert banned_in("tests/unit/fault.py", source) == ""
    assert "TID251" in banned_in("pki/register/fault.py", source)


@pytest.mark.parametrize(("name", "key"), [("trust/clock.py", "epoch"), ("trust/entropy.py", "kernel octets")])
def test_the_clock_and_the_entropy_are_the_exceptions(name: str, key: str) -> None:
    """Somebody has to ask."""
    assert banned_in(name, MISUSES[key]) == ""


def test_measuring_how_long_something_takes_is_allowed() -> None:
    """A monotonic clock cannot be mistaken for a date."""
    assert banned_in("pki/issuance/fault.py", "import time\nx = time.monotonic() + time.perf_counter()") == ""
