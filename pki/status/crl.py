"""Certificate revocation lists, assembled by joining octets (RFC 5280 §5; CP 7.2).

Entries are encoded once and kept, so that a new list costs one copy and one signature however long it is;
`cryptography`'s builder is the oracle that the tests compare with, octet for octet. Full lists, shards (issuing
distribution point) and deltas. Pure: rows come in, octets to sign come out; when a list is due and what number it
bears is `crl_sequence`'s, signing is `pki.signing.crl`'s, and nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache

from trust import der, oids
from trust.algorithms import Algorithm
from trust.errors import Malformed, Missing

Row = tuple[bytes, int, int | None, int, int]
"""A revoked certificate as the database tells it: serial, revoked at, CRLReason, not after, shard; times in seconds
since 1970."""

REMOVE_FROM_CRL = 8
_CRL_REASONS = frozenset((1, 2, 3, 4, 5, 6, REMOVE_FROM_CRL, 9, 10))
"""RFC 5280 §5.3.1: 7 is not used, and 0 (unspecified) is said by saying nothing."""
_LARGEST_NUMBER = (1 << 159) - 1
"""A CRL number fits 20 octets as a positive INTEGER (RFC 5280 §5.2.3)."""


# --- Entries
# ----------------------------------------------------------------------------------------------------------------------

_DAY = 86_400
_YEAR_2050 = 2_524_608_000
"""From here on a Time is a GeneralizedTime (RFC 5280 §5.1.2.6)."""
_EPOCH = datetime(1970, 1, 1)


@lru_cache(maxsize=16_384)
def _date(day: int) -> bytes:
    """Return the beginning of a Time: tag, length and date."""
    moment = _EPOCH + timedelta(days=day)
    if day * _DAY >= _YEAR_2050:
        return b"\x18\x0f" + moment.strftime("%Y%m%d").encode()
    return b"\x17\x0d" + moment.strftime("%y%m%d").encode()


@cache  # a day has no more seconds
def _hour(second: int) -> bytes:
    return b"%02d%02d%02dZ" % (second // 3600, second // 60 % 60, second % 60)


@lru_cache(maxsize=4_096)
def _time(seconds: int) -> bytes:
    """Encode a Time. Dates repeat within a list, and so do hours; rows come by date, and many were revoked together."""
    day, second = divmod(seconds, _DAY)
    return _date(day) + _hour(second)


def _reason_extension(reason: int) -> bytes:
    return der.sequence(der.oid(oids.REASON_CODE), der.octet_string(der.enumerated(reason)))


_REASONS = {reason: der.sequence(_reason_extension(reason)) for reason in _CRL_REASONS}
_SERIAL = b"\x02\x10"
"""Tag and length of every serial of ours (`pki.inventory.serials`)."""
# The usual entry, 2 + 18 + 15 octets and 14 more with a reason: its header is known in advance.
_PLAIN_HEAD = b"\x30\x21" + _SERIAL
_REASON_HEAD = b"\x30\x2f" + _SERIAL
_AROUND: dict[int | None, tuple[bytes, bytes]] = {
    None: (_PLAIN_HEAD, b""),
    0: (_PLAIN_HEAD, b""),
    **{reason: (_REASON_HEAD, extensions) for reason, extensions in _REASONS.items()},
}
"""What stands before the serial and behind the date of a usual entry, by reason."""


def encode_entry(serial: bytes, revoked_at: int, reason: int | None, invalidity_date: int | None = None) -> bytes:
    """Encode one revoked certificate (RFC 5280 §5.3).

    Args:
        serial: its 16 octets.
        revoked_at: seconds since 1970.
        reason: CRLReason; None and 0 (unspecified) are left out, as §5.3.1 wants.
        invalidity_date: since when the key is believed compromised, seconds since 1970.

    Raises:
        Malformed: not one of our serials, or no such reason.
    """
    if len(serial) != 16 or not 0x40 <= serial[0] <= 0x7F:
        raise Malformed("a serial number of this authority has 16 octets, the first from 0x40 to 0x7F")
    try:
        reasons = _REASONS[reason] if reason else b""
    except KeyError:
        raise Malformed(f"no reason for revocation has the number {reason}") from None
    if invalidity_date is None and revoked_at < _YEAR_2050:
        return (_REASON_HEAD if reason else _PLAIN_HEAD) + serial + _time(revoked_at) + reasons
    extensions = _reason_extension(reason) if reason else b""
    if invalidity_date is not None:
        day, second = divmod(invalidity_date, _DAY)
        moment = der.tlv(der.GENERALIZED_TIME, (_EPOCH + timedelta(days=day)).strftime("%Y%m%d").encode() + _hour(second))
        extensions += der.sequence(der.oid(oids.INVALIDITY_DATE), der.octet_string(moment))
    content = _SERIAL + serial + _time(revoked_at)
    return der.sequence(content, der.sequence(extensions)) if extensions else der.sequence(content)


class Body:
    """The encoded entries of one list, in the order of their arrival. Owned by one producer; not safe between threads.

    Whoever appends sees to it that a serial comes once: looking for it each time would make a long list quadratic.
    """

    def __init__(self, rows: Iterable[Row] = (), *, delta: bool = False) -> None:
        self.delta = delta
        self._octets = bytearray()
        self._count = 0
        self.extend(rows)

    @classmethod
    def joined(cls, bodies: Iterable[Body]) -> Body:
        """Return the entries of several lists as one: the shards of a CA make its full list."""
        whole = cls()
        for body in bodies:
            whole._octets += body._octets
            whole._count += body._count
        return whole

    def __len__(self) -> int:
        """Return the number of entries."""
        return self._count

    @property
    def size(self) -> int:
        """Octets."""
        return len(self._octets)

    @property
    def octets(self) -> bytearray:
        """The entries, joined. To be read, not changed."""
        return self._octets

    def append(self, serial: bytes, revoked_at: int, reason: int | None, invalidity_date: int | None = None) -> None:
        """Add a revoked certificate that the list does not hold.

        Raises:
            Malformed: as `encode_entry`; or `removeFromCRL` in a list that is no delta (RFC 5280 §5.3.1).
        """
        if reason == REMOVE_FROM_CRL:
            self._refuse_removal()
        self._octets += encode_entry(serial, revoked_at, reason, invalidity_date)
        self._count += 1

    def extend(self, rows: Iterable[tuple[bytes, int, int | None, *tuple[int, ...]]]) -> None:
        """Add revoked certificates that the list does not hold, as they come from the database.

        Raises:
            Malformed: as `append`. The body is then as it was.
        """
        pieces: list[bytes] = []
        count, last, when = 0, -1, b""
        for row in rows:
            serial, revoked_at, reason = row[0], row[1], row[2]
            if reason == REMOVE_FROM_CRL:
                self._refuse_removal()
            around = _AROUND.get(reason)
            if around is not None and len(serial) == 16 and b"\x40" <= serial < b"\x80" and 0 <= revoked_at < _YEAR_2050:
                # As `encode_entry`, without the call, for a population has a million of these; rows come by date.
                if revoked_at != last:
                    last, when = revoked_at, _time(revoked_at)
                pieces += (around[0], serial, when, around[1])
            else:
                pieces.append(encode_entry(serial, revoked_at, reason))
            count += 1
        self._octets += b"".join(pieces)
        self._count += count

    def remove(self, serial: bytes) -> None:
        """Take a certificate off: its hold was released, or it is about to be appended again with another reason.

        Costs one search through the octets, about ten milliseconds in a million entries.

        Raises:
            Missing: it is not on the list.
        """
        # Nobody chooses a serial: its 126 random bits are found where its entry is, and nowhere else.
        start = self._octets.find(_SERIAL + serial) - 2
        if start < 0:
            raise Missing(f"certificate {serial.hex()} is not on this list")
        end = start + der.header(bytes(self._octets[start : start + 128]))[2]
        del self._octets[start:end]
        self._count -= 1

    def rebuild(self, rows: Iterable[Row]) -> None:
        """Start over from the rows that are to be listed: at start, or to let expired ones go.

        Raises:
            Malformed: as `append`. The body is then as it was.
        """
        fresh = Body(delta=self.delta)
        fresh.extend(rows)
        self._octets, self._count = fresh._octets, fresh._count

    def _refuse_removal(self) -> None:
        if not self.delta:
            raise Malformed("removeFromCRL belongs to delta CRLs (RFC 5280 §5.3.1)")


def delta_body(
    changed: Iterable[tuple[bytes, int, int | None, *tuple[int, ...]]], released: Iterable[tuple[bytes, int, int]]
) -> Body:
    """Return what happened since the base list was made (RFC 5280 §5.2.4).

    Args:
        changed: the certificates revoked, held, or given another reason since.
        released: (serial, released at, shard) of those taken off hold since; one held again meanwhile is in
        `changed`, and counts as that.
    """
    body = Body(delta=True)
    held = set()
    for row in changed:
        body.append(row[0], row[1], row[2])
        held.add(row[0])
    for serial, at, _ in released:
        if serial not in held:
            body.append(serial, at, REMOVE_FROM_CRL)
    return body


# --- The list around them
# ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs: the same octets as in the certificates that it issued."""

    name: bytes
    """Subject of the CA certificate, DER."""
    key_id: bytes
    """Subject key identifier of the CA certificate."""
    algorithm: Algorithm


