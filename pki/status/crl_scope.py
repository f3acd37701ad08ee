"""What a list speaks for, and under which name it is published (RFC 5280 §5.2.3 to §5.2.6; CP 7.2).

A scope is a part of a CA's certificates: ``full``, or the number of a shard. Each complete list may have a delta, of the same
scope and in the same sequence of numbers: ``delta`` completes ``full``, ``3-delta`` completes ``3``. Relying parties combine a
list and a delta of one scope only (RFC 5280 §5.2.4), so that a certificate names the two of its own.
"""

from __future__ import annotations

FULL, DELTA = "full", "delta"
_SUFFIX = "-delta"


def delta_of(scope: str) -> str:
    """Return the scope of the delta that completes a list."""
    return DELTA if scope == FULL else f"{scope}{_SUFFIX}"


def completed_by(scope: str) -> str | None:
    """Return the list that a delta completes; None for a complete list."""
    if scope == DELTA:
        return FULL
    return scope.removesuffix(_SUFFIX) if scope.endswith(_SUFFIX) else None


def shard_of(scope: str) -> int | None:
    """Return the shard that a list or a delta is about; None for all of them."""
    complete = completed_by(scope) or scope
    return None if complete == FULL else int(complete)


def file_name(ca: str, scope: str) -> str:
    """Return where a list of a CA is published, below the address of the repository."""
    if scope == FULL:
        return f"crl/{ca}.crl"
    return f"crl/{ca}-delta.crl" if scope == DELTA else f"crl/{ca}/{scope}.crl"
