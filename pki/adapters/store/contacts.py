"""Addresses of people and what they were told, in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from pki.adapters.store.bulk import select_in
from pki.adapters.store.certificates import seconds
from pki.adapters.store.tables import contacts, reminders
from pki.authenticators.model import Account, Kind


class Contacts:
    """Fills `pki.registration.reminders.ContactsPort`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, account: Account) -> str | None:
        """Return the address of an account."""
        statement = select(contacts.c.address).where(contacts.c.account == str(account))
        return self._connection.execute(statement).scalar_one_or_none()

    def of_people(self, holders: Sequence[str]) -> dict[str, str]:
        """Return the addresses of those of these people who gave one."""
        accounts = [str(Account(Kind.PERSON, holder)) for holder in holders]
        rows = select_in(self._connection, contacts, ("account", "address"), "account", accounts)
        return {Account.parse(account).id: address for account, address in rows}

    def put(self, account: Account, address: str, at: datetime) -> None:
        """Store the address of an account."""
        values = {"address": address, "changed_at": seconds(at)}
        changed = self._connection.execute(update(contacts).where(contacts.c.account == str(account)).values(**values))
        if not changed.rowcount:
            self._connection.execute(insert(contacts).values(account=str(account), **values))

    def forget(self, account: Account) -> None:
        """Forget the address of an account."""
        self._connection.execute(delete(contacts).where(contacts.c.account == str(account)))

    def page(self, after: str, limit: int) -> list[tuple[Account, str]]:
        """Return the next accounts that have an address, by their name."""
        statement = select(contacts.c.account, contacts.c.address).where(contacts.c.account > after)
        rows = self._connection.execute(statement.order_by(contacts.c.account).limit(limit))
        return [(Account.parse(row.account), row.address) for row in rows]

    def told(self, serials: Sequence[bytes]) -> set[tuple[bytes, int]]:
        """Return which reminders were sent of these certificates."""
        statement = select(reminders.c.serial, reminders.c.days).where(reminders.c.serial.in_(serials))
        return {(bytes(row.serial), row.days) for row in self._connection.execute(statement)}

    def note(self, serial: bytes, days: int, at: datetime) -> None:
        """Record that a reminder was sent."""
        if (serial, days) not in self.told([serial]):
            self._connection.execute(insert(reminders).values(serial=serial, days=days, sent_at=seconds(at)))
