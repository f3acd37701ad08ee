"""Invented names, places and numbers for extractions of people who do not exist.

Everything is a function of a seed and an index, through BLAKE2b, so that a file can be made again octet for octet on any
machine. RPPS numbers are of the range set aside for tests (997…); FINESS and SIREN numbers begin with 99, a department and a
series that nobody has. Family names are put together from syllables; where one is borne by somebody, it is chance.
"""

from __future__ import annotations

import hashlib
from typing import Final

from trust.identity import luhn_key

MAX_PEOPLE: Final = 10_000_000
"""How many RPPS numbers begin with 997."""

_BEGIN = (
    "BAR BEL BREN CAL CHAN COR DOR ÉRAL FER FLOR GAL GRIN HAUT ISOL JOR LAN LOUV MAR MIR MON NOR ORS PEL QUIN RAV SAUL TOR VER"
)
_MIDDLE = " AN BER CHEL DIN ÉBR FON GAR IV LIN MEND NIS OL POR QUIN RÉL SÈL TIN UR VIL ZAN"
_END = "AC AIS ARD AUX EÇON EIL ÈRE ET ETTE EUL IER IN IOT ŒUR OIS ON OT OUX ÛT Y"
_GIVEN_F = (
    "ADÈLE ANNE BÉRENGÈRE CAMILLE CHLOÉ CLAIRE EMMA FRANÇOISE HÉLÈNE INÈS JEANNE LÉA MAËLLE MARIE MAUD NOÉMIE SOLÈNE YSÉ ZOÉ"
)
_GIVEN_M = "ADRIEN ALEXIS ANDRÉ BENOÎT CÔME DAVID ÉMILE FRANÇOIS GAËL HUGO JEAN LOÏC LOUIS MARC NOËL PAUL PIERRE RÉMI THÉO YVES"
BEGIN, MIDDLE, END = tuple(_BEGIN.split()), tuple(_MIDDLE.split(" ")), tuple(_END.split())
GIVEN: Final = {"MME": tuple(_GIVEN_F.split()), "M": tuple(_GIVEN_M.split())}

DEPARTMENTS: Final = (
    ("01", "Ain"), ("06", "Alpes-Maritimes"), ("13", "Bouches-du-Rhône"), ("21", "Côte-d'Or"), ("25", "Doubs"),
    ("29", "Finistère"), ("2A", "Corse-du-Sud"), ("2B", "Haute-Corse"), ("31", "Haute-Garonne"), ("33", "Gironde"),
    ("35", "Ille-et-Vilaine"), ("44", "Loire-Atlantique"), ("59", "Nord"), ("67", "Bas-Rhin"), ("69", "Rhône"), ("75",
    "Paris"), ("80", "Somme"), ("95", "Val-d'Oise"), ("971", "Guadeloupe"), ("974", "La Réunion"),
)  # fmt: skip


class Draw:
    """Numbers that depend on a text only: a 512-bit number, consumed from below."""

    __slots__ = ("_rest",)

    def __init__(self, label: str) -> None:
        self._rest = int.from_bytes(hashlib.blake2b(label.encode()).digest(), "big")

    def below(self, bound: int) -> int:
        """Return the next number, 0 to `bound` - 1."""
        self._rest, drawn = divmod(self._rest, bound)
        return drawn

    def of(self, choices: tuple[str, ...]) -> str:
        """Return one of the choices."""
        return choices[self.below(len(choices))]


def rpps_of(index: int) -> str:
    """Return the RPPS number of the person of this index, 0 to `MAX_PEOPLE` - 1."""
    number = f"997{index:07d}"
    return number + luhn_key(number)


def family_name(draw: Draw) -> str:
    """Make a family name: most are plain; some have an apostrophe, a hyphen, a particle, a single letter, or no end."""
    shape = draw.below(1000)
    name = _plain(draw)
    if shape < 800:
        return name
    if shape < 860:
        return f"D'A{name}" if name[0] not in "ÉIO" else f"D'{name}"
    if shape < 900:
        return f"LE {name}"
    if shape < 930:
        return f"DE LA {name}"
    if shape < 990:
        return f"{name}-{_plain(draw)}"
    if shape < 995:
        return draw.of(("Y", "O", "É", "Ô"))
    return f"DE {name}-{_plain(draw)} DES {_plain(draw)}-SUR-{_plain(draw)} ET D'{_plain(draw)}-L'{_plain(draw)}-EN-{name}"


def _plain(draw: Draw) -> str:
    return draw.of(BEGIN) + draw.of(MIDDLE) + draw.of(END)


def given_name(draw: Draw, civility: str) -> str:
    """Make a given name: some are double, with a hyphen or a space, and a few are one letter."""
    shape = draw.below(1000)
    name = draw.of(GIVEN[civility])
    if shape < 900:
        return name
    if shape < 995:
        return f"{name}{'-' if shape < 950 else ' '}{draw.of(GIVEN[civility])}"
    return name[0]


def finess_of(index: int) -> str:
    """Return the FINESS number of an invented hospital, of the department 99 that does not exist."""
    number = f"99{index % 1_000_000:06d}"
    return number + luhn_key(number)


def siren_of(index: int) -> str:
    """Return the SIREN number of an invented practice."""
    number = f"99{index % 1_000_000:06d}"
    return number + luhn_key(number)


def siret_of(index: int) -> str:
    """Return the SIRET number of the one place of an invented practice."""
    number = f"{siren_of(index)}0001"
    return number + luhn_key(number)
