"""The layout of the public extraction: columns by name, and one line of it to the canonical line of an entry.

The extraction has a header, ``|`` between fields and after the last one, no quoting, one line for each activity. Its 52
columns of 2021 became 56, and labels drifted (accents, case, apostrophes, ``(coord. structure)`` for ``(structure)``):
columns are found by a normalised name, new ones are accepted, a missing one that identity or standing depends on refuses the
file.

A line that is not what it should be raises `Malformed` with a reason; the importer gives it its number. Speed matters here
and only here: the file has 1.8 million lines, so `line_reader` is one flat function over local names.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, Literal

from pki.register.entry import NO_ACTIVITY, UNIT
from trust.errors import Malformed
from trust.identity import TEST_PREFIX, IdNatPs, Rpps, quick_rpps_check

MAX_LINE: Final = 65_536
"""Longest line that is read, in octets or characters; a longer one is a bad line. Real ones have some 350."""

COLUMNS: Final = (
    "Type d'identifiant PP",
    "Identifiant PP",
    "Identification nationale PP",
    "Code civilité d'exercice",
    "Libellé civilité d'exercice",
    "Code civilité",
    "Libellé civilité",
    "Nom d'exercice",
    "Prénom d'exercice",
    "Code profession",
    "Libellé profession",
    "Code catégorie professionnelle",
    "Libellé catégorie professionnelle",
    "Code type savoir-faire",
    "Libellé type savoir-faire",
    "Code savoir-faire",
    "Libellé savoir-faire",
    "Code mode exercice",
    "Libellé mode exercice",
    "Numéro SIRET site",
    "Numéro SIREN site",
    "Numéro FINESS site",
    "Numéro FINESS établissement juridique",
    "Identifiant technique de la structure",
    "Raison sociale site",
    "Enseigne commerciale site",
    "Complément destinataire (coord. structure)",
    "Complément point géographique (coord. structure)",
    "Numéro Voie (coord. structure)",
    "Indice répétition voie (coord. structure)",
    "Code type de voie (coord. structure)",
    "Libellé type de voie (coord. structure)",
    "Libellé Voie (coord. structure)",
    "Mention distribution (coord. structure)",
    "Bureau cedex (coord. structure)",
    "Code postal (coord. structure)",
    "Code commune (coord. structure)",
    "Libellé commune (coord. structure)",
    "Code pays (coord. structure)",
    "Libellé pays (coord. structure)",
    "Téléphone (coord. structure)",
    "Téléphone 2 (coord. structure)",
    "Télécopie (coord. structure)",
    "Adresse e-mail (coord. structure)",
    "Code Département (structure)",
    "Libellé Département (structure)",
    "Ancien identifiant de la structure",
    "Autorité d'enregistrement",
    "Code secteur d'activité",
    "Libellé secteur d'activité",
    "Code section tableau pharmaciens",
    "Libellé section tableau pharmaciens",
    "Code fonction",
    "Libellé fonction",
    "Code genre d'activité",
    "Libellé genre d'activité",
)
"""The header of an extraction of today, in order; that of 2021 has the first 52 under slightly other labels."""

REQUIRED: Final = (
    "Type d'identifiant PP",
    "Identifiant PP",
    "Identification nationale PP",
    "Nom d'exercice",
    "Prénom d'exercice",
    "Code profession",
    "Code catégorie professionnelle",
    "Autorité d'enregistrement",
)
"""Columns without which nobody can be identified or their standing judged: a file that lacks one is refused."""

OPTIONAL: Final = (
    "Code civilité d'exercice",
    "Code savoir-faire",
    # From here on, the fields of an `Activity`, in its order.
    "Code mode exercice",
    "Identifiant technique de la structure",
    "Raison sociale site",
    "Numéro SIRET site",
    "Numéro FINESS site",
    "Code secteur d'activité",
    "Code section tableau pharmaciens",
    "Code Département (structure)",
)
"""Columns that we read when they are there."""

_FIRST_OF_ACTIVITY = len(REQUIRED) + 2

Numbers = Literal["any", "test", "real"]
"""Which RPPS numbers a file may hold: a test authority accepts only ``997…``, a real one anything but."""

_STRUCTURE = re.compile(r"\(\s*(?:coord\.?\s*)?structure\s*\)")
_SMALL_WORDS = frozenset({"d", "de", "du", "des", "la", "le", "l"})
_CODE = re.compile(r"[A-Za-z0-9_.-]{0,16}")


def normalised(label: str) -> str:
    """Return a column's label without what drifts: accents, case, punctuation, small words, ``(coord. structure)``."""
    text = "".join(c for c in unicodedata.normalize("NFKD", label.casefold()) if not unicodedata.combining(c))
    words = re.findall(r"[a-z0-9]+", _STRUCTURE.sub(" ", text))
    return " ".join(word for word in words if word not in _SMALL_WORDS)


_KNOWN = frozenset(map(normalised, (*COLUMNS, "Code rôle", "Libellé rôle")))


