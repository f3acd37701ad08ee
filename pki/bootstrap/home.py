"""Opening a home: configuration, policy ceilings, profiles, database; each once, in the order that they check each other.

Here is what registration and the pages open: configuration, promises, database, and no key. What holds keys is in `custody`.
Whatever is looser than the CP stops here, before anything runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pki.adapters.store.store import Store
from pki.bootstrap.ceilings import enforce_settings
from pki.inventory.model import REASONS_BY_NAME, Certificate, Reason
from pki.profiles.limits import Limits, enforce, load_limits
from pki.profiles.load import load_profiles
from pki.profiles.model import Profile
from pki.settings import Settings, load
from trust.clock import Clock, SystemClock
from trust.entropy import Entropy, SystemEntropy
from trust.errors import Missing


def shipped(name: str) -> Path:
    """Return where a folder of data is: in the wheel under ``pki/_shipped``, in a working tree at its root.

    Raises:
        Missing: neither is there: the installation is damaged.
    """
    package = Path(__file__).parents[1]
    for candidate in (package / "_shipped" / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise Missing(f"the folder {name} that comes with Sceau is not there: the installation is damaged")


@dataclass(frozen=True)
class Home:
    """What every process of a home shares: what it says, what it promises, where it keeps it."""

    settings: Settings
    limits: Limits
    profiles: dict[str, Profile]
    store: Store
    clock: Clock
    entropy: Entropy

    @cached_property
    def reasons(self) -> dict[str, frozenset[Reason]]:
        """The revocation reasons that the CP allows for each profile."""
        return {
            name: frozenset(REASONS_BY_NAME[reason] for reason in self.limits.of(name).revocation_reasons)
            for name in self.profiles
        }

    def ca_certificates(self) -> dict[str, Certificate]:
        """Return the certificates of the CAs that exist, by CA."""
        found = {}
        with self.store.read() as tx:
            for ca in self.settings.cas:
                live = [c for c in tx.certificates.of_holder(f"ca:{ca.id}") if c.signature is not None]
                if live:
                    found[ca.id] = live[-1]
        return found

    def cas_here(self) -> dict[str, Certificate]:
        """Return the certificates of the CAs that exist and whose key is here: an offline root signs elsewhere."""
        return {ca_id: found for ca_id, found in self.ca_certificates().items() if not self.settings.ca(ca_id).offline}


def open_home(path: Path, *, clock: Clock | None = None, entropy: Entropy | None = None, create_schema: bool = False) -> Home:
    """Open a home.

    Raises:
        Missing: there is no authority there.
        Malformed: its configuration is not one.
        Refused: its configuration is looser than the CP, or its database could lose what it acknowledges.
        Unavailable: its database does not answer.
    """
    settings = load(path.absolute())
    limits_file = shipped("policies") / "limits.toml"
    enforce_settings(settings, limits_file)
    limits = load_limits(limits_file)
    profiles = load_profiles(settings.config / "profiles", policy_arc=settings.policy_arc, mode=settings.mode)
    enforce(profiles.values(), limits)
    store = Store.open(settings.database_url)
    if create_schema:
        store.create()
    store.check_schema()
    return Home(settings, limits, profiles, store, clock or SystemClock(), entropy or SystemEntropy())
