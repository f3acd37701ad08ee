"""Whether publication has what it needs: a status store that can be read, and lists that have not expired (reliability P8, L02).

Told to this machine alone, for a supervisor, a probe or an operator; it changes nothing.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from trust.clock import text as moment_text
from web.publication.ports import Answering
from web.publication.repository import Repository


def report(answering: Answering, repository: Repository, now: datetime) -> dict[str, Any]:
    """Describe the health of this process; `status` is ``"ok"`` or ``"failing"``."""
    readable = answering.readable()
    lists = [_list(name, validity, now) for name, validity in repository.lists()]
    return {
        "status": "ok" if readable and all(each["fresh"] for each in lists) else "failing",
        "time": moment_text(now),
        "store": {"readable": readable},
        "lists": lists,
        "worker": os.getpid(),
    }


def _list(name: str, validity: tuple[datetime, datetime] | None, now: datetime) -> dict[str, Any]:
    if validity is None:
        return {"name": name, "fresh": False}
    this_update, next_update = validity
    return {
        "name": name,
        "fresh": next_update > now,
        "age_seconds": int((now - this_update).total_seconds()),
        "next_update": moment_text(next_update),
    }
