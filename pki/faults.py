"""Named places where a test makes the process die or the world fail (``SCEAU_FAULT=point:action[:nth]``).

What a crash leaves behind is decided by where it happens; these names (issuance, revocation, publication) let a test
choose. Refused in production. Actions: ``kill`` (the process ends without a word), ``raise`` (an unexpected error),
``stop`` (the process is suspended until somebody continues it), ``hang=SECONDS``.
"""

from __future__ import annotations

import os
import signal
import time

from trust.errors import Malformed, Refused

POINTS = frozenset(
    "req.parsed authz.checked key.checked serial.drawn lint.done audit.presign intent.committed hsm.before hsm.after "
    "sig.verified issued.committed response.before revoke.committed outbox.sent crl.read crl.signed crl.recorded crl.renamed "
    "ocsp.signed ocsp.cached".split()
)


class InjectedFault(Exception):
    """What ``raise`` raises: of no family of ours, as a real surprise would be."""


class Faults:
    """The fault points of one process; without a specification, `at` does nothing."""

    def __init__(self, specification: str = "") -> None:
        self._point, self._action, self._nth = "", "", 0
        if specification:
            point, action, *nth = specification.split(":")
            if point not in POINTS:
                raise Malformed(f"SCEAU_FAULT: no fault point is called {point!r}")
            self._point, self._action, self._nth = point, action, int(nth[0]) if nth else 1

    @classmethod
    def from_environment(cls, mode: str) -> Faults:
        """Read ``SCEAU_FAULT``.

        Raises:
            Refused: it is set on a production authority.
        """
        specification = os.environ.get("SCEAU_FAULT", "")
        if specification and mode == "production":
            raise Refused("SCEAU_FAULT is for tests; this authority is in production", citation="CPS 6.6.1")
        return cls(specification)

    def at(self, point: str) -> None:
        """Pass a fault point."""
        if point != self._point:
            return
        self._nth -= 1
        if self._nth:
            return
        if self._action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self._action == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif self._action == "raise":
            raise InjectedFault(point)
        elif self._action.startswith("hang="):
            time.sleep(float(self._action.removeprefix("hang=")))
        else:
            raise Malformed(f"SCEAU_FAULT: no action is called {self._action!r}")