@dataclass(frozen=True, slots=True)
class Point:
    """What part of the CA's certificates the list covers (issuingDistributionPoint, RFC 5280 §5.2.5)."""

    url: str | None
    """The very URL of the certificates' CRL distribution point; None for every certificate of the kind below."""
    only_users: bool = False
    only_cas: bool = False


def assemble(
    issuer: Issuer,
    number: int,
    this_update: datetime,
    next_update: datetime,
    body: Body,
    *,
    point: Point | None = None,
    delta_base: int | None = None,
    freshest_url: str | None = None,
) -> bytes:
    """Return the TBSCertList to sign.

    Args:
        issuer: the CA.
        number: CRL number, above every earlier one of this list (`crl_sequence`).
        this_update: UTC, whole seconds.
        next_update: UTC, whole seconds; always said (RFC 5280 §5.1.2.5).
        body: the entries; when there are none, revokedCertificates is absent, not empty (RFC 5280 §5.1.2.6).
        point: for a shard; None for a list of everything.
        delta_base: for a delta, the number of the list that it completes.
        freshest_url: in a full list, where its delta is.

    Raises:
        Malformed: a number, a date, a URL or a combination that RFC 5280 does not allow.
    """
    _refuse_impossible(number, this_update, next_update, body, delta_base, freshest_url)
    head = b"".join((_VERSION_2, issuer.algorithm.identifier, issuer.name, der.time(this_update), der.time(next_update)))
    entries = (bytes((der.SEQUENCE,)) + der.length(body.size)) if body.size else b""
    tail = der.explicit(0, der.sequence(*_extensions(issuer, number, point, delta_base, freshest_url)))
    size = len(head) + len(entries) + body.size + len(tail)
    return b"".join((bytes((der.SEQUENCE,)), der.length(size), head, entries, body.octets, tail))


