"""The registration side of a home: what takes applications, decisions and revocations. It opens no key (RFC 3647 §1.3.2)."""

from __future__ import annotations

from pki.bootstrap.home import Home
from pki.registration.decide import Decisions
from pki.registration.enrol import Enrolment
from pki.revocation.service import Revocation


def enrolment(home: Home) -> Enrolment:
    """Return the service that receives applications."""
    keys = {name: profile.subject_keys for name, profile in home.profiles.items()}
    return Enrolment(home.store, home.settings, keys, home.clock, home.entropy)


def decisions(home: Home) -> Decisions:
    """Return the service that takes officers' decisions."""
    return Decisions(home.store, home.settings, home.clock, home.entropy)


def revocation(home: Home) -> Revocation:
    """Return the service that revokes, holds and releases."""
    return Revocation(home.store, home.settings, home.reasons, home.clock, home.entropy)
