"""The page of commands knows every command and every option: `make docs` writes it anew."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

from pki.cli._frame import Parser
from pki.cli.main import build_parser, verbs
from tests.law.tree import ROOT


def commands(parser: Parser) -> Iterator[tuple[str, set[str]]]:
    """Yield every command with its options, `--help` and hidden ones left out."""
    shown = [action for action in parser._actions if action.help != argparse.SUPPRESS]
    yield parser.prog, {name for action in shown for name in action.option_strings if name.startswith("--")}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from commands(child)


def test_the_page_lists_every_command_with_every_option() -> None:
    """And no command that is gone. When this fails, run `make docs`."""
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    sections = dict(re.findall(r"^## `([^`]+)`\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    present = dict(commands(build_parser(list(verbs()))))
    assert sorted(sections) == sorted(present)
    unsaid = {name: options - set(re.findall(r"--[\w-]+", sections[name])) for name, options in present.items()}
    assert {name: options for name, options in unsaid.items() if options} == {}
