"""`sceau board`: list the boards and their officers, enter the keys that officers sign with, and make tokens for programs

The mandates themselves are configuration (`boards/*.toml`): a command gives nobody a power (CP 5.2.1).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pki.cli._frame import Subparsers, command, verbs_of
from pki.cli._options import whole
from pki.cli._text import paragraph

REASONS = ("left", "replaced", "compromised")
SCOPES = ("read", "request", "decide")
TOKEN_DAYS = 90


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    parser = command(
        subparsers,
        "board",
        "list the boards and their officers, enter the keys that officers sign with, and make tokens for programs",
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
    _tokens(verbs)


def _tokens(verbs: Subparsers) -> None:
    made = command(
        verbs,
        "token",
        "make a token by which a program uses the API in an officer's or a structure's name",
        examples=[
            "sceau board token cnom-1 --name 'night export'",
            "sceau board token --structure 1990000010 --name renewals --scope read --scope request --out renewals.token",
        ],
        description=paragraph(
            "Make an access token for the API (docs/api.md) and show it once: only its hash is kept. It opens what the officer, "
            "or the administrator of the structure's servers, may see and hand in; it signs nothing. It ends after its days, "
            "when it is withdrawn, and with the officer's mandate or the structure."
        ),
    )
    made.add_argument("officer", metavar="ID", nargs="?", help="the officer, as in the board's file")
    made.add_argument("--structure", metavar="NUMBER", help="instead of an officer: a structure, by its national number")
    made.add_argument("--name", required=True, help="what it is for: it is listed under this name")
    scopes = "what it opens, once or more (read): request hands in signed requests, decide signed decisions"
    made.add_argument("--scope", action="append", choices=SCOPES, help=scopes)
    days = f"how long it lives ({TOKEN_DAYS}, at most 366)"
    made.add_argument("--days", metavar="N", type=whole(1, 366), default=TOKEN_DAYS, help=days)
    made.add_argument("--out", metavar="FILE", type=Path, help="new file for the token (mode 0600), instead of showing it")
    command(
        verbs,
        "tokens",
        "list the tokens of programs",
        examples=["sceau board tokens", "sceau board tokens --json"],
        description=paragraph(
            "List every token: whose, for what, until when, when it was last used. The tokens themselves are not known."
        ),
    )
    gone = command(
        verbs,
        "token-withdraw",
        "withdraw a token",
        examples=["sceau board token-withdraw 5f0c3a9b12d4e678"],
        description=paragraph("Withdraw a token, by its identifier in the list: it opens nothing from the next request on."),
    )
    gone.add_argument("id", metavar="ID", help="its identifier (`sceau board tokens`): not the token itself")


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    from pki.cli.work import board

    return board.VERBS[args.verb](args)
