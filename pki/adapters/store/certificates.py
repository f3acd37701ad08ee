"""Certificates, blocked keys and the outbox, in the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from pki.adapters.store.bulk import delete_in, driver_rows, insert_many, select_in, update_many
from pki.adapters.store.tables import blocked_keys, certificates, outbox
from pki.inventory.model import Certificate, Reason, State
from trust.errors import Alarm, Conflict, Missing

PAGE = 5000
STRETCH = 4
"""How many certificates are passed for each that is wanted of one CA, at most."""
_PREPARED_COLUMNS = (
    "ca", "serial", "state", "profile", "profile_digest", "board", "holder", "subject", "spki_hash", "tbs",
    "not_before", "not_after", "shard", "order_id", "instance", "prepared_at", "changed_at",
)  # fmt: skip


def seconds(moment: datetime) -> int:
    """Write a moment as the database stores it."""
    return int(moment.timestamp())


def moment(value: int) -> datetime:
    """Read a moment that the database stored."""
    return datetime.fromtimestamp(value, UTC)


def _maybe(value: int | None) -> datetime | None:
    return None if value is None else moment(value)


class Certificates:
    """The inventory."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_prepared(self, prepared: Sequence[Certificate], instance: str) -> None:
        """Record intents, before anything is signed.

        Raises:
            Conflict: a serial exists already (the CSPRNG repeated itself): draw again.
        """
        rows = [
            (
                c.ca,
                c.serial,
                State.PREPARED.value,
                c.profile,
                c.profile_digest,
                c.board,
                c.holder,
                c.subject,
                c.spki_hash,
                c.tbs,
                seconds(c.not_before),
                seconds(c.not_after),
                c.shard,
                c.order_id,
                instance,
                (at := seconds(c.prepared_at)),
                at,
            )
            for c in prepared
        ]
        try:
            insert_many(self._connection, certificates, _PREPARED_COLUMNS, rows)
        except IntegrityError as error:
            raise Conflict(f"a serial number was drawn twice: {error.orig}") from None

    def add_recovered(self, recovered: Sequence[Certificate], instance: str, at: datetime) -> None:
        """Record what exists, or may exist, without a row of its own: revoked, and its content unknown.

        Raises:
            Conflict: one of the serials is known.
        """
        rows = [
            {
                "ca": c.ca,
                "serial": c.serial,
                "state": c.state.value,
                "profile": c.profile,
                "profile_digest": c.profile_digest,
                "board": c.board,
                "holder": c.holder,
                "subject": c.subject,
                "spki_hash": c.spki_hash,
                "tbs": c.tbs,
                "not_before": seconds(c.not_before),
                "not_after": seconds(c.not_after),
                "shard": c.shard,
                "order_id": c.order_id,
                "instance": instance,
                "prepared_at": seconds(c.prepared_at),
                "revoked_at": None if c.revoked_at is None else seconds(c.revoked_at),
                "reason": None if c.reason is None else c.reason.value,
                "changed_at": seconds(at),
            }
            for c in recovered
        ]
        try:
            self._connection.execute(insert(certificates), rows)
        except IntegrityError:
            raise Conflict("one of these serials is in the inventory meanwhile") from None

    def newest_signed(self, cas: Sequence[str]) -> bytes | None:
        """Return the serial of the certificate that these CAs prepared last, of those that were signed; None if there is none."""
        c = certificates.c
        signed = select(c.serial).where(c.ca.in_(cas), c.signature.is_not(None))
        serial = self._connection.execute(signed.order_by(c.prepared_at.desc(), c.serial).limit(1)).scalar_one_or_none()
        return None if serial is None else bytes(serial)

    def set_issued(self, signatures: Sequence[tuple[bytes, bytes]], at: datetime) -> None:
        """Record the signatures of intents: (serial, signature).

        Raises:
            Alarm: one of them is no longer an open intent (somebody's recovery revoked it): none may be released.
        """
        when = seconds(at)
        rows = [(State.ISSUED.value, signature, when, serial, State.PREPARED.value) for serial, signature in signatures]
        columns, where = ("state", "signature", "changed_at"), ("serial", "state")
        if update_many(self._connection, certificates, columns, where, rows) != len(rows):
            raise Alarm("an intent of this batch is no longer open; nothing of the batch is released")

    def get(self, serial: bytes, *, lock: bool = False) -> Certificate:
        """Return one certificate.

        Raises:
            Missing: never prepared here.
        """
        statement = select(certificates).where(certificates.c.serial == serial)
        row = self._connection.execute(statement.with_for_update() if lock else statement).one_or_none()
        if row is None:
            raise Missing(f"no certificate has the serial number {serial.hex()}")
        return _certificate(row)

    def of_serials(self, serials: Sequence[bytes]) -> list[Certificate]:
        """Return the certificates of these serials, in no promised order."""
        found: list[Certificate] = []
        for start in range(0, len(serials), 500):
            statement = select(certificates).where(certificates.c.serial.in_(serials[start : start + 500]))
            found += [_certificate(row) for row in self._connection.execute(statement)]
        return found

    def contents(self, serials: Sequence[bytes]) -> list[tuple[bytes, bytes, str, int]]:
        """Return (serial, TBS, order, state) of these certificates, in no promised order: a million of them are looked at."""
        return list(select_in(self._connection, certificates, ("serial", "tbs", "order_id", "state"), "serial", serials))

    def of_holder(self, holder: str, *, lock: bool = False) -> list[Certificate]:
        """Return everything ever prepared for a holder, oldest first."""
        statement = select(certificates).where(certificates.c.holder == holder).order_by(certificates.c.prepared_at)
        return [_certificate(row) for row in self._connection.execute(statement.with_for_update() if lock else statement)]

    def of_key(self, spki_hash: bytes, *, lock: bool = False) -> list[Certificate]:
        """Return everything ever prepared for a public key, by serial: in the order in which everybody locks them."""
        statement = select(certificates).where(certificates.c.spki_hash == spki_hash).order_by(certificates.c.serial)
        return [_certificate(row) for row in self._connection.execute(statement.with_for_update() if lock else statement)]

    def holders_of_keys(self, spki_hashes: Sequence[bytes]) -> dict[bytes, set[str]]:
        """Say, for each of these keys that was ever certified, for whom."""
        found: dict[bytes, set[str]] = {}
        for spki_hash, holder in select_in(self._connection, certificates, ("spki_hash", "holder"), "spki_hash", spki_hashes):
            found.setdefault(spki_hash, set()).add(holder)
        return found

    def live_holders(self, now: datetime, *, after: str, limit: int) -> list[str]:
        """Return the next holders, in order, of whom something unexpired is issued or held."""
        c = certificates.c
        statement = (
            select(c.holder)
            .where(c.holder > after, c.state.in_((State.ISSUED.value, State.HELD.value)), c.not_after >= seconds(now))
            .distinct()
            .order_by(c.holder)
            .limit(limit)
        )
        return [row[0] for row in self._connection.execute(statement)]

    def live_of_holders(self, holders: Sequence[str], now: datetime) -> list[Certificate]:
        """Return the unexpired issued or held certificates of these holders, locked for a change."""
        found: list[Certificate] = []
        for start in range(0, len(holders), 500):
            statement = (
                select(certificates)
                .where(
                    certificates.c.holder.in_(holders[start : start + 500]),
                    certificates.c.state.in_((State.ISSUED.value, State.HELD.value)),
                    certificates.c.not_after >= seconds(now),
                )
                .with_for_update()
            )
            found += [_certificate(row) for row in self._connection.execute(statement)]
        return found

    def open_intents(self, instance: str) -> list[Certificate]:
        """Return the intents that an instance prepared and did not finish."""
        statement = select(certificates).where(certificates.c.state == State.PREPARED.value, certificates.c.instance == instance)
        return [_certificate(row) for row in self._connection.execute(statement.with_for_update())]

    def save(self, changed: Iterable[Certificate], at: datetime) -> None:
        """Write back the state, date and reason of certificates that were read with a lock."""
        statement = (
            update(certificates)
            .where(certificates.c.serial == bindparam("a_serial"))
            .values(
                state=bindparam("a_state"),
                revoked_at=bindparam("a_revoked_at"),
                reason=bindparam("a_reason"),
                held_by=bindparam("a_held_by"),
                released_at=bindparam("a_released_at"),
                changed_at=seconds(at),
            )
        )
        rows = [
            {
                "a_serial": c.serial,
                "a_state": c.state.value,
                "a_revoked_at": None if c.revoked_at is None else seconds(c.revoked_at),
                "a_reason": None if c.reason is None else c.reason.value,
                "a_held_by": c.held_by,
                "a_released_at": seconds(at) if c.state is State.ISSUED else None,
            }
            for c in changed
        ]
        if rows:
            self._connection.execute(statement, rows)

    def scan(self, ca: str, after: bytes = b"") -> Iterator[list[Certificate]]:
        """Walk a CA's signed or revoked certificates in ascending order of serial, a page at a time."""
        while True:
            statement = (
                select(certificates)
                .where(certificates.c.ca == ca, certificates.c.serial > after, certificates.c.state != State.PREPARED.value)
                .order_by(certificates.c.serial)
                .limit(PAGE)
            )
            page = [_certificate(row) for row in self._connection.execute(statement)]
            if not page:
                return
            yield page
            after = page[-1].serial

    def status_page(self, ca: str, after: bytes, limit: int) -> list[tuple[bytes, int, int | None, int | None]]:
        """Return (serial, state, revoked at, reason) of the next certificates of a CA, by ascending serial: no TBS is read."""
        statement = (
            select(certificates.c.serial, certificates.c.state, certificates.c.revoked_at, certificates.c.reason)
            .where(certificates.c.ca == ca, certificates.c.serial > after, certificates.c.state != State.PREPARED.value)
            .order_by(certificates.c.serial)
            .limit(limit)
        )
        result: Any = self._connection.execute(statement)
        page: list[tuple[bytes, int, int | None, int | None]] = result.cursor.fetchall()  # as in `revocations`
        result.close()
        return page

    def status_stretch(
        self, ca: str, after: bytes, limit: int
    ) -> tuple[list[tuple[bytes, int, int | None, int | None]], bytes | None]:
        """Return the same, and after which serial to go on; None when nothing follows.

        Serials are of all CAs together: to find the few of a small one, all those of a large one are passed. So the answer
        covers a stretch of them at most, and may be empty before the end: no turn of the issuer lasts as long as the population.
        """
        c = certificates.c
        beyond = select(c.serial).where(c.serial > after).order_by(c.serial).offset(STRETCH * limit).limit(1)
        end: bytes | None = self._connection.execute(beyond).scalar_one_or_none()
        where = [c.ca == ca, c.serial > after, c.state != State.PREPARED.value]
        if end is not None:
            where.append(c.serial <= end)
        statement = select(c.serial, c.state, c.revoked_at, c.reason).where(*where).order_by(c.serial).limit(limit)
        result: Any = self._connection.execute(statement)
        page: list[tuple[bytes, int, int | None, int | None]] = result.cursor.fetchall()  # as in `revocations`
        result.close()
        return page, page[-1][0] if len(page) == limit else end

    def statuses(self, serials: Sequence[bytes], *, ca: str | None = None) -> list[tuple[bytes, int, int | None, int | None]]:
        """Return (serial, state, revoked at, reason) of these certificates (of one CA, if said): no TBS is read."""
        columns = ("serial", "state", "revoked_at", "reason", "ca")
        return [
            (serial, state, revoked_at, reason)
            for serial, state, revoked_at, reason, its_ca in select_in(self._connection, certificates, columns, "serial", serials)
            if ca is None or its_ca == ca
        ]

    def revocations(
        self, ca: str, shard: int | None, *, changed_since: int = 0, live_at: int = 0
    ) -> Iterator[tuple[bytes, int, int | None, int]]:
        """Yield (serial, revoked at, reason, shard) of the revoked and held ones changed since; those that expired and were
        revoked before `live_at` are left out.

        Ordered by date then serial, so that a rebuilt CRL body is the same everywhere.
        """
        c = certificates.c
        where = [c.ca == ca, c.state >= State.HELD.value, c.changed_at >= changed_since]
        if live_at:
            where.append(or_(c.not_after >= live_at, c.revoked_at >= live_at))
        if shard is not None:
            where.append(c.shard == shard)
        statement = select(c.serial, c.revoked_at, c.reason, c.shard).where(and_(*where)).order_by(c.revoked_at, c.serial)
        # As the driver has them: a million of SQLAlchemy's rows cost twice what the database does.
        result: Any = self._connection.execute(statement)
        try:
            while part := result.cursor.fetchmany(PAGE):
                yield from part
        finally:
            result.close()

    def revocations_of(self, serials: Sequence[bytes]) -> list[tuple[bytes, int, int | None, int]]:
        """Return the same of those of these certificates that are revoked or held, in the same order."""
        found: list[tuple[bytes, int, int | None, int]] = []
        c = certificates.c
        for start in range(0, len(serials), 500):
            statement = select(c.serial, c.revoked_at, c.reason, c.shard).where(
                c.serial.in_(serials[start : start + 500]), c.state >= State.HELD.value
            )
            found += [(bytes(row[0]), row[1], row[2], row[3]) for row in self._connection.execute(statement)]
        return sorted(found, key=lambda row: (row[1], row[0]))

    def shards_of(self, serials: Sequence[bytes]) -> list[int]:
        """Return the CRL shards that these certificates name."""
        found: set[int] = set()
        for start in range(0, len(serials), 500):
            statement = select(certificates.c.shard).where(certificates.c.serial.in_(serials[start : start + 500])).distinct()
            found |= {row[0] for row in self._connection.execute(statement)}
        return sorted(found)

    def releases(self, ca: str, since: int) -> list[tuple[bytes, int, int]]:
        """Return (serial, released at, shard) of what was taken off hold since."""
        c = certificates.c
        statement = select(c.serial, c.released_at, c.shard).where(
            c.ca == ca, c.released_at.is_not(None), c.released_at >= since, c.state == State.ISSUED.value
        )
        return [(bytes(row[0]), row[1], row[2]) for row in self._connection.execute(statement)]

    def shards(self, ca: str) -> list[int]:
        """Return the CRL shards that certificates of this CA name."""
        return [
            row[0] for row in self._connection.execute(select(certificates.c.shard).where(certificates.c.ca == ca).distinct())
        ]

    def search(
        self,
        *,
        holder: str | None = None,
        board: str | None = None,
        states: Sequence[State] | None = None,
        profile: str | None = None,
        ends_from: datetime | None = None,
        ends_before: datetime | None = None,
        limit: int,
    ) -> list[Certificate]:
        """Return the latest certificates that match, newest first; intents are left out unless their state is asked for.

        `ends_from` and `ends_before` bound the end of validity, the first included and the second not.
        """
        c = certificates.c
        where: list[ColumnElement[bool]] = [
            c.state != State.PREPARED.value if states is None else c.state.in_([state.value for state in states])
        ]
        for column, value in ((c.holder, holder), (c.board, board), (c.profile, profile)):
            if value is not None:
                where.append(column == value)
        if ends_from is not None:
            where.append(c.not_after >= seconds(ends_from))
        if ends_before is not None:
            where.append(c.not_after < seconds(ends_before))
        statement = select(certificates).where(and_(*where)).order_by(c.prepared_at.desc(), c.serial).limit(limit)
        return [_certificate(row) for row in self._connection.execute(statement)]

    def ends(self, *, board: str, ends_from: datetime, ends_before: datetime) -> list[datetime]:
        """Return when the living certificates of a board end, of those that do between two moments; the first included."""
        c = certificates.c
        living = c.state.in_([State.ISSUED.value, State.HELD.value])
        between = and_(c.not_after >= seconds(ends_from), c.not_after < seconds(ends_before))
        found = self._connection.execute(select(c.not_after).where(c.board == board, living, between))
        return [moment(row[0]) for row in found]

    def counts(self) -> dict[tuple[str, State], int]:
        """Count certificates by CA and state."""
        statement = select(certificates.c.ca, certificates.c.state, func.count()).group_by(
            certificates.c.ca, certificates.c.state
        )
        return {(row[0], State(row[1])): row[2] for row in self._connection.execute(statement)}


