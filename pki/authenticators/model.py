"""Accounts and what proves them: passkeys, one-time entries, sessions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from trust.errors import Malformed, shown


class Kind(StrEnum):
    """What somebody is here as. One person may be two: an officer who is also a practitioner has two accounts."""

    OFFICER = "officer"
    PERSON = "person"
    STRUCTURE = "structure"
    """The administrator of a structure's servers."""
    ADMINISTRATOR = "administrator"
    """Who runs the machine, and sees how it goes: no power over anybody, nobody's data."""


_ACCOUNT = re.compile(r"(officer|person|structure|administrator):([A-Za-z0-9][A-Za-z0-9._-]{0,63})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who comes: an officer by identifier, a practitioner or a structure by national identifier."""

    kind: Kind
    id: str

    def __str__(self) -> str:
        """Return the account as it is stored."""
        return f"{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Account:
        """Read what ``str`` wrote.

        Raises:
            Malformed: it is not an account.
        """
        match = _ACCOUNT.fullmatch(text)
        if match is None:
            raise Malformed(f"not an account: {shown(text)}")
        return cls(Kind(match[1]), match[2])


@dataclass(frozen=True, slots=True)
class Passkey:
    """A credential of an authenticator, and what it said of itself when it was registered."""

    id: bytes
    account: Account
    spki: bytes
    rp_id: str
    aaguid: str
    """Model of the authenticator, as a UUID; zeros when it does not say."""
    name: str
    """What its owner calls it."""
    backed_up: bool
    """It is copied between the owner's devices by their maker."""
    counter: int
    """Of signatures; 0 when the authenticator has none."""
    registered_at: datetime
    used_at: datetime
    withdrawn_at: datetime | None = None
    vouched: str | None = None
    """Who vouches for the model, and how, by an attestation that verified; None when nobody was asked."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A link that lets one account register a passkey, once."""

    id: bytes
    """SHA-256 of the token: the token itself is nowhere but in the link."""
    account: Account
    code: bytes | None
    """Salted hash of the code that comes by another channel, when one is asked for."""
    failures: int
    made_by: str
    made_at: datetime
    ends_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who signed in, in one browser."""

    id: bytes
    """SHA-256 of the token that the browser holds."""
    account: Account
    passkey: bytes
    opened_at: datetime
    seen_at: datetime
    verified_at: datetime
    """When the passkey was last shown: what matters asks for it again."""
    ended_at: datetime | None = None
