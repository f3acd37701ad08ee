"""`sceau board`: list the boards and their officers, and enter the keys that officers sign with

The mandates themselves are configuration (`boards/*.toml`): a command gives nobody a power (CP 5.2.1).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pki.cli._frame import Subparsers, command, verbs_of
from pki.cli._text import paragraph

REASONS = ("left", "replaced", "compromised")


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    parser = command(
        subparsers,
        "board",
        "list the boards and their officers, and enter the keys that officers sign with",
        examples=[],
        description=paragraph("The boards (ordres) of this authority, their officers, and the keys that officers sign with."),
    )
    verbs = verbs_of(parser)
    command(verbs, "list", "list boards, officers and keys", examples=["sceau board list", "sceau board list --json"])
    made = command(
        verbs,
        "officer-key",
        "make a key for an officer and enter it",
        examples=["sceau board officer-key cnom-1 --key-out cnom-1.pem --passphrase-file cnom-1.pass"],
        description=paragraph("Make a private key, write it encrypted to a new file, and enter its public half for the officer."),
    )
    made.add_argument("officer", metavar="ID", help="the officer, as in the board's file")
    made.add_argument("--key-out", metavar="FILE", type=Path, required=True, help="new file for the private key (mode 0600)")
    made.add_argument("--passphrase-file", metavar="FILE", type=Path, required=True, help="passphrase, in a file of mode 0600")
    made.add_argument("--algorithm", default="P-256", help="kind of key (P-256; also P-384, RSA-3072, Ed25519, ML-DSA-65…)")
    entered = command(
        verbs,
        "officer-register",
        "enter a public key that an officer brings",
        examples=["sceau board officer-register cnom-1 --public-key cnom-1.pub.pem"],
        description=paragraph(
            "Enter the public key of an officer who keeps the private half elsewhere (PEM or DER, SubjectPublicKeyInfo)."
        ),
    )
    entered.add_argument("officer", metavar="ID", help="the officer, as in the board's file")
    entered.add_argument("--public-key", metavar="FILE", type=Path, required=True, help="the public key")
    invited = command(
        verbs,
        "invite",
        "print a one-time link by which an officer creates a passkey",
        examples=["sceau board invite cnom-1"],
        description=paragraph(
            "Print a link that lives one hour and serves once: the officer opens it, and the browser creates a passkey that "
            "signs in and signs decisions. Earlier links of this officer end. Hand it over in person, or by a way that you trust."
        ),
    )
    invited.add_argument("officer", metavar="ID", help="the officer, as in the board's file")
    gone = command(
        verbs,
        "officer-withdraw",
        "withdraw the keys of an officer",
        examples=["sceau board officer-withdraw cnom-1 --reason left"],
        description=paragraph(
            "Withdraw every key and passkey of an officer: acts signed with them decide nothing more, those that wait included, "
            "and the officer's sessions end."
        ),
    )
    gone.add_argument("officer", metavar="ID", help="the officer")
    gone.add_argument("--reason", choices=REASONS, default="left", help="why (left)")


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    from pki.cli.work import board

    return board.VERBS[args.verb](args)