def _certificate(row: Row[Any]) -> Certificate:
    return Certificate(
        ca=row.ca,
        serial=bytes(row.serial),
        profile=row.profile,
        profile_digest=bytes(row.profile_digest),
        board=row.board,
        holder=row.holder,
        subject=row.subject,
        spki_hash=bytes(row.spki_hash),
        tbs=bytes(row.tbs),
        signature=None if row.signature is None else bytes(row.signature),
        not_before=moment(row.not_before),
        not_after=moment(row.not_after),
        shard=row.shard,
        order_id=row.order_id,
        state=State(row.state),
        prepared_at=moment(row.prepared_at),
        revoked_at=_maybe(row.revoked_at),
        reason=None if row.reason is None else Reason(row.reason),
        held_by=row.held_by,
    )


class BlockedKeys:
    """Keys that will never be certified again (CP 4.9.12)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def blocked(self, spki_hashes: Sequence[bytes]) -> set[bytes]:
        """Return those of these keys that are blocked."""
        return {row[0] for row in select_in(self._connection, blocked_keys, ("spki_hash",), "spki_hash", spki_hashes)}

    def block(self, spki_hash: bytes, why: str, at: datetime) -> bool:
        """Block a key; return False when it already was."""
        if self.blocked([spki_hash]):
            return False
        self._connection.execute(insert(blocked_keys).values(spki_hash=spki_hash, why=why, blocked_at=seconds(at)))
        return True


class Outbox:
    """Certificates whose status must be published again: written with the change, taken by the status producer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, ca: str, serials: Sequence[bytes]) -> None:
        """Ask for the status of these certificates to be published."""
        insert_many(self._connection, outbox, ("ca", "serial"), [(ca, serial) for serial in serials])

    def read(self, limit: int) -> list[tuple[int, str, bytes]]:
        """Return the oldest of what waits: (id, CA, serial)."""
        columns = select(outbox.c.id, outbox.c.ca, outbox.c.serial)
        statement = columns.order_by(outbox.c.id).limit(limit).with_for_update(skip_locked=True)
        return driver_rows(self._connection.execute(statement))

    def clear(self, ids: Sequence[int]) -> None:
        """Forget what has been published."""
        delete_in(self._connection, outbox, "id", ids)
