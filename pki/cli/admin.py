"""`sceau admin`: let those who run the machine see how the authority goes

Who they are is configuration (`[[administrator]]` of `authority.toml`): a command names nobody (CP 5.2.1).
"""

from __future__ import annotations

import argparse

from pki.cli._frame import Subparsers, command, verbs_of
from pki.cli._text import paragraph


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    parser = command(
        subparsers,
        "admin",
        "let those who run the machine see how the authority goes",
        examples=[],
        description=paragraph(
            "The administrators of this authority: they see the state of the whole at /admin/, and nobody's data."
        ),
    )
    verbs = verbs_of(parser)
    command(verbs, "list", "list administrators and their passkeys", examples=["sceau admin list", "sceau admin list --json"])
    invited = command(
        verbs,
        "invite",
        "print a one-time link by which an administrator creates a passkey",
        examples=["sceau admin invite exploitation-1"],
        description=paragraph(
            "Print a link that lives one hour and serves once: the administrator opens it, and the browser creates a passkey "
            "that signs in. Earlier links of this administrator end. Hand it over in person, or by a way that you trust."
        ),
    )
    invited.add_argument("administrator", metavar="ID", help="the administrator, as in authority.toml")
    gone = command(
        verbs,
        "withdraw",
        "withdraw every passkey of an administrator",
        examples=["sceau admin withdraw exploitation-1"],
        description=paragraph(
            "Withdraw the passkeys of an administrator and end their sessions and links; it works for who is no longer in the "
            "configuration, too. Who stays there may be invited again."
        ),
    )
    gone.add_argument("administrator", metavar="ID", help="the administrator")


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    from pki.cli.work import admin

    return admin.VERBS[args.verb](args)
