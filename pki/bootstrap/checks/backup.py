"""Check of a home that was put back from a backup: it issues nothing until it is reconciled (CP 5.7.4)."""

from __future__ import annotations

from pathlib import Path

from pki.bootstrap.checks import Finding, bad, check


@check("quarantine")
def quarantined(home: Path) -> list[Finding]:
    """Was it put back from a backup, and not compared yet with what was signed since?"""
    from pki.bootstrap.quarantine import read

    held = read(home)
    if held is None:
        return []
    text = f"put back at {held.restored_at} from a backup of {held.made_at}: nothing is signed until it is reconciled"
    return [bad(text, f"sceau audit reconcile --home {home} --witness FILE --published WHERE --apply")]
