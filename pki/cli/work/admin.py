"""What `sceau admin` does: administrators of the machine and their passkeys (CP 5.2.1, CP 5.2.3)."""

from __future__ import annotations

import argparse

from pki.authenticators.model import Account, Kind
from pki.bootstrap.office import open_office
from pki.cli._output import emit
from pki.cli._text import day, table
from pki.cli.work.board import OPERATOR, print_invitation
from trust.errors import Missing


def _list(args: argparse.Namespace) -> int:
    office = open_office(args.home)
    data, rows = [], []
    for each in office.home.settings.administrators:
        keys = office.passkeys.of(Account(Kind.ADMINISTRATOR, each.id))
        data.append({"id": each.id, "name": each.name, "passkeys": len(keys)})
        used = max((key.used_at for key in keys), default=None)
        words = "none: `sceau admin invite` gives a link" if used is None else f"{len(keys)}, last used {day(used)}"
        rows.append((each.id, each.name, words))
    emit(args, data, table(("ADMINISTRATOR", "NAME", "PASSKEYS"), rows))
    return 0


def _invite(args: argparse.Namespace) -> int:
    office = open_office(args.home)
    administrator = office.home.settings.administrator(args.administrator)
    return print_invitation(args, office, Account(Kind.ADMINISTRATOR, administrator.id), administrator.name)


def _withdraw(args: argparse.Namespace) -> int:
    office = open_office(args.home)
    account = Account(Kind.ADMINISTRATOR, args.administrator)
    with office.home.store.write() as tx:
        count = office.passkeys.withdraw_all(tx, account, by=OPERATOR)
        tx.authenticators.end_entries(account, office.home.clock.now())
    if not count and all(each.id != account.id for each in office.home.settings.administrators):
        raise Missing(f"nobody is, or was, an administrator called {args.administrator}")
    text = f"{args.administrator}: {count} passkey{'s' if count > 1 else ''} withdrawn."
    emit(args, {"administrator": args.administrator, "withdrawn": count}, text)
    return 0


VERBS = {"invite": _invite, "list": _list, "withdraw": _withdraw}
