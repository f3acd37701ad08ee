"""The paper of activation letters: one page with the link for each person who has no mail, then one with the code for each.

All links first, all codes after, in the same order: they go into different envelopes, on different days, and printing on both
sides puts no code behind a link. The fonts are those that every PDF reader has; a letter that they lack loses its accent.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, cast

import segno
from fpdf import FPDF

from trust.french import day

ENCODING = "cp1252"
_TOLD = 20
_MARGIN, _WIDTH = 25.0, 160.0
_ADDRESS = 80.0
_QR = 60.0
"""Millimetres."""
_COURIER = 0.6 * 25.4 / 72
"""Width of a letter of Courier, in millimetres for each point of its size."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What one person is sent."""

    name: str
    profession: str
    rpps: str
    link: str
    """Empty when it was sent by mail: then there is a page for the code alone."""
    code: str


def write(letters: Sequence[Letter], path: Path, board: str, ends: datetime, progress: Callable[[int], None]) -> None:
    """Write the letters of an ordre to a file; `progress` hears how many are done."""
    paper = _Paper(board, day(ends))
    with_link = [letter for letter in letters if letter.link]
    for number, letter in enumerate(with_link, 1):
        paper.link_page(letter)
        if number % _TOLD == 0:
            progress(number)
    if len(with_link) % 2:
        paper.pdf.add_page()  # printed on both sides, the first code is not behind the last link
    for letter in letters:
        paper.code_page(letter)
    paper.pdf.output(str(path))


class _Paper:
    """A document being written. A paragraph is broken into lines once, however many letters have it: that is what takes time."""

    def __init__(self, board: str, ends: str) -> None:
        self.board = board
        self.ends = ends
        self.pdf = FPDF(format="A4")
        self.pdf.core_fonts_encoding = ENCODING
        self.pdf.set_auto_page_break(False)
        self.pdf.set_title("Lettres d'activation")
        self._broken: dict[tuple[str, float, str], list[str]] = {}
        self._y = 0.0

    def link_page(self, letter: Letter) -> None:
        """Write the page with the link."""
        self._head(letter)
        self._say("Activez vos certificats professionnels", 16, style="B")
        self._say(
            "Votre ordre vous ouvre des certificats professionnels : ils prouvent qui vous êtes et portent votre signature. "
            "Vous les activez vous-même, en deux minutes, avec votre téléphone."
        )
        self._say("1. Visez ce carré avec l'appareil photo de votre téléphone.")
        self._qr(letter.link)
        self.pdf.set_font("courier", size=9)
        self.pdf.text(_MARGIN + (_WIDTH - len(letter.link) * 9 * _COURIER) / 2, self._y, letter.link)
        self._y += 9
        self._say("2. Tapez le code de huit caractères que vous recevez à part.")
        self._say("3. Vérifiez votre nom et votre numéro, puis créez votre clé d'accès.")
        self._say(f"Ce lien ne sert qu'une fois, et jusqu'au {self.ends}.")
        self._say("Ne le donnez à personne : votre ordre ne vous le demandera jamais.")

    def code_page(self, letter: Letter) -> None:
        """Write the page with the code."""
        self._head(letter)
        self._say("Votre code d'activation", 16, style="B")
        where = "le lien de l'autre lettre" if letter.link else "le lien reçu par courriel"
        self._say(f"Tapez ce code quand {where} vous le demande :")
        self.pdf.rect(_MARGIN, self._y, _WIDTH, 24)
        self.pdf.set_font("courier", "B", 30)
        code = f"{letter.code[:4]} {letter.code[4:]}"
        self.pdf.text(_MARGIN + (_WIDTH - len(code) * 30 * _COURIER) / 2, self._y + 15.5, code)
        self._y += 36
        self._say(f"Il est valable jusqu'au {self.ends}.")
        self._say("Trois codes faux annulent le lien : demandez-en alors un autre à votre ordre.")
        self._say("Si vous n'avez rien demandé, prévenez votre ordre.")

    def _head(self, letter: Letter) -> None:
        self.pdf.add_page()
        self._y = 30.0
        self._say(self.board, style="B")
        self._y = 55.0
        for line in (letter.name, letter.profession, f"RPPS {letter.rpps}"):
            self._say(line, left=_ADDRESS, after=0.0, kept=False)
        self._y = 95.0

    def _say(
        self,
        text: str,
        size: float = 12,
        *,
        style: Literal["", "B"] = "",
        left: float = 0.0,
        after: float = 3.0,
        kept: bool = True,
    ) -> None:
        """Write a paragraph where the last one ended; one that is not `kept` is of this letter only."""
        self.pdf.set_font("helvetica", style, size)
        lines = self._broken.get((text, size, style))
        if lines is None:
            broken = self.pdf.multi_cell(_WIDTH - left, 6, _printable(text), dry_run=True, output="LINES")
            lines = cast("list[str]", broken)
            if kept:
                self._broken[text, size, style] = lines
        for line in lines:
            self.pdf.text(_MARGIN + left, self._y, line)
            self._y += size / 2
        self._y += after

    def _qr(self, link: str) -> None:
        """Draw the code as rectangles, each as wide as its run of dark modules."""
        rows = [bytes(row) for row in segno.make(link, error="m", micro=False).matrix]
        size = _QR / len(rows)
        left, top = _MARGIN + (_WIDTH - _QR) / 2, self._y
        self.pdf.set_fill_color(0)
        for number, row in enumerate(rows):
            start = None
            for place, dark in enumerate([*row, 0]):
                if dark and start is None:
                    start = place
                elif not dark and start is not None:
                    self.pdf.rect(left + start * size, top + number * size, (place - start) * size, size * 1.02, style="F")
                    start = None
        self._y = top + _QR + 8


def _printable(text: str) -> str:
    """Return a text that the fonts can write: a letter outside their alphabet comes without its accent, or as ``?``."""
    found = []
    for letter in text.replace("\u202f", "\u00a0"):
        try:
            letter.encode(ENCODING)
            found.append(letter)
        except UnicodeEncodeError:
            bare = "".join(each for each in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(each))
            found.append(bare if bare.isascii() and bare else "?")
    return "".join(found)