@dataclass(frozen=True, slots=True)
class Layout:
    """Where our columns are: `positions` follows `REQUIRED` then `OPTIONAL`; what is absent is at `width`, always empty."""

    width: int
    positions: tuple[int, ...]
    absent: tuple[str, ...]
    unknown: tuple[str, ...]

    @classmethod
    def of(cls, header: str) -> Layout:
        """Read the header line (no byte order mark, no end of line).

        Raises:
            Malformed: a required column is missing, or a column that we read is there twice.
        """
        labels = header.split("|")
        if labels[-1].strip() == "":
            labels.pop()
        names = [normalised(label) for label in labels]
        wanted = [normalised(label) for label in REQUIRED + OPTIONAL]
        missing = [label for label in REQUIRED if normalised(label) not in names]
        if missing:
            raise Malformed(f"the file is not an extraction of the register: no column {', '.join(map(repr, missing))}")
        for label, name in zip(REQUIRED + OPTIONAL, wanted, strict=True):
            if names.count(name) > 1:
                raise Malformed(
                    f"the column {label!r} is there {names.count(name)} times: which one to read is not ours to guess"
                )
        return cls(
            width=len(labels),
            positions=tuple(names.index(name) if name in names else len(labels) for name in wanted),
            absent=tuple(label for label in OPTIONAL if normalised(label) not in names),
            unknown=tuple(label for label, name in zip(labels, names, strict=True) if name not in _KNOWN),
        )

    def identifier(self, line: str) -> str | None:
        """Return the national identifier on a bad line if it can be read and is a right one, else None."""
        fields = line.split("|", self.width)
        position = self.positions[2]
        if position >= len(fields):
            return None
        try:
            return IdNatPs(fields[position].strip(), test_mode=True).text
        except Malformed:
            return None

    def require_width(self, fields: list[str]) -> None:
        """Bring the fields of a line to `width` and the empty one behind the last separator.

        Raises:
            Malformed: there are more or fewer fields.
        """
        if len(fields) == self.width:  # no separator after the last field
            fields.append("")
        if len(fields) != self.width + 1 or fields[self.width].strip():
            found = len(fields) - (not fields[-1])
            raise Malformed("the line is empty" if fields == [""] else f"{found} fields where the header has {self.width}")


def line_reader(layout: Layout, numbers: Numbers = "any") -> Callable[[str], str]:
    """Return a function from a line of the extraction to the canonical line of an entry with that one activity.

    The function raises `Malformed` when the line is not what the layout says; `numbers` says which RPPS numbers are accepted.
    """
    pick = itemgetter(*layout.positions)
    whole = layout.width + 1
    rpps_holds = quick_rpps_check()
    accepted = None if numbers == "any" else numbers == "test"
    codes: set[str] = set()  # codes met and found right: a few hundred in a whole register

    def read(line: str) -> str:
        if len(line) > MAX_LINE:
            raise Malformed(f"the line is longer than {MAX_LINE} characters")
        if not line.isprintable():
            line = _without_odd_spaces(line)
        fields = line.split("|")
        if len(fields) != whole or fields[-1]:
            layout.require_width(fields)
        picked = pick(fields)
        (
            kind,
            number,
            idnat,
            family,
            given,
            profession,
            category,
            authority,
            title,
            know_how,
            mode,
            _,
            _,
            _,
            _,
            _,
            _,
            department,
        ) = picked
        if kind != "8" or idnat != "8" + number or not rpps_holds(number):
            if _has_edges(line):
                return read(_without_edges(fields))
            _require_identifier(kind, number, idnat, numbers)
        elif accepted is not None and number.startswith(TEST_PREFIX) is not accepted:
            raise Malformed(f"the RPPS number is {'not ' if numbers == 'test' else ''}of the range set aside for tests")
        if not family:
            raise Malformed("no family name")
        if not (
            profession in codes
            and category in codes
            and know_how in codes
            and mode in codes
            and department in codes
            and title in codes
        ):
            if _has_edges(line):
                return read(_without_edges(fields))
            _learn_codes(codes, profession, category, know_how, mode, department, title)
        record = f"{idnat}\t{family}|{given}|{title}\t{profession}|{category}|{authority}|{know_how}"
        activity = "|".join(picked[_FIRST_OF_ACTIVITY:])
        if activity != NO_ACTIVITY:
            record = f"{record}{UNIT}{activity}"
        if "| " in record or " |" in record or family[0] == " ":
            return read(_without_edges(fields))
        return record if record.isascii() else unicodedata.normalize("NFC", record)

    return read


def _has_edges(line: str) -> bool:
    return "| " in line or " |" in line or line[0] == " "


def _without_edges(fields: list[str]) -> str:
    """Write the line again with no space at the ends of its fields."""
    return "|".join([field.strip(" ") for field in fields])


def _require_identifier(kind: str, number: str, idnat: str, numbers: Numbers) -> None:
    if idnat != kind + number:
        raise Malformed("the national identifier is not the type followed by the identifier")
    if kind == "8":
        Rpps(number)
    IdNatPs(idnat, test_mode=numbers == "test")


def _learn_codes(codes: set[str], *met: str) -> None:
    for code in met:
        if not _CODE.fullmatch(code):
            raise Malformed(f"{code!r} is not the code of a profession, category, know-how, mode, department or civility")
    if len(codes) < 10_000:  # hostile files do not grow our memory
        codes.update(met)


def _without_odd_spaces(line: str) -> str:
    """Return the line with every kind of space made plain (U+00A0 is common).

    Raises:
        Malformed: it holds a character that is not text; the reason names the first.
    """
    line = "".join(" " if unicodedata.category(c) == "Zs" else c for c in line)
    for position, character in enumerate(line, 1):
        if not character.isprintable():
            if unicodedata.category(character) == "Cs":
                raise Malformed(f"octets that are not UTF-8, at character {position}")
            raise Malformed(f"a control or invisible character U+{ord(character):04X}, at character {position}")
    return line
