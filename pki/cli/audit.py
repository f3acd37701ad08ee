"""`sceau audit`: verify the journal, read it, hand out its checkpoints, reconcile with the witness

The journal proves itself against checkpoints that were signed before; only one that was kept elsewhere shows that its end was cut
(CP 5.4.4). Auditors therefore keep checkpoints, and the key, on their own machines.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pki.cli._frame import Subparsers, command, verbs_of
from pki.cli._options import add_limit, whole
from pki.cli._text import paragraph


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    parser = command(
        subparsers,
        "audit",
        "verify the journal, read it, hand out its checkpoints, reconcile with the witness",
        examples=[],
        description="The journal of this authority: everything that happened, in one chain of entries (CP 5.4).",
    )
    verbs = verbs_of(parser)
    verified = command(
        verbs,
        "verify",
        "verify the journal, and the tables against it",
        examples=[
            "sceau audit verify",
            "sceau audit verify --checkpoint kept-2026-11.txt --key journal.key",
            "sceau audit verify --json",
        ],
        description=paragraph(
            "Read every entry, recompute the tree, and compare it with every signed checkpoint: those kept here, the published "
            "one, and those given. Then compare the tables with the entries: each change of state has its entry, and each entry "
            "its change. Exit code 1 when anything differs; the first bad entry is named."
        ),
    )
    verified.add_argument(
        "--checkpoint",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="a checkpoint kept elsewhere (may be repeated)",
    )
    verified.add_argument("--key", metavar="FILE", type=Path, help="the journal's key, kept elsewhere (else the published one)")
    shown = command(
        verbs,
        "show",
        "show entries of the journal",
        examples=["sceau audit show --limit 20", "sceau audit show --from 0 --type certificate", "sceau audit show --json"],
        description="Show entries, the last ones unless --from is given.",
    )
    shown.add_argument("--from", dest="start", metavar="N", type=whole(0, 10**9), help="from this entry on (the first is 0)")
    shown.add_argument("--type", metavar="T", help="of this type (certificate.revoked) or family of types (certificate)")
    shown.add_argument("--about", metavar="TEXT", help="that hold this text among their facts: a serial, an RPPS, an officer")
    add_limit(shown, 50)
    sealed = command(
        verbs,
        "checkpoint",
        "print the newest signed checkpoint, to be kept elsewhere",
        examples=["sceau audit checkpoint > kept-2026-11.txt", "sceau audit checkpoint --seal"],
        description=paragraph(
            "Print the newest signed checkpoint of the journal. Kept on another machine, it shows later that nothing before it "
            "was changed or cut."
        ),
    )
    sealed.add_argument("--seal", action="store_true", help="sign a new one first, if anything was written since")
    _declare_reconcile(verbs)
    command(
        verbs,
        "key",
        "print the key that checkpoints are verified with",
        examples=["sceau audit key > journal.key"],
        description="Print the journal's verifier key, as one line (C2SP signed-note).",
    )


def _declare_reconcile(verbs: Subparsers) -> None:
    reconciled = command(
        verbs,
        "reconcile",
        "compare the inventory with the witness of signatures and the published lists",
        examples=[
            "sceau audit reconcile",
            "sceau audit reconcile --witness /mnt/witness/signatures --published http://pki.example.org --apply",
            "sceau audit reconcile --witness signatures --published saved/publication/www --json",
        ],
        description=paragraph(
            "Name what was signed and is not in the inventory, what was revoked and is no longer, and lists whose numbers went "
            "back. Exit code 1 when there is any. With --apply it is entered: what was lost as revoked, revocations from "
            "their own date, numbers above all that was published; and the quarantine after a restore ends."
        ),
    )
    reconciled.add_argument("--witness", metavar="FILE", type=Path, help="the witness (else the one of the configuration)")
    reconciled.add_argument("--witness-lost", action="store_true", help="there is none any more: the lists alone speak")
    reconciled.add_argument(
        "--published",
        metavar="WHERE",
        action="append",
        default=[],
        help="lists as relying parties have them: a folder (publication/www) or an address (may be repeated)",
    )
    reconciled.add_argument("--apply", action="store_true", help="enter what is lacking, and end the quarantine")


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    from pki.cli.work import audit

    return audit.VERBS[args.verb](args)
