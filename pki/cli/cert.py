"""`sceau cert`: list, show and revoke certificates

What is shown is the inventory: what was issued and where it stands now. What relying parties are told is `sceau ocsp`,
`sceau crl` and `sceau check`.
"""

from __future__ import annotations

import argparse

from pki.cli import _revocation
from pki.cli._frame import Subparsers, command, verbs_of
from pki.cli._options import add_limit, whole
from pki.cli._text import paragraph

STATES = ("issued", "revoked", "held", "expired")


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    parser = command(
        subparsers,
        "cert",
        "list, show and revoke certificates",
        examples=[],
        description="The certificates of this authority: what was issued, and where each stands.",
    )
    verbs = verbs_of(parser)
    listed = command(
        verbs,
        "list",
        "list certificates, newest first",
        examples=[
            "sceau cert list --board CNOM --state held",
            "sceau cert list --holder 899700000013 --json",
            "sceau cert list --expires-within 30",
        ],
    )
    listed.add_argument("--holder", metavar="NUMBER", help="of this person (RPPS, IdNat_PS) or structure (FINESS, SIRET)")
    listed.add_argument("--board", metavar="CODE", help="of this board")
    listed.add_argument("--state", choices=STATES, help="in this state")
    listed.add_argument("--profile", metavar="ID", help="of this profile")
    listed.add_argument("--expires-within", metavar="DAYS", type=whole(0, 36_500), help="good now, and over in so many days")
    add_limit(listed, 1000)
    shown = command(
        verbs,
        "show",
        "show one certificate",
        examples=["sceau cert show 5d0c…31", "sceau cert show 5d0c…31 --pem > anne.pem", "sceau cert show 5d0c…31 --text"],
        description=paragraph("Show a certificate: where it stands in its life; with --text, what the certificate itself says."),
    )
    _revocation.add_serial(shown)
    form = shown.add_mutually_exclusive_group()
    form.add_argument("--pem", action="store_true", help="print the certificate, and nothing else")
    form.add_argument("--text", action="store_true", help="decode the certificate")
    _revocation.declare_revoke(verbs, "sceau cert revoke")
    _revocation.declare_with_key(verbs, "sceau cert revoke-with-key")


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    if args.verb in ("revoke", "revoke-with-key"):
        from pki.cli.work import revoke

        return revoke.VERBS[args.verb](args)
    from pki.cli.work import inventory

    return inventory.VERBS[args.verb](args)
