"""Which key may serve which use, and how often it did (RFC 3647 §6.1.7; CP 6.1.7).

Two rules. A key answers only for the uses it was made for; and uses that live in different processes never share a
key: the key of an OCSP responder, of a time-stamp unit or of the journal cannot also certify. Counts are kept in
memory, since the start of the process: the durable record of signatures is the journal's business, not the custodian's.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from threading import Lock

from hsm.api import KeyUse
from trust.errors import Malformed, Refused

_TOGETHER = frozenset({KeyUse.CERTIFICATE, KeyUse.CRL})
"""RFC 5280 §5.1.1.3 lets one CA key sign both; every other use stands alone."""
POSSIBLE = (_TOGETHER, *(frozenset({use}) for use in KeyUse))
"""Every set of uses that one key may be made for."""
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?", re.ASCII)
"""The form of a key's name: it becomes the name of a file, or the label of an object in a token."""


def check_label(label: str) -> None:
    """Check the form of a key's name.

    Raises:
        Malformed: it is not one.
    """
    if not LABEL.fullmatch(label):
        raise Malformed(f"not a key label (lower case, digits, hyphens): {label!r}")


def refuse_mixed_uses(label: str, uses: Collection[KeyUse]) -> None:
    """Check that a key may be made for these uses.

    Raises:
        Refused: no use at all, or uses that must not meet on one key (CP 6.1.7).
    """
    if not uses:
        raise Refused(f"key {label} is made for no use", citation="CP 6.1.7")
    if len(uses) > 1 and not _TOGETHER.issuperset(uses):
        named = ", ".join(sorted(uses))
        raise Refused(f"key {label} would mix uses that never share a key: {named}", citation="CP 6.1.7")


def refuse_other_use(label: str, uses: Collection[KeyUse], use: KeyUse) -> None:
    """Check that a key made for `uses` is asked for one of them.

    Raises:
        Refused: it was not made for that (CP 6.1.7).
    """
    if use not in uses:
        raise Refused(f"key {label} was not made for the use {use.value!r}", citation="CP 6.1.7")


class SignatureCounts:
    """How many signatures each key has made for each use since the process started. Safe between threads."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, KeyUse], int] = {}
        self._lock = Lock()

    def add(self, label: str, use: KeyUse, number: int = 1) -> None:
        """Count signatures."""
        with self._lock:
            self._counts[label, use] = self._counts.get((label, use), 0) + number

    def taken(self) -> dict[tuple[str, KeyUse], int]:
        """Return a copy of the counts, by (label, use)."""
        with self._lock:
            return dict(self._counts)
