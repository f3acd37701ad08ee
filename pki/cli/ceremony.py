"""`sceau ceremony`: play or rehearse the script of a key ceremony

Keys of a root and of the authorities under it are made before witnesses, from a reviewed script that says everything (CP 6.1.1).
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
        "ceremony",
        "play or rehearse the script of a key ceremony",
        examples=[],
        description="Key ceremonies: a reviewed script, witnesses, a transcript to sign (CP 6.1.1).",
    )
    verbs = verbs_of(parser)
    played = command(
        verbs,
        "run",
        "play a script, or rehearse it",
        examples=[
            "sceau ceremony run racine.toml --rehearse",
            "sceau ceremony run racine.toml --out /media/usb/racine",
            "sceau ceremony run emettrices.toml --out /media/usb/emettrices --json",
        ],
        description=paragraph(
            "Play the script of a ceremony on this home. The script is the only input: no option changes what is made. All of it "
            "is checked before its first step. Files that come from elsewhere lie in the folder of --out; what is made goes "
            "there, with the transcript (Markdown and PDF). A ceremony that was interrupted goes on when the same script is "
            "played again; one that was held is not held twice. With --rehearse, the script is played with throw-away keys on a "
            "SoftHSM token that is made for it, and nothing of this home but its configuration is read."
        ),
    )
    played.add_argument("script", metavar="SCRIPT", type=Path, help="the script (TOML)")
    played.add_argument("--rehearse", action="store_true", help="play it with throw-away keys")
    played.add_argument("--out", metavar="DIR", type=Path, help="the ceremony's folder (else one below HOME/ceremonies)")


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    from pki.cli.work import ceremony

    return ceremony.VERBS[args.verb](args)
