"""`sceau ocsp`: show what OCSP says of a certificate

Read from what publication serves, without asking it: the answer that any relying party gets, beside what the inventory records.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pki.cli._frame import Subparsers, command, verbs_of
from pki.cli._revocation import add_serial
from pki.cli._text import paragraph


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    parser = command(
        subparsers,
        "ocsp",
        "show what OCSP says of a certificate",
        examples=[],
        description="The status that is published for OCSP (RFC 6960; CP 4.9.9).",
    )
    verbs = verbs_of(parser)
    shown = command(
        verbs,
        "show",
        "show the published answer for one certificate, beside the inventory",
        examples=["sceau ocsp show 5d0c…31", "sceau ocsp show 5d0c…31 --out answer.der"],
        description=paragraph(
            "Show the OCSP response that is published for a certificate: status, dates, who signed. Exit code 1 when nothing is "
            "published, or when it is not what the inventory says (a change takes some seconds, and needs a running issuer)."
        ),
    )
    add_serial(shown)
    shown.add_argument(
        "--out", metavar="FILE", type=Path, help="write the response (DER) too: `openssl ocsp -respin FILE` reads it"
    )


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    from pki.cli.work import ocsp

    return ocsp.VERBS[args.verb](args)
