"""What `make bench` prints, and that its sections are there. Nothing here is timed: a figure is no test."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.__main__ import SECTIONS, markdown, table
from bench.sizes import Size, chosen
from bench.table import Row, against, within

ROOT = Path(__file__).parents[3]


def test_a_promise_against_a_peer_is_kept_up_to_its_ratio_and_no_further() -> None:
    """Ours over theirs, in the same run."""
    assert against("P4", "an answer", "µs", 70.0, "openssl", 100.0, 0.7).met
    assert not against("P4", "an answer", "µs", 70.1, "openssl", 100.0, 0.7).met


def test_an_absolute_promise_is_kept_up_to_its_amount() -> None:
    """Five seconds are five seconds."""
    assert [within("W5", "first answer", "s", seconds, 5).met for seconds in (5.0, 5.1)] == [True, False]


def test_the_table_says_what_is_missed_and_says_nothing_of_what_was_not_promised() -> None:
    """A reader looks for NO."""
    rows = [
        against("P9", "a list", "s", 3.0, "openssl", 4.0, 0.5),
        within("W5", "first answer", "s", 1.0, 5),
        Row("W2", "median", "s", 0.25),
    ]

    lines = table(rows).splitlines()

    assert lines[0].split() == ["goal", "what", "ours", "peer", "theirs", "ratio", "promised", "met"]
    assert [line.split()[-1] for line in lines[1:]] == ["NO", "yes", "s"]
    assert "0.75" in lines[1]
    assert markdown(rows).splitlines()[1:3] == ["|" + " --- |" * 8, "| P9 | a list | 3 s | openssl | 4 s | 0.75 | ≤ 0.5 × | NO |"]


@pytest.mark.parametrize(
    ("said", "size"), [([], Size.USUAL), (["--tiny"], Size.TINY), (["--full"], Size.FULL)], ids=["usual", "tiny", "full"]
)
def test_a_section_is_told_its_size(said: list[str], size: Size) -> None:
    """The usual one unless another is asked for."""
    assert chosen("crl", said) is size


def test_every_section_is_a_module() -> None:
    """The table promises them all."""
    assert all(find_spec(f"bench.{section}") for section in SECTIONS)


def test_the_smallest_run_of_a_section_ends_with_its_rows() -> None:
    """`python -m bench --tiny --only validation`: a process of its own, peers and all."""
    command = [sys.executable, "-P", "-m", "bench", "--tiny", "--only", "validation"]
    done = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr
    assert [line[:3] for line in done.stdout.splitlines()[1:]] == ["P12", "P12"]
