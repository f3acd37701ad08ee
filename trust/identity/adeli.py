"""ADELI numbers: the former number of professions, kept as an alias of the RPPS number (repertory closed at the end of 2024).

Nobody is identified by an `Adeli` alone any more: it leads to an RPPS, then to the person. Numbers made up for tests may hold
letters and have no right key (``0B6077602``); they are accepted only when the caller says ``test_mode=True``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from trust.errors import Malformed
from trust.identity.checkdigits import require_luhn, require_text


def require_test_number(text: str, what: str) -> None:
    """Demand capital letters and digits, the form of numbers made up for tests.

    Raises:
        Malformed: another character.
    """
    if not (text.isascii() and text.isalnum() and text == text.upper()):
        raise Malformed(f"{what} of a test holds digits and capital letters only")


@dataclass(frozen=True, slots=True, order=True)
class Adeli:
    """An ADELI number: 9 digits, the last one a Luhn key. With `test_mode`, letters too and any key.

    Raises:
        Malformed: wrong length, a character that is not a digit, all zero, or a wrong key.
    """

    text: str
    test_mode: bool = field(default=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.test_mode:
            require_test_number(require_text(self.text, "an ADELI number", 9), "an ADELI number")
        else:
            require_luhn(self.text, "an ADELI number", 9)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, order=True)
class AdeliRang:
    """A place of practice in the former repertory: an ADELI number and a rank of two digits. It has no key of its own.

    Raises:
        Malformed: wrong length or character, or the ADELI number inside is wrong.
    """

    text: str
    test_mode: bool = field(default=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        text = require_text(self.text, "an ADELI-rang number", 11)
        Adeli(text[:9], test_mode=self.test_mode)
        if not (text[9:].isascii() and text[9:].isdigit()):
            raise Malformed("the rank of an ADELI-rang number is two digits")

    def __str__(self) -> str:
        return self.text

    @property
    def adeli(self) -> Adeli:
        """The person."""
        return Adeli(self.text[:9], test_mode=self.test_mode)
