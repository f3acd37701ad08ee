"""What a linter has to say: one sentence, its weight, and the clause that it stands on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from trust.errors import Refused


class Severity(StrEnum):
    """How much a finding weighs. Only `ERROR` and `WARNING` block."""

    ERROR = "error"
    """A standard or the policy says no."""
    WARNING = "warning"
    """A standard advises against; a profile may accept it, with its reason."""
    ACCEPTED = "accepted"
    """A warning that the profile accepts: shown, not blocking."""
    NOTICE = "notice"
    """Worth knowing."""


@dataclass(frozen=True)
class Finding:
    """One finding."""

    code: str
    """Dotted, stable: ``"sceau.serial"``, ``"etsi.en_319_412_2.…"``."""
    severity: Severity
    citation: str
    """The clause: ``"RFC 5280 §4.1.2.2"``."""
    detail: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.code}: {self.detail} [{self.citation}]"


def blocking(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that stop an issuance."""
    return [finding for finding in findings if finding.severity in (Severity.ERROR, Severity.WARNING)]


def refuse(findings: Iterable[Finding]) -> None:
    """Stop on blocking findings.

    Raises:
        Refused: there is one at least; the reason names them all, the citation is the first one's.
    """
    if found := blocking(findings):
        raise Refused("; ".join(f"{finding.code}: {finding.detail}" for finding in found), citation=found[0].citation)
