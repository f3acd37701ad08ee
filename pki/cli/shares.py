"""`sceau shares`: put what opens the backups into m of n hands, and verify a sheet

Each holder keeps a sheet of 33 words (SLIP-39). Together, as many as were asked for open a backup; fewer open nothing. The secret
itself is never on a disk.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pki.cli._frame import Subparsers, command, verbs_of
from pki.cli._options import whole
from pki.cli._text import paragraph


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    parser = command(
        subparsers,
        "shares",
        "put what opens the backups into m of n hands, and verify a sheet",
        examples=[],
        description="The group of people who together can open the backups of this authority (CP 6.2.2, CP 6.2.4).",
    )
    verbs = verbs_of(parser)
    created = command(
        verbs,
        "create",
        "make a group: one sheet for each holder, and the recipient of the backups",
        examples=[
            "sceau shares create --threshold 3 --shares 5 --sheets /dev/shm/sheets",
            "sceau shares create --threshold 2 --shares 3 --sheets /dev/shm/sheets --replace",
        ],
        description=paragraph(
            "Make a key, split it, write one PDF page for each holder, and forget the key. Its public half goes into "
            "config/backup-recipient.txt: every backup is encrypted for the group from then on. The sheets are secrets: choose a "
            "folder in memory (/dev/shm), print each, give it to its holder, remove the folder."
        ),
    )
    created.add_argument("--threshold", metavar="M", type=whole(2, 16), required=True, help="how many holders open a backup")
    created.add_argument("--shares", metavar="N", type=whole(2, 16), required=True, help="how many holders there are")
    created.add_argument("--sheets", metavar="DIR", type=Path, required=True, help="new or empty folder for the sheets")
    created.add_argument(
        "--purpose", metavar="TEXT", default="les sauvegardes de l'autorité", help="what the sheets say they open"
    )
    created.add_argument("--replace", action="store_true", help="in place of a group, which still opens earlier backups")
    verified = command(
        verbs,
        "verify",
        "say which set and number each sheet is, and whether there are enough",
        examples=["sceau shares verify", "sceau shares verify sheets.txt", "sceau shares verify --json < one-sheet.txt"],
        description=paragraph(
            "Read the words of one or more sheets, typed or scanned, from a file or standard input, an empty line between two. "
            "Each is checked by itself; nothing is joined and nothing is written. Exit code 1 when a sheet is wrong, or when "
            "there are not enough."
        ),
    )
    verified.add_argument("file", metavar="FILE", type=Path, nargs="?", help="file with the words (the standard input)")


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    from pki.cli.work import shares

    return shares.VERBS[args.verb](args)
