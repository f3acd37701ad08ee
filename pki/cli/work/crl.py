"""What `sceau crl` does: revocation lists as they are published (CP 4.9.7, CP 7.2)."""

from __future__ import annotations

import argparse
import hashlib
import time
from datetime import datetime
from typing import Any

from pki.bootstrap.demand import Demand
from pki.bootstrap.home import Home, open_home
from pki.bootstrap.sealing import root
from pki.cli._output import emit
from pki.cli._text import at, count, table
from pki.status.crl_lists import CrlRecord
from pki.status.crl_scope import file_name
from trust.errors import Conflict, Unavailable

PATIENCE_SECONDS = 60.0
"""For the issuer process to publish: the lists of a million certificates take some seconds."""


def _list(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    data = _published(home, args.ca)
    if not data:
        emit(args, [], "No list was published yet: the issuer does (`sceau serve`), or `sceau crl publish`.")
        return 0
    rows = [
        (
            each["ca"],
            each["scope"],
            each["number"],
            each["entries"],
            each["this_update"][:16].replace("T", " ") + "Z",
            each["next_update"][:16].replace("T", " ") + "Z",
            each["state"],
        )
        for each in data
    ]
    emit(
        args, data, table(("AUTHORITY", "PART", "NUMBER", "ENTRIES", "THIS UPDATE", "NEXT UPDATE", "STATE"), rows, numbers=(2, 3))
    )
    return 1 if any(each["state"] not in ("fresh", "due") for each in data) else 0


def _publish(args: argparse.Namespace) -> int:
    from pki.bootstrap.issuer import open_issuer  # with everything that signs: to list needs none of it

    home = open_home(args.home)
    ca = None if args.ca is None else home.settings.ca(args.ca).id
    before = {(each["ca"], each["scope"]): each["number"] for each in _published(home, ca)}
    try:
        issuer = open_issuer(home)
    except Conflict:
        _ask(home, ca)
    else:
        try:
            issuer.crls.publish_all(ca)
        finally:
            issuer.close()
    after = _published(home, ca)
    new = [each for each in after if each["number"] != before.get((each["ca"], each["scope"]))]
    lines = [
        f"{each['ca']}/{each['scope']} number {each['number']}, {count(each['entries'], 'entry', 'entries')}" for each in new
    ]
    emit(args, new, "\n".join([*lines, f"{count(len(new), 'list')} published."]))
    return 0


def _ask(home: Home, ca: str | None) -> None:
    """Ask the issuer process, and wait for it."""
    demand = Demand(home.settings.home)
    demand.ask(ca)
    until = time.monotonic() + PATIENCE_SECONDS
    while demand.waits():
        if time.monotonic() > until:
            demand.withdraw()
            raise Unavailable(
                "the issuer did not publish within a minute: `sceau doctor` and its log may say why", retry_after=60
            )
        time.sleep(0.1)


def _published(home: Home, ca: str | None) -> list[dict[str, Any]]:
    if ca is not None:
        home.settings.ca(ca)
    now = home.clock.now()
    with home.store.read() as tx:
        return [_data(home, record, now) for record in tx.crls.all() if ca in (None, record.ca)]


def _data(home: Home, record: CrlRecord, now: datetime) -> dict[str, Any]:
    name = file_name(record.ca, record.scope)
    return {
        "ca": record.ca,
        "scope": record.scope,
        "number": record.number,
        "this_update": at(record.this_update),
        "next_update": at(record.next_update),
        "base": record.base,
        "entries": record.entries,
        "sha256": record.sha256.hex(),
        "url": f"{home.settings.base_url}/{name}",
        "state": _state(home, record, name, now),
    }


def _state(home: Home, record: CrlRecord, name: str, now: datetime) -> str:
    try:
        content = (root(home) / name).read_bytes()
    except OSError:
        return "file missing"
    if hashlib.sha256(content).digest() != record.sha256:
        return "another file"
    if now > record.next_update:
        return "over"
    # Past half of its validity the issuer should have made the next one (CP 4.9.7).
    return "fresh" if now <= record.this_update + (record.next_update - record.this_update) / 2 else "due"


VERBS = {"list": _list, "publish": _publish}
