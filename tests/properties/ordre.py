"""What an ordre would write on paper: who is in the register, what was decided, what was applied for and what must come of it.

The simple model that the real authority is compared with. It knows rules, no database: who has the right to practise, what an
application is answered, what a certificate may become.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pki.register.sanctions import DecisionKind
from pki.registration.applications import Application
from tests.world import Person

REGISTER_AGE = timedelta(days=7)


@dataclass
class Member:
    """One person, as the register in force and the ordre's decisions have them."""

    person: Person
    is_present: bool = False
    decisions: list[DecisionKind] = field(default_factory=list)
    """Those in force."""

    @property
    def line(self) -> tuple[str, str]:
        """What the register says that a certificate depends on."""
        return self.person.family_name, self.person.category

    @property
    def has_right(self) -> bool:
        """Whether this person may hold a certificate that serves."""
        return self.is_present and self.person.category == "C" and not self.decisions

    @property
    def is_revoked_by_decision(self) -> bool:
        """Whether an ordre's decision ends every certificate of this person."""
        return DecisionKind.RADIATION in self.decisions or DecisionKind.OPPOSITION in self.decisions


@dataclass
class Asked:
    """One application, and the line of the register that it was judged by."""

    member: Member
    application: Application
    key: bytes
    """SHA-256 of its public key."""
    line: tuple[str, str]
    ended: bool = False
    """It came to no certificate: refused, set aside, or not issued. It may be made again."""


@dataclass
class Batch:
    """Applications submitted together."""

    id: str
    asked: list[Asked]
    approved: bool = False
    refused: bool = False
    set_aside: frozenset[int] = frozenset()
    settled: bool = False
    """Every order of it has come to its end."""

    @property
    def is_waiting(self) -> bool:
        """Whether nobody has decided on it."""
        return not (self.approved or self.refused)


@dataclass
class Ordre:
    """The paper."""

    members: list[Member]
    register_date: datetime | None = None
    batches: list[Batch] = field(default_factory=list)
    blocked: set[bytes] = field(default_factory=set)
    """Keys that were compromised."""
    decisions: int = 0

    def register_is_fresh(self, now: datetime) -> bool:
        """Whether anything may be decided on the register in force."""
        return self.register_date is not None and now - self.register_date <= REGISTER_AGE

    def stands(self, key: bytes, profile: str) -> bool:
        """Whether a request for this key and profile waits, or came to a certificate: the same one is then not made again."""
        asked = [one for batch in self.batches for one in batch.asked if not one.ended]
        return any((one.key, one.application.profile) == (key, profile) for one in asked)

    def pending(self) -> list[Asked]:
        """Return what is approved and waits for the issuer."""
        return [
            one
            for batch in self.batches
            if batch.approved and not batch.settled
            for place, one in enumerate(batch.asked)
            if place not in batch.set_aside
        ]

    def must_be_issued(self, asked: Asked, now: datetime) -> bool:
        """Whether an approved application becomes a certificate when the issuer takes it now."""
        return (
            self.register_is_fresh(now)
            and asked.member.has_right
            and asked.line == asked.member.line
            and asked.key not in self.blocked
        )

    def member_of(self, holder: str) -> Member:
        """Return the person of that national identifier."""
        return next(member for member in self.members if member.person.idnat == holder)
