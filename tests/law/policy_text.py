"""Reads the policy documents as the tests need them: sections, citations, and numbers that stand for a limit (RFC 3647 §6).

Two ways bind a value of the text to `policies/limits.toml`. Inline: the value, at most four words, then the key in brackets and
code quotes, as in "16 octets (`issuance.serial_octets`)". Keyed table: a column titled with the name of a key, its rows named by
profile. What is found is returned as findings in words; the tests assert that there are none.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
POLICIES = REPOSITORY / "policies"
OUTLINE = Path(__file__).with_name("rfc3647.txt")

_HEADING = re.compile(r"^(#+) (\d+(?:\.\d+)*) (.+)$", re.MULTILINE)
_CITATION = re.compile(r"\b(CPS?) (\d+(?:\.\d+)*)")
_MARKER = re.compile(r"\(`(?![\w.\-]+\.(?:toml|md|py)`)([a-z]+\.[\w.\-]+)`\)")
_NUMBER = re.compile(r"(\d[\d,]*)(?:\s+[^\s\d(`]+){0,4}\s+$")
_NAMES = re.compile(r"((?:`[\w\-]+`(?:,| and)?\s+)+)(?:[^\s(`]+\s+){0,2}$")
_LIMIT = re.compile(r"^(\w+) = [^#]*?(?:#\s*(.*))?$")


@dataclass(frozen=True)
class Section:
    """One numbered section: its own text, without its sub-sections."""

    number: str
    title: str
    text: str


def sections(document: str) -> list[Section]:
    """Cut a policy document at its numbered headings, in order."""
    found = list(_HEADING.finditer(document))
    ends = [match.start() for match in found[1:]] + [len(document)]
    return [Section(m[2], m[3], document[m.end() : end].strip()) for m, end in zip(found, ends, strict=True)]


def outline() -> list[tuple[str, str]]:
    """Return the outline of RFC 3647 §6: number and title, in order."""
    lines = OUTLINE.read_text(encoding="utf-8").splitlines()
    return [(number, title) for number, _, title in (line.partition(" ") for line in lines)]


def missing_citations(text: str, numbers: dict[str, set[str]]) -> list[str]:
    """List the citations of a text that name no section; `numbers` has the sections of each document."""
    return [f"{document} {number}" for document, number in _CITATION.findall(text) if number not in numbers[document]]


def limits() -> dict[str, Any]:
    """Return `limits.toml`, read."""
    return tomllib.loads((POLICIES / "limits.toml").read_text(encoding="utf-8"))


def leaves(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give every value of the limits with its dotted key."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def stated(document: list[Section]) -> tuple[list[tuple[str, str, Any]], list[str]]:
    """Collect what a document states as (section, key, value), and the markers that no value precedes."""
    values: list[tuple[str, str, Any]] = []
    orphans: list[str] = []
    for section in document:
        for marker in _MARKER.finditer(section.text):
            before = section.text[max(0, marker.start() - 120) : marker.start()]
            if number := _NUMBER.search(before):
                values.append((section.number, marker[1], int(number[1].replace(",", ""))))
            elif names := _NAMES.search(before):
                values.append((section.number, marker[1], re.findall(r"`([\w\-]+)`", names[1])))
            else:
                orphans.append(f"{section.number}: no value before (`{marker[1]}`)")
        values += [(section.number, key, value) for key, value in _keyed_table(section.text)]
    return values, orphans


def _keyed_table(text: str) -> Iterator[tuple[str, Any]]:
    column = ""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if len(cells) != 2 or set(cells[0]) <= {"-"}:
            column = column if cells else ""
        elif cells[0] == "profile":
            column = cells[1].strip("`") if re.fullmatch(r"`\w+`", cells[1]) else ""
        elif column:
            yield f"profile.{cells[0].strip('`')}.{column}", _value(cells[1])


def _value(cell: str) -> Any:
    if cell.isdigit():
        return int(cell)
    return [] if cell == "none" else cell.split(", ")


def cited_by_limits(toml: str) -> list[tuple[str, str]]:
    """Return (key, section) for each line of the limits that cites the CP, and (key, "") for each that does not."""
    cited: list[tuple[str, str]] = []
    table = ""
    for line in toml.splitlines():
        if line.startswith("["):
            table = line[1 : line.index("]")].replace('"', "") + "."
        elif match := _LIMIT.match(line):
            section = _CITATION.search(match[2] or "")
            cited.append((table + match[1], section[2] if section else ""))
    return cited
