"""`sceau init`: create an authority, or finish creating it

From a template of `ca_config`. The template `dev` is a demonstration: it comes with officers, the sample register, and
certificates of invented people.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pki.cli._frame import Subparsers, command
from pki.cli._text import paragraph


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    parser = command(
        subparsers,
        "init",
        "create an authority, or finish creating it",
        examples=[
            "sceau init --home var/demo --template dev",
            "sceau init --home var/pq --algorithm ML-DSA-65 --bare",
            "sceau init --home var/sceau --database postgresql:///sceau",
            "sceau init --home var/sceau --pkcs11 'pkcs11:token=sceau' --pin-file pin.txt",
            "sceau init --home var/racine --template example/racine --ceremony --base-url http://pki.example.com",
        ],
        description=paragraph(
            "Create an authority in a directory: configuration, keys, database, certificates of the authorities; and, from a "
            "template in mode demo, a demonstration unless --bare. An interrupted creation is finished by running it again; "
            "where everything is there, nothing changes."
        ),
    )
    parser.add_argument("--template", metavar="NAME", default="dev", help="folder of ca_config to start from (dev)")
    parser.add_argument("--algorithm", metavar="NAME", help="algorithm of every authority (ML-DSA-65…)")
    parser.add_argument("--database", metavar="URL", help="database in place of the embedded SQLite, without a password in it")
    parser.add_argument("--custody", metavar="SOCKET", type=Path, help="have a custody process hold the keys (sceau custody)")
    parser.add_argument("--pkcs11", metavar="URI", help="keep the keys in this PKCS#11 token (RFC 7512)")
    parser.add_argument("--pin-file", metavar="FILE", type=Path, help="file with the token's PIN, readable by its owner alone")
    parser.add_argument("--module", metavar="PATH", help="PKCS#11 library (p11-kit's proxy)")
    parser.add_argument("--base-url", metavar="URL", help="address of publication, baked in every certificate")
    parser.add_argument("--ceremony", action="store_true", help="leave the authorities to a ceremony (`sceau ceremony run`)")
    parser.add_argument("--bare", action="store_true", help="no demonstration: no officer's key, no register, nobody")


def run(args: argparse.Namespace) -> int:
    """Create."""
    from pki.cli.work import init

    return init.run(args)
