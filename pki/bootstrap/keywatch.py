"""What a process that holds keys leaves about them in its home, now and then: the count of its signatures, and the list of keys
for the pages (CPS 6.7). Nothing here may stop a signature: what cannot be looked at, or written, is logged.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from hsm.api import Custodian
from pki.bootstrap.home import Home
from pki.bootstrap.keyfigures import Tally
from pki.bootstrap.keylist import keep
from pki.bootstrap.keysurvey import survey
from trust.errors import SceauError

LOG = logging.getLogger("sceau.keys")


@contextmanager
def counting(home: Home, custodian: Custodian, process: str) -> Iterator[Custodian]:
    """Count what a command signs, for the length of a block."""
    tally = Tally(home.settings.home, process, custodian.counts, home.clock)
    try:
        yield custodian
    finally:
        tally.look()


class KeyWatch:
    """Looks on for one process, which calls `look` once a minute."""

    def __init__(self, home: Home, custodian: Custodian, process: str) -> None:
        """Count what this custodian signs from now on."""
        self._home, self._custodian, self._process = home, custodian, process
        self._tally = Tally(home.settings.home, process, custodian.counts, home.clock)

    def look(self) -> None:
        """Write the counts, then the list."""
        self._tally.look()
        try:
            keep(self._home.settings.home, survey(self._home, self._custodian, by=self._process))
        except SceauError as error:
            LOG.warning("the list of keys is not made: %s", error)
        except Exception:  # a list for people must not take the issuer down
            LOG.exception("the list of keys is not made")

    def close(self) -> None:
        """Write the counts; the keys are not asked any more."""
        self._tally.look()
