"""Certificates follow the register and the ordres without anybody's command (CP 4.9.1, CP 4.9.3, CP 3.2.2).

A decision may be recorded ahead of its day; a register or a decision may be recorded while a certificate is between its intent
and its signature, where nobody finds it. So the issuer looks: every minute at the decisions that lately came into force, and at
its start and every day at everybody, a few people a turn, so that no revocation waits. What differs is mended as by
`sceau register reconcile`. It holds no key and signs nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, timedelta

from pki.bootstrap import registrar
from pki.bootstrap.home import Home
from pki.registration.lifecycle import Applied

LOG = logging.getLogger("sceau.issuer")
LOOK_SECONDS = 60.0
PEOPLE = 500
"""Looked at in one turn: some tens of milliseconds."""
LATELY = timedelta(days=1)
"""How far back a look goes: farther than any transaction that records decisions lasts."""


class Reconciliation:
    """The looks of one issuer process."""

    def __init__(self, home: Home, ticks: Callable[[], float]) -> None:
        """Look after a home; `ticks` counts seconds."""
        self._clock = home.clock
        self._ticks = ticks
        self._lifecycle = registrar.lifecycle(home)
        self._organisations = registrar.organisations(home)
        self._next_look = 0.0
        self._day: date | None = None
        """The day of the last walk through everybody that was begun."""
        self._after: str | None = None
        """Who was looked at last in the walk under way; None when there is none."""

    def turn(self) -> bool:
        """Do what is due, one step of it; return whether something changed or more waits.

        Raises:
            Unavailable, Alarm: the database; what was done before stands, and the step is done again.
        """
        changed = self._look() if self._ticks() >= self._next_look else False
        today = self._clock.now().date()
        if self._after is None and self._day != today:
            self._day, self._after = today, ""
        return self._walk() or changed

    def _look(self) -> bool:
        done = self._lifecycle.reconcile_decided(self._clock.now() - LATELY)
        self._next_look = self._ticks() + LOOK_SECONDS
        return _told(done)

    def _walk(self) -> bool:
        if self._after is None:
            return False
        if self._after == "" and (ended := self._organisations.reconcile()):
            LOG.warning("%d certificates of structures withdrawn, or of domains given up, had not ended: they are revoked", ended)
        done, self._after = self._lifecycle.reconcile_some(self._after, PEOPLE)
        return _told(done) or self._after is not None


def _told(done: Applied) -> bool:
    if not (done.held or done.released or done.revoked):
        return False
    LOG.warning(
        "certificates brought to what the register and the ordres say: %d on hold, %d released, %d revoked",
        done.held,
        done.released,
        done.revoked,
    )
    return True
