"""The INS: the national health identity number of a patient (a NIR, or a NIA while waiting for one), 13 characters and a key
of two.

An `Ins` that exists has a right key. It does not say that the identity was *qualified* by the national service. Some
published samples of numbers have a wrong key: where a number is only read (never where mail is addressed by it), use
`key_warning` and tell the user.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from trust.errors import Malformed
from trust.identity.checkdigits import nir_key, require_text

# Sex, year, month: five digits; then the department, where Corsica has a letter; then commune and order: six digits.
_MATRICULE = re.compile(r"[0-9]{5}(?:[0-9]{2}|2A|2B)[0-9]{6}")


@dataclass(frozen=True, slots=True, order=True)
class Ins:
    """An INS number with its key, 15 characters, ``184019999900067`` for instance.

    Raises:
        Malformed: wrong length, character or key, or all zero.
    """

    text: str

    def __post_init__(self) -> None:
        warning = key_warning(self.text)
        if warning is not None:
            raise Malformed(warning)

    def __str__(self) -> str:
        return self.text

    @classmethod
    def of_matricule(cls, matricule: str) -> Ins:
        """The number with its key, from the 13 characters that people copy from their card.

        Raises:
            Malformed: wrong length or character, or all zero.
        """
        _require_matricule(require_text(matricule, "an INS without its key", 13))
        return cls(matricule + nir_key(matricule))

    @property
    def matricule(self) -> str:
        """The 13 characters before the key."""
        return self.text[:13]

    @property
    def key(self) -> str:
        """The two digits of the key, 01 to 97."""
        return self.text[13:]


def key_warning(text: str) -> str | None:
    """Return what is wrong with the key of an INS of the right form, or None when the key is right.

    Raises:
        Malformed: the form itself is wrong (length, characters, all zero).
    """
    require_text(text, "an INS number", 15)
    _require_matricule(text[:13])
    if not (text[13:].isascii() and text[13:].isdigit()):
        raise Malformed("the key of an INS number is two digits")
    if text[13:] != nir_key(text[:13]):
        return "an INS number has a wrong key: it was not copied right"
    return None


def _require_matricule(matricule: str) -> None:
    if not _MATRICULE.fullmatch(matricule):
        raise Malformed("an INS number holds digits only, but for the 2A or 2B of Corsica in sixth and seventh place")
    if matricule == "0" * 13:
        raise Malformed("an INS number is all zero")
