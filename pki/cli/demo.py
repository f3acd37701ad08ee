"""`sceau demo`: enter a demonstration as one of its people

Only in a demonstration: elsewhere nobody gets in but by what they were given.
"""

from __future__ import annotations

import argparse

from pki.cli._frame import Subparsers, command, verbs_of
from pki.cli._text import paragraph


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    parser = command(
        subparsers,
        "demo",
        "enter a demonstration as one of its people",
        examples=[],
        description=paragraph("What only a demonstration has: a way in for whoever looks at it."),
    )
    verbs = verbs_of(parser)
    login = command(
        verbs,
        "login",
        "print a one-time link to enter as somebody",
        examples=[
            "sceau demo login cnom-1",
            "sceau demo login praticien",
            "sceau demo login structure",
            "sceau demo login administrateur",
            "sceau demo login 99700000591 --json",
        ],
        description=paragraph(
            "Print a one-time link by which you create a passkey in your browser and enter as this person of the demonstration."
        ),
    )
    login.add_argument(
        "role",
        metavar="ROLE",
        help="an officer (cnom-1, `sceau board list`), praticien, structure, administrateur, or an RPPS number",
    )


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    from pki.cli.work import demo

    return demo.login(args)
