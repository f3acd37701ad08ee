"""What is known of a certificate's revocation, from whom, and how fresh it is (RFC 5280 §6.3, RFC 6960 §2.2).

The common answer of `crl` and `ocsp`. *Unknown* is an answer too, and says why; nobody here turns it into *good*.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from trust import clock
from trust.validation.certificate import Certificate
from trust.validation.findings import Finding, Reason, reason

SKEW = timedelta(minutes=2)
"""How far ahead of ours the clock of whoever signed may be. Nothing is granted at the other end: past nextUpdate is stale."""


class CertificateStatus(StrEnum):
    """What a status source says."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """The status of one certificate according to one source."""

    status: CertificateStatus
    source: str
    """Which source, in words: ``OCSP at http://…``, ``CRL 12``."""
    this_update: datetime | None = None
    next_update: datetime | None = None
    revoked_at: datetime | None = None
    revocation_reason: str | None = None
    """Name of the CRLReason (RFC 5280 §5.3.1); None when none was given."""
    reasons: tuple[Reason, ...] = ()
    """Why the certificate is not good."""

    def to_record(self) -> dict[str, Any]:
        """Return it for JSON output."""
        moments = {"this_update": self.this_update, "next_update": self.next_update, "revoked_at": self.revoked_at}
        return {
            "status": self.status.value,
            "source": self.source,
            "reason": self.revocation_reason,
            **{name: clock.text(moment) if moment else None for name, moment in moments.items()},
        }


class StatusSource(Protocol):
    """Somebody who can say whether a certificate is revoked."""

    def status(self, certificate: Certificate, issuer: Certificate, at: datetime) -> StatusAnswer:
        """Return the status of a certificate whose path is already validated; `issuer` is the one of that path. Never raises."""
        ...


def unknown(finding: Finding, certificate: Certificate, source: str, detail: str) -> StatusAnswer:
    """Say that nothing is known, and why."""
    return StatusAnswer(CertificateStatus.UNKNOWN, source, reasons=(reason(finding, certificate, source=source, detail=detail),))


def staleness(this_update: datetime, next_update: datetime | None, at: datetime) -> str | None:
    """Say why a status does not speak for a moment; None when it does.

    One without nextUpdate speaks for no moment but its own: RFC 5280 §5.1.2.5 demands it, and without it a replay has no end.
    """
    if this_update > at + SKEW:
        return f"it begins on {clock.text(this_update)}"
    if next_update is None:
        return "it does not say until when"
    if at > next_update:
        return f"it ended on {clock.text(next_update)}"
    return None


def revoked(
    certificate: Certificate,
    source: str,
    span: tuple[datetime, datetime | None],
    revoked_at: datetime,
    crl_reason: str | None,
) -> StatusAnswer:
    """Say that a certificate is revoked, or on hold."""
    finding = Finding.HELD if crl_reason == "certificateHold" else Finding.REVOKED
    why = reason(finding, certificate, revoked_at=revoked_at, reason=crl_reason or "unspecified", source=source)
    return StatusAnswer(CertificateStatus.REVOKED, source, *span, revoked_at, crl_reason, (why,))