def finish(tbs: bytes, signature: bytes) -> bytes:
    """Join a TBSCertList and its signature into a CertificateList; the outer algorithm is the inner one (RFC 5280 §5.1.1.2)."""
    _, start, _ = der.header(tbs)
    start += len(_VERSION_2)
    algorithm = tbs[start : der.header(tbs, start)[2]]
    tail = algorithm + der.bit_string(signature)
    return b"".join((bytes((der.SEQUENCE,)), der.length(len(tbs) + len(tail)), tbs, tail))


_VERSION_2 = der.integer(1)


def _refuse_impossible(
    number: int, this_update: datetime, next_update: datetime, body: Body, delta_base: int | None, freshest_url: str | None
) -> None:
    if not 0 < number <= _LARGEST_NUMBER:
        raise Malformed("a CRL number is positive and fits 20 octets")
    for moment in (this_update, next_update):
        if moment.utcoffset() != timedelta(0) or moment.microsecond:
            raise Malformed("the dates of a CRL are in UTC, in whole seconds")
    if next_update <= this_update:
        raise Malformed("the next update comes after this one")
    if body.delta is not (delta_base is not None):
        raise Malformed("a delta has a base, and the entries of a delta; a full list has neither")
    if delta_base is not None and not 0 < delta_base <= number:
        raise Malformed("a delta bears a number not below that of its base")
    if delta_base is not None and freshest_url is not None:
        raise Malformed("freshestCRL does not appear in a delta (RFC 5280 §5.2.6)")


def _extensions(
    issuer: Issuer, number: int, point: Point | None, delta_base: int | None, freshest_url: str | None
) -> list[bytes]:
    extensions = [
        _extension(oids.AUTHORITY_KEY_IDENTIFIER, der.sequence(der.implicit(0, issuer.key_id))),
        _extension(oids.CRL_NUMBER, der.integer(number)),
    ]
    if delta_base is not None:
        extensions.append(_extension(oids.DELTA_CRL_INDICATOR, der.integer(delta_base), critical=True))
    if point is not None:
        extensions.append(_extension(oids.ISSUING_DISTRIBUTION_POINT, _point(point), critical=True))
    if freshest_url is not None:
        extensions.append(_extension(oids.FRESHEST_CRL, der.sequence(der.sequence(_point_name(freshest_url)))))
    return extensions


def _extension(dotted: str, value: bytes, *, critical: bool = False) -> bytes:
    return der.sequence(der.oid(dotted), der.boolean(True) if critical else b"", der.octet_string(value))


def _point(point: Point) -> bytes:
    if point.only_users and point.only_cas:
        raise Malformed("a list covers users' certificates or CAs', or all: not only each")
    parts = [_point_name(point.url)] if point.url is not None else []
    parts += [der.implicit(1, b"\xff")] if point.only_users else []
    parts += [der.implicit(2, b"\xff")] if point.only_cas else []
    if not parts:
        raise Malformed("an issuing distribution point says something (RFC 5280 §5.2.5)")
    return der.sequence(*parts)


def _point_name(url: str) -> bytes:
    if not url.isascii() or not url.isprintable() or " " in url:
        raise Malformed(f"not a URL that a certificate can carry: {url!r}")
    return der.explicit(0, der.explicit(0, der.implicit(6, url.encode("ascii"))))
