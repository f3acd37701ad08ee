"""The ceilings that the certificate policy promises (`policies/limits.toml`; CP 6.1.5, 6.3.2, 7.1), and no profile above them.

The policy authority owns the numbers, an operator owns the profiles: a profile looser than the promise stops the start. Only the
tables that bear on certificates are read here; the others have their own readers.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pki.profiles.model import Profile
from trust.errors import Malformed, Missing, Refused


@dataclass(frozen=True)
class ProfileLimits:
    """The loosest that one profile may be."""

    policy_leaf: str
    max_validity_days: int
    key_algorithms: frozenset[str]
    revocation_reasons: frozenset[str]
    """RFC 5280 CRLReason names."""
    max_path_length: int | None = None


@dataclass(frozen=True)
class Limits:
    """What `policies/limits.toml` says of certificates."""

    policy_arc: str
    profiles: Mapping[str, ProfileLimits]
    max_backdating_seconds: int

    def of(self, profile_id: str) -> ProfileLimits:
        """Return the ceilings of one profile.

        Raises:
            Refused: the policy knows no such profile, hence promises nothing of it.
        """
        try:
            return self.profiles[profile_id]
        except KeyError:
            raise Refused(f"the policy knows no profile {profile_id!r}", citation="CP 7.1") from None


def load_limits(path: Path) -> Limits:
    """Read the ceilings.

    Raises:
        Missing: no such file.
        Malformed: it is not the policy's page.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Missing(f"{path} does not exist: an authority without limits promises nothing") from None
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, a number or a depth without end
        raise Malformed(f"{path.name}: {error}") from None
    try:
        profiles = {name: _profile_limits(table) for name, table in document["profile"].items()}
        arc, backdating = document["policy"]["arc"], document["issuance"]["max_backdating_seconds"]
    except (KeyError, TypeError, AttributeError) as error:
        raise Malformed(f"{path.name}: {error} is missing or of another type") from None
    if type(backdating) is not int or type(arc) is not str:
        raise Malformed(f"{path.name}: max_backdating_seconds is a whole number, the policy arc a text")
    return Limits(arc, MappingProxyType(profiles), backdating)


def enforce(profiles: Iterable[Profile], limits: Limits) -> None:
    """Refuse profiles that are looser than the policy.

    Raises:
        Refused: at least one is; the reason names every excess.
    """
    excesses = [excess for profile in profiles for excess in _excesses(profile, limits)]
    if excesses:
        raise Refused(
            "; ".join(text for text, _ in excesses), citation=", ".join(dict.fromkeys(clause for _, clause in excesses))
        )


def _excesses(profile: Profile, limits: Limits) -> Iterator[tuple[str, str]]:
    """Yield what is looser than promised, with the clause that promises."""
    ceiling = limits.of(profile.id)
    if profile.policy != (promised := f"{limits.policy_arc}.{ceiling.policy_leaf}"):
        yield f"{profile.id}: policy {profile.policy} is not {promised}", "CP 1.2"
    if profile.validity_days > ceiling.max_validity_days:
        yield f"{profile.id}: {profile.validity_days} days, at most {ceiling.max_validity_days}", "CP 6.3.2"
    if foreign := [name for name in profile.subject_keys if name not in ceiling.key_algorithms]:
        yield f"{profile.id}: keys {', '.join(foreign)} are not among {', '.join(sorted(ceiling.key_algorithms))}", "CP 6.1.5"
    if profile.backdate_seconds > limits.max_backdating_seconds:
        yield f"{profile.id}: backdates by {profile.backdate_seconds} s, at most {limits.max_backdating_seconds}", "CP 7.1.2"
    if ceiling.max_path_length is not None and (profile.path_length is None or profile.path_length > ceiling.max_path_length):
        yield f"{profile.id}: path length {profile.path_length}, at most {ceiling.max_path_length}", "CP 7.1.2"


def _profile_limits(table: Mapping[str, Any]) -> ProfileLimits:
    known = {"policy_leaf", "max_validity_days", "key_algorithms", "revocation_reasons", "max_path_length"}
    if unknown := set(table) - known:
        raise KeyError(sorted(unknown)[0])
    days, path_length, leaf = table["max_validity_days"], table.get("max_path_length"), table["policy_leaf"]
    if type(days) is not int or not (path_length is None or type(path_length) is int) or type(leaf) is not str:
        raise TypeError("a number of days, a path length or a policy leaf")
    return ProfileLimits(
        policy_leaf=leaf,
        max_validity_days=days,
        key_algorithms=_texts(table["key_algorithms"]),
        revocation_reasons=_texts(table["revocation_reasons"]),
        max_path_length=path_length,
    )


def _texts(value: Any) -> frozenset[str]:
    if type(value) is not list or not all(type(each) is str for each in value):
        raise TypeError("a list of algorithms or of reasons")
    return frozenset(value)
