"""The error families of Sceau: each says who can act, not where it broke.

Every refusal that Sceau makes is one of these. They carry facts (and, for policy, the citation of the rule), and become
OCSP statuses, HTTP statuses or exit codes in one table per protocol. Nothing here knows a protocol.
"""

from __future__ import annotations

LONGEST_SHOWN = 200
"""Characters."""


class SceauError(Exception):
    """Root of every error that Sceau raises on purpose."""


class Malformed(SceauError):
    """The sender can act: the input does not have the form that its specification demands."""


class Refused(SceauError):
    """Policy says no. `citation` names the rule, for instance ``"CP 3.2.3"``."""

    def __init__(self, reason: str, *, citation: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.citation = citation

    def __str__(self) -> str:
        return f"{self.reason} [{self.citation}]"


class Conflict(SceauError):
    """Somebody was faster, or the same name already stands for something else: read again, then decide."""


class Missing(SceauError):
    """What was asked for does not exist (or is not the asker's to see)."""


class Unavailable(SceauError):
    """Something we depend on does not answer. `retry_after` is in seconds."""

    def __init__(self, reason: str, *, retry_after: float = 5.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Alarm(SceauError):
    """Integrity is in doubt: stop what you are doing and wake someone."""


def shown(value: object) -> str:
    """Write a value that somebody sent, for the words of an error: a line at most, whatever it is."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a whole number of thousands of digits
        return f"something of type {type(value).__name__} that is too large to be shown"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
