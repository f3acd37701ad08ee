"""What `sceau board token…` does: access tokens of programs (CP 5.2.3)."""

from __future__ import annotations

import argparse
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pki.authenticators.model import Account, Kind
from pki.authenticators.tokens import Scope, Token, serves
from pki.bootstrap.office import open_office
from pki.cli._output import emit
from pki.cli._text import at, day, minute, table
from pki.registration.checks import structure_number
from trust.errors import Conflict, Malformed, Unavailable

BY = "operator"
"""Who makes tokens, in the journal (CP 5.2.1)."""


def _make(args: argparse.Namespace) -> int:
    if (args.officer is None) == (args.structure is None):
        raise Malformed("a token is of an officer, or of a structure (--structure): name one of them")
    office = open_office(args.home)
    if args.structure is None:
        account = Account(Kind.OFFICER, office.home.settings.officer(args.officer).id)
    else:
        account = Account(Kind.STRUCTURE, structure_number(args.structure))
    if args.out is not None and args.out.exists():
        raise Conflict(f"{args.out} exists already")
    scopes = [Scope(each) for each in args.scope or ["read"]]
    secret, token = office.tokens.make(account, args.name, scopes, timedelta(days=args.days), by=BY)
    words = f"Token {token.id} of {account}, for {', '.join(sorted(token.scopes))}, until {minute(token.ends_at)}."
    if args.out is None:
        text = f"{words}\n\n    {secret}\n\nIt is shown once: keep it where its program reads it."
        emit(args, _data(token) | {"token": secret}, text)
        return 0
    _write(args.out, secret)
    emit(args, _data(token) | {"file": str(args.out)}, f"{words}\nIt is in {args.out}.")
    return 0


def _list(args: argparse.Namespace) -> int:
    office = open_office(args.home)
    now, found = office.home.clock.now(), office.tokens.list()
    rows = [
        (each.id, str(each.account), each.name, ", ".join(sorted(each.scopes)), _state(each, now), day(each.used_at))
        for each in found
    ]
    data = [_data(each) | {"state": _state(each, now).partition(" ")[0]} for each in found]
    emit(args, data, table(("TOKEN", "OF", "NAME", "SCOPES", "STATE", "LAST USED"), rows))
    return 0


def _withdraw(args: argparse.Namespace) -> int:
    token = open_office(args.home).tokens.withdraw(args.id, by=BY)
    emit(
        args, {"id": token.id, "account": str(token.account)}, f"The token {token.id} of {token.account} opens nothing any more."
    )
    return 0


def _state(token: Token, now: datetime) -> str:
    if token.withdrawn_at is not None:
        return f"withdrawn {day(token.withdrawn_at)}"
    return f"serves until {day(token.ends_at)}" if serves(token, now) else f"over since {day(token.ends_at)}"


def _data(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "account": str(token.account),
        "name": token.name,
        "scopes": sorted(token.scopes),
        "made_at": at(token.made_at),
        "ends_at": at(token.ends_at),
        "used_at": at(token.used_at),
        "withdrawn_at": at(token.withdrawn_at),
    }


def _write(path: Path, secret: str) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secret + "\n")
    except OSError as error:
        raise Unavailable(f"cannot write {path}: {error.strerror}; withdraw the token and make another") from error


VERBS = {"token": _make, "token-withdraw": _withdraw, "tokens": _list}
