"""The `sceau` command: finds the verb, runs it, and turns what it raises into one line and an exit code.

Exit codes: 0 done; 1 refused or failed, with the reason on standard error; 2 the command line is wrong. Only the module of the
verb that was asked for is imported, so that help and completion answer at once.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pki.cli import _output
from pki.cli._frame import Parser, UsageError, home_directory
from trust.errors import SceauError

DONE, FAILED, USAGE = 0, 1, 2

_EPILOG = """examples:
  sceau init --home var/demo --template dev
  sceau serve --home var/demo
  sceau VERB --help

exit codes: 0 done, 1 refused or failed (the reason is on standard error), 2 usage
"""


def main(argv: Sequence[str] | None = None, *, package: str = "pki.cli") -> int:
    """Run one command line (the process's own when none is given) and return its exit code. Raises nothing.

    `package` is the folder of verbs.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in arguments
    _never_fail_to_print()
    home = home_directory(None)
    try:
        args, module_name = _parse(arguments, package)
        home = args.home
        code: int = importlib.import_module(module_name).run(args)
        sys.stdout.flush()
    except UsageError as error:
        _output.complain_of_usage(str(error), error.usage, as_json=as_json)
        return USAGE
    except SceauError as error:
        _output.complain(error, as_json=as_json)
        return FAILED
    except SystemExit as error:  # argparse, after --help and --version
        return error.code if isinstance(error.code, int) else DONE if error.code is None else FAILED
    except KeyboardInterrupt:
        print("sceau: interrupted", file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # `sceau cert list | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:  # noqa: BLE001  # the last resort: an operator is shown a sentence, never a traceback
        _output.confess(error, home, as_json=as_json)
        return FAILED
    return code


def verbs(package: str = "pki.cli") -> dict[str, tuple[str, str]]:
    """List the verbs: name → (module, its line of help). They are the modules of the package; none is imported here."""
    found: dict[str, tuple[str, str]] = {}
    (folder,) = importlib.import_module(package).__path__
    for path in sorted(Path(folder).glob("[a-z]*.py")):
        if path.stem != "main":
            found[path.stem.replace("_", "-")] = (f"{package}.{path.stem}", _summary(path))
    return found


def build_parser(chosen: Sequence[str], package: str = "pki.cli") -> Parser:
    """Make the parser: the verbs that were chosen in full, the others by name only."""
    parser = Parser(prog="sceau", description="The trust service of the French health ordres.", epilog=_EPILOG)
    parser.add_argument("--version", action="store_true", help="print the version and stop")
    subparsers = parser.add_subparsers(dest="command", metavar="VERB", parser_class=Parser)
    for name, (module, summary) in verbs(package).items():
        if name in chosen:
            importlib.import_module(module).register(subparsers)
        else:
            subparsers.add_parser(name, help=summary)
    return parser


def version() -> str:
    """Return the version that is installed, or say that this is a working tree."""
    from importlib import metadata  # late: it costs more than the rest of `sceau --help`

    try:
        return metadata.version("sceau")
    except metadata.PackageNotFoundError:
        return f"working tree at {Path(__file__).parents[2]}"


def _parse(arguments: list[str], package: str) -> tuple[argparse.Namespace, str]:
    parser = build_parser([word for word in arguments if not word.startswith("-")], package)
    args = parser.parse_args(arguments)
    if args.version:
        print(f"sceau {version()}")
        parser.exit(DONE)
    if args.command is None:
        raise UsageError("a verb is needed: `sceau --help` lists them", parser.format_usage())
    args.home = home_directory(getattr(args, "home", None))
    args.json = getattr(args, "json", False)
    return args, verbs(package)[args.command][0]


def _summary(path: Path) -> str:
    """Read the first sentence of a module's docstring without importing it."""
    with path.open(encoding="utf-8") as file:
        first = file.readline().strip().strip('"')
    sentence = first.split(": ", 1)[-1] if first.startswith("`sceau") else first
    return sentence.rstrip(".").replace("%", "%%")


def _never_fail_to_print() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show an accent still gets its line


if __name__ == "__main__":
    sys.exit(main())
