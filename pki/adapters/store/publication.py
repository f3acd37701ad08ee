"""CRL numbers and OCSP responders, in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from pki.adapters.store.certificates import moment, seconds
from pki.adapters.store.tables import crls, responders
from pki.status.publish import CrlRecord


@dataclass(frozen=True, slots=True)
class ResponderRecord:
    """An OCSP responder's certificate, by its number within its CA."""

    ca: str
    number: int
    serial: bytes
    key: str
    not_before: datetime
    not_after: datetime


class Crls:
    """The sequence of CRLs: numbers only grow, whoever publishes (invariant I10)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def last(self, ca: str, scope: str) -> CrlRecord | None:
        """Return the last CRL of a scope."""
        row = self._connection.execute(select(crls).where(crls.c.ca == ca, crls.c.scope == scope)).one_or_none()
        if row is None:
            return None
        return CrlRecord(
            ca=row.ca,
            scope=row.scope,
            number=row.number,
            this_update=moment(row.this_update),
            next_update=moment(row.next_update),
            base=row.base,
            entries=row.entries,
            sha256=bytes(row.sha256),
        )

    def all(self) -> Sequence[CrlRecord]:
        """Return the last CRL of every scope."""
        pairs = self._connection.execute(select(crls.c.ca, crls.c.scope).order_by(crls.c.ca, crls.c.scope)).all()
        return [record for ca, scope in pairs if (record := self.last(ca, scope)) is not None]

    def replace(self, previous: CrlRecord | None, new: CrlRecord) -> bool:
        """Make `new` the last CRL if `previous` still is; return False when another publisher was faster (compare and swap)."""
        values = {
            "number": new.number,
            "this_update": seconds(new.this_update),
            "next_update": seconds(new.next_update),
            "base": new.base,
            "entries": new.entries,
            "sha256": new.sha256,
        }
        if previous is None:
            try:
                with self._connection.begin_nested():
                    self._connection.execute(insert(crls).values(ca=new.ca, scope=new.scope, **values))
            except IntegrityError:
                return False
            return True
        statement = (
            update(crls).where(crls.c.ca == new.ca, crls.c.scope == new.scope, crls.c.number == previous.number).values(**values)
        )
        return self._connection.execute(statement).rowcount == 1

    def raise_number(self, ca: str, scope: str, number: int, at: datetime) -> None:
        """Have the next CRL of a scope bear a number above `number`; the one on record counts as served no longer."""
        where = crls.c.ca == ca, crls.c.scope == scope
        values = {"number": number, "sha256": bytes(32)}
        raised = self._connection.execute(update(crls).where(*where, crls.c.number < number).values(**values)).rowcount
        if not raised and self.last(ca, scope) is None:
            dates = {"this_update": seconds(at), "next_update": seconds(at)}
            self._connection.execute(insert(crls).values(ca=ca, scope=scope, entries=0, **values, **dates))


class Responders:
    """OCSP responders, past and present."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, record: ResponderRecord) -> None:
        """Record a responder."""
        self._connection.execute(
            insert(responders).values(
                ca=record.ca,
                number=record.number,
                serial=record.serial,
                key=record.key,
                not_before=seconds(record.not_before),
                not_after=seconds(record.not_after),
            )
        )

    def of_ca(self, ca: str) -> list[ResponderRecord]:
        """Return the responders of a CA, the newest last."""
        statement = select(responders).where(responders.c.ca == ca).order_by(responders.c.number)
        return [
            ResponderRecord(row.ca, row.number, bytes(row.serial), row.key, moment(row.not_before), moment(row.not_after))
            for row in self._connection.execute(statement)
        ]
