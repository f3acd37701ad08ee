"""`sceau custody`: the process that alone opens the keys, under a user of its own

The issuer asks it for signatures over a Unix socket; it has neither the PIN nor the module, and cannot write to the witness.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pki.cli._frame import Subparsers, command, verbs_of
from pki.cli._text import paragraph


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    parser = command(
        subparsers,
        "custody",
        "the process that alone opens the keys, under a user of its own",
        examples=[],
        description="Custody as a process of its own (CP 6.2.8): run it as a user that nothing else runs as.",
    )
    verbs = verbs_of(parser)
    created = command(
        verbs,
        "init",
        "make the folder of a custody process",
        examples=[
            "sceau custody init /var/lib/sceau-custody --socket /run/sceau-custody/socket --user sceau "
            "--pkcs11 'pkcs11:token=sceau' --pin-file pin.txt",
            "sceau custody init var/custody --socket $PWD/var/custody/run/socket --user $USER",
        ],
        description=paragraph(
            "Make the folder: what holds the keys (sealed files, or the PKCS#11 token of --pkcs11), the users who may ask, the "
            "witness. Then: `sceau custody serve DIR`, and `sceau init --custody SOCKET` for the authority."
        ),
    )
    created.add_argument("folder", metavar="DIR", type=Path, help="a folder of its own, its user's alone")
    created.add_argument("--socket", metavar="PATH", type=Path, required=True, help="where it will listen: a Unix socket")
    created.add_argument("--user", metavar="NAME", action="append", required=True, help="who may ask (may be repeated)")
    created.add_argument("--pkcs11", metavar="URI", help="keep the keys in this PKCS#11 token (RFC 7512)")
    created.add_argument("--pin-file", metavar="FILE", type=Path, help="file with the token's PIN, readable by its owner alone")
    created.add_argument("--module", metavar="PATH", help="PKCS#11 library (p11-kit's proxy)")
    created.add_argument("--witness", metavar="FILE", type=Path, help="the witness's file: on another disk, say")
    served = command(
        verbs,
        "serve",
        "be the custody process, until Ctrl-C",
        examples=["sceau custody serve /var/lib/sceau-custody"],
        description="Open the keys and answer on the socket, until Ctrl-C or SIGTERM.",
    )
    served.add_argument("folder", metavar="DIR", type=Path, help="its folder")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from pki.cli.work import custody

    return custody.run(args)
