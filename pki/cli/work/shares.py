"""What `sceau shares` does (CP 6.2.2, CP 6.2.4)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pki.bootstrap.backup.envelope import RECIPIENT, look, new_group
from pki.bootstrap.home import open_home
from pki.cli._files import read, write
from pki.cli._output import emit
from pki.cli._text import count
from trust.errors import Conflict, Malformed

LARGEST = 64 * 1024


def _create(args: argparse.Namespace) -> int:
    from pki.bootstrap.backup.sheets import Occasion, write_sheets  # with all that draws a page

    home = open_home(args.home)
    standing = home.settings.config / RECIPIENT
    if standing.exists() and not args.replace:
        raise Conflict(f"{standing} names a group already: --replace makes another")
    group = new_group(args.threshold, args.shares, home.entropy)
    occasion = Occasion(home.settings.name, args.purpose, home.clock.now())
    sheets = write_sheets(group, occasion, args.sheets)
    told = look(group.shares[0])
    head = f"# {args.threshold} of {args.shares}, set {told.set_name}, {occasion.at:%Y-%m-%d}"
    write(standing, f"{head}\n{group.recipient}\n".encode())
    data = {
        "set": told.set_name,
        "threshold": args.threshold,
        "shares": args.shares,
        "recipient": group.recipient,
        "fingerprint": group.fingerprint,
        "sheets": [str(path) for path in sheets],
        "file": str(standing),
    }
    lines = [
        f"Set {told.set_name}, {args.threshold} of {args.shares}, fingerprint {group.fingerprint}: "
        f"{count(len(sheets), 'sheet')} in {args.sheets}.",
        f"Backups are encrypted for {group.recipient} from now on ({standing}).",
        f"Print each sheet, hand it over, have it verified (`sceau shares verify`), then remove {args.sheets}.",
    ]
    emit(args, data, "\n".join(lines))
    return 0


def words(path: Path | None) -> str:
    """Return what was typed or scanned: never from the command line, which every process of the machine sees.

    Raises:
        Malformed: it is not text, or too long.
    """
    if path is None and sys.stdin.isatty():
        print("Type the words of each sheet, an empty line between two; end with Ctrl-D.", file=sys.stderr)
    octets = sys.stdin.buffer.read(LARGEST + 1) if path is None else read(path, LARGEST)
    if len(octets) > LARGEST:
        raise Malformed("more words than any sheets have")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("the words are not text") from None


def _verify(args: argparse.Namespace) -> int:
    told = look(words(args.file))
    lines = [f"sheet {number} of set {told.set_name}: whole" for number in told.numbers]
    if told.lacking:
        lines.append(f"Not enough: {told.threshold} are needed, {told.lacking} more of this set.")
    else:
        lines.append(f"These are enough: {told.threshold} are needed.")
    data = {
        "set": told.set_name,
        "threshold": told.threshold,
        "sheets": list(told.numbers),
        "lacking": told.lacking,
    }
    emit(args, data, "\n".join(lines))
    return 1 if told.lacking else 0


VERBS = {"create": _create, "verify": _verify}
