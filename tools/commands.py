"""Writes docs/commands.md: every command of `sceau`, in its own words (`make docs`)."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

# The width of the help, whatever terminal this runs in.
os.environ["COLUMNS"] = "110"

from pki.cli._frame import Parser
from pki.cli.main import build_parser, verbs

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
HEAD = """# Commands

Written by `make docs` from the commands' own help: edit the command, not this page.
"""


def parsers(parser: Parser) -> Iterator[Parser]:
    """Yield a parser and every parser below it, in the order in which they were declared."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from parsers(child)


def page() -> str:
    """Return the whole page."""
    every = parsers(build_parser(list(verbs())))
    return "\n".join((HEAD, *(f"## `{parser.prog}`\n\n```text\n{parser.format_help().rstrip()}\n```\n" for parser in every)))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
