"""What a process of the authority says of itself in the journal: the configuration that it took as its law, and alarms
(RFC 3647 §5.4.1; CP 5.4.1, CP 5.7.1).

The log of a process may be lost; these entries may not. An alarm that stays is told once, not at each attempt, and again when it
comes back after things went well.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from pki.audit.events import LONGEST_TEXT, event
from pki.bootstrap.home import Home
from trust.canonical import canonical_hash
from trust.errors import Alarm, SceauError

LOG = logging.getLogger("sceau.issuer")
DISTRIBUTION = "sceau"


class Chronicle:
    """Writes of one process of a home."""

    def __init__(self, home: Home, process: str) -> None:
        """Write as the process of that name."""
        self._home = home
        self.process = process
        self._logged: set[str] = set()
        self._told: set[str] = set()

    def begins(self) -> None:
        """Record the configuration with which this process works.

        Raises:
            Unavailable, Alarm: the journal cannot be written; a process that cannot say what it does must not do it.
        """
        home = self._home
        facts = {"config": config_digest(home.settings.config), "mode": home.settings.mode, "version": version()}
        with home.store.write() as tx:
            tx.journal.append(event("config.loaded", process=self.process, **facts), at=home.clock.now())

    def alarm(self, alarm: Alarm) -> None:
        """Tell an alarm, once: in the log at least, in the journal as soon as that can be written."""
        what = str(alarm)[:LONGEST_TEXT]
        if what not in self._logged:
            LOG.critical("ALARM: %s", alarm)
            self._logged.add(what)
        if what in self._told:
            return
        with suppress(SceauError):  # What stops the journal may be the alarm itself.
            with self._home.store.write() as tx:
                tx.journal.append(event("alarm.raised", what=what, process=self.process), at=self._home.clock.now())
            self._told.add(what)

    def all_is_well(self) -> None:
        """Take note that things went well again."""
        self._logged.clear()
        self._told.clear()


def config_digest(folder: Path) -> str:
    """Return one SHA-256, hex, over every file of a configuration: their names below the folder, and what they hold."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return canonical_hash(
        {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    ).hex()


def version() -> str:
    """Return the version of Sceau that is installed, or that this is a working tree."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "working tree"
