"""What `sceau ra organisation` does: structures declared, approved, withdrawn (CP 3.2.2)."""

from __future__ import annotations

import argparse
from typing import Any

from pki.bootstrap.home import open_home
from pki.bootstrap.registrar import organisations
from pki.cli import _officer
from pki.cli._output import emit
from pki.cli._text import at, count, day, table
from pki.registration.model import Organisation


def _declare(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    service, signer = organisations(home), _officer.open_signer(args, home)
    draft = service.draft(signer.officer.id, args.number, args.name, args.department, args.domain)
    act = _officer.sign(args, signer, service.declaration_statement(draft), f"declare {_words(draft)}")
    done = service.declare(draft, act)
    then = f"Next: `sceau ra organisation approve {done.id} --officer ID`, by another officer of {done.board}."
    emit(args, _data(done), f"{done.id} is declared.\n{then}")
    return 0


def _approve(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    service, signer = organisations(home), _officer.open_signer(args, home)
    statement = service.approval_statement(args.number, signer.officer.id)
    declared = service.seen_by(args.number, signer.officer.id)
    words = f"approve {_words(declared)}, declared by {declared.declared_by}"
    done = service.approve(_officer.sign(args, signer, statement, words))
    emit(args, _data(done), f"{done.id} is approved: its certificates may be asked for.")
    return 0


def _withdraw(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    service, signer = organisations(home), _officer.open_signer(args, home)
    statement = service.withdrawal_statement(args.number, signer.officer.id, args.reason)
    words = f"withdraw {_words(service.seen_by(args.number, signer.officer.id))}, because: {args.reason.strip()}"
    done = service.withdraw(_officer.sign(args, signer, statement, words))
    text = f"{done.organisation.id} is withdrawn; {count(done.certificates, 'certificate')} revoked."
    emit(args, _data(done.organisation) | {"revoked": done.certificates}, text)
    return 0


def _list(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    board = None if args.board is None else home.settings.board(args.board).code
    found = organisations(home).of_board(board)
    rows = [(each.id, each.board, each.name, each.department, " ".join(each.domains), _state(each)) for each in found]
    head = ("STRUCTURE", "BOARD", "NAME", "DEPARTMENT", "DOMAINS", "STATE")
    emit(args, [_data(each) for each in found], table(head, rows) if rows else "No structure is declared.")
    return 0


def _words(organisation: Organisation) -> str:
    domains = f", domains {', '.join(organisation.domains)}" if organisation.domains else ", no domain"
    return f"the structure {organisation.id}, {organisation.name}, {organisation.department}{domains}"


def _state(organisation: Organisation) -> str:
    if organisation.withdrawn_at is not None:
        return f"withdrawn {day(organisation.withdrawn_at)}"
    if organisation.approved_at is not None:
        return f"approved {day(organisation.approved_at)}"
    return f"declared by {organisation.declared_by}, waits"


def _data(organisation: Organisation) -> dict[str, Any]:
    return {
        **organisation.record(),
        "declared_by": organisation.declared_by,
        "declared_at": at(organisation.declared_at),
        "approved_at": at(organisation.approved_at),
        "withdrawn_at": at(organisation.withdrawn_at),
    }


VERBS = {"declare": _declare, "approve": _approve, "list": _list, "withdraw": _withdraw}
