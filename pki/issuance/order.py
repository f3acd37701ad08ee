"""The written order: all that passes from registration (RA) to issuance (CA).

`registration` writes it, only `issuance` reads it. The order carries the request exactly as the officers approved it
(the canonical statement whose hash they signed), the proof that ties it to their signatures, and the public key.
Issuance believes nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from trust.canonical import NotCanonical, read_canonical
from trust.errors import Malformed, shown

REQUEST_TYPE = "certificate-request/1"
"""An officer asks for one certificate, for a key that is known."""
ENROLMENT_TYPE = "enrolment/1"
"""An officer asks that a person may obtain certificates, for keys that the person will make: once approved, it is a *grant*."""
HOLDER_TYPE = "holder-request/1"
"""A person asks for one certificate, under a grant. Also the type of the act by which the person signs such requests."""
ENROLMENT = "enrolment"
"""Stands for the profile of an enrolment: no certificate has it."""
LONGEST_TEXT = 200
"""Characters of an identifier in a request."""
_COMMON = ("id", "board", "holder", "requester")
_KINDS = {
    REQUEST_TYPE: (*_COMMON, "ca", "profile", "key"),
    ENROLMENT_TYPE: _COMMON,
    HOLDER_TYPE: (*_COMMON, "ca", "profile", "key", "grant"),
}
"""The texts that each kind of request has."""
MOST_PROFILES = 10


class OrderState(IntEnum):
    """Where an order stands. The numbers are what the database stores."""

    PENDING = 0
    PREPARED = 1
    DONE = 2
    FAILED = 3


@dataclass(frozen=True, slots=True)
class CertificateOrder:
    """One certificate, ordered."""

    id: str
    """The request's identifier: one request, one order, for ever (idempotency, invariant I3)."""
    batch: str
    ca: str
    statement: str
    """Canonical JSON of the request, as approved."""
    proof: bytes
    """Place of the statement in its batch: an RFC 6962 inclusion proof (`trust.transparency.merkle`)."""
    spki: bytes
    state: OrderState = OrderState.PENDING
    serial: bytes | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """The statement of an order, read."""

    id: str
    board: str
    ca: str
    profile: str
    holder: str
    subject: dict[str, Any]
    key: bytes
    """SHA-256 of the SubjectPublicKeyInfo."""
    requester: str
    register: dict[str, str]
    """What the decision was based on: snapshot, its date, digest of the entry."""
    profiles: tuple[str, ...] = ()
    """Of an enrolment: what the person may obtain. Empty otherwise."""
    grant: str = ""
    """Of a holder's request: the enrolment that it stands on. Empty otherwise."""

    def statement(self, at: str) -> dict[str, Any]:
        """Return the record that is signed: by officers, or by the holder."""
        common = {
            "id": self.id,
            "at": at,
            "board": self.board,
            "holder": self.holder,
            "subject": self.subject,
            "requester": self.requester,
            "register": self.register,
        }
        if self.profiles:
            return {"type": ENROLMENT_TYPE, **common, "profiles": list(self.profiles)}
        asked = {**common, "ca": self.ca, "profile": self.profile, "key": self.key.hex()}
        return {"type": HOLDER_TYPE, **asked, "grant": self.grant} if self.grant else {"type": REQUEST_TYPE, **asked}


@dataclass(frozen=True, slots=True)
class Grant:
    """What officers approved that a person may obtain."""

    id: str
    """Of the enrolment, which is a request of `batch`."""
    batch: str
    board: str
    holder: str
    profiles: tuple[str, ...]
    statement: str
    proof: bytes
    """Place of the statement in its batch."""
    approved_at: datetime
    withdrawn_at: datetime | None = None


def read_request(statement: str) -> Request:
    """Read the statement of a request.

    Raises:
        Malformed: it is none of the three kinds, in its one canonical form.
    """
    try:
        record = read_canonical(statement)
        kind = record["type"]
        if kind not in _KINDS:
            raise Malformed(f"a request's type is {REQUEST_TYPE}, not {shown(kind)}")
        _check_types(record, _KINDS[kind])
        asks_for_key = kind != ENROLMENT_TYPE
        return Request(
            id=record["id"],
            board=record["board"],
            ca=record["ca"] if asks_for_key else "",
            profile=record["profile"] if asks_for_key else ENROLMENT,
            holder=record["holder"],
            subject=record["subject"],
            key=bytes.fromhex(record["key"]) if asks_for_key else b"",
            requester=record["requester"],
            register=record["register"],
            profiles=() if asks_for_key else _profiles(record["profiles"]),
            grant=record["grant"] if kind == HOLDER_TYPE else "",
        )
    except NotCanonical:
        raise Malformed("the statement of this request is not in its canonical form") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Malformed(f"the statement of this request cannot be read: {error.__class__.__name__}: {error}") from None


def _profiles(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_PROFILES or not all(isinstance(each, str) for each in value):
        raise Malformed("profiles of an enrolment is a short list of texts")
    return tuple(value)


def _check_types(record: dict[str, Any], texts: tuple[str, ...]) -> None:
    for name in texts:
        text = record[name]
        if not isinstance(text, str) or not 0 < len(text) <= LONGEST_TEXT or not text.isascii() or not text.isprintable():
            raise Malformed(f"{name} of a request is a short text")
    register = record["register"]
    if not isinstance(record["subject"], dict) or not isinstance(register, dict):
        raise Malformed("subject and register of a request are records")
    if not all(isinstance(value, str) for value in register.values()):
        raise Malformed("register of a request holds texts")
