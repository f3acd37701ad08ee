"""`sceau backup`: save this authority while it works, and prove that a backup restores

One encrypted file (age): configuration, database, keys or what the module keeps of them, register, what is published. The witness
of signatures is not in it, and belongs elsewhere.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pki.cli._frame import Parser, Subparsers, command, verbs_of
from pki.cli._text import paragraph


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    parser = command(
        subparsers,
        "backup",
        "save this authority while it works, and prove that a backup restores",
        examples=[],
        description="Backups of this authority (CP 5.7.4, CP 6.2.4). `sceau restore` puts one back.",
    )
    verbs = verbs_of(parser)
    created = command(
        verbs,
        "create",
        "write a backup into a new file, while the authority works",
        examples=[
            "sceau backup create /mnt/backups/sceau-2026-11-22.age",
            "sceau backup create sceau.age --to age1… --to operators.txt",
            "sceau backup create sceau.age --json",
        ],
        description=paragraph(
            "Take the database at one moment, with all that its rows name, and write it encrypted: for the recipients of "
            "config/backup-recipient.txt (`sceau shares create` makes it) and for those given. The file appears whole or not at "
            "all, and overwrites nothing. Needs room for a copy of the database in the home, for as long as it runs."
        ),
    )
    created.add_argument("file", metavar="FILE", type=Path, help="the backup, which must not exist")
    created.add_argument(
        "--to",
        metavar="RECIPIENT",
        action="append",
        default=[],
        help="age recipient (age1…), or a file of recipients, besides those of the configuration (may be repeated)",
    )
    verified = command(
        verbs,
        "verify",
        "restore a backup aside, and say what was found",
        examples=[
            "sceau backup verify sceau.age < sheets.txt",
            "sceau backup verify sceau.age --identity operator.key --json",
            "sceau backup verify sceau.age --shares sheets.txt --checkpoint kept-2026-11.txt --key journal.key",
        ],
        description=paragraph(
            "Decrypt a backup into a folder that is removed afterwards (in memory, if there is room), compare each file with the "
            "manifest, open the database, verify the journal, compare keys with certificates. Production is not touched. Exit "
            "code 1 when it does not restore."
        ),
    )
    verified.add_argument("file", metavar="FILE", type=Path, help="the backup")
    add_openers(verified)


def add_openers(parser: Parser) -> None:
    """Declare what opens a backup, and what it is judged by."""
    parser.add_argument("--identity", metavar="FILE", type=Path, help="file with an age identity (else sheets are read)")
    parser.add_argument("--shares", metavar="FILE", type=Path, help="file with the words of the sheets (the standard input)")
    parser.add_argument(
        "--checkpoint",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="a checkpoint of the journal kept elsewhere, no newer than the backup (may be repeated)",
    )
    parser.add_argument("--key", metavar="FILE", type=Path, help="the journal's key, kept elsewhere (else the backup's own)")


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    from pki.cli.work import backup

    return backup.VERBS[args.verb](args)
