"""Check of the register's age: what is decided about people rests on it (CP 3.2.3)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pki.bootstrap.checks import Finding, bad, check, good, warning
from pki.bootstrap.checks._opened import opened

if TYPE_CHECKING:
    from pki.bootstrap.home import Home


@check("register")
def register(home: Path) -> Finding | list[Finding]:
    """Is the register in force recent enough for anything to be decided?"""
    authority = opened(home)
    return [] if authority is None else judge_register(authority)


def judge_register(home: Home) -> Finding:
    """Say what to think of the register in force."""
    folder, most = home.settings.home, timedelta(days=home.settings.register.max_age_days)
    renew = f"sceau register import FILE --home {folder}; then: sceau register plan --home {folder}"
    with home.store.read() as tx:
        applied = tx.register.applied()
    if applied is None:
        return warning("no register is in force: nobody can be enrolled", renew)
    age = home.clock.now() - applied.register_date
    text = f"the register in force is of {applied.register_date:%Y-%m-%d} ({applied.people} people)"
    if age > most:
        return bad(f"{text}: past {most.days} days nothing is decided", renew)
    if age > most - timedelta(days=1):
        return warning(f"{text}: from tomorrow on nothing will be decided", renew)
    return good(text)
