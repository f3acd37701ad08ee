"""What every command that an officer signs has in common: its options, the words shown before, the signature (CP 5.2.3).

The private key and the passphrase come from files, never from the command line. Before anything is signed, the officer is told
in plain words what it is; with ``--json`` the exact statement is part of the answer instead.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pki.cli._frame import Parser
from pki.cli._output import one_line

if TYPE_CHECKING:
    from pki.bootstrap.home import Home
    from pki.bootstrap.officers import Signer
    from pki.issuance.approvals import Act

EXAMPLE = "--officer cnom-1 --key cnom-1.pem --passphrase-file cnom-1.pass"
"""For the examples of the commands; in a demonstration, the officer's name is enough."""


def add_options(parser: Parser, *, required: bool = True, role: str = "decides") -> None:
    """Declare the options of whoever signs."""
    group = parser.add_argument_group("who signs")
    group.add_argument("--officer", metavar="ID", required=required, help=f"the officer who {role} (`sceau board list`)")
    group.add_argument("--key", metavar="FILE", type=Path, help="the officer's private key (in a demonstration: found)")
    group.add_argument("--passphrase-file", metavar="FILE", type=Path, help="its passphrase, in a file of mode 0600")


def open_signer(args: argparse.Namespace, home: Home) -> Signer:
    """Open the officer's key.

    Raises:
        Missing, Refused, Malformed: as `pki.bootstrap.officers.open_signer`.
    """
    from pki.bootstrap.officers import open_signer as opened

    return opened(home, args.officer, args.key, args.passphrase_file)


def sign(args: argparse.Namespace, signer: Signer, statement: str, words: str) -> Act:
    """Tell the officer what is about to be signed, and sign it."""
    if not args.json:
        officer = signer.officer
        print(f"{officer.name} ({officer.id}, {officer.board}) signs: {one_line(words)}", file=sys.stderr, flush=True)
    return signer.sign(statement)
