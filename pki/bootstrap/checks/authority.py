"""Checks of an authority's configuration, database and queues: within the policy, durable, moving (CP 1.5.4, CPS 5.5.3)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from pki.bootstrap.checks import Finding, bad, check, good, warning
from pki.bootstrap.checks._opened import has_authority, opened
from pki.bootstrap.lock import holder
from trust.errors import SceauError

MOVES_WITHIN_SECONDS = 5.0
"""How long a queue may stand still before the issuer is said to be stuck."""


@check("configuration")
def configuration(home: Path) -> Finding | list[Finding]:
    """Are the configuration and every profile readable, and within what the policy promises?"""
    from pki import settings
    from pki.bootstrap.ceilings import enforce_settings
    from pki.bootstrap.home import shipped
    from pki.profiles.limits import enforce, load_limits
    from pki.profiles.load import load_profiles

    if not has_authority(home):
        return []  # that there is none is said elsewhere
    limits_file = shipped("policies") / "limits.toml"
    try:
        found = settings.load(home)
        enforce_settings(found, limits_file)
        profiles = load_profiles(found.config / "profiles", policy_arc=found.policy_arc, mode=found.mode)
        enforce(profiles.values(), load_limits(limits_file))
    except SceauError as error:
        return bad(str(error), f"correct it under {home}/config: nothing starts before")
    return good(
        f"{found.name} ({found.mode}): {len(found.cas)} authorities, {len(found.boards)} boards, {len(profiles)} profiles, "
        "all within the policy"
    )


@check("database")
def database(home: Path) -> Finding | list[Finding]:
    """Does the database answer, keep what it acknowledges, and have the schema of this version?"""
    from pki import settings
    from pki.adapters.store.store import Store
    from pki.adapters.store.tables import SCHEMA

    try:
        url = settings.load(home).database_url
    except SceauError:
        return []
    if (file := _sqlite_file(url)) is not None and not file.is_file():
        return bad(f"there is no database {file}", f"restore it, or, for a new authority: sceau init --home {home}")
    try:
        store = Store.open(url)  # refuses settings that could lose a committed row
    except SceauError as error:
        return bad(str(error), "correct the server's settings (docs/operate, PostgreSQL), or start it")
    try:
        store.check_schema()
        kind = "SQLite, WAL, synchronous=FULL" if file is not None else "PostgreSQL, fsync and synchronous_commit on"
        return good(f"{kind}; schema {SCHEMA}")
    except SceauError as error:
        return bad(str(error), f"sceau init --home {home}")
    finally:
        store.engine.dispose()


@check("work waiting")
def waiting(home: Path) -> Finding | list[Finding]:
    """Do orders and changes of status leave their queues?"""
    authority = opened(home)
    if authority is None:
        return []

    def depth() -> tuple[int, int]:
        with authority.store.read() as tx:
            return tx.orders.pending(), len(tx.outbox.read(10_000))

    return judge_queues(depth, working=holder(home, "issuer") is not None, home=home)


def judge_queues(
    depth: Callable[[], tuple[int, int]], *, working: bool, home: Path, patience: float = MOVES_WITHIN_SECONDS
) -> Finding:
    """Say what to think of the orders and the changes of status that wait, knowing whether an issuer is at work."""
    orders, changes = before = depth()
    text = f"{orders} orders and {changes} changes of status wait"
    if before == (0, 0):
        return good("no order and no change of status waits")
    if not working:
        return warning(f"{text} for an issuer", f"sceau serve --home {home}")
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if any(now < then for now, then in zip(depth(), before, strict=True)):
            return good(f"{text}, and the issuer is at them")
        time.sleep(min(0.2, patience))
    return bad(
        f"{text}, and the issuer does not take them", f"read {home}/log/issuer.out: an alarm, or something that does not answer"
    )


def _sqlite_file(url: str) -> Path | None:
    prefix = "sqlite:///"
    return Path(url.removeprefix(prefix)) if url.startswith(prefix) else None
