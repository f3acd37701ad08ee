"""The seven ordres of health professions (TRE_R82, version of 2023-12-15), by their official codes.

Official codes differ from the names in the press: the nurses' ordre is ``ONI``, not CNOI. The professions named here are
those whose members an ordre registers by law; what an ordre may do in a given authority is in that authority's
`boards/*.toml`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from trust.errors import Missing


@dataclass(frozen=True, slots=True)
class Ordre:
    """One ordre: official code, name, name used in the press, codes of the professions it governs, year of entry in TRE_R82."""

    code: str
    name: str
    press_name: str
    professions: frozenset[str]
    since: int


def _ordre(code: str, name: str, press_name: str, profession: str, since: int) -> Ordre:
    return Ordre(code, name, press_name, frozenset({profession}), since)


# Code 69 (infirmier psychiatrique) is under no ordre here: we read no text that puts it under ONI, and a code too many would
# let an ordre certify people it does not register.
ORDRES: Final[dict[str, Ordre]] = {
    ordre.code: ordre
    for ordre in (
        _ordre("CNOM", "Conseil national de l'Ordre des médecins", "CNOM", "10", 2007),
        _ordre("ONCD", "Ordre national des chirurgiens-dentistes", "ONCD", "40", 2007),
        _ordre("CNOP", "Conseil national de l'Ordre des pharmaciens", "CNOP", "21", 2007),
        _ordre("CNOSF", "Conseil national de l'Ordre des sages-femmes", "ONSSF", "50", 2007),
        _ordre("CNOMK", "Conseil national de l'Ordre des masseurs-kinésithérapeutes", "MKO", "70", 2016),
        _ordre("CNOPP", "Conseil national de l'Ordre des pédicures-podologues", "ONPP", "80", 2016),
        _ordre("ONI", "Ordre national des infirmiers", "CNOI", "60", 2017),
    )
}
"""The ordres by official code."""

_BY_PROFESSION = {profession: ordre for ordre in ORDRES.values() for profession in ordre.professions}


def ordre_of(code: str) -> Ordre:
    """Return the ordre of an official code.

    Raises:
        Missing: no ordre has this code (the names used in the press are not codes).
    """
    try:
        return ORDRES[code]
    except KeyError:
        raise Missing(f"no ordre has the official code {code!r}") from None


def ordre_of_profession(profession: str) -> Ordre | None:
    """Return the ordre that registers a profession, or None when the profession has none."""
    return _BY_PROFESSION.get(profession)
