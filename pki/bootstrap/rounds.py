"""`sceau serve` goes round once an hour: it runs `sceau doctor --keep`, so that the administrators' page knows what it finds.

In a process of its own, which may read what the pages may not, and ends with this one. Where each service is a unit of its own, a
timer does the same (`docs/operate`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

FIRST_SECONDS = 30.0
"""After the start: what starts slowly is not found missing."""
EVERY_SECONDS = 3600.0
LONGEST_SECONDS = 600.0


class Rounds:
    """A thread that has the home examined now and then, for the length of a `with` block."""

    def __init__(self, home: Path, base_port: int, first: float = FIRST_SECONDS) -> None:
        """Examine this home, served from this port on."""
        self._command = [sys.executable, "-P", "-m", "pki.cli.main", "doctor", "--keep", "--home", str(home)]
        self._environment = {**os.environ, "SCEAU_BASE_PORT": str(base_port)}
        self._first = first
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rounds", daemon=True)

    def __enter__(self) -> Rounds:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        wait = self._first
        while not self._over.wait(wait):
            self._examine()
            wait = EVERY_SECONDS

    def _examine(self) -> None:
        quiet = subprocess.DEVNULL
        with (
            suppress(OSError),
            subprocess.Popen(self._command, stdin=quiet, stdout=quiet, stderr=quiet, env=self._environment) as one,
        ):
            waited = 0.0
            while one.poll() is None and waited < LONGEST_SECONDS and not self._over.wait(0.5):
                waited += 0.5
            if one.poll() is None:
                one.kill()
