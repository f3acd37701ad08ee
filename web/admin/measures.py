"""What the page of who runs the machine measures, over all ordres: counts and dates, nobody's data.

Each measure reads what its owner left: the database, the traffic that publication writes (`pki.status.traffic`), what `sceau
doctor` kept, the stamp of the operator's backup. What was never left is None, and has no tile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pki.bootstrap import examined
from pki.bootstrap.examined import Examined
from pki.bootstrap.office import Office
from pki.status import traffic
from pki.status.crl_lists import CrlRecord
from trust.errors import SceauError
from web.kit.language import _

HORIZONS = (7, 30, 90)
"""Days."""
HOURS = 24
SPANS = 30
"""Stretches of the quarter of an hour that publication leaves."""
HOUR = timedelta(hours=1)
STAMP = "backup.stamp"
"""File of the home that the operator's backup touches when it has ended well (`docs/operate`)."""


@dataclass(frozen=True)
class Ending:
    """How many certificates of one profile end within each horizon."""

    profile: str
    counts: list[int]


@dataclass(frozen=True)
class Waiting:
    """What one ordre has not decided."""

    board: str
    count: int
    since: datetime


@dataclass(frozen=True)
class Refusals:
    """What was refused at the door in one hour."""

    begins: datetime
    sign_in: int
    code: int
    recovery: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.sign_in + self.code + self.recovery


@dataclass(frozen=True)
class Traffic:
    """What publication answered lately."""

    until: datetime
    rates: list[traffic.Rate]
    silent: bool
    """Nobody has written for a minute: publication stopped."""

    @property
    def now(self) -> float:
        """OCSP answers a second in the last minute."""
        recent = [each for each in self.rates if self.until - each.begins <= timedelta(seconds=65)]
        seconds = sum((each.ends - each.begins).total_seconds() for each in recent)
        return sum(each.ocsp * (each.ends - each.begins).total_seconds() for each in recent) / seconds if seconds else 0.0


def endings(office: Office, now: datetime) -> list[Ending]:
    """Count what ends, by profile: what subscribers hold. The authority's own responders are made anew by the issuer."""
    with office.home.store.read() as tx:
        found = tx.totals.ending(now, [now + timedelta(days=days) for days in HORIZONS])
    titles = {name: profile.title for name, profile in office.home.profiles.items()}
    held = {name for ca in office.home.settings.cas for name in ca.issues}
    return [Ending(_(titles.get(name, name)), counts) for name, counts in found.items() if name in held]


def waiting(office: Office) -> tuple[list[Waiting], int]:
    """Return what each ordre has to decide, and how many orders wait for the issuer."""
    with office.home.store.read() as tx:
        found, orders = tx.totals.waiting(), tx.orders.pending()
    return [Waiting(board, count, since) for board, (count, since) in sorted(found.items())], orders


def lists(office: Office) -> list[CrlRecord]:
    """Return every list on record, the first to end first."""
    with office.home.store.read() as tx:
        return sorted(tx.crls.all(), key=lambda each: (each.next_update, each.ca, each.scope))


def answers(office: Office, now: datetime) -> Traffic | None:
    """Return what publication left; None when it leaves nothing in this home."""
    try:
        samples = traffic.read(traffic.path_in(office.home.settings.home))
    except SceauError:
        return None
    until = samples[-1].at
    return Traffic(until, traffic.rates(samples, SPANS), now - until > traffic.SILENT_AFTER)


def refusals(office: Office, now: datetime) -> list[Refusals]:
    """Count refusals at the door, hour by hour, the oldest first: every hour is there, this one last."""
    first = datetime.fromtimestamp(now.timestamp() // 3600 * 3600, UTC) - (HOURS - 1) * HOUR
    with office.home.store.read() as tx:
        found = {(hour, what): count for hour, what, count in tx.authenticators.refusals(first)}
    hours = [first + rank * HOUR for rank in range(HOURS)]
    return [Refusals(hour, *(found.get((hour, what), 0) for what in ("sign-in", "code", "recovery"))) for hour in hours]


def last_backup(home: Path) -> datetime | None:
    """Return when the operator's backup last ended well; None when none ever said so."""
    try:
        return datetime.fromtimestamp((home / STAMP).stat().st_mtime, UTC)
    except OSError:
        return None


def findings(office: Office) -> Examined | None:
    """Return what `sceau doctor` kept last; None when it kept nothing."""
    try:
        return examined.kept(office.home.settings.home)
    except SceauError:
        return None
