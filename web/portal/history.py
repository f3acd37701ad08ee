"""Who asked for a certificate, who approved it, and when: read from the evidence that proves it, for its holder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pki.bootstrap.office import Office
from pki.bootstrap.proof import evidence_of
from pki.inventory.model import Certificate
from trust import clock
from trust.errors import Missing
from web.kit.language import N_

WORDS = {
    "submission/1": N_("Demande faite"),
    "approval/1": N_("Demande approuvée"),
    "holder-request/1": N_("Demandé par vous, avec votre clé d'accès"),
}
ORDER = [*WORDS.values()]
"""Of what happened within one second: statements say no more."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened."""

    at: datetime
    what: str
    who: str
    """Empty when it is the holder, or the authority."""


def of(office: Office, certificate: Certificate) -> list[Step]:
    """Return what led to a certificate, and what became of it, in the order of time."""
    try:
        evidence = evidence_of(office.home, certificate.serial)
    except Missing:
        evidence = {}
    steps = [step for act in _acts(evidence) if (step := _step(office, act))]
    steps.append(Step(certificate.prepared_at, N_("Certificat émis"), ""))
    if certificate.revoked_at is not None:
        what = N_("Certificat révoqué") if certificate.held_by is None else N_("Certificat suspendu")
        steps.append(Step(certificate.revoked_at, what, ""))
    return sorted(steps, key=lambda step: (step.at, ORDER.index(step.what) if step.what in ORDER else len(ORDER)))


def _acts(evidence: Any) -> list[dict[str, Any]]:
    """Find the acts of evidence, wherever they are in it."""
    found: list[dict[str, Any]] = []
    if isinstance(evidence, dict):
        for name, value in evidence.items():
            found += list(value) if name == "acts" else _acts(value)
    return found


def _step(office: Office, act: dict[str, Any]) -> Step | None:
    said = json.loads(act["statement"])
    what = WORDS.get(said["type"])
    if what is None:
        return None
    return Step(clock.parse(said["at"]), what, _name(office, said["officer"]))


def _name(office: Office, officer: str) -> str:
    try:
        found = office.home.settings.officer(officer)
    except Missing:
        return "" if officer.startswith("person:") else officer
    return f"{found.name} ({found.board})"
