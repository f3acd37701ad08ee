"""Numbers of establishments and structures: FINESS, SIREN, SIRET, and the national identifier of a structure (Struct_IdNat).

Keys are Luhn's. Two exceptions are not slips: in Corsica's FINESS the department is ``2A`` or ``2B`` and counts as 21 or 22; the
establishments of La Poste (SIREN 356000000) have a SIRET whose digits add up to a multiple of five instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from trust.errors import Malformed
from trust.identity.adeli import AdeliRang, require_test_number
from trust.identity.checkdigits import luhn_holds, require_filled, require_luhn, require_text
from trust.identity.rpps import RppsRang

_LA_POSTE = "356000000"


@dataclass(frozen=True, slots=True, order=True)
class Finess:
    """A FINESS number: department (2 characters), order, Luhn key; 9 characters. With `test_mode`, letters anywhere, and then
    any key.

    Raises:
        Malformed: wrong length, a character that is not a digit (save Corsica's letter), all zero, or a wrong key.
    """

    text: str
    test_mode: bool = field(default=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        text = require_text(self.text, "a FINESS number", 9)
        if self.test_mode and not text.isdigit():
            require_test_number(text, "a FINESS number")
        elif text[:2] in ("2A", "2B"):
            require_luhn(("21" if text[1] == "A" else "22") + text[2:], "a FINESS number", 9)
        else:
            require_luhn(text, "a FINESS number", 9)

    def __str__(self) -> str:
        return self.text

    @property
    def department(self) -> str:
        """The two characters of the department: ``75``, ``2A``, ``97`` for the overseas departments, ``98`` for Mayotte."""
        return self.text[:2]


@dataclass(frozen=True, slots=True, order=True)
class Siren:
    """A SIREN number, of a legal person: 9 digits, the last one a Luhn key.

    Raises:
        Malformed: wrong length, character or key, or all zero.
    """

    text: str

    def __post_init__(self) -> None:
        require_luhn(self.text, "a SIREN number", 9)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, order=True)
class Siret:
    """A SIRET number, of one establishment of a legal person: its SIREN, an order of four digits, a key.

    Raises:
        Malformed: wrong length, character or key (of the whole or of the SIREN), or all zero.
    """

    text: str

    def __post_init__(self) -> None:
        text = require_text(self.text, "a SIRET number", 14)
        Siren(text[:9])
        if not (text.isascii() and text.isdigit()):
            raise Malformed("a SIRET number holds digits only")
        if luhn_holds(text) or (text.startswith(_LA_POSTE) and sum(map(int, text)) % 5 == 0):
            return
        raise Malformed("a SIRET number has a wrong key: its digits were not copied right")

    def __str__(self) -> str:
        return self.text

    @property
    def siren(self) -> Siren:
        """The legal person."""
        return Siren(self.text[:9])


class StructureKind(Enum):
    """The first digit of a Struct_IdNat (OID arc 1.2.250.1.71.4.2.2; MOS)."""

    ADELI_RANG = "0"
    FINESS = "1"
    SIRET = "3"
    RPPS_RANG = "4"


@dataclass(frozen=True, slots=True, order=True)
class StructIdNat:
    """The national identifier of a structure: a type digit and a number, ``318751275100020`` for instance.

    Beware: for a *structure* 1 announces a FINESS and 3 a SIRET; for a *person* 3 announces a FINESS (see `national.IdNatPs`).

    Raises:
        Malformed: unknown type, or the number behind it is wrong.
    """

    text: str
    test_mode: bool = field(default=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if require_filled(self.text, "the national identifier of a structure")[0] not in "0134":
            raise Malformed(
                "the national identifier of a structure begins with 0 (ADELI-rang), 1 (FINESS), 3 (SIRET) or 4 (RPPS-rang)"
            )
        _ = self.number

    def __str__(self) -> str:
        return self.text

    @property
    def kind(self) -> StructureKind:
        """What kind of number follows."""
        return StructureKind(self.text[0])

    @property
    def number(self) -> Finess | Siret | RppsRang | AdeliRang:
        """The number itself, checked."""
        digits = self.text[1:]
        match self.kind:
            case StructureKind.FINESS:
                return Finess(digits, test_mode=self.test_mode)
            case StructureKind.SIRET:
                return Siret(digits)
            case StructureKind.RPPS_RANG:
                return RppsRang(digits)
            case StructureKind.ADELI_RANG:
                return AdeliRang(digits, test_mode=self.test_mode)
