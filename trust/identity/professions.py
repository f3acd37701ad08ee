"""Health professions, use-of-title occupations, professional categories and modes of practice, by their national codes.

Code lists: TRE_G15 (professions, version of 2025-03-28), TRE_R95 (use of title), TRE_R09 (category), TRE_R23 (mode). Students
bear the code of the profession that they learn (TRE_G16, the same codes) with category ``E``. Labels are the official French
ones. Who governs a profession is in `ordres`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from trust.errors import Missing


@dataclass(frozen=True, slots=True)
class Profession:
    """A coded occupation. `title_only` is true for a use of title (TRE_R95): protected by law, yet no health profession."""

    code: str
    label: str
    title_only: bool = False


_HEALTH = {
    "10": "Médecin",
    "21": "Pharmacien",
    "26": "Audioprothésiste",
    "28": "Opticien-lunetier",
    "31": "Assistant dentaire",
    "32": "Physicien médical",
    "40": "Chirurgien-dentiste",
    "50": "Sage-femme",
    "60": "Infirmier",
    "69": "Infirmier psychiatrique",
    "70": "Masseur-kinésithérapeute",
    "80": "Pédicure-podologue",
    "81": "Orthoprothésiste",
    "82": "Podo-orthésiste",
    "83": "Orthopédiste-orthésiste",
    "84": "Oculariste",
    "85": "Épithésiste",
    "86": "Technicien de laboratoire",
    "91": "Orthophoniste",
    "92": "Orthoptiste",
    "94": "Ergothérapeute",
    "95": "Diététicien",
    "96": "Psychomotricien",
    "98": "Manipulateur ERM",
}
_TITLES = {
    "71": "Ostéopathe",
    "72": "Psychothérapeute",
    "73": "Chiropracteur",
    "93": "Psychologue",
    "97": "Conseiller génétique",
}

PROFESSIONS: Final[dict[str, Profession]] = {
    **{code: Profession(code, label) for code, label in _HEALTH.items()},
    **{code: Profession(code, label, title_only=True) for code, label in _TITLES.items()},
}
"""Every occupation that is in force, by code."""

RETIRED: Final = frozenset({"35", "36", "37", "38", "39"})
"""Codes withdrawn from TRE_G15 on 2024-12-13: they may stand in an old file, never in a new certificate."""

CIVIL, AGENT, OFFICIAL, STUDENT = "C", "M", "F", "E"
CATEGORIES: Final = {CIVIL: "Civil", AGENT: "Agent public", OFFICIAL: "Fonctionnaire", STUDENT: "Étudiant"}
"""Professional categories (TRE_R09)."""

PRACTISING: Final = frozenset({CIVIL, AGENT, OFFICIAL})
"""Categories that may go with the right to practise; a student's does not."""

MODES: Final = {"L": "Libéral", "S": "Salarié", "B": "Bénévole"}
"""Modes of practice (TRE_R23)."""


def profession_of(code: str) -> Profession:
    """Return the occupation of a code.

    Raises:
        Missing: no occupation in force has this code.
    """
    try:
        return PROFESSIONS[code]
    except KeyError:
        raise Missing(f"no profession in force has the code {code!r}") from None


def label_of(code: str, category: str = CIVIL) -> str:
    """Return the French words for a profession and category: ``Médecin``, or ``Étudiant (Médecin)`` for a student.

    Raises:
        Missing: no occupation in force has this code.
    """
    label = profession_of(code).label
    return f"{CATEGORIES[STUDENT]} ({label})" if category == STUDENT else label
