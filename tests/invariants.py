"""What must be true of an authority whatever happened to it: the invariants, asked of a world from outside.

I1, I2: `check_witness` compares the independent record of signatures with the database. I7: `check_monotone`. I11:
`check_journal` verifies the tree, replays every certificate's life from the entries alone, and counts the rows that
entries answer for. What is published (I5, I8 to I10) is in `tests.outside`. Each check raises AssertionError with the facts.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from hsm.witness import Witnessed, read
from pki.adapters.store.store import Transaction
from pki.audit.verify import verify_journal
from pki.inventory.model import Certificate, Reason, State
from tests.world import World
from trust import clock
from trust.transparency.note import VerifierKey


def begin_witness(world: World) -> Path:
    """Empty the witness of a world, for what was signed before a test is not the test's; return its file."""
    world.home.settings.witness_file.write_bytes(b"")
    return world.home.settings.witness_file


def witnessed(path: Path) -> list[Witnessed]:
    """Read the witness file: every signature that was asked for, in order; nothing if nobody asked yet."""
    return list(read(path)) if path.exists() else []


def all_certificates(tx: Transaction) -> dict[bytes, Certificate]:
    """Return every row of the inventory, intents included."""
    serials = [bytes(row[0]) for row in tx.connection.execute(text("SELECT serial FROM certificates"))]
    found = {certificate.serial: certificate for certificate in tx.certificates.of_serials(serials)}
    assert len(found) == len(serials), "a serial stands twice in the inventory"
    return found


def inventory(world: World) -> dict[bytes, Certificate]:
    """Return every certificate of a world by serial, intents included."""
    with world.store.read() as tx:
        return all_certificates(tx)


def check_witness(world: World, witness: Path) -> None:
    """I1: each signature of a certificate has its intent on record. I2: one serial, one set of octets."""
    known = inventory(world)
    octets: dict[str, bytes] = {}
    for line in witnessed(witness):
        if line.use == "certificate":
            assert octets.setdefault(line.subject, line.sha256) == line.sha256, f"{line.subject} was signed over two contents"
            intent = known.get(bytes.fromhex(line.subject))
            assert intent is not None, f"{line.subject} was signed and is not on record"
            assert hashlib.sha256(intent.tbs).digest() == line.sha256, f"{line.subject}: other octets are on record"
    assert len(set(octets.values())) == len(octets), "one content was signed under two serials"
    for serial in known:
        assert len(serial) == 16 and 0x40 <= serial[0] <= 0x7F, f"{serial.hex()} is not a serial of ours"


# --- the journal ----------------------------------------------------------------------------------------------------------------


@dataclass
class Life:
    """A certificate's life as the journal alone tells it."""

    ca: str
    tbs: str
    state: State = State.PREPARED
    sha256: str | None = None
    reason: str | None = None
    revoked_at: str | None = None


def replay(entries: Iterable[Mapping[str, Any]]) -> dict[str, Life]:
    """Tell every certificate's life from the entries, refusing a step that the life of a certificate does not have."""
    lives: dict[str, Life] = {}
    for entry in entries:
        kind, _, what = entry["type"].partition(".")
        facts = entry["facts"]
        if kind != "certificate":
            continue
        serial = facts["serial"]
        if what == "prepared":
            assert serial not in lives, f"{serial} is prepared twice"
            lives[serial] = Life(facts["ca"], facts["tbs"])
        elif what == "recovered":
            assert serial not in lives, f"{serial} is recovered, and was never lost"
            lives[serial] = Life(facts["ca"], facts["tbs"], State.REVOKED, None, facts["reason"], facts["revoked_at"])
        else:
            _step(lives[serial], what, facts, serial)
    return lives


def _step(life: Life, what: str, facts: Mapping[str, Any], serial: str) -> None:
    said = f"{serial}: {what} when {life.state.name}"
    if what == "issued":
        assert life.state is State.PREPARED, said
        life.state, life.sha256 = State.ISSUED, facts["sha256"]
    elif what == "abandoned":
        assert life.state is State.PREPARED, said
        life.state, life.reason = State.REVOKED, "unspecified"
    elif what == "held":
        # A hold may pass from the register to an officer: it is one hold, of one date.
        assert life.state is State.ISSUED or (life.state, life.revoked_at) == (State.HELD, facts["revoked_at"]), said
        life.state, life.reason, life.revoked_at = State.HELD, facts["reason"], facts["revoked_at"]
    elif what == "released":
        assert life.state is State.HELD, said
        life.state, life.reason, life.revoked_at = State.ISSUED, None, None
    elif what == "revoked":
        assert life.state is not State.REVOKED, said
        if life.state is State.HELD:
            assert life.revoked_at == facts["revoked_at"], f"{serial}: a hold that became final changed its date"
        life.state, life.reason, life.revoked_at = State.REVOKED, facts["reason"], facts["revoked_at"]
    else:
        assert (what, life.state, life.reason) == ("reason_upgraded", State.REVOKED, facts["was"]), said
        assert facts["reason"] == "keyCompromise", said
        life.reason = facts["reason"]


