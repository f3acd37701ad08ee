"""Passkeys, one-time entries, sessions and challenges, in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from pki.adapters.store.certificates import moment, seconds
from pki.adapters.store.tables import challenges, entries, passkeys, refusals, sessions, tokens
from pki.authenticators.model import Account, Entry, Passkey, Session
from pki.issuance.approvals import OfficerKey
from trust.errors import Conflict

HOUR = 3600
"""Seconds."""
HOURS_KEPT = 24 * 7


def _maybe(value: int | None) -> datetime | None:
    return None if value is None else moment(value)


class Authenticators:
    """Fills `pki.authenticators.ports.AuthenticatorsPort`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- passkeys -----------------------------------------------------------------------------------------------------------

    def add_passkey(self, passkey: Passkey) -> None:
        """Store a new passkey.

        Raises:
            Conflict: this credential is registered, for this account or for another.
        """
        values = {
            "id": passkey.id,
            "account": str(passkey.account),
            "spki": passkey.spki,
            "rp_id": passkey.rp_id,
            "aaguid": passkey.aaguid,
            "name": passkey.name,
            "backed_up": int(passkey.backed_up),
            "counter": passkey.counter,
            "registered_at": seconds(passkey.registered_at),
            "used_at": seconds(passkey.used_at),
            "vouched": passkey.vouched,
        }
        try:
            self._connection.execute(insert(passkeys).values(**values))
        except IntegrityError:
            raise Conflict("this passkey is registered already") from None

    def passkey(self, passkey_id: bytes) -> Passkey | None:
        """Return a passkey, withdrawn or not."""
        row = self._connection.execute(select(passkeys).where(passkeys.c.id == passkey_id).with_for_update()).one_or_none()
        return None if row is None else _passkey(row)

    def passkeys_of(self, account: Account) -> list[Passkey]:
        """Return every passkey that an account ever had, oldest first."""
        statement = select(passkeys).where(passkeys.c.account == str(account)).order_by(passkeys.c.registered_at, passkeys.c.id)
        return [_passkey(row) for row in self._connection.execute(statement)]

    def keys_of(self, account: str, *, lock: bool = False) -> list[OfficerKey]:
        """Return the passkeys that an account ever had, as keys that sign statements; `lock`: none is withdrawn meanwhile."""
        statement = select(passkeys).where(passkeys.c.account == account).order_by(passkeys.c.registered_at)
        if lock:
            statement = statement.with_for_update(read=True)
        rows = [_passkey(row) for row in self._connection.execute(statement)]
        return [OfficerKey(account, row.spki, row.registered_at, row.withdrawn_at, row.rp_id) for row in rows]

    def note_use(self, passkey_id: bytes, counter: int, at: datetime) -> None:
        """Record that a passkey was shown."""
        self._set(passkey_id, counter=counter, used_at=seconds(at))

    def rename(self, passkey_id: bytes, name: str) -> None:
        """Give a passkey another name."""
        self._set(passkey_id, name=name)

    def withdraw(self, passkey_id: bytes, at: datetime) -> None:
        """Withdraw a passkey."""
        self._set(passkey_id, withdrawn_at=seconds(at))

    def withdraw_account(self, account: Account, at: datetime) -> None:
        """Withdraw every passkey and access token of an account, end its sessions and its open links."""
        live = (passkeys.c.account == str(account), passkeys.c.withdrawn_at.is_(None))
        self._connection.execute(update(passkeys).where(*live).values(withdrawn_at=seconds(at)))
        live = (tokens.c.account == str(account), tokens.c.withdrawn_at.is_(None))
        self._connection.execute(update(tokens).where(*live).values(withdrawn_at=seconds(at)))
        self.end_sessions(at, account=account)
        self.end_entries(account, at)

    def _set(self, passkey_id: bytes, **values: Any) -> None:
        self._connection.execute(update(passkeys).where(passkeys.c.id == passkey_id).values(**values))

    # --- entries ------------------------------------------------------------------------------------------------------------

    def add_entry(self, entry: Entry) -> None:
        """Store a new entry."""
        values = {
            "id": entry.id,
            "account": str(entry.account),
            "code": entry.code,
            "failures": entry.failures,
            "made_by": entry.made_by,
            "made_at": seconds(entry.made_at),
            "ends_at": seconds(entry.ends_at),
        }
        self._connection.execute(insert(entries).values(**values))

    def entry(self, entry_id: bytes, *, lock: bool = False) -> Entry | None:
        """Return an entry, spent or not."""
        statement = select(entries).where(entries.c.id == entry_id)
        row = self._connection.execute(statement.with_for_update() if lock else statement).one_or_none()
        return None if row is None else _entry(row)

    def fail_entry(self, entry_id: bytes) -> None:
        """Count a wrong code."""
        statement = update(entries).where(entries.c.id == entry_id).values(failures=entries.c.failures + 1)
        self._connection.execute(statement)

    def use_entry(self, entry_id: bytes, at: datetime) -> None:
        """Spend an entry."""
        self._connection.execute(update(entries).where(entries.c.id == entry_id).values(used_at=seconds(at)))

    def end_entries(self, account: Account, at: datetime) -> None:
        """End what is open for an account."""
        open_ones = (entries.c.account == str(account), entries.c.used_at.is_(None), entries.c.ends_at > seconds(at))
        self._connection.execute(update(entries).where(*open_ones).values(ends_at=seconds(at)))

    # --- challenges ---------------------------------------------------------------------------------------------------------

    def add_challenge(self, challenge_id: bytes, purpose: str, account: Account | None, ends_at: datetime) -> None:
        """Store a challenge that was asked."""
        whose = None if account is None else str(account)
        values = {"id": challenge_id, "purpose": purpose, "account": whose, "ends_at": seconds(ends_at)}
        self._connection.execute(insert(challenges).values(**values))

    def take_challenge(self, challenge_id: bytes) -> tuple[str, Account | None, datetime] | None:
        """Return a challenge (purpose, account, end) and forget it: of two who ask, one gets it."""
        returned = delete(challenges).where(challenges.c.id == challenge_id).returning(*challenges.c)
        row = self._connection.execute(returned).one_or_none()
        if row is None:
            return None
        return row.purpose, None if row.account is None else Account.parse(row.account), moment(row.ends_at)

    def forget_challenges(self, before: datetime) -> None:
        """Forget what nobody answered."""
        self._connection.execute(delete(challenges).where(challenges.c.ends_at < seconds(before)))

    # --- sessions -----------------------------------------------------------------------------------------------------------

    def add_session(self, session: Session) -> None:
        """Store a new session."""
        values = {
            "id": session.id,
            "account": str(session.account),
            "passkey": session.passkey,
            "opened_at": seconds(session.opened_at),
            "seen_at": seconds(session.seen_at),
            "verified_at": seconds(session.verified_at),
        }
        self._connection.execute(insert(sessions).values(**values))

    def session(self, session_id: bytes) -> Session | None:
        """Return a session, ended or not."""
        row = self._connection.execute(select(sessions).where(sessions.c.id == session_id)).one_or_none()
        return None if row is None else _session(row)

    def see_session(self, session_id: bytes, at: datetime, *, verified: bool) -> None:
        """Record that a session was used, and perhaps that its passkey was shown again."""
        values = {"seen_at": seconds(at)} | ({"verified_at": seconds(at)} if verified else {})
        self._connection.execute(update(sessions).where(sessions.c.id == session_id).values(**values))

    def end_sessions(
        self, at: datetime, *, session: bytes | None = None, account: Account | None = None, passkey: bytes | None = None
    ) -> int:
        """End one session, those of an account, or those that a passkey opened; return how many were open."""
        where: list[ColumnElement[bool]] = [sessions.c.ended_at.is_(None)]
        if session is not None:
            where.append(sessions.c.id == session)
        if account is not None:
            where.append(sessions.c.account == str(account))
        if passkey is not None:
            where.append(sessions.c.passkey == passkey)
        return self._connection.execute(update(sessions).where(*where).values(ended_at=seconds(at))).rowcount

    # --- refusals -----------------------------------------------------------------------------------------------------------

    def note_refusal(self, what: str, at: datetime) -> None:
        """Count one more that was refused in this hour; hours that nobody looks at any more are forgotten."""
        hour = seconds(at) // HOUR * HOUR
        self._connection.execute(delete(refusals).where(refusals.c.hour < hour - HOURS_KEPT * HOUR))
        kind = sqlite if self._connection.dialect.name == "sqlite" else postgresql
        more = {"count": refusals.c["count"] + 1}
        statement = kind.insert(refusals).values(hour=hour, what=what, count=1)
        self._connection.execute(statement.on_conflict_do_update(index_elements=["hour", "what"], set_=more))

    def refusals(self, since: datetime) -> list[tuple[datetime, str, int]]:
        """Return how many were refused, as (beginning of the hour, what they tried, count), from the hour of that moment on."""
        columns = (refusals.c.hour, refusals.c.what, refusals.c.count)
        found = (
            select(*columns).where(refusals.c.hour >= seconds(since) // HOUR * HOUR).order_by(refusals.c.hour, refusals.c.what)
        )
        return [(moment(hour), what, count) for hour, what, count in self._connection.execute(found)]


def _passkey(row: Row[Any]) -> Passkey:
    return Passkey(
        id=bytes(row.id),
        account=Account.parse(row.account),
        spki=bytes(row.spki),
        rp_id=row.rp_id,
        aaguid=row.aaguid,
        name=row.name,
        backed_up=bool(row.backed_up),
        counter=row.counter,
        registered_at=moment(row.registered_at),
        used_at=moment(row.used_at),
        withdrawn_at=_maybe(row.withdrawn_at),
        vouched=row.vouched,
    )


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        id=bytes(row.id),
        account=Account.parse(row.account),
        code=None if row.code is None else bytes(row.code),
        failures=row.failures,
        made_by=row.made_by,
        made_at=moment(row.made_at),
        ends_at=moment(row.ends_at),
        used_at=_maybe(row.used_at),
    )


def _session(row: Row[Any]) -> Session:
    return Session(
        id=bytes(row.id),
        account=Account.parse(row.account),
        passkey=bytes(row.passkey),
        opened_at=moment(row.opened_at),
        seen_at=moment(row.seen_at),
        verified_at=moment(row.verified_at),
        ended_at=_maybe(row.ended_at),
    )
