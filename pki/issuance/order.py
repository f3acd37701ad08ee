"""The written order: all that passes from registration (RA) to issuance (CA).

`registration` writes it, only `issuance` reads it. The order carries the request exactly as the officers approved it
(the canonical statement whose hash they signed), the proof that ties it to their signatures, and the public key.
Issuance believes nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from trust.canonical import NotCanonical, read_canonical
from trust.errors import Malformed, shown

REQUEST_TYPE = "certificate-request/1"
LONGEST_TEXT = 200
"""Characters of an identifier in a request."""
_TEXTS = ("id", "board", "ca", "profile", "holder", "key", "requester")


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

    def statement(self, at: str) -> dict[str, Any]:
        """Return the record that officers approve."""
        return {
            "type": REQUEST_TYPE,
            "id": self.id,
            "at": at,
            "board": self.board,
            "ca": self.ca,
            "profile": self.profile,
            "holder": self.holder,
            "subject": self.subject,
            "key": self.key.hex(),
            "requester": self.requester,
            "register": self.register,
        }


def read_request(statement: str) -> Request:
    """Read the statement of a request.

    Raises:
        Malformed: it is not one, in its one canonical form.
    """
    try:
        record = read_canonical(statement)
        if record["type"] != REQUEST_TYPE:
            raise Malformed(f"a request's type is {REQUEST_TYPE}, not {shown(record['type'])}")
        _check_types(record)
        return Request(
            id=record["id"],
            board=record["board"],
            ca=record["ca"],
            profile=record["profile"],
            holder=record["holder"],
            subject=record["subject"],
            key=bytes.fromhex(record["key"]),
            requester=record["requester"],
            register=record["register"],
        )
    except NotCanonical:
        raise Malformed("the statement of this request is not in its canonical form") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Malformed(f"the statement of this request cannot be read: {error.__class__.__name__}: {error}") from None


def _check_types(record: dict[str, Any]) -> None:
    for name in _TEXTS:
        text = record[name]
        if not isinstance(text, str) or not 0 < len(text) <= LONGEST_TEXT or not text.isascii() or not text.isprintable():
            raise Malformed(f"{name} of a request is a short text")
    register = record["register"]
    if not isinstance(record["subject"], dict) or not isinstance(register, dict):
        raise Malformed("subject and register of a request are records")
    if not all(isinstance(value, str) for value in register.values()):
        raise Malformed("register of a request holds texts")
