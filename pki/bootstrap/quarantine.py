"""The quarantine of a home that was put back from a backup (reliability B01; CP 5.7.4).

What was signed after the backup exists, and the restored database does not know it: until the two are reconciled
(`pki.bootstrap.reconcile`) nothing is signed: no certificate, and no list or answer either, for they would call good
what was revoked since. What the backup holds of lists is served until it ends. Requests and revocations are taken, and
wait. It is a file of the home, beside its configuration and not in `run`: it survives a reboot, and whoever copies the
home copies it. May be lost: never; without it, the authority issues again over a past that it forgot.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from trust.errors import Alarm

LOG = logging.getLogger("sceau.issuer")
QUARANTINE = "quarantine.json"
_told: set[Path] = set()
"""Homes whose quarantine this process has told its log of."""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Why nothing is signed."""

    backup: str
    """SHA-256 of the manifest."""
    made_at: str
    restored_at: str
    entries: int
    """Of the journal, in the backup."""
    root: str


def begin(home: Path, quarantine: Quarantine) -> None:
    """Write it durably, in a home that nobody uses yet."""
    with (home / QUARANTINE).open("x", encoding="utf-8") as file:
        json.dump(asdict(quarantine), file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


def read(home: Path) -> Quarantine | None:
    """Return the quarantine of a home, None when it has none.

    Raises:
        Alarm: the file is there and cannot be read: somebody touched it.
    """
    try:
        return Quarantine(**json.loads((home / QUARANTINE).read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise Alarm(f"{home / QUARANTINE} cannot be read: {error}") from None


def stands(home: Path) -> bool:
    """Tell whether a home is in quarantine; the log is told once. Costs one look at the directory, at each turn of the issuer."""
    if not (home / QUARANTINE).exists():
        return False
    if home not in _told:
        _told.add(home)
        LOG.warning(
            "this home was put back from a backup: nothing is signed until `sceau audit reconcile --witness FILE --apply` ran"
        )
    return True


def end(home: Path) -> None:
    """End it: what was lost has been entered, and the journal says so."""
    (home / QUARANTINE).unlink()
    _told.discard(home)
