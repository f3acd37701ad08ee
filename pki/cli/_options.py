"""Options that several commands share: whole numbers within bounds, so that a typing error is an error of usage."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from pki.cli._frame import Parser

MOST = 1_000_000
"""Of anything that a command lists."""


def whole(low: int, high: int = MOST) -> Callable[[str], int]:
    """Return a reader of whole numbers from `low` to `high`, for argparse."""

    def number(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 10 and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"a whole number from {low} to {high}, not {text!r}")
        return int(text)

    return number


def add_limit(parser: Parser, default: int) -> None:
    """Declare ``--limit``."""
    parser.add_argument("--limit", metavar="N", type=whole(1), default=default, help=f"at most so many ({default})")
