"""What `sceau audit` does: the journal verified, shown, sealed (CP 5.4)."""

from __future__ import annotations

import argparse
import json
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pki.adapters.store.store import Transaction
from pki.adapters.store.tallies import certificate_rows, tables
from pki.audit.accounts import Books, Disagreement, Names
from pki.audit.journal import Row
from pki.audit.verify import Fault, Report, verify_journal
from pki.bootstrap.home import Home, open_home
from pki.bootstrap.sealing import CHECKPOINT, KEY, published, seal_now, verifier_in_custody
from pki.cli._files import read
from pki.cli._output import emit, one_line
from pki.cli._text import count
from trust.errors import Alarm, Malformed, Missing
from trust.transparency.note import VerifierKey

LARGEST = 64 * 1024


def _verify(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    key = _key_in(args.key) if args.key is not None else _own_key(home)
    external = [_text(path) for path in args.checkpoint]
    if args.key is None and (note := published(home, CHECKPOINT)) is not None:
        external.append(note)
    books = Books()
    with home.store.read() as tx:
        # One transaction for both: an entry and its change are seen together, or neither.
        journal = tx.journal_table
        entries = _told(journal.entries(), books)
        report = verify_journal(entries, journal.head(), journal.all_checkpoints(), key, external)
        disagreements = books.compare(tables(tx.connection), certificate_rows(tx.connection))
        if any("certificate" in each.what for each in disagreements):
            disagreements += _named(tx)
    emit(args, _as_data(report, disagreements, key), "\n".join(_lines(report, disagreements, key)))
    return 1 if report.faults or disagreements else 0


def _told(entries: Iterable[Row], books: Books) -> Iterator[Row]:
    for number, line in entries:
        books.take(line)
        yield number, line


def _named(tx: Transaction) -> list[Disagreement]:
    """Read both sides again, to name the certificates that differ."""
    names = Names()
    for _, line in tx.journal_table.entries():
        names.take(line)
    return names.compare(certificate_rows(tx.connection))


def _as_data(report: Report, disagreements: list[Disagreement], key: VerifierKey) -> dict[str, Any]:
    return {
        "holds": not report.faults and not disagreements,
        "entries": report.entries,
        "proven": report.proven,
        "first_bad": report.first_bad,
        "faults": [
            {"entry": fault.index, "last": fault.last, "kind": fault.kind.value, "what": fault.text} for fault in report.faults
        ],
        "tables": [{"what": each.what, "journal": each.journal, "tables": each.tables} for each in disagreements],
        "key": str(key),
    }


def _lines(report: Report, disagreements: list[Disagreement], key: VerifierKey) -> list[str]:
    lines = []
    if report.faults:
        lines.append(f"The journal of {count(report.entries, 'entry', 'entries')} is NOT what was written.")
        lines += [f"  {_fault(fault)}" for fault in report.faults]
    else:
        rest = report.entries - report.proven
        lines.append(
            f"The journal of {count(report.entries, 'entry', 'entries')} is whole: no entry was changed, moved or taken out."
        )
        later = f"; the last {rest} come after it and are linked to it" if rest else ""
        lines.append(f"Signed checkpoints vouch for the first {report.proven}{later} (key {key.name}+{key.key_id.hex()}).")
    if disagreements:
        lines.append("The tables do NOT say what the journal says:")
        lines += [f"  {each}" for each in disagreements]
    else:
        lines.append("The tables agree with it: each change of state has its entry, and each entry its change.")
    return lines


def _fault(fault: Fault) -> str:
    where = f"entry {fault.index}" if fault.last is None else f"between entries {fault.index} and {fault.last}"
    return f"{where}: {fault.kind.value}: {fault.text}"


def _show(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    with home.store.read() as tx:
        journal = tx.journal_table
        head = journal.head()
        size = head.size if head else 0
        sought = args.type is not None or args.about is not None
        # Without a filter the last entries are simply the last: nothing before them is read.
        start = args.start if args.start is not None else 0 if sought else max(0, size - args.limit)
        found = (entry for row in journal.entries(start) if (entry := _read(row)) and _matches(entry, args.type, args.about))
        entries = list(_first(found, args.limit)) if args.start is not None else list(deque(found, args.limit))
    lines = [f"{each['seq']:>7}  {each['at']}  {each['type']:<24} {_facts(each['facts'])}" for each in entries]
    emit(args, entries, "\n".join(lines) if lines else f"No entry matches, of {size}.")
    return 0


def _first(entries: Iterable[dict[str, Any]], limit: int) -> Iterator[dict[str, Any]]:
    for _, entry in zip(range(limit), entries, strict=False):
        yield entry


def _read(row: Row) -> dict[str, Any]:
    try:
        entry: dict[str, Any] = json.loads(row[1])
        return {"seq": entry["seq"], "at": entry["at"], "type": entry["type"], "facts": dict(entry["facts"])}
    except (ValueError, KeyError, TypeError):
        raise Alarm(f"entry {row[0]} is not a line that we write: `sceau audit verify`") from None


def _matches(entry: dict[str, Any], kind: str | None, about: str | None) -> bool:
    if kind is not None and entry["type"] != kind and not entry["type"].startswith(f"{kind}."):
        return False
    return about is None or any(about in str(value) for value in entry["facts"].values())


def _facts(facts: dict[str, Any]) -> str:
    parts = []
    for name, value in facts.items():
        if value is not None:
            text = "+".join(value) if isinstance(value, list) else str(value)
            parts.append(f"{name}={text if len(text) <= 40 else text[:16] + '…'}")
    return one_line(" ".join(parts))


def _checkpoint(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    if args.seal:
        seal_now(home)
    with home.store.read() as tx:
        note, head = tx.journal_table.last_checkpoint(), tx.journal_table.head()
    if note is None:
        raise Missing("no checkpoint was signed yet: the issuer does, or `sceau audit checkpoint --seal`")
    origin, size, root = note.split("\n")[:3]
    data = {"note": note, "origin": origin, "size": int(size), "root": root, "entries": head.size if head else 0}
    emit(args, data, note.rstrip("\n"))
    return 0


def _key(args: argparse.Namespace) -> int:
    key = _own_key(open_home(args.home))
    emit(args, {"key": str(key), "name": key.name, "id": key.key_id.hex()}, str(key))
    return 0


def _own_key(home: Home) -> VerifierKey:
    """Return the key that this home publishes, or the one in custody before anything is published."""
    text = published(home, KEY)
    return verifier_in_custody(home) if text is None else VerifierKey.parse(text)


def _key_in(path: Path) -> VerifierKey:
    return VerifierKey.parse(_text(path))


def _text(path: Path) -> str:
    try:
        return read(path, LARGEST).decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed(f"{path} is not text") from None


def _reconcile(args: argparse.Namespace) -> int:
    from pki.cli.work.reconcile import reconcile  # with all that reads lists

    return reconcile(args)


VERBS = {"verify": _verify, "show": _show, "checkpoint": _checkpoint, "key": _key, "reconcile": _reconcile}
