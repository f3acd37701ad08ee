"""Transactions over the database: one per use case, committed whole or undone (invariant I11).

`Store.write()` takes the write lock at once on SQLite (``BEGIN IMMEDIATE``), so that two writers queue instead of
failing at commit; on PostgreSQL rows are locked as they are read for change. A commit whose outcome is unknown (the
connection died) is reported as `Unavailable`: the caller retries under its idempotency key and finds the truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from pki.adapters.store.authenticators import Authenticators
from pki.adapters.store.certificates import BlockedKeys, Certificates, Outbox
from pki.adapters.store.contacts import Contacts
from pki.adapters.store.engine import open_engine
from pki.adapters.store.grants import Grants, Successions
from pki.adapters.store.journal import JournalTable
from pki.adapters.store.listings import Listings
from pki.adapters.store.orders import Orders
from pki.adapters.store.publication import Crls, Responders
from pki.adapters.store.recovery import Recoveries
from pki.adapters.store.register import Register
from pki.adapters.store.registration import Acts, Organisations, Requests
from pki.adapters.store.tables import SCHEMA
from pki.adapters.store.tokens import Drafts, Tokens
from pki.adapters.store.totals import Totals
from pki.audit.journal import Journal
from trust.errors import Alarm, Refused, Unavailable


class Transaction:
    """Everything that one transaction may read and write."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.certificates = Certificates(connection)
        self.orders = Orders(connection)
        self.acts = Acts(connection)
        self.authenticators = Authenticators(connection)
        self.recovery = Recoveries(connection)
        self.tokens = Tokens(connection)
        self.drafts = Drafts(connection)
        self.listings = Listings(connection)
        self.totals = Totals(connection)
        self.requests = Requests(connection)
        self.contacts = Contacts(connection)
        self.grants = Grants(connection)
        self.successions = Successions(connection)
        self.organisations = Organisations(connection)
        self.register = Register(connection)
        self.blocked_keys = BlockedKeys(connection)
        self.outbox = Outbox(connection)
        self.crls = Crls(connection)
        self.responders = Responders(connection)
        self.journal_table = JournalTable(connection)
        self.journal = Journal(self.journal_table)


class Store:
    """The database of one home."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, url: str) -> Store:
        """Open a database.

        Raises:
            Refused: its durability settings are unsafe.
            Unavailable: it does not answer.
        """
        return cls(open_engine(url))

    def create(self) -> None:
        """Create the schema, or bring an older one to this version."""
        from pki.adapters.store.migrate import upgrade

        upgrade(self.engine)

    def check_schema(self) -> None:
        """Check that the schema is the one that this program was written for.

        Raises:
            Refused: it is another; the message says what to do.
        """
        found = None
        with self._guard(), self.engine.connect() as connection:
            if connection.dialect.has_table(connection, "alembic_version"):
                found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
        if found != SCHEMA:
            raise Refused(
                f"the database has schema {found or 'none'}, this version of Sceau wants {SCHEMA}: `sceau init` brings it there",
                citation="CPS 6.6.1",
            )

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Open a transaction that may change things.

        Raises:
            Unavailable: the database failed; whether the commit happened is unknown, so retry and look.
            Alarm: the database cannot take another octet.
        """
        with self._guard(), self.engine.connect() as connection:
            if self.engine.dialect.name == "sqlite":
                connection.execute(text("BEGIN IMMEDIATE"))
            try:
                yield Transaction(connection)
                connection.execute(text("COMMIT")) if self.engine.dialect.name == "sqlite" else connection.commit()
            except BaseException:
                self._undo(connection)
                raise

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a transaction that only looks; what it sees belongs together."""
        with self._guard(), self.engine.connect() as connection:
            if self.engine.dialect.name == "sqlite":
                connection.execute(text("BEGIN"))
            else:
                # One snapshot for all statements, as SQLite's: READ COMMITTED would show each a later state.
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            try:
                yield Transaction(connection)
            finally:
                self._undo(connection)

    def _undo(self, connection: Connection) -> None:
        try:
            if self.engine.dialect.name == "sqlite":
                connection.exec_driver_sql("ROLLBACK")
            else:
                connection.rollback()
        except DBAPIError:
            connection.invalidate()

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            said = str(error.orig).splitlines()[0] if error.orig is not None else error.__class__.__name__
            if "disk is full" in said or "No space left" in said:
                raise Alarm(f"the database is full: {said}; nothing more is issued until it can record") from error
            raise Unavailable(f"the database failed: {said}") from error
