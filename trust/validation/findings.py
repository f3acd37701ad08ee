"""What can be found against a certificate, and how it is said: the vocabulary of `verdict` and `status`.

A finding is a kind with its consequence, its rule and its rank; a reason is a finding about one certificate, with the facts.
Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any

from trust import clock
from trust.validation.certificate import Certificate


class Outcome(StrEnum):
    """The three answers."""

    VALID = "valid"
    INVALID = "invalid"
    INDETERMINATE = "indeterminate"


_INVALID, _UNSURE = Outcome.INVALID, Outcome.INDETERMINATE


class Finding(Enum):
    """All that can stand between a certificate and *valid*: the consequence, the rule, the sentence with places for the facts.

    The order is the rank: the first is the most telling. When several paths fail, the one that came furthest is reported: that a
    certificate is revoked says more than that another of its paths leads nowhere.
    """

    REVOKED = (_INVALID, "RFC 5280 §6.3", "revoked on {revoked_at}, reason {reason}, according to {source}")
    HELD = (_INVALID, "RFC 5280 §5.3.1", "on hold since {revoked_at}, according to {source}")
    EXPIRED = (_INVALID, "RFC 5280 §6.1.3 (a)(2)", "expired on {not_after}; asked for {at}")
    NOT_YET_VALID = (_INVALID, "RFC 5280 §6.1.3 (a)(2)", "not valid before {not_before}; asked for {at}")
    WRONG_PURPOSE = (_INVALID, "RFC 5280 §4.2.1.12", "not for {purpose}: {found}")
    WRONG_KEY_USAGE = (_INVALID, "RFC 5280 §4.2.1.3", "its key usage does not allow {purpose}: {found}")
    WRONG_POLICY = (_INVALID, "RFC 5280 §6.1.3 (d)", "does not assert a wanted policy ({wanted}); it asserts {found}")
    UNKNOWN_CRITICAL_EXTENSION = (_INVALID, "RFC 5280 §4.2", "carries a critical extension that is not understood here: {oid}")
    NOT_A_CA = (_INVALID, "RFC 5280 §6.1.4 (k)(n)", "may not issue certificates: {found}")
    PATH_TOO_LONG = (_INVALID, "RFC 5280 §6.1.4 (l)", "stands above more certification authorities than it allows ({allowed})")
    CONSTRAINT_NOT_PROCESSED = (_UNSURE, "RFC 5280 §6.1.4", "carries {extension}, which is not processed here")
    UNKNOWN_ALGORITHM = (_UNSURE, "RFC 5280 §4.1.1.2", "is signed in a way that is not verified here")
    UNKNOWN_KEY = (_UNSURE, "RFC 5280 §6.1.6", "has a public key that cannot be used here")
    STATUS_UNKNOWN = (_UNSURE, "RFC 6960 §2.2", "{source} does not know it ({detail})")
    STATUS_STALE = (_UNSURE, "RFC 5280 §6.3.3", "{source} does not speak for the moment asked ({detail})")
    STATUS_UNAUTHENTIC = (_UNSURE, "RFC 6960 §3.2", "{source} is not believed: {detail}")
    STATUS_NOT_COVERED = (_UNSURE, "RFC 5280 §6.3.3 (b)", "{source} is not about it: {detail}")
    STATUS_UNAVAILABLE = (_UNSURE, "RFC 5280 §6.3.3", "its status could not be had: {detail}")
    BAD_SIGNATURE = (_INVALID, "RFC 5280 §6.1.3 (a)(1)", "its signature is not by {issuer}")
    BUDGET = (_UNSURE, "our limit", "{detail}")
    NO_PATH = (_UNSURE, "RFC 5280 §6.1", "no path leads from it to a trust anchor; its issuer is {issuer}")

    def __init__(self, outcome: Outcome, citation: str, sentence: str) -> None:
        self.outcome = outcome
        self.citation = citation
        self.sentence = sentence
        self.rank = len(type(self).__members__)
        """0 is the most telling."""

    @property
    def code(self) -> str:
        """Stable name for machines: ``not-yet-valid``."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Reason:
    """One finding about one certificate, with the facts that it rests on."""

    finding: Finding
    subject: str
    """The certificate that it is about, by its subject."""
    facts: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Say it in plain words, with the rule."""
        return f"{self.subject}: {self.finding.sentence.format_map(self.facts)} [{self.finding.citation}]"

    def to_record(self) -> dict[str, Any]:
        """Return it for JSON output."""
        finding = self.finding
        return {"code": finding.code, "citation": finding.citation, "subject": self.subject, "text": str(self), **self.facts}


def reason(finding: Finding, about: Certificate, **facts: str | datetime) -> Reason:
    """Make a reason about a certificate; moments are written as text."""
    written = {name: clock.text(fact) if isinstance(fact, datetime) else fact for name, fact in facts.items()}
    return Reason(finding, about.name, written)


def telling(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Return reasons with the most telling first: what is held against the certificate before what is merely not known."""
    return tuple(sorted(reasons, key=lambda one: (one.finding.outcome is not Outcome.INVALID, one.finding.rank)))
