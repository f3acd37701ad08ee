"""Recording a change of status: certificate, outbox and journal, together (CP 4.9.3, invariants I7 and I11).

The only writers of revoked, held and released certificates use these functions, inside their own transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from pki.audit.events import Event, event
from pki.audit.journal import Journal
from pki.inventory.model import Certificate, Reason, State
from trust import clock


class _Certificates(Protocol):
    def save(self, changed: Sequence[Certificate], at: datetime) -> None: ...


class _Outbox(Protocol):
    def add(self, ca: str, serials: Sequence[bytes]) -> None: ...


class StatusTransaction(Protocol):
    """What recording a change needs."""

    @property
    def certificates(self) -> _Certificates: ...
    @property
    def outbox(self) -> _Outbox: ...
    @property
    def journal(self) -> Journal: ...


def end(
    tx: StatusTransaction,
    certificates: Sequence[Certificate],
    reason: Reason,
    now: datetime,
    by: str,
    *,
    held_by: str | None = None,
    since: datetime | None = None,
) -> list[Certificate]:
    """Revoke these certificates, or hold them for `certificateHold`; those already there are left as they stand.

    What the register or an ordre's decision holds already, and somebody holds too, is theirs from then on: the end of the first
    cause does not release it. `since` is the date that relying parties were told before, when it is not now.

    Returns:
        Those that changed.
    """
    changed = []
    for certificate in certificates:
        if certificate.state is State.REVOKED and (
            reason is not Reason.KEY_COMPROMISE or certificate.reason is Reason.KEY_COMPROMISE
        ):
            continue
        if certificate.state is State.HELD and reason is Reason.CERTIFICATE_HOLD:
            if certificate.is_held_by_a_cause and held_by is None:
                changed.append((certificate, replace(certificate, held_by=by)))
            continue
        # Never before it was made: a status older than the certificate would make an earlier "good" a lie nobody told.
        changed.append((certificate, certificate.revoked(reason, max(since or now, certificate.prepared_at), by=held_by or by)))
    _save(tx, [after for _, after in changed], now)
    if changed:
        tx.journal.append_many([_ended(before, after, by) for before, after in changed], at=now)
    return [after for _, after in changed]


def release(tx: StatusTransaction, certificates: Sequence[Certificate], now: datetime, by: str, why: str) -> list[Certificate]:
    """Take these certificates off hold; those that are not on hold are left as they stand.

    Returns:
        Those that changed.
    """
    released = [certificate.released() for certificate in certificates if certificate.state is State.HELD]
    _save(tx, released, now)
    if released:
        tx.journal.append_many(
            [event("certificate.released", serial=c.serial.hex(), ca=c.ca, reason=why, by=by) for c in released], at=now
        )
    return released


def _save(tx: StatusTransaction, changed: Sequence[Certificate], now: datetime) -> None:
    tx.certificates.save(changed, now)
    for ca in {certificate.ca for certificate in changed}:
        tx.outbox.add(ca, [certificate.serial for certificate in changed if certificate.ca == ca])


def _ended(before: Certificate, after: Certificate, by: str) -> Event:
    assert after.revoked_at is not None and after.reason is not None
    serial, reason = after.serial.hex(), after.reason.standard_name
    if before.state is State.REVOKED:
        assert before.reason is not None
        return event(
            "certificate.reason_upgraded", serial=serial, ca=after.ca, was=before.reason.standard_name, reason=reason, by=by
        )
    kind = "certificate.held" if after.state is State.HELD else "certificate.revoked"
    return event(kind, serial=serial, ca=after.ca, reason=reason, revoked_at=clock.text(after.revoked_at), by=by)
