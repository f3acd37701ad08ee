"""When a list is due, what number and dates it bears, and who is still on it (RFC 5280 §3.3, §5.1.2, §5.2.3; CP
4.9.7, 4.10.2, 7.2).

Pure decisions on the last published state of a list. Numbers and dates only grow, whoever publishes (invariant I10):
the loser of a race learns it from `refuse_regress`, inside the transaction that records the winner. Nothing is ever
re-dated: every list is assembled anew from the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from pki.status.crl import Body
from trust.errors import Alarm, Conflict, Refused

SHARD_MAX_ENTRIES = 20_000
SHARD_MAX_OCTETS = 1_000_000
"""limits.toml, `crl.shard_max_entries` and `crl.shard_max_octets` (CP 7.2)."""
CLOCK_TOLERANCE = timedelta(minutes=5)
"""A clock corrected by less than this since the last list does not stop the next one."""


class Published(Protocol):
    """The last published list of one scope (full, a shard, the delta) of one CA, as its publisher recorded it."""

    @property
    def number(self) -> int: ...
    @property
    def this_update(self) -> datetime: ...
    @property
    def next_update(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class CrlState:
    """The number and the dates of one list."""

    number: int
    this_update: datetime
    next_update: datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often a list is made, and how long each is valid."""

    period: timedelta
    validity: timedelta

    def __post_init__(self) -> None:
        """Check the two.

        Raises:
            Refused: the next list would come after the alarm at half of the validity (CP 4.9.7).
        """
        if not timedelta(0) < self.period <= self.validity / 2:
            raise Refused("a list is made anew at half of its validity at the latest", citation="CP 4.9.7")


class Freshness(StrEnum):
    """How a published list stands at a moment."""

    FRESH = "fresh"
    LATE = "late"
    """More than half of its validity is gone: alarm, it is still served (failure case L02)."""
    EXPIRED = "expired"
    """Past its next update: it is no longer served."""


def is_due(last: Published | None, schedule: Schedule, now: datetime, *, changed: bool) -> bool:
    """Tell whether a list is to be made: never made, something changed, or its period is over."""
    return last is None or changed or now >= last.this_update + schedule.period


def latest(*states: Published | None) -> Published | None:
    """Return the state with the highest number, None when there is none."""
    return max((state for state in states if state is not None), key=lambda state: state.number, default=None)


def following(last: Published | None, schedule: Schedule, now: datetime) -> CrlState:
    """Return the number and the dates of the next list.

    A full list and its deltas share one sequence of numbers (RFC 5280 §5.2.3): `last` is then the `latest` of both.
    A clock that went back a little keeps the previous thisUpdate, so that it never decreases (failure case L08).

    Raises:
        Alarm: the clock went back by more than `CLOCK_TOLERANCE` since the last list.
    """
    if last is None:
        return CrlState(1, now, now + schedule.validity)
    if now < last.this_update - CLOCK_TOLERANCE:
        raise Alarm(f"the clock went back by {last.this_update - now} since the last list: none is made")
    this_update = max(now, last.this_update)
    return CrlState(last.number + 1, this_update, this_update + schedule.validity)


def refuse_regress(published: Published | None, candidate: Published) -> None:
    """Check that a list may replace the published one, read again at the moment of publication (failure case L01).

    Raises:
        Conflict: another publisher was faster.
    """
    if published is not None and (candidate.number <= published.number or candidate.this_update < published.this_update):
        raise Conflict(f"list number {candidate.number} does not follow the published number {published.number}")


def freshness(state: Published, now: datetime) -> Freshness:
    """Say how a published list stands."""
    if now > state.next_update:
        return Freshness.EXPIRED
    half = state.this_update + (state.next_update - state.this_update) / 2
    return Freshness.LATE if now > half else Freshness.FRESH


def listed_since(previous: Published | None) -> int:
    """Return the moment, in seconds since 1970, from which a revoked certificate belongs on the next list: when it expired, or
    was revoked, in this second or later.

    An expired certificate leaves only after a list that was made past its expiry has named it (RFC 5280 §3.3; failure case L06):
    `previous` is the last list of the same scope, None when there was none.
    """
    # A revocation of the very second of the previous list may have been recorded after it was read: it stays once more.
    return 0 if previous is None else int(previous.this_update.timestamp())


def is_overfull(body: Body) -> bool:
    """Tell whether a shard outgrew what the CP promises: it is published all the same, and the operator adds shards
    for new certificates."""
    return len(body) > SHARD_MAX_ENTRIES or body.size > SHARD_MAX_OCTETS
