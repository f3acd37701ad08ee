"""The frame that every verb stands in: its parser, its home directory, its errors of usage.

Every parser, however deep, accepts ``--home`` and ``--json``, so that they may stand before or after the verb. Secrets are
never options: arguments are shown to every process of the machine.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

DEFAULT_HOME = Path("var/sceau")

Subparsers: TypeAlias = "argparse._SubParsersAction[Parser]"
"""What `register` receives; argparse gives the type no public name."""


class UsageError(Exception):
    """The command line is not one of ours: exit code 2."""

    def __init__(self, message: str, usage: str) -> None:
        super().__init__(message)
        self.usage = usage


class Parser(argparse.ArgumentParser):
    """An argument parser with the global options, exact option names, and errors that are raised instead of printed."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **options)
        # SUPPRESS: a value given before the verb must survive the verb's own parser, which was given none.
        self.add_argument(
            "--home",
            metavar="DIR",
            type=Path,
            default=argparse.SUPPRESS,
            help="the authority's directory (else SCEAU_HOME, else ./var/sceau)",
        )
        self.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="answer in JSON, errors too")

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError`."""
        raise UsageError(message, self.format_usage())


def command(subparsers: Subparsers, name: str, summary: str, *, examples: Sequence[str], description: str = "") -> Parser:
    """Declare a verb, or a verb of a verb, and return its parser.

    `summary` is its line in the list above it; `examples` are whole command lines, shown under its help.
    """
    epilog = "examples:\n" + "\n".join(f"  {line}" for line in examples) if examples else None
    return subparsers.add_parser(
        name, help=summary, description=description or f"{summary[:1].upper()}{summary[1:]}.", epilog=epilog
    )


def verbs_of(parser: Parser, title: str = "verb") -> Subparsers:
    """Give a parser verbs of its own (``sceau register import``); the one chosen is `args.<title>`."""
    return parser.add_subparsers(dest=title, metavar=title.upper(), required=True)


def home_directory(given: Path | None, environment: Mapping[str, str] | None = None) -> Path:
    """Return the home to work on, absolute: the one given, else ``SCEAU_HOME``, else ``./var/sceau``. It need not exist."""
    known = os.environ if environment is None else environment
    return (given or Path(known.get("SCEAU_HOME") or DEFAULT_HOME)).absolute()
