"""What `sceau doctor --keys` does: the table of an authority's keys, for a terminal of 100 columns (CP 6.2, CP 6.3.2)."""

from __future__ import annotations

import argparse
import textwrap
from contextlib import suppress
from pathlib import Path

from pki.bootstrap import keylist, keysurvey
from pki.bootstrap.checks._opened import opened
from pki.bootstrap.home import open_home
from pki.bootstrap.keylist import Behind, Concern, Key, Keys, Role
from pki.cli._output import emit, one_line
from pki.cli._text import count, day, minute
from trust.clock import SystemClock
from trust.errors import SceauError

WIDTH = 100
_HEAD = ("KEY", "ALGORITHM", "SIGNATURES", "LAST", "RETIRES", "STATE")
_LABEL = 28
"""A longer label has a line of its own."""
_SERVES = {Role.CA: "authority", Role.RESPONDER: "OCSP responder of", Role.JOURNAL: "the journal's seal", Role.NONE: "nothing"}
DOCTOR = "doctor"


def examine(args: argparse.Namespace) -> int:
    """Look at every key, and say what to think of each; return 1 when something is wrong."""
    home = open_home(args.home)
    found = keysurvey.examine(home, by=DOCTOR)
    if args.keep:
        keylist.keep(args.home, found)
    emit(args, found.record(), page(found))
    return 1 if found.is_wrong else 0


def keep_if_old(home: Path) -> None:
    """Keep the list for the pages, unless an issuer at work keeps a fresher one. Raises nothing: what is wrong is a finding."""
    with suppress(SceauError):
        if SystemClock().now() - keylist.kept(home).at <= keylist.FRESH:
            return
    with suppress(SceauError):
        if (authority := opened(home)) is not None:
            keylist.keep(home, keysurvey.examine(authority, by=DOCTOR))


def page(found: Keys) -> str:
    """Write a list for people."""
    lines = _wrapped(found.custody, "")
    if found.fault:
        lines += [*_wrapped(f"does not answer: {found.fault}", ""), *_wrapped(f"→ {found.remedy}", "")]
    rows = [
        (one_line(key.label), key.algorithm or "-", _number(key.total), minute(key.last), day(key.retires), key.state)
        for key in found.keys
    ]
    cells = [_HEAD, *[("" if len(row[0]) > _LABEL else row[0], *row[1:]) for row in rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines += ["", _line(_HEAD, widths)]
    for key, row in zip(found.keys, cells[1:], strict=True):
        if not row[0]:
            lines.append(one_line(key.label))
        lines += [_line(row, widths), *_details(key, blames=not found.fault)]
    return "\n".join([*lines, *_foot(found)])


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    pairs = enumerate(zip(cells, widths, strict=True))
    return "  ".join(cell.rjust(width) if at == 2 else cell.ljust(width) for at, (cell, width) in pairs).rstrip()


def _number(value: int) -> str:
    return f"{value:,}".replace(",", " ")


def _details(key: Key, *, blames: bool) -> list[str]:
    """Write what stands below the line of a key; `blames` is False where it was said once that the custodian is away."""
    said = [f"{_SERVES[key.role]} {key.ca}".strip() + f"; {key.where}"]
    if key.sha256:
        said.append(f"sha256 {key.sha256}")
    said += [_certificate(each, key) for each in key.certificates]
    if key.full_until is not None:
        said.append(f"full length until {day(key.full_until)} ({key.full_profile}, {key.full_days} days)")
    counted = dict.fromkeys(key.uses, 0) | {each.use: each.count for each in key.signed}
    if counted:
        said.append(f"signed: {', '.join(f'{use} {_number(times)}' for use, times in counted.items())}")
    lines = [line for each in said for line in _wrapped(each, "    ")]
    for judgement in key.judgements:
        lines += _wrapped(("! " if judgement.is_grave else "· ") + judgement.text, "    ")
        if blames or judgement.concern is not Concern.UNREACHABLE:
            lines += _wrapped(f"→ {judgement.remedy}", "      ")
    return lines


def _certificate(each: Behind, key: Key) -> str:
    issuer = "itself" if key.role is Role.CA and each.issuer == key.ca else each.issuer
    return f"certificate {each.serial} by {issuer}, {day(each.not_before)} to {day(each.not_after)}, {each.status}"


def _foot(found: Keys) -> list[str]:
    said = [""]
    if found.over:
        said.append(f"{count(len(found.over), 'more key')} of responders that ended: {', '.join(found.over)}.")
    since = ", ".join(f"{name} since {minute(at)}" for name, at in found.since.items())
    said.append(f"Signatures are counted, to the minute, by: {since}." if since else "Nobody has counted signatures yet.")
    if found.damaged:
        said.append(f"The counts of {', '.join(found.damaged)} cannot be read, and are missing above.")
    return [line for each in said for line in _wrapped(each, "")]


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(one_line(text), WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ") or [""]
