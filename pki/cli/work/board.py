"""What `sceau board` does: boards, officers, keys (CP 5.2.1, CP 5.2.3)."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from pki.authenticators.model import Account, Kind
from pki.bootstrap.home import open_home
from pki.bootstrap.office import INVITATION, Office, open_office
from pki.bootstrap.officers import make_key
from pki.bootstrap.registrar import officer_keys
from pki.cli._files import read
from pki.cli._output import emit
from pki.cli._text import at, day, minute, table
from pki.cli.work import tokens
from pki.issuance.approvals import OfficerKey
from pki.registration.officers import KEY_ALGORITHMS
from trust.algorithms import algorithm_of, spki
from trust.errors import Malformed, Refused

OPERATOR = "operator"
"""Who enters keys and extractions, in the journal (CP 5.2.1)."""
LARGEST = 16 * 1024


def _list(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    service = officer_keys(home)
    data, rows = [], []
    for board in home.settings.boards.values():
        officers = []
        for officer in board.officers:
            keys = service.keys(officer)
            officers.append(
                {
                    "id": officer.id,
                    "name": officer.name,
                    "roles": sorted(officer.roles),
                    "idnat": officer.idnat,
                    "keys": [_key_data(key) for key in keys],
                }
            )
            rows.append((board.code, officer.id, officer.name, ", ".join(sorted(officer.roles)), _key_words(keys)))
        data.append(
            {
                "code": board.code,
                "name": board.name,
                "professions": sorted(board.professions),
                "approvals": board.approvals,
                "bulk_threshold": board.bulk_threshold,
                "bulk_approvals": board.bulk_approvals,
                "officers": officers,
            }
        )
    emit(args, data, table(("BOARD", "OFFICER", "NAME", "ROLES", "KEY"), rows))
    return 0


def _make(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    home.settings.officer(args.officer)  # a key for nobody is not made
    if args.algorithm not in KEY_ALGORITHMS:
        known = ", ".join(KEY_ALGORITHMS)
        raise Refused(f"an officer does not sign with {args.algorithm}: one of {known}", citation="CP 6.1.5")
    key = make_key(args.key_out, args.passphrase_file, args.algorithm)
    entered = officer_keys(home).register(args.officer, spki(key.public_key()), by=OPERATOR)
    return _report_key(args, entered, f"The private key is in {args.key_out}: hand it to the officer, with the passphrase apart.")


def _enter(args: argparse.Namespace) -> int:
    entered = officer_keys(open_home(args.home)).register(args.officer, _public_key(args.public_key), by=OPERATOR)
    return _report_key(args, entered, "")


def _withdraw(args: argparse.Namespace) -> int:
    count = officer_keys(open_home(args.home)).withdraw(args.officer, args.reason, by=OPERATOR)
    text = f"{args.officer}: {count} key{'s' if count > 1 else ''} withdrawn. Take the mandate out of the board's file too."
    emit(args, {"officer": args.officer, "withdrawn": count, "reason": args.reason}, text)
    return 0


def _report_key(args: argparse.Namespace, key: OfficerKey, more: str) -> int:
    data = {"officer": key.officer, **_key_data(key)}
    text = f"{key.officer} signs with the key {data['sha256']} ({data['algorithm']})."
    emit(args, data, f"{text}\n{more}" if more else text)
    return 0


def _key_data(key: OfficerKey) -> dict[str, Any]:
    algorithm = algorithm_of(load_der_public_key(key.spki))
    return {
        "sha256": hashlib.sha256(key.spki).hexdigest(),
        "algorithm": algorithm.name if algorithm else None,
        "registered_at": at(key.registered_at),
        "withdrawn_at": at(key.withdrawn_at),
    }


def _key_words(keys: list[OfficerKey]) -> str:
    live = [key for key in keys if key.withdrawn_at is None]
    if live:
        return ", ".join(f"{hashlib.sha256(key.spki).hexdigest()[:12]} since {day(key.registered_at)}" for key in live)
    return f"withdrawn {day(keys[-1].withdrawn_at)}" if keys else "none: `sceau board officer-key` makes one"


def _public_key(path: Path) -> bytes:
    content = read(path, LARGEST)
    if content.startswith(b"\x30"):
        return content  # `check_public_key` reads it strictly
    try:
        return spki(load_pem_public_key(content))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Malformed(f"{path} is not a public key in PEM or DER") from None


def _invite(args: argparse.Namespace) -> int:
    office = open_office(args.home)
    officer = office.home.settings.officer(args.officer)
    return print_invitation(args, office, Account(Kind.OFFICER, officer.id), f"{officer.name} ({officer.board})")


def print_invitation(args: argparse.Namespace, office: Office, account: Account, name: str) -> int:
    """Make a one-time link for an account, and print it."""
    made = office.entries.invite(account, INVITATION, by=OPERATOR)
    link = office.entry_link(account, made.token)
    text = f"{name} creates a passkey at:\n\n    {link}\n\nOnce, before {minute(made.entry.ends_at)}."
    emit(args, {"account": str(account), "link": link, "ends_at": at(made.entry.ends_at)}, text)
    return 0


VERBS = {
    "invite": _invite,
    "list": _list,
    "officer-key": _make,
    "officer-register": _enter,
    "officer-withdraw": _withdraw,
    **tokens.VERBS,
}
