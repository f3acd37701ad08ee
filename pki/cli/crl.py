"""`sceau crl`: list the revocation lists, and publish them now

The issuer publishes by itself: after each revocation, and before half of a list's validity is over. To publish by hand is for an
operator who moved or lost files.
"""

from __future__ import annotations

import argparse

from pki.cli._frame import Subparsers, command, verbs_of
from pki.cli._text import paragraph


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    parser = command(
        subparsers,
        "crl",
        "list the revocation lists, and publish them now",
        examples=[],
        description="The certificate revocation lists of this authority (CP 4.9.7).",
    )
    verbs = verbs_of(parser)
    listed = command(
        verbs,
        "list",
        "list the lists: number, age, entries, and whether the file is the one that was signed",
        examples=["sceau crl list", "sceau crl list --ca personnes --json"],
        description="List the newest list of each authority and part. Exit code 1 when one is over, or its file is not the one.",
    )
    listed.add_argument("--ca", metavar="ID", help="of this authority only")
    published = command(
        verbs,
        "publish",
        "publish every list now",
        examples=["sceau crl publish", "sceau crl publish --ca personnes"],
        description=paragraph(
            "Make every list anew from the inventory and publish it, due or not. When the issuer runs on this home it is asked "
            "to; else this command takes its place for a moment."
        ),
    )
    published.add_argument("--ca", metavar="ID", help="of this authority only")


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    from pki.cli.work import crl

    return crl.VERBS[args.verb](args)
