"""`sceau restore`: put a backup back, where there is nothing

The home comes back in quarantine: status is published, and nothing is issued until `sceau audit reconcile` has compared it with
the witness of signatures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pki.cli._frame import Subparsers, command
from pki.cli._text import paragraph
from pki.cli.backup import add_openers


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    parser = command(
        subparsers,
        "restore",
        "put a backup back, where there is nothing",
        examples=[
            "sceau restore sceau.age --home /srv/sceau < sheets.txt",
            "sceau restore sceau.age --home /srv/sceau --identity operator.key",
            'sceau restore sceau.age --home /srv/sceau --shares sheets.txt --database "postgresql://sceau@/sceau"',
        ],
        description=paragraph(
            "Decrypt a backup, verify every file and the journal, and put it in place by one rename as the directory of --home, "
            "which must not exist or be empty; a PostgreSQL database must be empty too. The words of the sheets are read from a "
            "file or the standard input, an empty line between two. Afterwards nothing is issued until: "
            "sceau audit reconcile --witness FILE --apply"
        ),
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the backup")
    parser.add_argument("--database", metavar="URL", help="the empty PostgreSQL database (else the one of its configuration)")
    add_openers(parser)


def run(args: argparse.Namespace) -> int:
    """Restore."""
    from pki.cli.work import backup

    return backup.restore_home(args)
