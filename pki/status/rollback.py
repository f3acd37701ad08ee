"""A list takes nothing back that relying parties were told (RFC 5280 §3.3, §5.2.3; CP 4.9.7; reliability P6, B01).

A database that was put back to an earlier day agrees with itself; the list that is still served knows better. It is looked at
once for each list that a process publishes, and only when it is not the one on record, so that it costs nothing day by day.
After a restore, `sceau audit reconcile` brings the database to where the lists are. Whether a list is served at all, and whether
its signature is good, is not asked here: what cannot be read, or is somebody else's, is replaced.
"""

from __future__ import annotations

import hashlib

from pki.inventory.model import State
from pki.status.crl_lists import CrlIssuer, CrlTransaction
from pki.status.crl_scope import completed_by
from trust.errors import Alarm, Malformed
from trust.validation.crl import RevocationList

_AT_ONCE = 5_000
_MEND = "the database went back: `sceau audit reconcile` compares it with what was published"


def refuse_rollback(tx: CrlTransaction, issuer: CrlIssuer, scope: str, octets: bytes | None) -> None:
    """Check that the database knows the list that is served, before another takes its place.

    Args:
        tx: a transaction that began after the file was read: a number is on record before its file is in place.
        issuer: whose list it is.
        scope: which of its lists.
        octets: the file as it was read, None when none is served.

    Raises:
        Alarm: it has a number that the database never gave, or an unexpired entry that the database calls good.
    """
    last = tx.crls.last(issuer.ca, scope)
    if octets is None or (last is not None and hashlib.sha256(octets).digest() == last.sha256):
        return
    try:
        served = RevocationList(octets)
        number, serials = served.number, served.serials
    except Malformed:
        return  # It is no list, and nobody was told anything by it.
    if served.issuer != issuer.name_der or number is None:
        return
    known = 0 if last is None else last.number
    if number > known:
        raise Alarm(f"list {issuer.ca}/{scope} number {number} is served, and the database is at {known}: {_MEND}")
    if completed_by(scope) is None:  # a delta loses its entries to the list that it completed
        _refuse_forgetting(tx, issuer, scope, [_octets(serial) for serial in serials])


def _refuse_forgetting(tx: CrlTransaction, issuer: CrlIssuer, scope: str, serials: list[bytes]) -> None:
    good: list[bytes] = []
    for start in range(0, len(serials), _AT_ONCE):
        some = serials[start : start + _AT_ONCE]
        states = {row[0]: row[1] for row in tx.certificates.statuses(some)}
        for serial in some:
            if serial not in states:
                raise Alarm(f"list {issuer.ca}/{scope} is served with {serial.hex()}, which the database does not know: {_MEND}")
            if states[serial] < State.HELD:
                good.append(serial)
    if good:
        released = {row[0] for row in tx.certificates.releases(issuer.ca, 0)}
        for serial in good:
            if serial not in released:
                raise Alarm(f"list {issuer.ca}/{scope} is served with {serial.hex()}, which the database calls good: {_MEND}")


def _octets(serial: int) -> bytes:
    return serial.to_bytes(serial.bit_length() // 8 + 1, "big")
