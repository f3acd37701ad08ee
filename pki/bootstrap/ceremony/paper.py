"""The transcript of a key ceremony on paper, for the witnesses to sign (CP 6.1.1).

The same facts as `transcript`, laid out to be compared by eye and signed by hand: a PDF in the fonts that every reader has,
without date or identifier of its own, so that the same facts give the same octets.
"""

from __future__ import annotations

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from pki.bootstrap.ceremony.script import Witness
from pki.bootstrap.ceremony.transcript import ATTEST, REHEARSAL, Entry, Transcript, about, facts_of, title

ENCODING = "cp1252"
_LEFT, _TOP, _WIDTH = 20.0, 20.0, 170.0
_LABEL, _LINE = 48.0, 5.0
_SIGNATURE = 30.0
"""Millimetres."""
_HASH = "SHA-256"
_INK, _GREY, _RULE, _ALERT = (20, 24, 40), (95, 100, 115), (200, 204, 214), (160, 30, 30)


def pdf(transcript: Transcript, digest: str) -> bytes:
    """Return the transcript as a PDF; `digest` is the hash of its text."""
    paper = _Paper(transcript, digest)
    paper.compose()
    return bytes(paper.output())


class _Paper(FPDF):
    """A transcript being written."""

    def __init__(self, transcript: Transcript, digest: str) -> None:
        super().__init__(format="A4")
        self._transcript = transcript
        self._digest = digest
        self.core_fonts_encoding = ENCODING
        self.set_margins(_LEFT, _TOP, _LEFT)
        self.set_auto_page_break(True, margin=24)
        self.set_title(title(transcript))
        self.set_creation_date(transcript.ended)
        self.alias_nb_pages("{pages}")

    def compose(self) -> None:
        """Write every page."""
        self.add_page()
        self._heading()
        self._pairs(about(self._transcript))
        self._section("Présents")
        for witness in self._transcript.script.witnesses:
            self._pairs([(witness.role[:1].upper() + witness.role[1:], witness.name)])
        for entry in self._transcript.entries:
            self._step(entry)
        self._signatures()

    def footer(self) -> None:
        """Write the foot of a page: which script, which transcript, which page of how many."""
        self.set_y(-18)
        self.set_draw_color(*_RULE)
        self.line(_LEFT, self.get_y(), _LEFT + _WIDTH, self.get_y())
        self.set_font("helvetica", size=7.5)
        self.set_text_color(*_GREY)
        said = f"Script {self._transcript.script.sha256[:16]}…   Procès-verbal {self._digest[:16]}…"
        self.set_xy(_LEFT, -16)
        self.cell(_WIDTH / 2, 5, said)
        self.cell(_WIDTH / 2, 5, f"page {self.page_no()} sur {{pages}}     paraphes :" + " " * 28, align="R")

    def _heading(self) -> None:
        self.set_text_color(*_GREY)
        self.set_font("helvetica", size=10)
        self._block("Procès-verbal de cérémonie de clés", 5)
        self.set_text_color(*_INK)
        self.set_font("helvetica", "B", 17)
        self._block(self._transcript.script.title, 8)
        self.ln(2)
        if self._transcript.rehearsal:
            self.set_fill_color(*_ALERT)
            self.set_text_color(255, 255, 255)
            self.set_font("helvetica", "B", 10)
            self.multi_cell(_WIDTH, 8, REHEARSAL, align="C", fill=True, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            self.ln(3)

    def _section(self, text: str) -> None:
        self.ln(4)
        self.set_text_color(*_INK)
        self.set_font("helvetica", "B", 12)
        self._block(text, 6)
        self.set_draw_color(*_RULE)
        self.line(_LEFT, self.get_y() + 0.5, _LEFT + _WIDTH, self.get_y() + 0.5)
        self.ln(2)

    def _step(self, entry: Entry) -> None:
        facts = facts_of(entry)
        lines = sum(2 if name.startswith(_HASH) else 1 for name, _ in facts)
        height = 14 + _LINE * lines
        # A step is read as a whole: it begins on a new page rather than be cut, if one page can hold it.
        if self.get_y() + height > self.page_break_trigger and height < self.page_break_trigger - _TOP:
            self.add_page()
        self._section(f"Étape {entry.number}. {entry.made.said}")
        self._pairs(facts)

    def _pairs(self, pairs: list[tuple[str, str]]) -> None:
        for name, value in pairs:
            top = self.get_y()
            if top + 2 * _LINE > self.page_break_trigger:
                self.add_page()
                top = self.get_y()
            self.set_font("helvetica", size=9)
            self.set_text_color(*_GREY)
            self.set_xy(_LEFT, top)
            self.cell(_LABEL, _LINE, name)
            self.set_text_color(*_INK)
            self.set_xy(_LEFT + _LABEL, top)
            if name.startswith(_HASH):
                self.set_font("courier", size=9.5)
                half = len(value) // 2  # eight groups of eight digits: four on each of two lines
                value = f"{value[:half].rstrip()}\n{value[half:].lstrip()}"
            else:
                self.set_font("helvetica", size=9.5)
            self.multi_cell(_WIDTH - _LABEL, _LINE, value, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _signatures(self) -> None:
        needed = 40 + _SIGNATURE * ((len(self._transcript.script.witnesses) + 1) // 2)
        if self.get_y() + needed > self.page_break_trigger and needed < self.page_break_trigger - _TOP:
            self.add_page()
        self._section("Signatures")
        self.set_font("helvetica", size=9.5)
        self._block(ATTEST, _LINE)
        self.ln(2)
        self._pairs([("SHA-256 du procès-verbal", " ".join(self._digest[at : at + 8] for at in range(0, 64, 8)))])
        self.ln(3)
        for at, witness in enumerate(self._transcript.script.witnesses):
            self._signature(witness, right=bool(at % 2))

    def _signature(self, witness: Witness, *, right: bool) -> None:
        width = _WIDTH / 2 - 3
        if not right and self.get_y() + _SIGNATURE > self.page_break_trigger:
            self.add_page()
        top, left = self.get_y(), _LEFT + (width + 6 if right else 0)
        self.set_draw_color(*_RULE)
        self.rect(left, top, width, _SIGNATURE - 4)
        self.set_xy(left + 2, top + 1.5)
        self.set_font("helvetica", "B", 9)
        self.cell(width - 4, 4, witness.name)
        self.set_xy(left + 2, top + 5.5)
        self.set_font("helvetica", size=8)
        self.set_text_color(*_GREY)
        self.cell(width - 4, 4, f"{witness.role}   -   date et signature :")
        self.set_text_color(*_INK)
        self.set_y(top + _SIGNATURE if right else top)

    def _block(self, text: str, height: float) -> None:
        self.multi_cell(_WIDTH, height, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
