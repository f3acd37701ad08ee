"""Randomness: the only place that asks the machine for it.

Whoever needs random octets receives an `Entropy`; a test hands in a counting or a repeating one.
"""

from __future__ import annotations

import os
from typing import Protocol


class Entropy(Protocol):
    """A source of random octets."""

    def octets(self, count: int) -> bytes:
        """Return `count` octets from a cryptographically secure source."""
        ...


class SystemEntropy:
    """The operating system's CSPRNG."""

    def octets(self, count: int) -> bytes:
        """Return `count` octets of the kernel's generator."""
        return os.urandom(count)
