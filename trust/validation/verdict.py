"""What validation says: valid, invalid or indeterminate, with its reasons as facts (after ETSI EN 319 102-1 §5.1.3).

A verdict is never a lone boolean, and refuses to be used as one. *Invalid* means that something was found against the
certificate. *Indeterminate* means that nothing was, but that something which had to be known is not: a decision that needs
trust treats both alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from trust import clock
from trust.errors import Refused
from trust.validation.certificate import Certificate
from trust.validation.findings import Outcome, Reason, telling
from trust.validation.status import StatusAnswer


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer about one certificate, at one moment."""

    outcome: Outcome
    at: datetime
    path: tuple[Certificate, ...]
    """From the certificate to the trust anchor, as far as a path was found."""
    reasons: tuple[Reason, ...] = ()
    """Why it is not valid, the most telling first; empty when it is."""
    statuses: tuple[StatusAnswer, ...] = ()
    """Status of each certificate of the path below the anchor, in its order; empty when status was no part of the question."""

    @property
    def reason(self) -> Reason | None:
        """The most telling reason; None when valid."""
        return self.reasons[0] if self.reasons else None

    def demand(self) -> tuple[Certificate, ...]:
        """Return the path of a valid certificate.

        Raises:
            Refused: it is not valid; with the most telling reason and its citation.
        """
        if self.outcome is Outcome.VALID:
            return self.path
        first = self.reasons[0]
        text = f"the certificate is {self.outcome}: {first.subject} {first.finding.sentence.format_map(first.facts)}"
        raise Refused(text, citation=first.finding.citation)

    def __bool__(self) -> NoReturn:
        """Refuse: an object is true in Python, and ``if verdict:`` would let everybody in."""
        raise TypeError("a verdict is not a boolean: compare its outcome, or call demand()")

    def to_record(self) -> dict[str, Any]:
        """Return it for JSON output."""
        return {
            "outcome": self.outcome.value,
            "at": clock.text(self.at),
            "path": [
                {"subject": one.name, "serial": f"{one.serial:x}", "not_after": clock.text(one.not_after)} for one in self.path
            ],
            "reasons": [one.to_record() for one in self.reasons],
            "statuses": [one.to_record() for one in self.statuses],
        }


def conclude(
    at: datetime, path: tuple[Certificate, ...], reasons: Iterable[Reason], statuses: tuple[StatusAnswer, ...] = ()
) -> Verdict:
    """Draw the outcome from the reasons: invalid if one says so, indeterminate if there is another, valid if there is none."""
    ordered = telling(reasons)
    return Verdict(ordered[0].finding.outcome if ordered else Outcome.VALID, at, path, ordered, statuses)
