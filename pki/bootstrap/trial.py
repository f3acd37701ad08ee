"""No profile works in an authority before it was tried on extreme names by outside linters (RFC 3647 §7.1; CP 7.1.2).

`pki.lint.corpus` does the trying: it takes seconds, most of them to import pkilint. What passed is remembered in the home's
``run`` directory, by a digest of everything that the verdict depends on: the profile, the specimens that it writes under its CA,
what it accepts, the versions of the linters. A start that finds every digest there tries nothing. The memory may be lost.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

from pki.bootstrap.chronicle import version
from pki.issuance.authority import Authority
from pki.profiles.compiled import CompiledProfile
from trust.canonical import canonical_hash
from trust.errors import Refused, Unavailable

MEMORY = "run/profiles-tried"
"""Below the home: one digest a line."""

_passed_here: set[str] = set()
"""Verdicts of this process, by what they depend on but for the CA's own key and dates: many authorities, one template."""


def try_authority(home: Path, authority: Authority, tell: Callable[[str], None] = lambda _line: None) -> None:
    """Try the profiles of every CA, as `try_profiles`."""
    try_profiles(home, [authority.compiled(ca, profile) for ca, profile in authority.issues()], tell)


def try_profiles(home: Path, profiles: Iterable[CompiledProfile], tell: Callable[[str], None] = lambda _line: None) -> None:
    """Try the profiles that did not pass in this home yet.

    Args:
        home: the directory that remembers.
        profiles: compiled for the CA that issues them.
        tell: called with one line of news when there is something to try.

    Raises:
        Refused: a linter says that something is wrong, or inadvisable and not accepted: nothing is to be issued.
        Unavailable: the memory cannot be written.
    """
    known = _remembered(home)
    new = {digest: profile for profile in profiles if (digest := _digest(profile)) not in known}
    if new:
        tell(f"profiles to try on extreme names: {', '.join(profile.profile.id for profile in new.values())}")
        for profile in new.values():
            _try(profile)
        _remember(home, known | new.keys())


def _try(profile: CompiledProfile) -> None:
    kind = _kind(profile)
    if kind in _passed_here:
        return
    from pki.lint.corpus import trial  # late: it leads to pkilint, which a usual start does not pay for
    from pki.lint.finding import blocking

    findings = trial(profile)
    stops = {finding for _, finding in findings if blocking([finding])}
    if stops:
        (subject, first), *_ = [(subject, finding) for subject, finding in findings if finding in stops]
        more = f" (and {len(stops) - 1} more)" if len(stops) > 1 else ""
        raise Refused(
            f"profile {profile.profile.id} under {profile.issuer.ca_id} fails its trial: {first} for {subject.record()}{more}",
            citation="CP 7.1.2",
        )
    _passed_here.add(kind)


def _digest(profile: CompiledProfile) -> str:
    specimens = [profile.render(*particulars).hex() for particulars in profile.particulars()]
    return canonical_hash({"kind": _kind(profile), "compiled": profile.digest, "specimens": specimens}).hex()


def _kind(profile: CompiledProfile) -> str:
    issuer = profile.issuer
    return canonical_hash(
        {
            "profile": profile.profile.record(),
            "lint": profile.profile.lint,
            "accepted": dict(profile.profile.accepted),
            "issuer": [issuer.name_der.hex(), issuer.algorithm.name],
            "shards": issuer.shards,
            "delta": issuer.delta,
            "linters": _linters(),
        }
    ).hex()


@cache
def _linters() -> list[str]:
    return [version(), metadata.version("pkilint")]


def _remembered(home: Path) -> frozenset[str]:
    try:
        return frozenset((home / MEMORY).read_text("ascii").split())
    except (OSError, UnicodeDecodeError):
        return frozenset()


def _remember(home: Path, digests: Iterable[str]) -> None:
    path = home / MEMORY
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        draft.write_text("".join(f"{digest}\n" for digest in sorted(digests)), encoding="ascii")
        draft.rename(path)
    except OSError as error:
        raise Unavailable(f"cannot write {path}: {error.strerror}") from error
