"""What `sceau audit reconcile` does (CP 5.7.4; decision 0017)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pki.bootstrap import quarantine
from pki.bootstrap.home import Home, open_home
from pki.bootstrap.reconcile.compare import Findings, Lost, compare
from pki.bootstrap.reconcile.enter import enter
from pki.bootstrap.reconcile.lists import Published, fetch, read_folder
from pki.bootstrap.sealing import root
from pki.cli._output import emit
from pki.cli._text import count
from trust import clock as times
from trust.errors import Malformed, Missing


def reconcile(args: argparse.Namespace) -> int:
    """Compare, enter if that is asked for, and tell; return the exit code."""
    home = open_home(args.home)
    held = quarantine.read(home.settings.home)
    published, silent = _published(home, args.published)
    found = compare(home, _witness(home, args), published)
    if args.apply:
        enter(home, found, witnessed=not args.witness_lost)
    waits = held is not None and not args.apply
    data = _data(found) | {
        "agree": found.agree,
        "applied": args.apply,
        "quarantine": quarantine.read(home.settings.home) is not None,
        "silent": silent,
    }
    emit(args, data, "\n".join([*_lines(found), *_silent(silent), *_outcome(args, found, held is not None)]))
    # What must come from elsewhere is not entered by anybody here.
    return 1 if waits or found.elsewhere or (not found.agree and not args.apply) else 0


def _witness(home: Home, args: argparse.Namespace) -> Path | None:
    if args.witness_lost:
        if args.witness is not None:
            raise Malformed("the witness is lost, or it is a file: not both")
        return None
    path: Path = args.witness or home.settings.witness_file
    if not path.is_file():
        raise Missing(f"there is no witness {path}: name it with --witness, or say --witness-lost")
    return path


def _published(home: Home, places: list[str]) -> tuple[list[Published], list[str]]:
    """Read the lists of the places given, and those of this home, if it has any."""
    found, silent = list[Published](), list[str]()
    for place in places:
        if place.startswith(("http://", "https://")):
            lists, silences = fetch(home, place)
            found += lists
            silent += silences
        else:
            found += read_folder(home, Path(place))
    try:
        found += read_folder(home, root(home))
    except Missing:
        pass
    return found, silent


def _data(found: Findings) -> dict[str, Any]:
    return {
        "witnessed": found.witnessed,
        "known": found.known,
        "lost": [_lost(each) for each in found.lost.values()],
        "differing": [_lost(each) for each in found.differing],
        "strange": [
            {"at": times.text(each.at), "key": each.key, "subject": each.subject, "sha256": each.sha256.hex()}
            for each in found.strange
        ],
        "forgotten": [
            {
                "ca": each.ca,
                "serial": each.serial.hex(),
                "revoked_at": times.text(each.revoked_at),
                "reason": each.reason.standard_name,
            }
            for each in found.forgotten.values()
        ],
        "lists": [
            {"ca": ca, "scope": scope, "was": was, "number": number} for (ca, scope), (was, number) in found.floors.items()
        ],
        "elsewhere": [{"ca": ca, "number": number} for ca, number in found.elsewhere],
    }


def _lost(each: Lost) -> dict[str, Any]:
    return {
        "ca": each.ca,
        "serial": each.serial.hex(),
        "key": each.key,
        "at": None if each.at is None else times.text(each.at),
        "tbs": None if each.tbs is None else each.tbs.hex(),
        "revoked_at": None if each.revoked_at is None else times.text(each.revoked_at),
        "reason": None if each.reason is None else each.reason.standard_name,
    }


def _lines(found: Findings) -> list[str]:
    lines = [f"The witness knows {count(found.witnessed, 'signature')} of certificates; {found.known} are in the inventory."]
    if found.agree:
        lines.append("Nothing that was signed, revoked or published is missing here.")
    for each in found.lost.values():
        when = f"signed with key {each.key} at {times.text(each.at)}" if each.at else "known from a list only"
        lines.append(f"  LOST       {each.serial.hex()}  {each.ca}, {when}")
    for each in found.differing:
        lines.append(f"  DIFFERS    {each.serial.hex()}  {each.ca}: other octets were signed under this serial")
    for line in found.strange:
        lines.append(f"  STRANGE    {line.subject}  signed with {line.key} at {times.text(line.at)}, no CA's key here")
    for listed in found.forgotten.values():
        since = times.text(listed.revoked_at)
        lines.append(f"  FORGOTTEN  {listed.serial.hex()}  {listed.ca}: {listed.reason.standard_name} since {since}")
    for (ca, scope), (was, number) in found.floors.items():
        lines.append(f"  LIST       {ca}/{scope}: number {was} here, {number} was signed or published")
    for ca, number in found.elsewhere:
        lines.append(f"  ELSEWHERE  {ca} signs in another place and has published list {number}: import it again")
    return lines


def _silent(silent: list[str]) -> list[str]:
    return [f"  no answer: {url} (the full list was read)" for url in silent]


def _outcome(args: argparse.Namespace, found: Findings, held: bool) -> list[str]:
    if args.apply:
        lines = ["Entered." if not found.agree else "Nothing to enter."]
        if held:
            lines.append("The quarantine is over: what waits is issued, and status published (sceau serve).")
        return lines
    if held:
        return ["In quarantine: nothing is signed. When this is understood, run it again with --apply."]
    return [] if found.agree else ["Understand this first; then --apply enters it."]
