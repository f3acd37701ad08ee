"""The access log, which cannot say who asked about whom (reliability P34).

A line holds the second, what was answered, its HTTP status and its size: never a client's address, never a serial, never the
target that a client wrote. One success in a hundred is kept, and every refusal as far as the buffer holds; lines are joined in
memory and written once a second by a thread, because a logging call for each request would cost as much as the answer
(`logging.info`: 8 to 11 µs).
"""

from __future__ import annotations

import os
from pathlib import Path

_LINES = 2_000
"""Lines held between two writings: a flood of refusals fills the buffer, not the disk."""


class AccessLog:
    """Lines waiting to be appended to a file. The file is opened at each writing, so that it may be rotated at any time."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lines: list[str] = []
        self.lost = 0
        """Lines that found no place, or that the disk refused."""

    def add(self, second: str, what: str, status: int, size: int) -> None:
        """Keep one line, or count it as lost when there are too many."""
        if len(self._lines) < _LINES:
            self._lines.append(f"{second} {what} {status} {size}\n")
        else:
            self.lost += 1

    def take(self) -> list[str]:
        """Hand over the lines kept so far, and begin anew."""
        lines, self._lines = self._lines, []
        return lines

    def write(self, lines: list[str]) -> None:
        """Append lines to the file; a disk that refuses them does not stop publication."""
        if not lines or self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                os.write(descriptor, "".join(lines).encode())
            finally:
                os.close(descriptor)
        except OSError:
            self.lost += len(lines)
