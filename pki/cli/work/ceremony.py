"""What `sceau ceremony` does: a script played on a home, or rehearsed beside it (CP 6.1.1)."""

from __future__ import annotations

import argparse
from typing import Any

from pki.bootstrap.ceremony.play import MARKDOWN, PDF, Played, default_folder, play
from pki.bootstrap.ceremony.rehearsal import rehearse
from pki.bootstrap.ceremony.script import LARGEST, read
from pki.bootstrap.ceremony.steps import BY
from pki.bootstrap.custody import open_custodian
from pki.bootstrap.home import open_home
from pki.bootstrap.keywatch import counting
from pki.bootstrap.lock import HomeLock
from pki.bootstrap.services import base_port
from pki.cli import _files
from pki.cli._output import emit
from pki.cli._text import count


def _run(args: argparse.Namespace) -> int:
    octets = _files.read(args.script, LARGEST)
    script = read(octets)

    def tell(line: str) -> None:
        if not args.json:
            print(line, flush=True)

    if args.rehearse:
        played = rehearse(octets, args.home, args.out, tell)
    else:
        home = open_home(args.home)
        with HomeLock(args.home, BY, base_port()), counting(home, open_custodian(home), BY) as custodian:
            folder = args.out or default_folder(args.home, script)
            played = play(script, home, custodian, folder.absolute(), tell=tell)
    emit(args, _data(played, script.sha256, args.rehearse), _text(played, args.rehearse))
    return 0


def _data(played: Played, script: str, rehearsal: bool) -> dict[str, Any]:
    return {
        "script": script,
        "rehearsal": rehearsal,
        "folder": str(played.folder),
        "transcript": played.transcript,
        "files": [{"file": each.file, "sha256": each.sha256} for each in played.made if each.file is not None],
    }


def _text(played: Played, rehearsal: bool) -> str:
    made = [f"  {each.sha256}  {each.file}" for each in played.made if each.file is not None]
    held = "The ceremony was rehearsed: nothing of it is of value." if rehearsal else "The ceremony was held."
    lines = [
        f"{held} {count(len(made), 'file')}, SHA-256:" if made else held,
        *made,
        f"Transcript, to be printed and signed: {played.folder / PDF} ({MARKDOWN} beside it)",
        f"SHA-256 of the transcript: {played.transcript}",
    ]
    return "\n".join(lines)


VERBS = {"run": _run}
