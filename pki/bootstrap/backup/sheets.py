"""The sheets of an m-of-n group: one page for each holder, in French, with the words and the same words as a QR code (CP 6.2.2).

A sheet is a secret as soon as it is printed: each goes into its own file, which its maker alone can read, to be printed and
removed. It says which set it is of, what the set opens, how many sheets are needed and where to keep it; nothing of it says what
the other sheets hold. The fonts are those that every PDF reader has.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import segno
from fpdf import FPDF

from hsm.shares import Described, describe
from pki.bootstrap.backup.envelope import Group
from trust.errors import Conflict, Unavailable
from trust.french import day

_ENCODING = "cp1252"
_MARGIN, _WIDTH = 20.0, 170.0
_COLUMNS, _ROWS = 3, 11
_QR = 52.0
"""Millimetres."""

_KEEPING = (
    "Imprimez cette feuille sur une imprimante sans mémoire, puis effacez le fichier. Gardez-la sous enveloppe scellée, dans un "
    "coffre qui n'est ni celui d'un autre détenteur ni celui de la machine. Ne la photographiez pas, ne la recopiez pas dans un "
    "ordinateur. Si elle est perdue ou si l'enveloppe est ouverte, prévenez l'autorité : un nouveau jeu sera fait."
)


@dataclass(frozen=True, slots=True)
class Occasion:
    """What every sheet of a set says."""

    authority: str
    purpose: str
    at: datetime


def write_sheets(group: Group, occasion: Occasion, directory: Path) -> list[Path]:
    """Write one file for each share into a new or empty directory; return their paths.

    Raises:
        Conflict: there is something in the directory: sheets of two sets must not be mixed.
        Unavailable: it cannot be written.
    """
    written = []
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise Conflict(f"{directory} is not empty: sheets of two sets would be mixed")
        for words in group.shares:
            told = describe(words)
            path = directory / f"feuille-{told.set_name}-{told.number}-sur-{len(group.shares)}.pdf"
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(sheet(words, group, occasion))
            written.append(path)
    except OSError as error:
        raise Unavailable(f"the sheets cannot be written: {error.strerror}") from None
    return written


def sheet(words: str, group: Group, occasion: Occasion) -> bytes:
    """Return the sheet of one share, a PDF of one page."""
    told = describe(words)
    paper = _Paper(occasion)
    paper.say(occasion.authority, 11, style="B")
    paper.say(f"Feuille {told.number} sur {len(group.shares)}", 20, style="B")
    paper.say(f"Jeu {told.set_name} du {day(occasion.at)} : {told.threshold} feuilles sur {len(group.shares)} sont nécessaires")
    paper.say(f"Ce que le jeu ouvre : {occasion.purpose}. Empreinte : {group.fingerprint}")
    paper.words(words.split())
    paper.qr(words.upper(), told)
    paper.say(_KEEPING, 10)
    paper.say("Pour servir : sceau shares verify (cette feuille seule), sceau restore (avec les autres).", 10)
    paper.signature()
    return paper.octets()


class _Paper:
    """One page being written from top to bottom."""

    def __init__(self, occasion: Occasion) -> None:
        self._pdf = FPDF(format="A4")
        self._pdf.core_fonts_encoding = _ENCODING
        self._pdf.set_auto_page_break(False)
        self._pdf.set_title("Part d'un secret")
        self._pdf.set_creation_date(occasion.at)
        self._pdf.add_page()
        self._y = 20.0

    def say(self, text: str, size: float = 12, *, style: Literal["", "B"] = "") -> None:
        """Write a paragraph."""
        self._pdf.set_font("helvetica", style, size)
        self._pdf.set_xy(_MARGIN, self._y)
        self._pdf.multi_cell(_WIDTH, size / 2, _printable(text), align="L")
        self._y = self._pdf.get_y() + 3

    def words(self, words: Sequence[str]) -> None:
        """Write the words, numbered, down three columns."""
        top, width, height = self._y + 1, _WIDTH / _COLUMNS, 7.0
        for place, word in enumerate(words):
            column, row = divmod(place, _ROWS)
            left, line = _MARGIN + column * width, top + row * height
            self._pdf.rect(left, line, width, height)
            self._pdf.set_font("helvetica", size=9)
            self._pdf.text(left + 2, line + 4.9, f"{place + 1}")
            self._pdf.set_font("courier", "B", 13)
            self._pdf.text(left + 10, line + 5.1, word)
        self._y = top + _ROWS * height + 5

    def qr(self, words: str, told: Described) -> None:
        """Draw the words as a QR code, each run of dark modules as one rectangle. Capitals make the smallest code."""
        rows = [bytes(row) for row in segno.make(words, error="m", micro=False).matrix]
        size, top = _QR / len(rows), self._y
        self._pdf.set_fill_color(0)
        for number, row in enumerate(rows):
            start: int | None = None
            for place, dark in enumerate([*row, 0]):
                if dark and start is None:
                    start = place
                elif not dark and start is not None:
                    self._pdf.rect(_MARGIN + start * size, top + number * size, (place - start) * size, size * 1.02, style="F")
                    start = None
        self._pdf.set_font("helvetica", size=11)
        beside = ("Les mêmes mots, à lire", "par un appareil sans réseau.", f"Jeu {told.set_name}, feuille {told.number}")
        for place, line in enumerate(beside):
            self._pdf.text(_MARGIN + _QR + 8, top + 8 + 6 * place, _printable(line))
        self._y = top + _QR + 6

    def signature(self) -> None:
        """Leave room for who holds it."""
        self._pdf.set_font("helvetica", size=11)
        for label in ("Nom du détenteur", "Reçue le, signature", "Enveloppe scellée n°"):
            self._pdf.text(_MARGIN, self._y + 6, _printable(label))
            self._pdf.line(_MARGIN + 45, self._y + 7, _MARGIN + _WIDTH, self._y + 7)
            self._y += 11

    def octets(self) -> bytes:
        """Return the document."""
        return bytes(self._pdf.output())


def _printable(text: str) -> str:
    return text.encode(_ENCODING, "replace").decode(_ENCODING)
