"""The register in force, its snapshots, and the ordres' sanctions, in the database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, or_, select, text, update
from sqlalchemy.exc import IntegrityError

from pki.adapters.store.bulk import select_in
from pki.adapters.store.certificates import moment, seconds
from pki.adapters.store.registration import Organisations
from pki.adapters.store.tables import register_entries, sanctions, snapshots
from pki.issuance.ports import Standing
from pki.register.sanctions import DecisionKind
from pki.registration.model import Sanction, SnapshotRecord
from trust.canonical import canonical
from trust.errors import Conflict, Missing

CHUNK = 5000
_BARRED = {
    DecisionKind.RADIATION: "struck off by {board} ({reference})",
    DecisionKind.SUSPENSION: "suspended by {board} ({reference})",
    DecisionKind.OPPOSITION: "opposition by {board} ({reference})",
}


class Register:
    """What the applied snapshot says of people, and what ordres decided since."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- standings ----------------------------------------------------------------------------------------------------------

    def standings(self, holders: Sequence[str], now: datetime) -> dict[str, Standing]:
        """Return how people and structures stand; who is in neither register is absent from the answer."""
        wanted = list(dict.fromkeys(holders))
        found: dict[str, Standing] = {}
        for start in range(0, len(wanted), 500):
            some = wanted[start : start + 500]
            decided = self._sanctions_in_force(some, now)
            columns = ("idnat", "entry", "digest", "absent_since")
            for idnat, entry, digest, absent in select_in(self._connection, register_entries, columns, "idnat", some):
                gone = "no longer in the register" if absent is not None else None
                found[idnat] = Standing(entry, digest, gone, tuple(decided.get(idnat, ())))
            if missing := [holder for holder in some if holder not in found]:
                found |= self._structures(missing)
        return found

    def _sanctions_in_force(self, idnats: Sequence[str], now: datetime) -> dict[str, list[tuple[str, str]]]:
        s = sanctions.c
        statement = select(sanctions).where(s.idnat.in_(idnats), s.lifted_at.is_(None), s.effective_at <= seconds(now))
        found: dict[str, list[tuple[str, str]]] = {}
        for row in self._connection.execute(statement):
            words = _BARRED[DecisionKind(row.decision)].format(board=row.board, reference=row.reference)
            found.setdefault(row.idnat, []).append((row.board, words))
        return found

    def _structures(self, ids: Sequence[str]) -> dict[str, Standing]:
        found = {}
        for organisation in Organisations(self._connection).of_ids(ids):
            barred = None
            if organisation.withdrawn_at is not None:
                barred = f"{organisation.board} no longer answers for this structure"
            elif organisation.approved_at is None:
                barred = "this structure is declared but not approved"
            record = canonical(organisation.record())
            found[organisation.id] = Standing(record.decode(), hashlib.sha256(record).digest(), barred)
        return found

    # --- entries ------------------------------------------------------------------------------------------------------------

    def is_empty(self) -> bool:
        """Tell whether no snapshot was ever applied."""
        return self._connection.execute(select(register_entries.c.idnat).limit(1)).first() is None

    def add_entries(self, entries: Iterable[tuple[str, str, bytes]]) -> int:
        """Store new people, by thousands: (IdNat_PS, canonical entry, digest); return how many."""
        count = 0
        stream = iter(entries)
        while chunk := list(islice(stream, CHUNK)):
            count += len(chunk)
            if self._connection.dialect.name == "postgresql":
                self._copy(chunk)
            else:
                # Straight to the driver: on 1.3 million people SQLAlchemy's own parameter handling costs more than SQLite.
                self._connection.exec_driver_sql("INSERT INTO register_entries (idnat, entry, digest) VALUES (?, ?, ?)", chunk)
        return count

    def _copy(self, chunk: Sequence[tuple[str, str, bytes]]) -> None:
        driver: Any = self._connection.connection.driver_connection
        with (
            driver.cursor() as cursor,
            cursor.copy("COPY register_entries (idnat, entry, digest) FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.set_types(["text", "text", "bytea"])
            for row in chunk:
                copy.write_row(row)

    def put_entries(self, entries: Sequence[tuple[str, str, bytes]]) -> None:
        """Store people who are new, changed or back; whoever is there is replaced."""
        statement = text(
            "INSERT INTO register_entries (idnat, entry, digest) VALUES (:idnat, :entry, :digest) ON CONFLICT (idnat) "
            "DO UPDATE SET entry = excluded.entry, digest = excluded.digest, absent_since = NULL"
        )
        if entries:
            rows = [{"idnat": idnat, "entry": entry, "digest": digest} for idnat, entry, digest in entries]
            self._connection.execute(statement, rows)

    def set_absent(self, idnats: Sequence[str], at: datetime) -> None:
        """Mark people who are gone from the register; they are kept, to be recognised when they come back."""
        statement = (
            update(register_entries).where(register_entries.c.idnat == bindparam("an_idnat")).values(absent_since=seconds(at))
        )
        if idnats:
            self._connection.execute(statement, [{"an_idnat": idnat} for idnat in idnats])

    def absent(self) -> set[str]:
        """Return the people who are known, and gone."""
        statement = select(register_entries.c.idnat).where(register_entries.c.absent_since.is_not(None))
        return {row[0] for row in self._connection.execute(statement)}

    def get(self, idnat: str) -> tuple[str, datetime | None]:
        """Return the entry of a person, and since when they are gone.

        Raises:
            Missing: never in the register.
        """
        row = self._connection.execute(select(register_entries).where(register_entries.c.idnat == idnat)).one_or_none()
        if row is None:
            raise Missing(f"{idnat} is not in the register")
        return row.entry, None if row.absent_since is None else moment(row.absent_since)

    def people(self) -> int:
        """Count the people present."""
        statement = select(func.count()).select_from(register_entries).where(register_entries.c.absent_since.is_(None))
        return self._connection.execute(statement).scalar_one()

    # --- snapshots ----------------------------------------------------------------------------------------------------------

    def add_snapshot(self, record: SnapshotRecord) -> None:
        """Record a snapshot that was imported.

        Raises:
            Conflict: this very file was imported before, under this date.
        """
        try:
            self._connection.execute(
                insert(snapshots).values(
                    sha256=record.sha256,
                    content_sha256=record.content_sha256,
                    register_date=seconds(record.register_date),
                    lines=record.lines,
                    people=record.people,
                    refused_lines=record.refused_lines,
                    file=record.file,
                    imported_at=seconds(record.imported_at),
                )
            )
        except IntegrityError:
            raise Conflict("this extraction was imported before") from None

    def snapshot(self, sha256: str) -> SnapshotRecord:
        """Return the snapshot of an extraction, under its latest date.

        Raises:
            Missing: not imported.
        """
        statement = select(snapshots).where(snapshots.c.sha256 == sha256).order_by(snapshots.c.register_date.desc()).limit(1)
        row = self._connection.execute(statement).one_or_none()
        if row is None:
            raise Missing(f"no snapshot {sha256}")
        return _snapshot(row)

    def all_snapshots(self) -> list[SnapshotRecord]:
        """Return the snapshots, the latest register date first."""
        statement = select(snapshots).order_by(snapshots.c.register_date.desc(), snapshots.c.imported_at.desc())
        return [_snapshot(row) for row in self._connection.execute(statement)]

    def applied(self) -> SnapshotRecord | None:
        """Return the snapshot in force."""
        statement = (
            select(snapshots).where(snapshots.c.applied_rank.is_not(None)).order_by(snapshots.c.applied_rank.desc()).limit(1)
        )
        row = self._connection.execute(statement).one_or_none()
        return None if row is None else _snapshot(row)

    def applied_date(self) -> datetime | None:
        """Return the date of the register that is in force, None before the first."""
        applied = self.applied()
        return None if applied is None else applied.register_date

    def set_applied(self, file: str, at: datetime) -> None:
        """Record that the snapshot in this file is now in force."""
        rank = self._connection.execute(select(func.coalesce(func.max(snapshots.c.applied_rank), 0) + 1)).scalar_one()
        statement = update(snapshots).where(snapshots.c.file == file).values(applied_at=seconds(at), applied_rank=rank)
        self._connection.execute(statement)

    # --- sanctions ----------------------------------------------------------------------------------------------------------

    def add_sanction(self, sanction: Sanction) -> None:
        """Record an ordre's decision.

        Raises:
            Conflict: this decision was recorded before.
        """
        try:
            self._connection.execute(
                insert(sanctions).values(
                    id=sanction.id,
                    idnat=sanction.idnat,
                    board=sanction.board,
                    decision=sanction.decision.value,
                    reference=sanction.reference,
                    effective_at=seconds(sanction.effective_at),
                    recorded_at=seconds(sanction.recorded_at),
                )
            )
        except IntegrityError:
            raise Conflict(f"decision {sanction.reference} about {sanction.idnat} was recorded before") from None

    def sanctions_of(self, idnat: str) -> list[Sanction]:
        """Return what ordres decided about a person, oldest first."""
        statement = select(sanctions).where(sanctions.c.idnat == idnat).order_by(sanctions.c.effective_at)
        return [_sanction(row) for row in self._connection.execute(statement)]

    def sanctions_of_people(self, idnats: Sequence[str]) -> dict[str, list[Sanction]]:
        """Return what ordres decided about each of these people, oldest first; who is clear of it is absent from the answer."""
        found: dict[str, list[Sanction]] = {}
        for start in range(0, len(idnats), 500):
            some = sanctions.c.idnat.in_(idnats[start : start + 500])
            for row in self._connection.execute(select(sanctions).where(some).order_by(sanctions.c.effective_at)):
                found.setdefault(row.idnat, []).append(_sanction(row))
        return found

    def sanctions_due(self, now: datetime, *, since: datetime) -> list[Sanction]:
        """Return the sanctions in force (not lifted, and effective) that were recorded or took effect since a moment."""
        s = sanctions.c
        lately = or_(s.effective_at >= seconds(since), s.recorded_at >= seconds(since))
        statement = select(sanctions).where(s.lifted_at.is_(None), s.effective_at <= seconds(now), lately)
        return [_sanction(row) for row in self._connection.execute(statement)]

    def lift_sanctions(self, ids: Sequence[str], at: datetime) -> None:
        """Record that sanctions no longer hold."""
        self._connection.execute(update(sanctions).where(sanctions.c.id.in_(ids)).values(lifted_at=seconds(at)))


def _snapshot(row: Row[Any]) -> SnapshotRecord:
    return SnapshotRecord(
        sha256=row.sha256,
        content_sha256=row.content_sha256,
        register_date=moment(row.register_date),
        lines=row.lines,
        people=row.people,
        refused_lines=row.refused_lines,
        file=row.file,
        imported_at=moment(row.imported_at),
        applied_at=None if row.applied_at is None else moment(row.applied_at),
    )


def _sanction(row: Row[Any]) -> Sanction:
    return Sanction(
        id=row.id,
        idnat=row.idnat,
        board=row.board,
        decision=DecisionKind(row.decision),
        reference=row.reference,
        effective_at=moment(row.effective_at),
        recorded_at=moment(row.recorded_at),
        lifted_at=None if row.lifted_at is None else moment(row.lifted_at),
    )
