"""The octets of the status store: keys and values, written and read in one place.

Keys begin with one octet. 0 is for the store's own records (format, authorities, responders, batches); 1 to 255 is the index of
an authority, followed by the 16 octets of a serial. The value of a good certificate is its batch number (4 octets) and its
signature; a revoked one has the top bit of the number set, then the revocation time (seconds since 1970, 4 octets) and the reason
(1 octet, 0xFF for none). Everything else of an OCSP response is a function of those and of the records named. Pure: no database
here.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pki.status.model import SERIAL_SIZE, Authority, Batch, Responder
from trust.errors import Alarm

FORMAT = b"\x00f"
"""Key of the format record."""
REVISION = b"\x00v"
"""Key of a counter that moves when an authority is added: readers look at it to know when to read them again."""
FORMAT_1 = b"sceau status 1"
NO_REASON = 0xFF

_AUTHORITY, _RESPONDER, _BATCH = b"\x00a", b"\x00r", b"\x00b"
AFTER_RESPONDERS, AFTER_BATCHES = b"\x00s", b"\x00c"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BATCH_RECORD = struct.Struct(">IQQQQ")


class StoredStatus(NamedTuple):
    """A stored value, read."""

    batch: int
    revoked_at: datetime | None
    reason: int | None
    signature: bytes


def moment(seconds: int) -> datetime:
    """Read seconds since 1970.

    Raises:
        OverflowError: past the year 9999.
    """
    return _EPOCH + timedelta(seconds=seconds)


def seconds(at: datetime) -> int:
    """Write a moment as seconds since 1970."""
    return int(at.timestamp())


def key(authority: int, serial: bytes) -> bytes:
    """Return the key of a certificate.

    Raises:
        ValueError: the serial is not 16 octets, or the index not 1 to 255.
    """
    if len(serial) != SERIAL_SIZE or not 1 <= authority <= 255:
        raise ValueError("a status record is kept under an authority's index and 16 octets of serial")
    return bytes((authority,)) + serial


def revoked_fields(at: datetime, reason: int | None) -> bytes:
    """Encode what a revoked record adds: time and reason. Unspecified (0) is not a reason, and is left out (RFC 5280 §5.3.1)."""
    return seconds(at).to_bytes(4, "big") + bytes((reason or NO_REASON,))


def read_value(value: bytes) -> StoredStatus:
    """Read a stored value."""
    number = int.from_bytes(value[:4], "big")
    if number < 0x80000000:
        return StoredStatus(number, None, None, value[4:])
    reason = None if value[8] == NO_REASON else value[8]
    return StoredStatus(number & 0x7FFFFFFF, moment(int.from_bytes(value[4:8], "big")), reason, value[9:])


def authority_key(index: int) -> bytes:
    """Key of an authority's record; index 0 is where a scan of them begins, and 256 where it ends."""
    return _AUTHORITY + index.to_bytes(2, "big")


def responder_key(number: int) -> bytes:
    """Key of a responder's record."""
    return _RESPONDER + number.to_bytes(4, "big")


def batch_key(number: int) -> bytes:
    """Key of a batch's record."""
    return _BATCH + number.to_bytes(4, "big")


def number_of(record_key: bytes) -> int:
    """Return the number in the key of an authority, a responder or a batch."""
    return int.from_bytes(record_key[2:], "big")


def write_authority(authority: Authority) -> bytes:
    """Encode an authority."""
    hashes = (authority.name_sha1, authority.key_sha1, authority.name_sha256, authority.key_sha256)
    return seconds(authority.not_before).to_bytes(8, "big") + b"".join(hashes) + authority.ca_id.encode()


def read_authority(value: bytes) -> Authority:
    """Decode an authority.

    Raises:
        Alarm: the record is damaged.
    """
    try:
        name_sha1, key_sha1, name_sha256, key_sha256 = value[8:28], value[28:48], value[48:80], value[80:112]
        not_before = moment(int.from_bytes(value[:8], "big"))
        return Authority(value[112:].decode(), name_sha1, key_sha1, name_sha256, key_sha256, not_before)
    except (ValueError, OverflowError):
        raise Alarm("an authority's record in the status store is damaged") from None


def write_responder(responder: Responder) -> bytes:
    """Encode a responder. The name of its key is left out: the publication process has no business knowing it."""
    name = responder.ca_id.encode()
    return struct.pack(">QIB", seconds(responder.not_after), responder.index, len(name)) + name + responder.certificate_der


def read_responder(value: bytes) -> Responder:
    """Decode a responder (its key has no label here)."""
    not_after, index, size = struct.unpack_from(">QIB", value)
    return Responder(value[13 : 13 + size].decode(), index, value[13 + size :], "", moment(not_after))


def write_batch(batch: Batch, responder_number: int) -> bytes:
    """Encode a batch."""
    cutoff = 0 if batch.archive_cutoff is None else seconds(batch.archive_cutoff)
    times = (seconds(batch.this_update), seconds(batch.next_update), seconds(batch.produced_at), cutoff)
    return _BATCH_RECORD.pack(responder_number, *times)


def batch_responder(value: bytes) -> int:
    """Return the number of the responder of an encoded batch."""
    number: int = _BATCH_RECORD.unpack(value)[0]
    return number


def read_batch(number: int, value: bytes, responder: Responder) -> Batch:
    """Decode a batch."""
    _, this_update, next_update, produced_at, cutoff = _BATCH_RECORD.unpack(value)
    return Batch(
        number,
        responder,
        moment(this_update),
        moment(next_update),
        moment(produced_at),
        moment(cutoff) if cutoff else None,
    )
