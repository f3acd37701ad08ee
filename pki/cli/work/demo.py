"""What `sceau demo` does: a way into a demonstration, for whoever looks at it."""

from __future__ import annotations

import argparse

from pki.authenticators.model import Account, Kind
from pki.bootstrap.office import Office, open_office
from pki.cli.work.board import print_invitation
from pki.registration.checks import holder_of_person
from pki.registration.model import Organisation
from trust.errors import Missing, Refused

PRACTITIONER = "praticien"
ADMINISTRATOR = "administrateur"
STRUCTURE = "structure"


def login(args: argparse.Namespace) -> int:
    """Print a way in.

    Raises:
        Refused: this is no demonstration.
        Missing: nobody there has this role.
    """
    office = open_office(args.home)
    if office.home.settings.mode != "demo":
        raise Refused("only a demonstration lets anybody in: use `sceau board invite`", citation="CP 5.2.3")
    if args.role == PRACTITIONER or args.role.isdigit():
        holder = _somebody(office) if args.role == PRACTITIONER else holder_of_person(args.role, office.home.settings.mode)
        return print_invitation(args, office, Account(Kind.PERSON, holder), f"The practitioner {holder}")
    if args.role == STRUCTURE:
        structure = _structure(office)
        return print_invitation(args, office, Account(Kind.STRUCTURE, structure.id), f"The administrator of {structure.name}")
    if args.role == ADMINISTRATOR:
        administrators = office.home.settings.administrators
        if not administrators:
            raise Missing("the configuration names no administrator (`[[administrator]]` of authority.toml)")
        return print_invitation(args, office, Account(Kind.ADMINISTRATOR, administrators[0].id), administrators[0].name)
    officer = office.home.settings.officer(args.role)
    return print_invitation(args, office, Account(Kind.OFFICER, officer.id), f"{officer.name} ({officer.board})")


def _structure(office: Office) -> Organisation:
    """Return a structure whose administrator was chosen."""
    for structure in office.organisations.of_board(None):
        if office.mandates.of(structure.id) is not None:
            return structure
    raise Missing("no structure has an administrator: officers choose one on its page")


def _somebody(office: Office) -> str:
    """Return somebody to whom officers granted something, and who has not entered yet."""
    for board in office.home.settings.boards:
        for grant in office.grants.of_board(board, limit=1, waiting_only=True):
            return grant.holder
    raise Missing("everybody who was granted something has entered: give a number (`sceau ra list`)")
