"""What a restored database must say before it is believed: the journal proves itself, the tables agree, keys fit certificates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pki.adapters.store.dump import counts, schema_of
from pki.adapters.store.store import Transaction
from pki.adapters.store.tables import SCHEMA
from pki.adapters.store.tallies import certificate_rows, tables
from pki.audit.accounts import Books
from pki.audit.journal import Row
from pki.audit.verify import verify_journal
from pki.bootstrap.backup.archive import Manifest
from pki.bootstrap.checks import Finding, State
from pki.bootstrap.checks.custody import judge_keys
from pki.bootstrap.home import Home
from pki.bootstrap.sealing import CHECKPOINT, KEY, published, verifier_in_custody
from trust.errors import Alarm, Refused
from trust.transparency.note import VerifierKey


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of a restored home."""

    entries: int
    proven: int
    """Entries that a signed checkpoint vouches for."""
    certificates: dict[str, dict[str, int]]
    """By CA and state, a count."""
    keys: tuple[Finding, ...]
    faults: tuple[str, ...]
    """Why it is not what was saved, or its journal not what was written: it is not put in place."""
    notes: tuple[str, ...]
    """What was wrong before it was saved already, or is missing on this machine: somebody looks at it, and it can be restored."""

    @property
    def restores(self) -> bool:
        """Whether what was saved is whole, with the keys that its certificates need."""
        return not self.faults and not any(each.state is State.FAILED for each in self.keys)


def refuse_schema(manifest: Manifest) -> None:
    """Check that this version can read the database of a backup.

    Raises:
        Refused: it is of another schema (CPS 6.6.1).
    """
    if manifest.schema != SCHEMA:
        raise Refused(
            f"the backup was made by Sceau {manifest.version} (schema {manifest.schema}), this one has schema {SCHEMA}: "
            "restore it with that version, then `sceau init` brings it here",
            citation="CPS 6.6.1",
        )


def judge(home: Home, manifest: Manifest, key: VerifierKey | None = None, notes: Sequence[str] = ()) -> Verdict:
    """Look at a restored home that nobody uses yet; change nothing.

    Args:
        home: the home, opened.
        manifest: what the backup says that it holds.
        key: the journal's key as an auditor kept it; without it, the backup vouches for itself.
        notes: checkpoints kept elsewhere.
    """
    held = tuple(judge_keys(home))
    verifier = key or _own_key(home)
    checkpoints = [*notes, *([note] if (note := published(home, CHECKPOINT)) else [])]
    with home.store.read() as tx:
        entries, proven, faults, notes = _judge_database(tx, manifest, verifier, checkpoints)
        certificates: dict[str, dict[str, int]] = {}
        for (ca, state), count in sorted(tx.certificates.counts().items()):
            certificates.setdefault(ca, {})[state.name.lower()] = count
    # The keys are no fault here: a module, or a passphrase that systemd keeps, comes to another machine by another way.
    notes += [f"keys: {each.text}" for each in held if each.state is State.FAILED]
    return Verdict(entries, proven, certificates, held, tuple(faults), tuple(notes))


def _judge_database(
    tx: Transaction, manifest: Manifest, verifier: VerifierKey, checkpoints: Sequence[str]
) -> tuple[int, int, list[str], list[str]]:
    """Return how many entries the journal has, how many a checkpoint proves, what is wrong, and what was wrong before."""
    books, journal = Books(), tx.journal_table
    head = journal.head()
    report = verify_journal(_told(journal.entries(), books), head, journal.all_checkpoints(), verifier, checkpoints)
    wrong = [f"journal: {fault.text}" for fault in report.faults]
    notes = [f"tables: {each}" for each in books.compare(tables(tx.connection), certificate_rows(tx.connection))]
    found = (head.size, head.frontier.root().hex()) if head else (0, "")
    if found != (manifest.entries, manifest.root):
        wrong.append(
            f"journal: {found[0]} entries, root {found[1][:16]}…; the manifest says {manifest.entries}, {manifest.root[:16]}…"
        )
    if (rows := counts(tx.connection)) != manifest.tables:
        table = next(name for name in {*rows, *manifest.tables} if rows.get(name) != manifest.tables.get(name))
        wrong.append(f"tables: {table} has {rows.get(table)} rows, the manifest says {manifest.tables.get(table)}")
    if schema_of(tx) != manifest.schema:
        wrong.append(f"tables: the schema is {schema_of(tx)}, the manifest says {manifest.schema}")
    return report.entries, report.proven, wrong, notes


def refuse(verdict: Verdict) -> None:
    """Let only what holds go on.

    Raises:
        Alarm: something does not; the first faults are named.
    """
    if verdict.faults:
        more = f" (and {len(verdict.faults) - 3} more)" if len(verdict.faults) > 3 else ""
        raise Alarm(f"this backup is not put in place: {'; '.join(verdict.faults[:3])}{more}")


def _own_key(home: Home) -> VerifierKey:
    text = published(home, KEY)
    return verifier_in_custody(home) if text is None else VerifierKey.parse(text)


def _told(entries: Iterable[Row], books: Books) -> Iterator[Row]:
    for number, line in entries:
        books.take(line)
        yield number, line
