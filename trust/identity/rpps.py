"""The RPPS number, which a practitioner keeps for life, and the number of one of their places (MOS, "Identifiants").

An `Rpps` that exists has 11 digits and a right Luhn key; the ``8`` that announces an RPPS in a national identifier is *not*
part of it (see `national`). It says nothing about a person being in the register: see `pki.register`.
"""

from __future__ import annotations

from dataclasses import dataclass

from trust.identity.checkdigits import luhn_holds, require_luhn

TEST_PREFIX = "997"
"""RPPS numbers that begin so belong to nobody: they are set aside for tests."""


@dataclass(frozen=True, slots=True, order=True)
class Rpps:
    """An RPPS number: 10 digits of order and a Luhn key.

    Raises:
        Malformed: wrong length, a character that is not a digit, all zero, or a wrong key.
    """

    text: str

    def __post_init__(self) -> None:
        require_luhn(self.text, "an RPPS number", 11)

    def __str__(self) -> str:
        return self.text

    @property
    def is_test(self) -> bool:
        """Whether the number is of the range set aside for tests."""
        return self.text.startswith(TEST_PREFIX)


@dataclass(frozen=True, slots=True, order=True)
class RppsRang:
    """A place of practice of one person: their RPPS, a rank of two digits, and a Luhn key over the 13 digits before it.

    Raises:
        Malformed: wrong length, character or key, of the whole or of the RPPS inside.
    """

    text: str

    def __post_init__(self) -> None:
        require_luhn(self.text, "an RPPS-rang number", 14)
        Rpps(self.text[:11])

    def __str__(self) -> str:
        return self.text

    @property
    def rpps(self) -> Rpps:
        """The person."""
        return Rpps(self.text[:11])

    @property
    def rank(self) -> int:
        """The rank of the place, 0 to 99."""
        return int(self.text[11:13])


def is_test_rpps(number: Rpps | str) -> bool:
    """Say whether a number, right or not, is of the range set aside for tests (``997``)."""
    return str(number).startswith(TEST_PREFIX)


def rpps_holds(text: str) -> bool:
    """Say whether `Rpps(text)` would succeed: the same rule without the reason, for files of millions of lines."""
    return len(text) == 11 and text.isascii() and text.isdigit() and luhn_holds(text) and text != "00000000000"
