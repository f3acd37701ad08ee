"""What the connections of one worker share: who may come in, who has been here too long, what is counted.

Overload is shed, not queued (reliability P10): one connection too many takes the place of one that says nothing, or is told to
come back; one live signature too many is told `tryLater`. Time is looked at once per sweep for all connections: a timer for each
would cost more than the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from trust.clock import text as moment_text
from web.publication.freshness import Present
from web.publication.ports import Signer
from web.publication.reply import Reply, Request
from web.publication.settings import Limits
from web.publication.shortcut import Shortcut
from web.publication.status_desk import INTERNAL, Pending, error
from web.publication.tally import Tally

SWEEP_SECONDS = 0.5
_PATIENCE = 1.0
"""Seconds of silence after which a connection may have to give its place to a newcomer."""


class Guest(Protocol):
    """A connection, as the service sees it."""

    since: float
    """When it last did something, in the service's ticks."""

    def overdue(self, limits: Limits, ticks: float) -> str | None:
        """Say which limit of time it has passed, if any: ``"head"``, ``"body"``, ``"idle"``, ``"write"``."""

    def idle(self) -> bool:
        """Nothing is owed to it: it is between requests, or has not finished one."""

    def expire(self) -> None:
        """Tell it that it took too long, if it can be told, and end it."""

    def abort(self) -> None:
        """End it at once."""


Respond = Callable[[Request], Reply | Pending]


class Service:
    """One worker's shared state. Everything here belongs to the thread of the event loop."""

    def __init__(
        self, respond: Respond, shortcut: Shortcut, present: Present, limits: Limits, tally: Tally, signer: Signer | None = None
    ) -> None:
        self.respond = respond
        self.shortcut = shortcut
        self.present = present
        self.limits = limits
        self.tally = tally
        self.guests: set[Guest] = set()
        self.ticks = 0.0
        self.streams: dict[Guest, float] = {}
        """Connections that a large file is being sent to, and when each last took a piece of it."""
        self._signer = signer
        self._last_eviction = -1.0

    # --- who comes in

    def admit(self, guest: Guest) -> bool:
        """Let a connection in, if need be in the place of the longest silent one; False when it must come back later."""
        self.tally.event("connections")
        if len(self.guests) >= self.limits.connections and not self._evict():
            self.tally.event("shed")
            return False
        self.guests.add(guest)
        return True

    def admit_stream(self, guest: Guest) -> bool:
        """Let a large file be sent, if need be in place of the one whose client has been slowest to take a piece."""
        if len(self.streams) >= self.limits.streams:
            slowest = min(self.streams, key=self.streams.__getitem__)
            if self.ticks - self.streams[slowest] < _PATIENCE:
                return False
            self.tally.event("evicted")
            slowest.abort()
            self.streams.pop(slowest, None)
        self.streams[guest] = self.ticks
        return True

    def _evict(self) -> bool:
        if self.ticks == self._last_eviction:  # looking through thousands of connections once per sweep is enough
            return False
        self._last_eviction = self.ticks
        silent = [guest for guest in self.guests if guest.idle() and self.ticks - guest.since >= _PATIENCE]
        silent.sort(key=lambda guest: guest.since)
        for guest in silent[: max(1, self.limits.connections // 8)]:
            self.tally.event("evicted")
            guest.abort()
            self.guests.discard(guest)
        return bool(silent)

    def sweep(self, ticks: float) -> None:
        """End what has passed its limits of time; called every `SWEEP_SECONDS`."""
        self.ticks = ticks
        for guest in list(self.guests):
            late = guest.overdue(self.limits, ticks)
            if late is not None:
                self.tally.event(f"{late}-timeout")
                guest.expire()

    def refresh(self) -> None:
        """A second has passed."""
        if self.present.refresh():
            self.shortcut.new_second()
        self.tally.second = moment_text(self.present.now)

    # --- live signatures

    def sign(self, pending: Pending, done: Callable[[Reply], None]) -> None:
        """Have a status answer signed, or give the next best: the signer refuses, is late or is away in time for the asker.

        `done` hears the reply, after this has returned.
        """
        self.tally.event("signer-requests")

        def heard(signed: bytes | None) -> None:
            if signed is None:
                self.tally.event("signer-late")
            try:
                reply = pending.complete(signed)
            except Exception:  # noqa: BLE001 - as in `status_desk`: a defect costs one answer, not those of all who wait beside it
                self.tally.event("faults")
                reply = error(INTERNAL)
            done(reply)

        if self._signer is None:
            asyncio.get_running_loop().call_soon(heard, None)
        else:
            self._signer.request(pending.payload, heard)
