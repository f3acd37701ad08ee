"""Entering what a restore lost: all of it in one transaction, then the end of the quarantine (CP 5.7.4; decision 0017)."""

from __future__ import annotations

from datetime import datetime

from pki.adapters.store.store import Transaction
from pki.audit.events import Event, event
from pki.bootstrap import quarantine
from pki.bootstrap.home import Home
from pki.bootstrap.reconcile.compare import RECOVERED, Findings, Lost
from pki.inventory.model import Certificate, Reason, State
from pki.inventory.serials import shard_of
from pki.revocation.changes import end
from pki.status.crl_scope import FULL
from trust import clock as times
from trust.naming import ServiceSubject

RECONCILE = "reconcile"
"""Who acts here, in the journal's words."""
UNKNOWN = "unknown"
"""Holder of a certificate of which nothing but the hash is known."""


def enter(home: Home, found: Findings, *, witnessed: bool) -> None:
    """Enter what was found, and end the quarantine of the home, if it is in one. Doing it twice changes nothing.

    Args:
        home: the restored home.
        found: what the comparison found.
        witnessed: whether the witness was there; the journal says when it was not.

    Raises:
        Unavailable, Alarm: the database; nothing was entered.
    """
    now = home.clock.now()
    with home.store.write() as tx:
        _recover(home, tx, list(found.lost.values()), now)
        again = _revoke_again(tx, found, now)
        _raise(tx, found, now)
        tx.journal.append(
            event(
                "authority.reconciled",
                witnessed=found.witnessed if witnessed else None,
                certificates=len(found.lost),
                revoked=again,
                lists=len(found.floors),
                by=RECONCILE,
            ),
            at=now,
        )
    if quarantine.read(home.settings.home) is not None:
        quarantine.end(home.settings.home)


def _recover(home: Home, tx: Transaction, lost: list[Lost], now: datetime) -> None:
    """Give each lost certificate a row that is revoked: its serial is answered for, listed, and never drawn again."""
    if not lost:
        return
    ends = {ca_id: certificate.not_after for ca_id, certificate in home.ca_certificates().items()}
    rows = [_row(home, each, ends[each.ca], now) for each in lost]
    tx.certificates.add_recovered(rows, RECONCILE, now)
    for ca in {row.ca for row in rows}:
        tx.outbox.add(ca, [row.serial for row in rows if row.ca == ca])
    tx.journal.append_many([_recovered(each, row) for each, row in zip(lost, rows, strict=True)], at=now)


def _row(home: Home, lost: Lost, ca_ends: datetime, now: datetime) -> Certificate:
    ca = home.settings.ca(lost.ca)
    return Certificate(
        ca=lost.ca,
        serial=lost.serial,
        profile="",
        profile_digest=b"",
        board="",
        holder=UNKNOWN,
        subject=ServiceSubject(common_name="Certificate that a restore lost", organisation=home.settings.organisation).text(),
        spki_hash=b"",
        tbs=b"",
        signature=None,
        not_before=lost.at or now,
        not_after=ca_ends,  # its own end is not known, and cannot be later: it stays listed until then
        shard=shard_of(lost.serial, ca.shards),
        order_id=f"{RECOVERED}{(lost.tbs or b'').hex()}",
        state=State.REVOKED,
        prepared_at=lost.at or now,
        revoked_at=lost.revoked_at or now,
        reason=lost.reason or Reason.UNSPECIFIED,
    )


def _recovered(lost: Lost, row: Certificate) -> Event:
    assert row.reason is not None and row.revoked_at is not None
    return event(
        "certificate.recovered",
        serial=row.serial.hex(),
        ca=row.ca,
        tbs=None if lost.tbs is None else lost.tbs.hex(),
        reason=row.reason.standard_name,
        revoked_at=times.text(row.revoked_at),
        by=RECONCILE,
    )


def _revoke_again(tx: Transaction, found: Findings, now: datetime) -> int:
    """Revoke, from the date and for the reason that relying parties were told; return how many changed."""
    changed = 0
    for listed in found.forgotten.values():
        certificate = tx.certificates.get(listed.serial, lock=True)
        after = end(tx, [certificate], listed.reason, now, RECONCILE, since=listed.revoked_at)
        changed += len(after)
        if listed.reason is Reason.KEY_COMPROMISE and tx.blocked_keys.block(certificate.spki_hash, "proven", now):
            facts = {"key": certificate.spki_hash.hex(), "reason": "compromise-proven", "by": RECONCILE}
            tx.journal.append(event("key.blocked", certificates=len(after), **facts), at=now)
    for lost in found.differing:
        # One serial stands for two contents: whatever carries it, nobody is to rely on it.
        changed += len(end(tx, [tx.certificates.get(lost.serial, lock=True)], Reason.UNSPECIFIED, now, RECONCILE))
    return changed


def _raise(tx: Transaction, found: Findings, now: datetime) -> None:
    for (ca, scope), (was, number) in found.floors.items():
        tx.crls.raise_number(ca, scope, number, now)
        shard = None if scope == FULL else scope
        tx.journal.append(event("crl.raised", ca=ca, shard=shard, number=number, was=str(was), by=RECONCILE), at=now)
