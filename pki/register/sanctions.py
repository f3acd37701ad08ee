"""An ordre's own file of decisions: radiation, suspension, opposition, and their lifting (CP 4.9.1, 4.9.13 to 4.9.16).

The daily extraction shows a strike-off only by an absence; an ordre may state its decisions outright, with their date and
reference. The file is a CSV, separated by ``;`` or ``,``, in UTF-8, with columns ``idnat`` or ``rpps``, ``decision``,
``date``, ``reference``.

A radiation or an opposition revokes, a suspension holds, a levée releases what was held (it never gives back what was
revoked). This module only reads: who may hand in such a file, and what it does to certificates, is the revocation service's
affair.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import Enum, StrEnum

from pki.register.intake import BadLine
from trust.errors import Malformed
from trust.identity import IdNatPs, Rpps

SIZE_LIMIT = 16 << 20
"""Octets that a file of decisions may have: some two hundred thousand decisions."""


class Effect(Enum):
    """What a decision does to a person's certificates."""

    REVOKE = "revoke"
    HOLD = "hold"
    RELEASE = "release"


class DecisionKind(StrEnum):
    """What an ordre decided."""

    RADIATION = "radiation"
    SUSPENSION = "suspension"
    OPPOSITION = "opposition"
    LEVEE = "levee"

    @property
    def effect(self) -> Effect:
        """What it does to certificates. An opposition revokes, as that of a card does (MOS, dateOpposition)."""
        return _EFFECTS[self]


_EFFECTS = {
    DecisionKind.RADIATION: Effect.REVOKE,
    DecisionKind.OPPOSITION: Effect.REVOKE,
    DecisionKind.SUSPENSION: Effect.HOLD,
    DecisionKind.LEVEE: Effect.RELEASE,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision: line of the file, person, what, from which day on, and the ordre's reference."""

    number: int
    idnat: str
    kind: DecisionKind
    effective: date
    reference: str


@dataclass(frozen=True, slots=True)
class DecisionFile:
    """What could be read of a file, and what could not."""

    decisions: tuple[Decision, ...]
    refused: tuple[BadLine, ...]

    def whole(self) -> tuple[Decision, ...]:
        """Return the decisions of a file without a bad line: half of an ordre's decisions is not what it decided.

        Raises:
            Malformed: a line was refused; the reason lists the first ones.
        """
        if self.refused:
            shown = "; ".join(f"line {bad.number}: {bad.reason}" for bad in self.refused[:20])
            raise Malformed(f"{len(self.refused)} lines cannot be read. {shown}")
        return self.decisions


def read_decisions(octets: bytes, *, test_mode: bool = False) -> DecisionFile:
    """Read a file of decisions; `test_mode` admits made-up identifiers, as `IdNatPs` does.

    Raises:
        Malformed: it is not such a file at all (encoding, header, size). Single bad lines are in the result.
    """
    rows = _rows(octets)
    columns = _columns(rows[0][1])
    decisions: list[Decision] = []
    refused: list[BadLine] = []
    seen: dict[tuple[str, DecisionKind, date], int] = {}
    for number, row in rows[1:]:
        try:
            decision = _decision(number, row, columns, test_mode)
            key = (decision.idnat, decision.kind, decision.effective)
            if key in seen:
                raise Malformed(f"the same decision is on line {seen[key]}")
        except Malformed as error:
            refused.append(BadLine(number, str(error)))
            continue
        seen[key] = number
        decisions.append(decision)
    if not decisions and not refused:
        raise Malformed("the file holds no decision")
    return DecisionFile(tuple(decisions), tuple(refused))


def _rows(octets: bytes) -> list[tuple[int, list[str]]]:
    """Return the rows that are not blank, each with the number of its last line."""
    if len(octets) > SIZE_LIMIT:
        raise Malformed(f"a file of decisions has at most {SIZE_LIMIT} octets")
    try:
        content = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"the file is not UTF-8 (octet {error.start})") from None
    separator = ";" if ";" in content.split("\n", 1)[0] else ","
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=separator, strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise Malformed(f"line {reader.line_num} is not CSV: {error}") from None
    if not rows:
        raise Malformed("the file is empty")
    return rows


_LABELS = {
    "idnat": "idnat",
    "rpps": "rpps",
    "decision": "decision",
    "date": "date",
    "date d'effet": "date",
    "reference": "reference",
}


_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # `fromisoformat` alone reads weeks too


def _plain(text: str) -> str:
    """Return a word without case or accents, to compare it."""
    folded = unicodedata.normalize("NFKD", text.strip().casefold().replace("’", "'").replace("_", " "))
    return "".join(character for character in folded if not unicodedata.combining(character))


def _columns(header: list[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for position, label in enumerate(header):
        name = _LABELS.get(_plain(label))
        if name is None:
            raise Malformed(f"the column {label!r} is unknown; there are idnat or rpps, decision, date, reference")
        if name in columns:
            raise Malformed(f"the column {label!r} is there twice")
        columns[name] = position
    if not {"decision", "date", "reference"} <= columns.keys() or ("idnat" in columns) == ("rpps" in columns):
        raise Malformed("a file of decisions has the columns decision, date, reference and either idnat or rpps")
    return columns


def _decision(number: int, row: list[str], columns: dict[str, int], test_mode: bool) -> Decision:
    if len(row) != len(columns):
        raise Malformed(f"{len(row)} cells where the header has {len(columns)}")
    cells = {name: row[position].strip() for name, position in columns.items()}
    idnat = IdNatPs.of(Rpps(cells["rpps"])) if "rpps" in cells else IdNatPs(cells["idnat"], test_mode=test_mode)
    try:
        kind = DecisionKind(_plain(cells["decision"]))
    except ValueError:
        raise Malformed(f"the decision {cells['decision']!r} is none of radiation, suspension, opposition, levee") from None
    reference = cells["reference"]
    if not reference or not reference.isprintable() or len(reference) > 200:
        raise Malformed("the reference is text of 1 to 200 printable characters")
    return Decision(number, idnat.text, kind, _day(cells["date"]), reference)


def _day(text: str) -> date:
    """Read ``2026-11-20`` or ``20/11/2026``."""
    parts = text.split("/")
    iso = f"{parts[2]}-{parts[1]}-{parts[0]}" if len(parts) == 3 else text
    try:
        if not _ISO.fullmatch(iso):
            raise ValueError
        return date.fromisoformat(iso)
    except ValueError:
        raise Malformed(f"the date {text!r} is neither 2026-11-20 nor 20/11/2026") from None
