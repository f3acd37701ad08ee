"""What the commands print: results on standard output, reasons on standard error, one line each.

An error of our families becomes one line, or with ``--json`` one object with `error` (the family), `reason` and `citation`.
Anything else is a fault of ours: it becomes one line too, which names the file where the details are. Nobody is ever shown a
traceback.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from argparse import Namespace
from pathlib import Path
from typing import Any

from trust.errors import Refused, SceauError, Unavailable


def emit(args: Namespace, value: Any, text: str) -> None:
    """Print a result: `value` as JSON when that was asked for, else `text` for people."""
    print(json.dumps(value, ensure_ascii=False, indent=2) if args.json else text)


def one_line(text: str) -> str:
    """Return `text` on one line, with what could command a terminal made visible: names in reasons come from strangers' files."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(text.split()))


def complain(error: SceauError, *, as_json: bool) -> None:
    """Print an error of our families on standard error."""
    reason = error.reason if isinstance(error, Refused) else str(error)
    facts: dict[str, Any] = {"citation": error.citation if isinstance(error, Refused) else None}
    if isinstance(error, Unavailable):
        facts["retry_after"] = error.retry_after
    waits = isinstance(error, Unavailable) and error.retry_after > 0
    line = f"{error} (try again in {facts['retry_after']:g} s)" if waits else str(error)
    _complain(type(error).__name__.lower(), reason, line, facts, as_json)


def complain_of_usage(message: str, usage: str, *, as_json: bool) -> None:
    """Print what is wrong with a command line, and how it is written."""
    if not as_json:
        print(usage.strip(), file=sys.stderr)
    _complain("usage", message, message, {"citation": None}, as_json)


def confess(error: BaseException, home: Path, *, as_json: bool) -> None:
    """Print that something unforeseen happened, and put the traceback in a file that only its owner reads."""
    path = _write_details(home, "".join(traceback.format_exception(error)))
    reason = f"unexpected {type(error).__name__}; this is a fault of Sceau's, its details are in {path}"
    _complain("unexpected", reason, reason, {"citation": None, "details": str(path)}, as_json)


def _complain(family: str, reason: str, line: str, facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": family, "reason": one_line(reason), **facts}, ensure_ascii=False), file=sys.stderr)
    elif family == "unexpected":
        print(f"sceau: {one_line(line)}", file=sys.stderr)
    else:
        print(f"sceau: {family}: {one_line(line)}", file=sys.stderr)


def _write_details(home: Path, text: str) -> Path:
    folder = home / "log"
    try:
        # Made only inside a home that exists: a mistyped --home must not leave a directory behind.
        if home.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix="unexpected-", suffix=".log", dir=folder)
    except OSError:
        handle, name = tempfile.mkstemp(prefix="sceau-unexpected-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    return Path(name)
