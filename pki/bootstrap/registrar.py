"""The registration side of a home: what takes applications, decisions and revocations. It opens no key (RFC 3647 §1.3.2)."""

from __future__ import annotations

from pki.authenticators.entries import Entries
from pki.bootstrap.home import Home
from pki.faults import Faults
from pki.registration.amendments import Amendments
from pki.registration.decide import Decisions
from pki.registration.enrol import Enrolment
from pki.registration.grants import Grants
from pki.registration.lifecycle import Lifecycle
from pki.registration.mandates import Mandates
from pki.registration.officers import OfficerKeys
from pki.registration.organisations import Organisations
from pki.registration.selfservice import SelfService
from pki.revocation.service import Revocation


def enrolment(home: Home, *, channel: str = "cli") -> Enrolment:
    """Return the service that receives applications."""
    return Enrolment(home.store, home.settings, _key_algorithms(home), home.clock, home.entropy, channel=channel)


def grants(home: Home, *, channel: str = "cli") -> Grants:
    """Return the service that receives enrolments of people who will make their own keys."""
    return Grants(home.store, home.settings, enrolment(home, channel=channel), home.clock, home.entropy)


def selfservice(home: Home) -> SelfService:
    """Return the service that takes what people ask for themselves."""
    return SelfService(home.store, home.settings, _key_algorithms(home), home.clock, home.entropy)


def _key_algorithms(home: Home) -> dict[str, tuple[str, ...]]:
    return {name: profile.subject_keys for name, profile in home.profiles.items()}


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


def mandates(home: Home, *, channel: str = "cli") -> Mandates:
    """Return the service that receives the choice of structures' administrators."""
    entries = Entries(home.store, home.clock, home.entropy)
    return Mandates(home.store, home.settings, enrolment(home, channel=channel), entries, home.clock, home.entropy)


def amendments(home: Home) -> Amendments:
    """Return the service that receives other domains for structures."""
    return Amendments(home.store, home.settings, home.clock, home.entropy)


def officer_keys(home: Home) -> OfficerKeys:
    """Return the service that enters and withdraws officers' keys."""
    return OfficerKeys(home.store, home.settings, home.clock)