_ANSWERED_FOR = {
    "snapshot.imported": "SELECT count(*) FROM snapshots",
    "plan.approved": "SELECT count(*) FROM acts WHERE type = 'plan/1'",
    "sanction.recorded": "SELECT count(*) FROM sanctions",
    "request.submitted": "SELECT count(*) FROM requests",
    "request.approved": "SELECT count(*) FROM acts WHERE type = 'approval/1'",
    "request.refused": "SELECT count(*) FROM batches WHERE state = 2",
    "order.written": "SELECT count(*) FROM orders",
    "order.failed": "SELECT count(*) FROM orders WHERE state = 3",
    "certificate.prepared": "SELECT count(*) FROM certificates WHERE order_id NOT LIKE 'recovered:%'",
    "certificate.recovered": "SELECT count(*) FROM certificates WHERE order_id LIKE 'recovered:%'",
    "certificate.issued": "SELECT count(*) FROM certificates WHERE signature IS NOT NULL",
    "key.blocked": "SELECT count(*) FROM blocked_keys",
    "responder.renewed": "SELECT count(*) FROM responders",
    "ca.created": "SELECT count(*) FROM certificates WHERE holder LIKE 'ca:%' AND signature IS NOT NULL",
}
"""Each type of entry, and the rows that it answers for: as many of one as of the other."""


def check_journal(world: World) -> None:
    """I11: the tree verifies; each state that is on record is the one that the entries lead to; rows and entries are as many."""
    key_file = world.directory / "publication" / "www" / "journal" / "key"
    with world.store.read() as tx:
        rows = list(tx.journal_table.entries())
        head, notes = tx.journal_table.head(), tx.journal_table.all_checkpoints()
        known = all_certificates(tx)
        counts = {kind: tx.connection.execute(text(query)).scalar_one() for kind, query in _ANSWERED_FOR.items()}
        lists = tx.crls.all()
    report = verify_journal(rows, head, notes, VerifierKey.parse(key_file.read_text()))
    assert not report.faults, report.faults
    entries = [json.loads(line) for _, line in rows]
    written = Counter(entry["type"] for entry in entries)
    assert {kind: written[kind] for kind in counts} == counts, "rows without entries, or entries without rows"
    _compare_lives(replay(entries), known)
    published = [e["facts"] for e in entries if e["type"] == "crl.published"]
    for record in lists:
        numbers = [f["number"] for f in published if (f["ca"], f["shard"] or "full") == (record.ca, record.scope)]
        assert numbers == sorted(set(numbers)), f"the numbers of {record.ca}/{record.scope} do not ascend: {numbers}"
        assert numbers[-1] == record.number, f"{record.ca}/{record.scope}: the last entry is not of the last list"


def _compare_lives(lives: Mapping[str, Life], known: Mapping[bytes, Certificate]) -> None:
    assert lives.keys() == {serial.hex() for serial in known}
    for serial, certificate in known.items():
        life = lives[serial.hex()]
        # Of what a restore lost, the octets are known by their hash only.
        recorded = hashlib.sha256(certificate.tbs).hexdigest() if certificate.tbs else life.tbs
        assert life.tbs == recorded, f"{serial.hex()}: other octets than the entry says"
        if life.sha256 is not None:
            assert life.sha256 == hashlib.sha256(certificate.der).hexdigest(), f"{serial.hex()}: another certificate"
        reason = None if certificate.reason is None else certificate.reason.standard_name
        assert (life.state, life.reason) == (certificate.state, reason), f"{serial.hex()}: the journal tells another life"
        if life.revoked_at is not None:
            assert certificate.revoked_at is not None
            assert life.revoked_at == clock.text(certificate.revoked_at), f"{serial.hex()}: another date"


def check_monotone(before: Mapping[bytes, Certificate], after: Mapping[bytes, Certificate]) -> None:
    """I2, I7: nothing is forgotten; what is revoked stays so, from the same date, and its reason only becomes a compromise."""
    for serial, was in before.items():
        now = after[serial]
        assert (now.tbs, now.holder, now.ca, now.shard) == (was.tbs, was.holder, was.ca, was.shard)
        assert was.signature is None or now.signature == was.signature, f"{serial.hex()} has another signature"
        if was.state is State.REVOKED:
            assert now.state is State.REVOKED, f"{serial.hex()} is no longer revoked"
            assert _date(now) <= _date(was), f"{serial.hex()}: revoked later than it was"
            assert now.reason in (was.reason, Reason.KEY_COMPROMISE)


def _date(certificate: Certificate) -> datetime:
    assert certificate.revoked_at is not None
    return certificate.revoked_at
