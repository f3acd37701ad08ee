"""Processes that a test lets die: each opens a home as its program does, with a fault point armed, and does one thing.

They are forked from one process that has imported everything and opened nothing, so that each costs what it does and not what
Python costs to start. The moment is handed over: a child's clock stands where the test's stands.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from datetime import datetime
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from pki.bootstrap import registrar
from pki.bootstrap.custody import issuance, open_authority, open_custodian
from pki.bootstrap.home import open_home
from pki.bootstrap.issuer import open_issuer
from pki.issuance.approvals import Act
from pki.signing.door import SigningDoor
from trust.testing import FixedClock

PATIENCE = 60.0
KILLED = -signal.SIGKILL
TOKENS = ("SOFTHSM2_CONF", "XDG_CONFIG_HOME")
"""Where the tokens of this process are: the fork server may have been started before they were made."""
_CONTEXT = multiprocessing.get_context("forkserver")


def start(what: Callable[..., None], *arguments: Any, fault: str = "") -> ForkServerProcess:
    """Start a child that does `what`, with the fault armed."""
    _CONTEXT.set_forkserver_preload([__name__])
    # The fork server looks for our modules where this process finds them.
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).parents[2]))
    environment = {name: os.environ[name] for name in TOKENS if name in os.environ}
    process = _CONTEXT.Process(target=_prepared, args=(what, arguments, environment | {"SCEAU_FAULT": fault}))
    process.start()
    return process


def ends(process: ForkServerProcess) -> int:
    """Wait for the end of a child and return how it ended: its exit code, or less than 0 for a signal."""
    process.join(PATIENCE)
    assert process.exitcode is not None, "the child did not end"
    return process.exitcode


def is_stopped(process: ForkServerProcess) -> None:
    """Wait until a child is suspended."""
    deadline = time.monotonic() + PATIENCE
    while Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "T":
        assert process.is_alive() and time.monotonic() < deadline, "the child was never suspended"
        time.sleep(0.01)


def _prepared(what: Callable[..., None], arguments: tuple[Any, ...], environment: dict[str, str]) -> None:
    os.environ.update(environment)
    what(*arguments)


def issuer_works(home: Path, moment: datetime) -> None:
    """Be the issuer until nothing waits."""
    issuer = open_issuer(open_home(home, clock=FixedClock(moment)))
    issuer.turn_until_idle()
    issuer.close()


def officer_revokes(home: Path, moment: datetime, act: Act) -> None:
    """Be the command that takes an officer's revocation."""
    registrar.revocation(open_home(home, clock=FixedClock(moment))).by_officer(act)


def instance_issues(home: Path, moment: datetime, instance: str, limit: int) -> None:
    """Be one of several issuers at one queue, a few orders at a time, until it is empty."""
    opened = open_home(home, clock=FixedClock(moment))
    door = SigningDoor(open_custodian(opened))
    service = issuance(opened, open_authority(opened), door, instance=instance)
    while service.run_once(limit).issued:
        pass


def instance_recovers(home: Path, moment: datetime, instance: str) -> None:
    """Be the next start of one of several issuers."""
    opened = open_home(home, clock=FixedClock(moment))
    issuance(opened, open_authority(opened), SigningDoor(open_custodian(opened)), instance=instance).recover()
