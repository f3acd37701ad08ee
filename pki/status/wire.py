"""What the publication process and the signer of the issuer process say to each other.

The asker names a CA, a serial, the form of the CertID and perhaps a nonce: never a key, never octets to sign. The signer answers
with a whole OCSP response, or says why there is none. Frames are a length and a number around these; sockets are in
`pki.adapters`.
"""

from __future__ import annotations

import struct
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from pki.status.model import SERIAL_SIZE, HashForm
from pki.status.records import moment, seconds
from trust.errors import Malformed

FRAME = struct.Struct(">II")
"""Length of what follows the eight octets, and the number that pairs an answer with its question."""
MAX_ASKED, MAX_REPLY = 512, 65_536
"""Longest payload in each direction; a reply holds an ML-DSA signature and certificate."""

_VERSION = 1
_FORMS = tuple(HashForm("sha256" if form & 1 else "sha1", bool(form & 2)) for form in range(4))
_ASKED = struct.Struct(">BBBB")
_REPLY = struct.Struct(">BQQ")


class Asked(NamedTuple):
    """A question to the signer."""

    ca_id: str
    form: HashForm
    serial: bytes
    nonce: bytes | None


class Outcome(IntEnum):
    """What the signer did."""

    GOOD = 0
    REVOKED = 1
    UNKNOWN = 2
    NO_RECORD = 3
    """The database has no such certificate, and policy does not sign `unknown`."""
    TRY_LATER = 4
    """Busy, late, or without its key: nothing was signed."""


class Reply(NamedTuple):
    """The signer's answer. `body` is a whole OCSPResponse for the first three outcomes, else empty."""

    outcome: Outcome
    body: bytes = b""
    this_update: datetime | None = None
    next_update: datetime | None = None


def write_asked(asked: Asked) -> bytes:
    """Encode a question."""
    name, nonce = asked.ca_id.encode(), asked.nonce or b""
    form = (0 if asked.form.name == "sha1" else 1) | (2 if asked.form.null_parameters else 0)
    return _ASKED.pack(_VERSION, form, len(name), len(nonce)) + name + asked.serial + nonce


def read_asked(payload: bytes) -> Asked:
    """Decode a question.

    Raises:
        Malformed: it is not one.
    """
    try:
        version, form, name_size, nonce_size = _ASKED.unpack_from(payload)
        name_end = _ASKED.size + name_size
        serial_end = name_end + SERIAL_SIZE
        ca_id = payload[_ASKED.size : name_end].decode()
    except (struct.error, UnicodeDecodeError):
        raise Malformed("not a question to the signer") from None
    if version != _VERSION or form > 3 or nonce_size > 128 or len(payload) != serial_end + nonce_size:
        raise Malformed("not a question to the signer")
    nonce = payload[serial_end:] if nonce_size else None
    return Asked(ca_id, _FORMS[form], payload[name_end:serial_end], nonce)


def write_reply(reply: Reply) -> bytes:
    """Encode an answer."""
    outcome, body, this_update, next_update = reply
    began = 0 if this_update is None else seconds(this_update)
    return _REPLY.pack(outcome, began, 0 if next_update is None else seconds(next_update)) + body


def read_reply(payload: bytes) -> Reply:
    """Decode an answer.

    Raises:
        Malformed: it is not one.
    """
    try:
        outcome, this_update, next_update = _REPLY.unpack_from(payload)
        times = (moment(this_update), moment(next_update)) if next_update else (None, None)
        return Reply(Outcome(outcome), payload[_REPLY.size :], *times)
    except (struct.error, ValueError, OverflowError):
        raise Malformed("not an answer of the signer") from None
