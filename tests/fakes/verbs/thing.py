"""`sceau thing`: do one thing, as told."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from pki.cli._frame import Subparsers, command
from trust.errors import Alarm, Conflict, Malformed, Missing, Refused, Unavailable

ERRORS: Mapping[str, BaseException] = {
    "malformed": Malformed("no"),
    "conflict": Conflict("no"),
    "missing": Missing("no"),
    "alarm": Alarm("no"),
    "refused": Refused("no", citation="CP 3.2.3"),
    "unavailable": Unavailable("no", retry_after=7),
    "unforeseen": KeyError("the key"),
    "interrupted": KeyboardInterrupt(),
}


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    parser = command(subparsers, "thing", "do one thing, as told", examples=["sceau thing show"])
    parser.add_argument("what", choices=["show", "fail", *ERRORS])


def run(args: argparse.Namespace) -> int:
    """Do it: raise the error, fail, or show what the frame found on the command line."""
    if error := ERRORS.get(args.what):
        raise error
    print(args.home, args.json)
    return 1 if args.what == "fail" else 0
