"""IdNat_PS: the one identifier of a person in certificates, tokens and traces (OID arc 1.2.250.1.71.4.2.1; types: TRE_G08,
JDV_J77).

A type digit announces which number follows. Only type 8 (RPPS) names a practitioner for life; types 3, 5 and 6 name a member
of the staff of a structure by a number that this structure chose, and type 0 is the former ADELI number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

from trust.errors import Malformed
from trust.identity.adeli import Adeli, AdeliRang
from trust.identity.checkdigits import require_filled
from trust.identity.establishment import Finess, Siren, Siret
from trust.identity.rpps import Rpps, RppsRang

_LOCAL = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,8}")


class PersonKind(Enum):
    """The type of a person's national identifier (JDV_J77)."""

    ADELI = "0"
    ADELI_RANG = "1"
    FINESS = "3"
    SIREN = "4"
    SIRET = "5"
    RPPS_RANG = "6"
    RPPS = "8"
    MAILBOX = "10"


Holder = Rpps | RppsRang | Adeli | AdeliRang | Finess | Siren | Siret


@dataclass(frozen=True, slots=True, order=True)
class IdNatPs:
    """The national identifier of a person, ``899700000013`` for instance; `test_mode` admits made-up ADELI and FINESS numbers.

    Beware: for a *person* 3 announces a FINESS; for a *structure* it announces a SIRET (see `establishment.StructIdNat`).

    Raises:
        Malformed: unknown type, the number behind it is wrong, or the local part of a staff identifier is missing or odd.
    """

    text: str
    test_mode: bool = field(default=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        require_filled(self.text, "the national identifier of a person")
        kind = self.kind
        if kind is PersonKind.MAILBOX:
            if not _ADDRESS.fullmatch(self.text[2:]):
                raise Malformed("a national identifier of type 10 is a mail address after the type")
            return
        if kind not in (PersonKind.RPPS, PersonKind.ADELI) and not _LOCAL.fullmatch(self.local or ""):
            raise Malformed(
                f"a national identifier of type {kind.value} ends with '/' and a local number of letters, digits, '.', '-' or '_'"
            )
        _ = self.holder

    def __str__(self) -> str:
        return self.text

    @classmethod
    def of(cls, rpps: Rpps) -> IdNatPs:
        """The national identifier of the bearer of an RPPS number."""
        return cls("8" + rpps.text)

    @property
    def kind(self) -> PersonKind:
        """The type. A text that begins with ``10`` is of type 10 if it holds a mail address; else it is of type 1, department 0x.

        Raises:
            Malformed: the type is unknown.
        """
        if self.text.startswith("10") and "@" in self.text:
            return PersonKind.MAILBOX
        if self.text[0] not in "0134568":
            raise Malformed("the national identifier of a person begins with 0, 1, 3, 4, 5, 6, 8 or 10")
        return PersonKind(self.text[0])

    @property
    def holder(self) -> Holder | None:
        """The checked number after the type: the person's own (RPPS, ADELI), or their structure's; None for a mail address."""
        number = self.text[1:].split("/", 1)[0] if self.local is not None else self.text[1:]
        match self.kind:
            case PersonKind.RPPS:
                return Rpps(number)
            case PersonKind.ADELI:
                return Adeli(number, test_mode=self.test_mode)
            case PersonKind.ADELI_RANG:
                return AdeliRang(number, test_mode=self.test_mode)
            case PersonKind.FINESS:
                return Finess(number, test_mode=self.test_mode)
            case PersonKind.SIREN:
                return Siren(number)
            case PersonKind.SIRET:
                return Siret(number)
            case PersonKind.RPPS_RANG:
                return RppsRang(number)
            case PersonKind.MAILBOX:
                return None

    @property
    def local(self) -> str | None:
        """The number that the structure chose for a member of its staff (types 1, 3, 4, 5, 6), after the ``/``; else None."""
        if self.kind in (PersonKind.RPPS, PersonKind.ADELI, PersonKind.MAILBOX) or "/" not in self.text:
            return None
        return self.text.split("/", 1)[1]

    @property
    def rpps(self) -> Rpps | None:
        """The RPPS number when the type is 8, else None."""
        return Rpps(self.text[1:]) if self.kind is PersonKind.RPPS else None
