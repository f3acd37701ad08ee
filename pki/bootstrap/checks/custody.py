"""Checks of the keys in custody and of the journal that one of them seals (CP 6.2, CP 5.4.4)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pki.bootstrap.checks import Finding, bad, check, good, warning
from pki.bootstrap.checks._opened import opened
from trust.errors import Alarm, Missing, SceauError

if TYPE_CHECKING:
    from pki.bootstrap.home import Home

CHECKPOINT_PERIOD = timedelta(hours=1)
"""limits.toml, `journal.checkpoint_max_period_seconds` (CP 5.4.2)."""


@check("keys in custody")
def keys(home: Path) -> list[Finding]:
    """Does the passphrase open the keystore, and is there each key that a certificate names?"""
    authority = opened(home)
    return [] if authority is None else judge_keys(authority)


def judge_keys(home: Home) -> list[Finding]:
    """Say what to think of the keys of a home."""
    from hashlib import sha256

    from hsm.api import KeyRef
    from pki.bootstrap.custody import open_custodian
    from trust.algorithms import spki

    back = {
        "pkcs11": "have the token back, and its PIN (docs/operate/custody.md): keys cannot be made again",
        "process": "start the custody process: sceau custody serve DIR",
    }.get(home.settings.custody.kind, f"put {home.settings.home}/keys and the passphrase back as they were saved")
    try:
        custodian = open_custodian(home)
        custodian.labels()
    except SceauError as error:
        return [bad(str(error), back)]
    lost, found = [], 0
    for label, expected in _named(home).items():
        try:
            public = sha256(spki(custodian.public_key(KeyRef(label)))).digest()
        except SceauError as error:
            lost.append(bad(f"key {label}: {error}", back))
            continue
        found += 1
        if expected is not None and public != expected:
            lost.append(bad(f"key {label} is not the one of its certificate", back))
    return lost or [good(f"{found} keys, each the one of its certificate; {custodian.describe()}")]


def _named(home: Home) -> dict[str, bytes | None]:
    """Return the labels of the keys that must be there, each with the SHA-256 of its public half where a certificate has it."""
    from pki.bootstrap.keylist import Role
    from pki.bootstrap.keysurvey import named

    # A CA without certificate may wait for a ceremony, which makes its key.
    there = (each for each in named(home) if not each.offline and (each.spki_hash is not None or each.role is not Role.CA))
    return {each.label: each.spki_hash for each in there}


@check("journal")
def journal(home: Path) -> Finding | list[Finding]:
    """Do journal, checkpoints and what is published agree, and is it sealed often enough?"""
    authority = opened(home)
    return [] if authority is None else judge_journal(authority)


def judge_journal(home: Home) -> Finding:
    """Say what to think of the journal of a home."""
    from pki.bootstrap.sealing import CHECKPOINT, examine, published

    folder = home.settings.home
    try:
        entries, waiting = examine(home)
    except Missing as error:
        return bad(f"the journal cannot be sealed: {error}", f"put {folder}/keys back as it was saved")
    except Alarm as error:
        return bad(str(error), f"stop the issuer, then: sceau audit verify --home {folder}")
    if waiting is not None and home.clock.now() - waiting > CHECKPOINT_PERIOD:
        return bad(f"entries since {waiting:%Y-%m-%d %H:%M:%S} UTC are not sealed", f"sceau serve --home {folder}")
    if entries and published(home, CHECKPOINT) is None:
        return warning("no checkpoint is published: nothing outside the database shows its past", f"sceau serve --home {folder}")
    return good(f"{entries} entries, which agree with the last checkpoint and with the one that is published")
