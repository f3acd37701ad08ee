"""Check digits of the French health numbers: Luhn, and the key of the NIR.

Only arithmetic over text that the caller has already found to be decimal digits. A right key proves that a number was
probably copied without a slip, never that somebody bears it: `99700009014` and `99700090014` both have a right key, because
Luhn does not see 09 and 90 change places. Enrolment therefore always matches the name too.
"""

from __future__ import annotations

from trust.errors import Malformed

_PLAIN = bytes((octet - 48) if 48 <= octet <= 57 else 0 for octet in range(256))
_DOUBLED = bytes((2 * digit - 9 if digit > 4 else 2 * digit) for digit in _PLAIN)


def luhn_holds(digits: str) -> bool:
    """Say whether the last digit is the Luhn key of the others. `digits` holds ASCII digits only."""
    octets = digits.encode()
    return (sum(octets[-1::-2].translate(_PLAIN)) + sum(octets[-2::-2].translate(_DOUBLED))) % 10 == 0


def luhn_key(digits: str) -> str:
    """Return the digit that makes ``digits + key`` satisfy `luhn_holds`."""
    octets = digits.encode()
    return str(-(sum(octets[-1::-2].translate(_DOUBLED)) + sum(octets[-2::-2].translate(_PLAIN))) % 10)


def nir_key(matricule: str) -> str:
    """Return the two-digit key of a 13-character NIR or NIA: 97 less the remainder by 97; Corsica's 2A is read 19, 2B 18."""
    return f"{97 - int(matricule.replace('2A', '19').replace('2B', '18')) % 97:02d}"


def require_filled(text: object, what: str) -> str:
    """Return `text` if it is a string that is not empty.

    Raises:
        Malformed: it is not; `what` names it in the reason.
    """
    if not isinstance(text, str) or not text:
        raise Malformed(f"{what} is text that is not empty")
    return text


def require_text(text: object, what: str, length: int) -> str:
    """Return `text` if it is a string of exactly `length` characters.

    Raises:
        Malformed: it is not; `what` names the number in the reason.
    """
    if not isinstance(text, str):
        raise Malformed(f"{what} is text, not {type(text).__name__}")
    if len(text) != length:
        raise Malformed(f"{what} has {length} characters, not {len(text)}")
    return text


def require_luhn(text: object, what: str, length: int) -> None:
    """Demand `length` ASCII digits, not all zero, whose last one is the Luhn key.

    Raises:
        Malformed: with the first of these that does not hold (`what` names the number).
    """
    number = require_text(text, what, length)
    if not (number.isascii() and number.isdigit()):
        raise Malformed(f"{what} holds digits only")
    if number == "0" * length:
        raise Malformed(f"{what} is all zero")
    if not luhn_holds(number):
        raise Malformed(f"{what} has a wrong key: its digits were not copied right")
