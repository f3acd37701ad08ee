"""What `sceau cert list` and `sceau cert show` do: read the inventory (RFC 3647 §4.4)."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timedelta
from typing import TypedDict

from pki.adapters.publication_files import pem
from pki.bootstrap.home import open_home
from pki.cli._output import emit
from pki.cli._text import fields
from pki.cli.work.certificates import as_data, decoded, life, listing
from pki.inventory import serials
from pki.inventory.model import State
from pki.registration.checks import holder_of_person, structure_number
from trust.errors import Malformed, Missing


class _Sought(TypedDict, total=False):
    """What a state in the words of the contract asks of the database: expiry is read from the clock, not stored."""

    states: tuple[State, ...]
    ends_from: datetime
    ends_before: datetime


def _list(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    now = home.clock.now()
    holder = None if args.holder is None else _holder(args.holder, home.settings.mode)
    board = None if args.board is None else home.settings.board(args.board).code
    if args.profile is not None and args.profile not in home.profiles:
        raise Missing(f"no profile is called {args.profile!r}; known: {', '.join(sorted(home.profiles))}")
    sought = _sought(args.state, args.expires_within, now)
    with home.store.read() as tx:
        found = tx.certificates.search(holder=holder, board=board, profile=args.profile, limit=args.limit + 1, **sought)
    more, found = len(found) > args.limit, found[: args.limit]
    emit(args, [as_data(each, now) for each in found], listing(found, now) if found else "No certificate matches.")
    if more:
        print(f"These are the {args.limit} newest: --limit shows more.", file=sys.stderr)
    return 0


def _sought(state: str | None, within: int | None, now: datetime) -> _Sought:
    if within is not None:
        if state not in (None, "issued", "held"):
            raise Malformed("--expires-within is for certificates that are issued or held")
        states = (State.HELD,) if state == "held" else (State.ISSUED,) if state == "issued" else (State.ISSUED, State.HELD)
        return {"states": states, "ends_from": now, "ends_before": now + timedelta(days=within, seconds=1)}
    match state:
        case "issued":
            return {"states": (State.ISSUED,), "ends_from": now}
        case "held":
            return {"states": (State.HELD,), "ends_from": now}
        case "revoked":
            return {"states": (State.REVOKED,)}
        case "expired":
            return {"states": (State.ISSUED, State.HELD), "ends_before": now}
    return {}


def _holder(number: str, mode: str) -> str:
    """Return the holder that somebody typed: a person's number, a structure's, or the name of a service of ours."""
    if ":" in number and number.isascii():
        return number
    typed = "".join(number.split())
    if len(typed) == 11 or (len(typed) == 12 and typed.startswith("8")):
        return holder_of_person(typed, mode)
    return structure_number(typed)


def _show(args: argparse.Namespace) -> int:
    home, serial = open_home(args.home), serials.parse(args.serial)
    now = home.clock.now()
    with home.store.read() as tx:
        certificate = tx.certificates.get(serial)
    encoded = pem(certificate.der) if certificate.signature is not None else None
    if (args.pem or args.text) and encoded is None:
        raise Missing(f"{serial.hex()} was never surely signed: there is no certificate to show")
    pairs = decoded(certificate.der) if args.text else life(certificate, now)
    data = as_data(certificate, now) | {"pem": encoded}
    if args.text:
        data["decoded"] = dict(pairs)
    emit(args, data, encoded.rstrip() if args.pem and encoded else fields(pairs))
    return 0


VERBS = {"list": _list, "show": _show}
