"""The registration side of a home: what takes applications, decisions and revocations. It opens no key (RFC 3647 §1.3.2)."""

from __future__ import annotations

from pki.bootstrap.home import Home
from pki.faults import Faults
from pki.registration.decide import Decisions
from pki.registration.enrol import Enrolment
from pki.registration.lifecycle import Lifecycle
from pki.registration.officers import OfficerKeys
from pki.registration.organisations import Organisations
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
    faults = Faults.from_environment(home.settings.mode)
    return Revocation(home.store, home.settings, home.reasons, home.clock, home.entropy, faults=faults)


def lifecycle(home: Home) -> Lifecycle:
    """Return the service that receives the register and the ordres' decisions."""
    return Lifecycle(home.store, home.settings, home.clock, home.entropy)


def organisations(home: Home) -> Organisations:
    """Return the service that receives structures."""
    return Organisations(home.store, home.settings, home.clock, home.entropy)


def officer_keys(home: Home) -> OfficerKeys:
    """Return the service that enters and withdraws officers' keys."""
    return OfficerKeys(home.store, home.settings, home.clock)
