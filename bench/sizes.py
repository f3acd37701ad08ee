"""How much is measured: little for a look that a section runs at all, as much as ten minutes allow, or what the goals say."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")


class Size(StrEnum):
    """How much is measured."""

    TINY = "tiny"
    USUAL = "usual"
    FULL = "full"

    def of(self, *, tiny: T, usual: T, full: T) -> T:
        """Return the value that goes with this size."""
        return {Size.TINY: tiny, Size.USUAL: usual, Size.FULL: full}[self]


def options(section: str, about: str | None = None) -> argparse.ArgumentParser:
    """Return the command line that every section has; a section may add to it."""
    parser = argparse.ArgumentParser(prog=f"python -m {section}", description=about)
    parser.add_argument("--tiny", dest="size", action="store_const", const=Size.TINY, help="to see that it runs")
    parser.add_argument("--full", dest="size", action="store_const", const=Size.FULL, help="the sizes of the goals")
    parser.set_defaults(size=Size.USUAL)
    return parser


def chosen(section: str, arguments: Sequence[str] | None = None) -> Size:
    """Read the size from a section's command line."""
    size: Size = options(f"bench.{section}").parse_args(arguments).size
    return size
