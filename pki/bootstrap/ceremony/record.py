"""How far a ceremony came: one line before each step, one after it (CP 6.1.1).

A ceremony that was interrupted is taken up by playing the same script again: what was done is not done twice, and the
transcript says that there was an interruption. The record is of one script, by its hash. It may not be lost before the
ceremony is over; afterwards it keeps the same script from being played again.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pki.bootstrap.ceremony.steps import Made
from trust import clock
from trust.errors import Malformed, Unavailable

LARGEST = 4 << 20
FOLDER = "ceremonies"
"""Below the home: one record, and one folder, for each script."""


@dataclass(frozen=True)
class Done:
    """A step that came to its end."""

    at: datetime
    made: Made


class Record:
    """The record of one script on one home."""

    def __init__(self, home: Path, script: str) -> None:
        """Open the record of a script, by its SHA-256.

        Raises:
            Malformed: it is not one.
            Unavailable: it cannot be read.
        """
        self.path = home / FOLDER / f"{script[:16]}.jsonl"
        self.began: dict[int, datetime] = {}
        """Step → when it was first begun."""
        self.done: dict[int, Done] = {}
        self.started: list[datetime] = []
        """When each run of the script began: more than one, and it was interrupted."""
        self.held: tuple[datetime, str] | None = None
        """When the ceremony came to its end, and the SHA-256 of its transcript."""
        lines, self._size = _lines(self.path)
        for line in lines:
            self._take(line)

    def start(self, at: datetime) -> None:
        """Write that a run begins."""
        self._write({"what": "started", "at": clock.text(at)})

    def begin(self, step: int, at: datetime) -> None:
        """Write that a step is about to act."""
        self._write({"what": "began", "step": step, "at": clock.text(at)})

    def finish(self, step: int, at: datetime, made: Made) -> None:
        """Write that a step came to its end, and what it made."""
        self._write({"what": "done", "step": step, "at": clock.text(at), "made": asdict(made)})

    def close(self, at: datetime, transcript: str) -> None:
        """Write that the ceremony is over."""
        self._write({"what": "held", "at": clock.text(at), "transcript": transcript})

    def _write(self, line: dict[str, Any]) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b") as file:
                file.truncate(self._size)  # A line that was being written when the machine stopped goes.
                file.seek(self._size)
                self._size += file.write(json.dumps(line, ensure_ascii=False, sort_keys=True).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise Unavailable(f"the record of the ceremony cannot be written: {error.strerror}") from None
        self._take(line)

    def _take(self, line: dict[str, Any]) -> None:
        try:
            at = clock.parse(line["at"])
            match line["what"]:
                case "started":
                    self.started.append(at)
                case "began":
                    self.began.setdefault(line["step"], at)
                case "done":
                    facts = tuple((str(name), str(value)) for name, value in line["made"]["facts"])
                    self.done[line["step"]] = Done(at, Made(**{**line["made"], "facts": facts}))
                case "held":
                    self.held = (at, str(line["transcript"]))
        except (KeyError, TypeError, ValueError):
            raise Malformed(f"{self.path} is not the record of a ceremony") from None


def _lines(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the whole lines of a record, and how many octets they have."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        raise Unavailable(f"the record of the ceremony cannot be read: {error.strerror}") from None
    if len(content) > LARGEST:
        raise Malformed(f"{path} is not the record of a ceremony")
    found, whole = [], content[: content.rfind(b"\n") + 1]
    for line in whole.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            raise Malformed(f"{path} is not the record of a ceremony") from None
    return found, len(whole)
