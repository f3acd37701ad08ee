"""How the commands write for people: columns that align, French names as the French write them, dates as ISO 8601 has them.

What is machine-read is JSON and is made by each command; nothing here decides anything.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pki.cli._output import one_line
from trust import clock

_GAP = "  "
_ESCAPED = '"+,;<>\\='
_SHORT_NAMES = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.42": "GN",
    "2.5.4.97": "organizationIdentifier",
}


def paragraph(text: str) -> str:
    """Fold a text to the width of a small terminal, for the descriptions of the commands."""
    return textwrap.fill(" ".join(text.split()), 78)


def table(head: Sequence[str], rows: Sequence[Sequence[object]], *, numbers: Sequence[int] = ()) -> str:
    """Return rows under a head, each column as wide as its widest text; `numbers` are the columns that align to the right."""
    texts = [list(head), *([one_line(str(cell)) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    lines = []
    for row in texts:
        cells = [
            cell.rjust(width) if at in numbers else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(_GAP.join(cells).rstrip())
    return "\n".join(lines)


def fields(pairs: Sequence[tuple[str, object]]) -> str:
    """Return names and values, one pair a line, the values aligned; a pair whose value is None is left out."""
    shown = [(name, one_line(str(value))) for name, value in pairs if value is not None]
    width = max((len(name) for name, _ in shown), default=0)
    return "\n".join(f"{name.ljust(width)}{_GAP}{value}" for name, value in shown)


def count(number: int, one: str, many: str | None = None) -> str:
    """Return ``1 line`` or ``2 lines``; thousands are set apart by a thin group, as in ``1 873 lines``."""
    return f"{number:,} ".replace(",", " ") + (one if number == 1 else many or f"{one}s")


def at(moment: datetime | None) -> str | None:
    """Return a moment for JSON."""
    return None if moment is None else clock.text(moment)


def day(moment: datetime | None) -> str:
    """Return the day of a moment, or a dash."""
    return "-" if moment is None else f"{moment:%Y-%m-%d}"


def minute(moment: datetime | None) -> str:
    """Return a moment to the minute, UTC, or a dash."""
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M}Z"


def person_name(given_name: str, family_name: str) -> str:
    """Write a person's name as French forms do: ``Anne D'EXEMPLE-TEST``."""
    return f"{given_name.title()} {family_name.upper()}".strip()


def profession(code: str, category: str = "C") -> str:
    """Return the French words for a profession; a code that is no longer in force, or never was, stands for itself."""
    from trust.identity import PROFESSIONS, label_of

    return label_of(code, category) if code in PROFESSIONS else f"profession {code}"


def subject_of(record: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the record of a subject, read if it is text."""
    read: Mapping[str, Any] = json.loads(record) if isinstance(record, str) else record
    return read


def short_name(record: str | Mapping[str, Any]) -> str:
    """Say whom or what a certificate names, in a few words."""
    subject = subject_of(record)
    match subject.get("kind"):
        case "person":
            return f"{person_name(subject['given_name'], subject['family_name'])}, {subject['title']}"
        case "organisation":
            name, own = subject["name"], subject["common_name"]
            return name if name == own else f"{own}, {name}"
        case "server":
            return " ".join(subject["dns_names"])
        case _:
            return str(subject.get("common_name", ""))


def distinguished_name(record: str | Mapping[str, Any]) -> str:
    """Write a subject's distinguished name as RFC 4514 has it: last RDN first."""
    from trust.naming import subject_from_record

    rdns = subject_from_record(subject_of(record)).rdns()
    return ",".join("+".join(f"{_SHORT_NAMES.get(oid, oid)}={_escaped(value)}" for oid, value in rdn) for rdn in reversed(rdns))


def _escaped(value: str) -> str:
    text = "".join(f"\\{c}" if c in _ESCAPED else c for c in value)
    if text.startswith(("#", " ")):
        text = f"\\{text}"
    return f"{text[:-1]}\\ " if text.endswith(" ") and len(text) > 1 else text
