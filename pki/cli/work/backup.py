"""What `sceau backup` and `sceau restore` do (CP 5.7.4, CP 6.2.4)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pki.bootstrap.backup.envelope import identities_in, identities_of_words, recipients_of
from pki.bootstrap.backup.judge import Verdict
from pki.bootstrap.backup.make import make
from pki.bootstrap.backup.restore import Anchors, Judged, prove, restore
from pki.bootstrap.home import open_home
from pki.cli._files import read
from pki.cli._output import emit
from pki.cli._text import count
from pki.cli.work.shares import words
from trust.errors import Malformed
from trust.transparency.note import VerifierKey

LARGEST = 64 * 1024


def _create(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    made = make(home, args.file.absolute(), recipients_of(args.to, home.settings.config))
    manifest = made.manifest
    data = {
        "file": str(made.path),
        "size": made.size,
        "backup": manifest.sha256,
        "made_at": manifest.made_at,
        "files": len(manifest.files),
        "entries": manifest.entries,
        "root": manifest.root,
        "certificates": manifest.certificates,
        "lists": manifest.lists,
        "seconds": round(made.seconds, 2),
    }
    lines = [
        f"{made.path}: {made.size / 1e6:.1f} MB in {made.seconds:.1f} s: {count(len(manifest.files), 'file')}, "
        f"{count(manifest.tables['certificates'], 'certificate')}.",
        f"Backup {manifest.sha256[:16]}…, {manifest.made_at}; journal: {manifest.entries} entries, root {manifest.root[:16]}….",
        f"Prove it: sceau backup verify {made.path}",
    ]
    emit(args, data, "\n".join(lines))
    return 0


def _verify(args: argparse.Namespace) -> int:
    judged = prove(args.file, _identities(args), anchors=_anchors(args))
    restores = judged.verdict.restores
    said = "It restores" if restores else "It does NOT restore"
    emit(args, _data(judged) | {"restores": restores}, "\n".join([*_lines(judged), f"{said}; {judged.seconds:.1f} s."]))
    return 0 if restores else 1


def restore_home(args: argparse.Namespace) -> int:
    """Put a backup back; return the exit code."""
    judged = restore(
        args.file,
        _identities(args),
        args.home,
        database_url=args.database,
        anchors=_anchors(args),
        tell=_silent if args.json else print,
    )
    lines = [
        *_lines(judged),
        f"{args.home} is in place after {judged.seconds:.1f} s, in quarantine: nothing is signed.",
    ]
    if judged.manifest.custody != "software":
        lines.append(f"What the module's own tools restore it from is in {args.home}/module, if the backup had it.")
    lines.append(f"Next: sceau audit reconcile --home {args.home} --witness FILE --published DIR-or-URL --apply")
    emit(args, _data(judged) | {"home": str(args.home)}, "\n".join(lines))
    return 0


def _silent(_line: str) -> None:
    """Say nothing: whoever wants JSON wants one object."""


def _identities(args: argparse.Namespace) -> list[Any]:
    if args.identity is not None and args.shares is not None:
        raise Malformed("an identity or sheets open a backup, not both")
    if args.identity is not None:
        return identities_in(_text(args.identity))
    return identities_of_words(words(args.shares))


def _anchors(args: argparse.Namespace) -> Anchors:
    key = None if args.key is None else VerifierKey.parse(_text(args.key))
    return Anchors(key, tuple(_text(path) for path in args.checkpoint))


def _text(path: Path) -> str:
    try:
        return read(path, LARGEST).decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed(f"{path} is not text") from None


def _data(judged: Judged) -> dict[str, Any]:
    manifest, verdict = judged.manifest, judged.verdict
    return {
        "backup": manifest.sha256,
        "made_at": manifest.made_at,
        "version": manifest.version,
        "engine": manifest.engine,
        "files": len(manifest.files),
        "entries": verdict.entries,
        "proven": verdict.proven,
        "root": manifest.root,
        "certificates": verdict.certificates,
        "keys": [each.text for each in verdict.keys],
        "faults": list(verdict.faults),
        "notes": list(verdict.notes),
        "seconds": round(judged.seconds, 2),
    }


def _lines(judged: Judged) -> list[str]:
    manifest, verdict = judged.manifest, judged.verdict
    return [
        f"Backup {manifest.sha256[:16]}… of {manifest.authority}, made {manifest.made_at} by Sceau {manifest.version}:",
        f"  {count(len(manifest.files), 'file')}, each the one of the manifest",
        f"  journal: {count(verdict.entries, 'entry', 'entries')}, {verdict.proven} under a signed checkpoint",
        *[f"  {ca}: {_counts(verdict, ca)}" for ca in verdict.certificates],
        *[f"  keys: {each.text}" for each in verdict.keys],
        *[f"  WRONG: {fault}" for fault in verdict.faults],
        *[f"  note: {note}" for note in verdict.notes if not note.startswith("keys: ")],
    ]


def _counts(verdict: Verdict, ca: str) -> str:
    return ", ".join(f"{number} {state}" for state, number in verdict.certificates[ca].items())


VERBS = {"create": _create, "verify": _verify}
