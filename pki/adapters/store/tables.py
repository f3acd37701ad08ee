"""The schema, once, for SQLite and PostgreSQL.

Times are whole seconds since 1970 (UTC): one type that both engines compare the same way. For what is stored:
*certificates*, *journal*, *approvals* and *officers* may never be lost nor rolled back; *outbox* may be lost (it is
refilled from certificates); *register_entries* may be rebuilt from the kept snapshot.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

SCHEMA = "0007"
"""The revision that these tables are (`migrations/versions`)."""

metadata = MetaData()

_big = BigInteger().with_variant(Integer(), "sqlite")  # SQLite autoincrements INTEGER only

# --- the register (RFC 3647 §3.2) ---------------------------------------------------------------------------------------------

snapshots = Table(
    "snapshots",
    metadata,
    Column("file", Text, primary_key=True),
    Column("sha256", Text, nullable=False, index=True),
    Column("content_sha256", Text, nullable=False),
    Column("register_date", BigInteger, nullable=False),
    Column("lines", BigInteger, nullable=False),
    Column("people", BigInteger, nullable=False),
    Column("refused_lines", BigInteger, nullable=False),
    Column("imported_at", BigInteger, nullable=False),
    Column("applied_at", BigInteger),
    # Two may be applied within one second: the last applied is the one in force.
    Column("applied_rank", Integer, unique=True),
)

register_entries = Table(
    "register_entries",
    metadata,
    Column("idnat", Text, primary_key=True),
    Column("entry", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("absent_since", BigInteger),
    Index(
        "register_absent",
        "absent_since",
        sqlite_where=text("absent_since IS NOT NULL"),
        postgresql_where=text("absent_since IS NOT NULL"),
    ),
)

sanctions = Table(
    "sanctions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("idnat", Text, nullable=False, index=True),
    Column("board", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("effective_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("lifted_at", BigInteger),
)

# --- people who decide, what they decided (RFC 3647 §5.2) ---------------------------------------------------------------------

officers = Table(
    "officers",
    metadata,
    Column("id", Text, nullable=False),
    Column("spki", LargeBinary, nullable=False),
    Column("registered_at", BigInteger, nullable=False),
    Column("withdrawn_at", BigInteger),
    # The relying party, for a passkey: what is signed with it is an assertion (`trust.assertion`).
    Column("rp_id", Text),
    UniqueConstraint("id", "spki"),
    Index("officers_key", "spki", unique=True),
)

acts = Table(
    "acts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("officer", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("target", Text, nullable=False, index=True),
    Column("statement", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
)

grants = Table(
    "grants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("batch", Text, nullable=False),
    Column("board", Text, nullable=False),
    Column("holder", Text, nullable=False, index=True),
    Column("profiles", Text, nullable=False),
    Column("statement", Text, nullable=False),
    Column("proof", LargeBinary, nullable=False),
    Column("approved_at", BigInteger, nullable=False),
    Column("withdrawn_at", BigInteger),
    Index("grants_board", "board", "approved_at"),
)

successions = Table(
    "successions",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("due_at", BigInteger, nullable=False, index=True),
)

# --- who is in front of the screen (RFC 3647 §5.2.3) --------------------------------------------------------------------------

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("account", Text, nullable=False, index=True),
    Column("spki", LargeBinary, nullable=False),
    Column("rp_id", Text, nullable=False),
    Column("aaguid", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("backed_up", SmallInteger, nullable=False),
    Column("counter", BigInteger, nullable=False),
    Column("registered_at", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=False),
    Column("withdrawn_at", BigInteger),
    # Who vouches for its model, and how, by an attestation that verified.
    Column("vouched", Text),
)

# How many were refused at the door, by hour (seconds since 1970) and by what they tried: no person, no address.
refusals = Table(
    "refusals",
    metadata,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("what", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
)

entries = Table(
    "entries",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("account", Text, nullable=False, index=True),
    Column("code", LargeBinary),
    Column("failures", SmallInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("account", Text, nullable=False, index=True),
    Column("passkey", LargeBinary, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("verified_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)

challenges = Table(
    "challenges",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("account", Text),
    Column("ends_at", BigInteger, nullable=False, index=True),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("account", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("withdrawn_at", BigInteger),
)

# May be lost: what was not signed is made again.
drafts = Table(
    "drafts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account", Text, nullable=False, index=True),
    Column("content", LargeBinary, nullable=False),
    Column("ends_at", BigInteger, nullable=False, index=True),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("account", Text, nullable=False, index=True),
    Column("made_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)

# May be lost: it only slows down who guesses.
recovery_failures = Table(
    "recovery_failures",
    metadata,
    Column("claimed", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Index("recovery_failures_of", "claimed", "at"),
)

contacts = Table(
    "contacts",
    metadata,
    Column("account", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

reminders = Table(
    "reminders",
    metadata,
    Column("serial", LargeBinary, primary_key=True),
    Column("days", SmallInteger, primary_key=True, autoincrement=False),
    Column("sent_at", BigInteger, nullable=False),
)

organisations = Table(
    "organisations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("board", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("domains", Text, nullable=False),
    Column("declared_by", Text, nullable=False),
    Column("declared_at", BigInteger, nullable=False),
    Column("approved_at", BigInteger),
    Column("withdrawn_at", BigInteger),
)

batches = Table(
    "batches",
    metadata,
    Column("id", Text, primary_key=True),
    Column("board", Text, nullable=False),
    Column("requester", Text, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("submitted_at", BigInteger, nullable=False),
    Column("decided_at", BigInteger),
    Index("batches_pending", "board", "state"),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("batch", Text, ForeignKey("batches.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("holder", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("statement", Text, nullable=False),
    Column("spki", LargeBinary, nullable=False),
    Column("csr", LargeBinary, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    UniqueConstraint("batch", "position"),
    UniqueConstraint("idempotency_key"),
)

# --- from RA to CA, and the certificates (RFC 3647 §4.3) ----------------------------------------------------------------------

orders = Table(
    "orders",
    metadata,
    Column("id", Text, primary_key=True),
    Column("batch", Text),
    Column("ca", Text, nullable=False),
    Column("statement", Text, nullable=False),
    Column("proof", LargeBinary, nullable=False),
    Column("spki", LargeBinary, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("serial", LargeBinary),
    Column("failure", Text),
    Column("written_at", BigInteger, nullable=False),
    Index("orders_pending", "written_at", sqlite_where=text("state = 0"), postgresql_where=text("state = 0")),
)

certificates = Table(
    "certificates",
    metadata,
    Column("ca", Text, nullable=False),
    Column("serial", LargeBinary, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("profile", Text, nullable=False),
    Column("profile_digest", LargeBinary, nullable=False),
    Column("board", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("spki_hash", LargeBinary, nullable=False),
    Column("tbs", LargeBinary, nullable=False),
    Column("signature", LargeBinary),
    Column("not_before", BigInteger, nullable=False),
    Column("not_after", BigInteger, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("instance", Text, nullable=False),
    Column("prepared_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("reason", SmallInteger),
    Column("held_by", Text),
    Column("released_at", BigInteger),
    Column("changed_at", BigInteger, nullable=False),
    # Unique without the CA: serials are 126 random bits, and one namespace lets a lookup by serial alone be exact.
    UniqueConstraint("serial", name="one_serial"),
    Index("certificates_holder", "holder"),
    Index("certificates_key", "spki_hash"),
    Index("certificates_open", "instance", sqlite_where=text("state = 0"), postgresql_where=text("state = 0")),
    # With all that a revocation list says: a million entries are read from here, and not from among the certificates' pages.
    Index(
        "certificates_revoked",
        "ca",
        "changed_at",
        "revoked_at",
        "serial",
        "reason",
        "not_after",
        "shard",
        "state",
        sqlite_where=text("state >= 2"),
        postgresql_where=text("state >= 2"),
    ),
    Index(
        "certificates_released",
        "ca",
        "released_at",
        sqlite_where=text("released_at IS NOT NULL"),
        postgresql_where=text("released_at IS NOT NULL"),
    ),
)

blocked_keys = Table(
    "blocked_keys",
    metadata,
    Column("spki_hash", LargeBinary, primary_key=True),
    Column("why", Text, nullable=False),
    Column("blocked_at", BigInteger, nullable=False),
)

# --- what happened (RFC 3647 §5.4) --------------------------------------------------------------------------------------------

journal = Table(
    "journal",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", Text, nullable=False),
)

journal_head = Table(
    "journal_head",
    metadata,
    Column("one", SmallInteger, primary_key=True, autoincrement=False),
    Column("head", LargeBinary, nullable=False),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
    Column("signed_at", BigInteger, nullable=False),
)

# --- what is published (RFC 3647 §4.10) ---------------------------------------------------------------------------------------

outbox = Table(
    "outbox",
    metadata,
    Column("id", _big, primary_key=True, autoincrement=True),
    Column("ca", Text, nullable=False),
    Column("serial", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

crls = Table(
    "crls",
    metadata,
    Column("ca", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("this_update", BigInteger, nullable=False),
    Column("next_update", BigInteger, nullable=False),
    Column("base", BigInteger),
    Column("entries", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    UniqueConstraint("ca", "scope"),
)

responders = Table(
    "responders",
    metadata,
    Column("ca", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("serial", LargeBinary, nullable=False),
    Column("key", Text, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("not_after", BigInteger, nullable=False),
    UniqueConstraint("ca", "number"),
)
