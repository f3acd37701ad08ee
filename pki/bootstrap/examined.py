"""What `sceau doctor` found last, kept in the home for who looks after the machine (CPS 6.7).

The pages hold no key and cannot examine those of the authority: whoever may runs `sceau doctor --keep`, and the pages show what
it said, and when. May be lost; nothing is decided by it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pki.bootstrap.checks import Finding, State
from trust import clock
from trust.errors import Malformed, Missing, Unavailable

LARGEST = 1_000_000
_KIND = "findings/1"


@dataclass(frozen=True)
class Examined:
    """What every check saw, at one moment."""

    at: datetime
    findings: tuple[Finding, ...]

    @property
    def wrong(self) -> list[Finding]:
        """What is to be mended, or looked at: the worst first."""
        worst = (State.FAILED, State.WARNING)
        return sorted((each for each in self.findings if each.state in worst), key=lambda each: worst.index(each.state))


def keep(home: Path, findings: Sequence[Finding], at: datetime) -> None:
    """Keep what was found.

    Raises:
        Unavailable: it cannot be written.
    """
    rows = [{"check": f.name, "state": f.state.value, "text": f.text, "fix": f.fix} for f in findings]
    path = _path(home)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.with_suffix(".new").write_text(json.dumps({"kind": _KIND, "at": clock.text(at), "findings": rows}), encoding="utf-8")
        os.replace(path.with_suffix(".new"), path)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}", retry_after=0) from None


def kept(home: Path) -> Examined:
    """Return what was kept last.

    Raises:
        Missing: nothing ever was.
        Malformed: the file is not that.
    """
    try:
        with _path(home).open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError:
        raise Missing("nobody has kept what `sceau doctor` finds") from None
    try:
        document = json.loads(content)
        if document["kind"] != _KIND:
            raise ValueError("another kind")
        rows = [(State(row["state"]), str(row["text"]), str(row["fix"]), str(row["check"])) for row in document["findings"]]
        return Examined(clock.parse(document["at"]), tuple(Finding(*row) for row in rows))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Malformed("what `sceau doctor --keep` wrote cannot be read") from None


def _path(home: Path) -> Path:
    return home / "run" / "findings.json"
