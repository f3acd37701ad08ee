"""The demonstration's profiles under issuers that have a public key and nothing else: enough to write certificates."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_der_public_key

from pki.lint.corpus import TRIAL_BASE_URL
from pki.profiles.compiled import CompiledProfile
from pki.profiles.limits import Limits, load_limits
from pki.profiles.load import load_profiles
from pki.profiles.model import IssuerView, Particulars, Profile
from pki.profiles.specimens import specimen_spki
from trust.naming import AuthoritySubject

ROOT = Path(__file__).resolve().parents[2]
PROFILES = ROOT / "ca_config" / "dev" / "profiles"
LIMITS = ROOT / "policies" / "limits.toml"
ARC = "2.25.135156977083941530723643045698737345273"
START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=7305)
IDS = sorted(path.stem for path in PROFILES.glob("*.toml"))
ISSUER_ALGORITHMS = ("P-256", "P-384", "RSA-3072", "Ed25519", "ML-DSA-65")


@lru_cache(maxsize=4)
def profiles(mode: str = "demo") -> dict[str, Profile]:
    """Return the demonstration's profiles, as an authority of that mode reads them."""
    return load_profiles(PROFILES, policy_arc=ARC, mode=mode)


@lru_cache(maxsize=1)
def limits() -> Limits:
    """Return the ceilings of the policy."""
    return load_limits(LIMITS)


@lru_cache(maxsize=16)
def issuer(algorithm: str = "P-256", ca_id: str = "personnes") -> IssuerView:
    """Return an issuing CA with four CRL shards and a delta."""
    key = load_der_public_key(specimen_spki(algorithm))
    root = IssuerView.of_root(
        ca_id, AuthoritySubject(f"SCEAU TEST {ca_id.upper()}", "SCEAU TEST"), key, (START, END), base_url=TRIAL_BASE_URL
    )
    return replace(root, shards=4, delta=True)


@lru_cache(maxsize=128)
def compiled(profile_id: str, algorithm: str = "P-256", mode: str = "demo") -> CompiledProfile:
    """Return a profile of the demonstration, compiled."""
    return CompiledProfile(profiles(mode)[profile_id], issuer(algorithm))


def ordinary(profile: CompiledProfile) -> Particulars:
    """Return what an ordinary certificate of a profile certifies."""
    return next(profile.particulars())
