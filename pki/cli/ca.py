"""`sceau ca`: list and show the certification authorities

The root and the issuing authorities of this home, with the hashes by which relying parties recognise them.
"""

from __future__ import annotations

import argparse

from pki.cli._frame import Subparsers, command, verbs_of


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    parser = command(
        subparsers,
        "ca",
        "list and show the certification authorities",
        examples=[],
        description="The certification authorities of this home (CP 1.3.1).",
    )
    verbs = verbs_of(parser)
    command(verbs, "list", "list the authorities", examples=["sceau ca list", "sceau ca list --json"])
    shown = command(
        verbs,
        "show",
        "show one authority",
        examples=[
            "sceau ca show racine",
            "sceau ca show racine --pem > racine.pem",
            "sceau ca show personnes --chain > chain.pem",
        ],
        description="Show an authority: its certificate, what it issues, where its status is published.",
    )
    shown.add_argument("ca", metavar="ID", help="the authority (`sceau ca list`)")
    form = shown.add_mutually_exclusive_group()
    form.add_argument("--pem", action="store_true", help="print its certificate, and nothing else")
    form.add_argument("--chain", action="store_true", help="print its certificate and those above it, and nothing else")
    form.add_argument("--text", action="store_true", help="decode its certificate")


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    from pki.cli.work import ca

    return ca.VERBS[args.verb](args)
