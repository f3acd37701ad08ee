"""The life of a certificate: prepared → issued → held ⇄ issued → revoked (RFC 5280 §5.3.1, CP 4.9).

A certificate is one record: what was about to be signed (the TBS, committed *before* the signature) plus, once it is
surely signed, the signature. An intent whose signature is uncertain after a crash becomes *revoked*: it may exist
somewhere, so relying parties must hear of it. Expiry is not a state: it is read from the clock. Nothing here knows a
database.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum

from trust import der
from trust.errors import Alarm, Refused


class State(IntEnum):
    """Where a certificate stands. The numbers are what the database stores."""

    PREPARED = 0
    ISSUED = 1
    HELD = 2
    REVOKED = 3


class Reason(IntEnum):
    """CRLReason (RFC 5280 §5.3.1). `removeFromCRL` (8) belongs to delta CRLs alone and is no reason to revoke."""

    UNSPECIFIED = 0
    KEY_COMPROMISE = 1
    CA_COMPROMISE = 2
    AFFILIATION_CHANGED = 3
    SUPERSEDED = 4
    CESSATION_OF_OPERATION = 5
    CERTIFICATE_HOLD = 6
    PRIVILEGE_WITHDRAWN = 9
    AA_COMPROMISE = 10

    @property
    def standard_name(self) -> str:
        """The name in RFC 5280, for instance ``keyCompromise``."""
        return REASON_NAMES[self]


REASON_NAMES: dict[Reason, str] = {
    Reason.UNSPECIFIED: "unspecified",
    Reason.KEY_COMPROMISE: "keyCompromise",
    Reason.CA_COMPROMISE: "cACompromise",
    Reason.AFFILIATION_CHANGED: "affiliationChanged",
    Reason.SUPERSEDED: "superseded",
    Reason.CESSATION_OF_OPERATION: "cessationOfOperation",
    Reason.CERTIFICATE_HOLD: "certificateHold",
    Reason.PRIVILEGE_WITHDRAWN: "privilegeWithdrawn",
    Reason.AA_COMPROMISE: "aACompromise",
}
REASONS_BY_NAME: dict[str, Reason] = {name: reason for reason, name in REASON_NAMES.items()}


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate of the inventory, whole."""

    ca: str
    serial: bytes
    """16 octets, first octet 0x40 to 0x7F: the INTEGER has a constant DER length (`docs/decisions`)."""
    profile: str
    profile_digest: bytes
    board: str
    """The ordre that answers for it; empty for the authority's own certificates."""
    holder: str
    """IdNat_PS of a person, Struct_IdNat of an organisation, or the name of a service of the authority."""
    subject: str
    """The subject's canonical record (`trust.naming`), for people to read and search."""
    spki_hash: bytes
    tbs: bytes = field(repr=False)
    signature: bytes | None
    not_before: datetime
    not_after: datetime
    shard: int
    order_id: str
    state: State
    prepared_at: datetime
    revoked_at: datetime | None = None
    reason: Reason | None = None
    held_by: str | None = None
    """Who or what placed the hold (``register``, a sanction, an officer): the same may end it."""

    @property
    def is_held_by_a_cause(self) -> bool:
        """Whether the register or a decision of an ordre holds it: then only the end of that releases it (CP 4.9.16)."""
        return self.held_by is not None and (self.held_by == "register" or self.held_by.startswith("sanction:"))

    @property
    def der(self) -> bytes:
        """The signed certificate.

        Raises:
            Alarm: it was never surely signed; there is nothing to show.
        """
        if self.signature is None:
            raise Alarm(f"certificate {self.serial.hex()} has no recorded signature")
        return assemble(self.tbs, self.signature)

    def status_at(self, now: datetime) -> str:
        """Say where it stands, in the words of the public contract: prepared, issued, held, revoked or expired."""
        if self.state in (State.ISSUED, State.HELD) and now > self.not_after:
            return "expired"
        return self.state.name.lower()

    def revoked(self, reason: Reason, at: datetime, *, by: str | None = None) -> Certificate:
        """Return it revoked, or held by `by` for `certificateHold`.

        Once revoked it stays so, its date never moves later, and its reason changes only to `keyCompromise` (invariant I7).

        Raises:
            Refused: the change would undo or soften a revocation.
        """
        if self.state is State.REVOKED:
            if reason is Reason.KEY_COMPROMISE and self.reason is not Reason.KEY_COMPROMISE:
                return replace(self, reason=reason)
            raise Refused("this certificate is already revoked; its date and reason stand", citation="CP 4.9.3")
        if reason is Reason.CERTIFICATE_HOLD:
            if self.state is State.PREPARED:
                # Released, it would be called good, and nobody knows whether it was signed (invariant I9).
                raise Refused("an intent is not held: it is issued, or revoked", citation="CP 4.9.13")
            if self.state is State.HELD:
                raise Refused("this certificate is already on hold", citation="CP 4.9.13")
            return replace(self, state=State.HELD, revoked_at=at, reason=reason, held_by=by)
        # A hold that becomes final keeps the date from which relying parties were told not to trust it.
        since = self.revoked_at if self.state is State.HELD and self.revoked_at is not None else at
        return replace(self, state=State.REVOKED, revoked_at=min(since, at), reason=reason, held_by=None)

    def released(self) -> Certificate:
        """Return it taken off hold.

        Raises:
            Refused: it is not on hold; a revocation is for ever.
        """
        if self.state is not State.HELD:
            raise Refused("only a certificate on hold can be released", citation="CP 4.9.16")
        return replace(self, state=State.ISSUED, revoked_at=None, reason=None, held_by=None)


def assemble(tbs: bytes, signature: bytes) -> bytes:
    """Join a TBSCertificate and its signature into a Certificate (RFC 5280 §4.1.1).

    The outer AlgorithmIdentifier must equal the inner one, so it is read from there: serial, then signature, after the version.
    """
    _, start, _ = der.header(tbs)
    algorithm = start + _BEFORE_ALGORITHM
    return der.sequence(tbs, tbs[algorithm : der.header(tbs, algorithm)[2]], der.bit_string(signature))


_BEFORE_ALGORITHM = 5 + 18
"""Octets of the version, which is 3, and of the serial, which has sixteen (`pki.inventory.serials`)."""
