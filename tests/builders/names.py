"""Names that people could bear, drawn by hypothesis: every letter that a certificate may hold, and what may stand between."""

from __future__ import annotations

import unicodedata

from hypothesis import strategies as st

from trust.errors import Malformed
from trust.identity.checkdigits import luhn_key
from trust.identity.professions import PROFESSIONS
from trust.naming import PersonSubject, tidy

_LETTERS = [
    chr(code)
    for first, last in ((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x24F), (0x1E00, 0x1EFF))
    for code in range(first, last + 1)
    if unicodedata.is_normalized("NFC", chr(code))
]


def given_names() -> st.SearchStrategy[str]:
    """Draw a first or a family name, from one letter to the longest."""
    drawn = st.text(alphabet=st.sampled_from([*_LETTERS, *"AEIORSTN" * 40, *" -'’." * 30]), min_size=1, max_size=128)
    return drawn.map(tidy).filter(_is_name)


def people() -> st.SearchStrategy[PersonSubject]:
    """Draw a practitioner of the test range, with or without a mail address."""
    return st.builds(
        lambda number, family_name, given_name, code, email: PersonSubject(
            f"8{number}{luhn_key(number)}", family_name, given_name, code, PROFESSIONS[code].label, email
        ),
        st.integers(0, 9_999_999).map(lambda number: f"997{number:07d}"),
        given_names(),
        given_names(),
        st.sampled_from(sorted(PROFESSIONS)),
        st.none() | st.from_regex(r"[a-z0-9]{1,20}@[a-z]{1,40}\.exemple\.com", fullmatch=True),
    )


def _is_name(text: str) -> bool:
    try:
        PersonSubject("899700000013", text, "A", "10", "Médecin")
    except Malformed:
        return False
    return True
