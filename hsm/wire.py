"""What a custody process and those who ask it say to each other: frames of msgpack over a Unix socket.

A frame is its length (four octets, big-endian) and one `Ask` or one `Reply`. Both sides decode strictly: a field too
many, a type that is another, a frame beyond the limit end the connection. A list of revocations crosses whole, and is
the largest thing that does.
"""

from __future__ import annotations

import socket
import struct
from typing import TypeVar

import msgspec

from trust.errors import Alarm, Conflict, Malformed, Missing, Refused, SceauError, Unavailable

LARGEST = 96 * 1024 * 1024
"""Octets of a frame: a full list of a million entries has 42 million."""
_LENGTH = struct.Struct(">I")
_FAMILIES: dict[str, type[SceauError]] = {
    family.__name__: family for family in (Malformed, Refused, Conflict, Missing, Unavailable, Alarm)
}


class Ask(msgspec.Struct, forbid_unknown_fields=True):
    """A question: one of the verbs of `hsm.api.Custodian`, and its arguments."""

    verb: str
    label: str = ""
    use: str = ""
    uses: list[str] = msgspec.field(default_factory=list)
    algorithm: str = ""
    many: list[bytes] = msgspec.field(default_factory=list)


class Reply(msgspec.Struct, forbid_unknown_fields=True):
    """An answer, or a refusal: the family of the error and its words."""

    many: list[bytes] = msgspec.field(default_factory=list)
    words: list[str] = msgspec.field(default_factory=list)
    refusal: str = ""
    reason: str = ""
    citation: str = ""
    retry_after: float = 5.0


_Frame = TypeVar("_Frame", Ask, Reply)


def send(connection: socket.socket, frame: Ask | Reply) -> None:
    """Send one frame.

    Raises:
        OSError: the other side is gone.
    """
    payload = msgspec.msgpack.encode(frame)
    connection.sendall(_LENGTH.pack(len(payload)) + payload)


def receive(connection: socket.socket, kind: type[_Frame]) -> _Frame | None:
    """Receive one frame, or None when the other side has ended.

    Raises:
        Malformed: it is no such frame.
        OSError: the other side is gone, or too slow.
    """
    head = _exactly(connection, _LENGTH.size)
    if not head:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > LARGEST:
        raise Malformed("a frame of that length is none of ours")
    try:
        return msgspec.msgpack.decode(_exactly(connection, length), type=kind)
    except msgspec.DecodeError:
        raise Malformed("not a frame of ours") from None


def refusal_of(error: SceauError) -> Reply:
    """Put an error into a reply."""
    family = next(name for name, known in _FAMILIES.items() if isinstance(error, known))
    citation = error.citation if isinstance(error, Refused) else ""
    after = error.retry_after if isinstance(error, Unavailable) else 5.0
    reason = error.reason if isinstance(error, Refused) else str(error)
    return Reply(refusal=family, reason=reason, citation=citation, retry_after=after)


def raise_refusal(reply: Reply) -> None:
    """Raise the error that a reply carries, if it does.

    Raises:
        SceauError: of the family that it names; `Alarm` for a family that nobody knows.
    """
    if not reply.refusal:
        return
    family = _FAMILIES.get(reply.refusal, Alarm)
    if family is Refused:
        raise Refused(reply.reason, citation=reply.citation)
    if family is Unavailable:
        raise Unavailable(reply.reason, retry_after=reply.retry_after)
    raise family(reply.reason)


def _exactly(connection: socket.socket, length: int) -> bytes:
    """Receive `length` octets; nothing if the other side ends before the first."""
    received = bytearray()
    while len(received) < length:
        piece = connection.recv(min(length - len(received), 1 << 20))
        if not piece:
            if received:
                raise Malformed("the other side ended in the middle of a frame")
            return b""
        received += piece
    return bytes(received)
