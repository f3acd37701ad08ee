"""What an operator asks of the issuer process while it runs: to publish revocation lists now (CP 4.9.7).

A file in the home's ``run`` directory, which only its owner writes. The issuer looks for it at each turn, does what it says and
takes it away; whoever asked waits for that. May be lost: one asks again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from trust.errors import Unavailable

EVERY = "*"
"""In place of a CA: all of them."""


class Demand:
    """The wish, from both its ends."""

    def __init__(self, home: Path) -> None:
        """Look at one home."""
        self._path = home / "run" / "publish-crl"

    def ask(self, ca: str | None) -> None:
        """Ask for the lists of a CA, or of all."""
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            draft.write_text(ca or EVERY, encoding="utf-8")
            draft.rename(self._path)
        except OSError as error:
            raise Unavailable(f"cannot write {self._path}: {error.strerror}") from error

    def waits(self) -> bool:
        """Tell whether somebody asked and was not served yet."""
        return self._path.exists()

    def withdraw(self) -> None:
        """Ask no more."""
        self._path.unlink(missing_ok=True)

    def serve(self, publish: Callable[[str | None], int]) -> int:
        """Do what was asked, if anything was; return how many lists were published.

        The file goes away afterwards: a crash between leaves the wish, which is then fulfilled once more.
        """
        try:
            said = self._path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return 0
        published = publish(None if said == EVERY else said)
        self.withdraw()
        return published
