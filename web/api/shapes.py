"""Shapes that several routes share: statements to sign, signed acts, pages of lists."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from trust.errors import Malformed
from web.api.route import Sent, Shape

LONGEST_STATEMENT = 200_000
LARGEST_SIGNATURE = 16 * 1024
"""Octets: an ML-DSA-87 signature has 4,627, an assertion of a passkey with it some hundreds more."""
PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
Moment = Annotated[datetime, Meta(tz=True, description="Date and time with an offset (RFC 3339).")]
Line = Annotated[str, Meta(max_length=300, pattern=PRINTABLE)]
Why = Annotated[str, Meta(min_length=1, max_length=200, pattern=PRINTABLE, description="One line, for people.")]
Pem = Annotated[str, Meta(max_length=24_000, pattern=r"^[ -~\r\n\t]*$", description="PEM (RFC 7468).")]
Limit = Annotated[int, Meta(ge=1, le=200, description="Lines on a page.")]
Cursor = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,120}$", description="`next` of the page before.")]
ReasonName = Literal[
    "unspecified",
    "keyCompromise",
    "cACompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "privilegeWithdrawn",
    "aACompromise",
]
"""What one may ask for (RFC 5280 §5.3.1). A hold has routes of its own."""
AnyReason = Literal[ReasonName, "certificateHold"]


class Statement(Shape):
    """What an officer signs: exactly these octets, in UTF-8."""

    statement: str
    officer: str
    """Whose key signs."""


class SignedAct(Sent):
    """A statement as it was given, and the officer's signature over its octets."""

    statement: Annotated[str, Meta(min_length=2, max_length=LONGEST_STATEMENT)]
    signature: Annotated[bytes, Meta(min_length=1, max_length=LARGEST_SIGNATURE)]


class Reasoned(Sent):
    """A decision's reason, in the words of who decides."""

    reason: Why


class Paged(Sent):
    """A page of a list."""

    limit: Limit = 50
    cursor: Cursor | None = None


def cursor_of(*place: object) -> str:
    """Write the place of the last line of a page."""
    return urlsafe_b64encode(":".join(map(str, place)).encode()).rstrip(b"=").decode()


def place_of(cursor: str) -> tuple[int, str]:
    """Read the place that `cursor_of` wrote.

    Raises:
        Malformed: it did not.
    """
    try:
        number, _, name = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").partition(":")
        if not (number.isdigit() and len(number) <= 15 and name.isalnum() and len(name) <= 64):
            raise ValueError
    except (ValueError, binascii.Error):
        raise Malformed("this cursor was not given by a page of this list") from None
    return int(number), name
