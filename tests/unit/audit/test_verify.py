"""An auditor is told the first entry that is not what was written (P19, U01)."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from pki.audit.events import event
from pki.audit.journal import Journal, Row
from pki.audit.seal import Sealer
from pki.audit.testing import MemoryStore
from pki.audit.verify import Fault, Kind, Report, verify_journal
from trust.canonical import canonical
from trust.transparency.checkpoint import Checkpoint
from trust.transparency.note import VerifierKey

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PRIVATE = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
KEY = VerifierKey("journal.ordre.test", PRIVATE.public_key().public_bytes_raw())
SIZE = 12


def journal(*, label: str = "honest", size: int = SIZE, seal_every: int = 4, upto: MemoryStore | None = None) -> MemoryStore:
    """A journal with a checkpoint every so many entries; `upto` is a history that it continues."""
    store = MemoryStore()
    if upto:
        store.rows, store.notes = list(upto.rows), list(upto.notes)
        head = upto.head()
        assert head is not None
        store.save_head(head)
    for number in range(len(store.rows), size):
        Journal(store).append(event("snapshot.refused", sha256=f"{number:064x}", reason="malformed", by=label), at=NOON)
        if (number + 1) % seal_every == 0:
            Sealer(KEY, PRIVATE.sign).seal(store, at=NOON)
    return store


def verified(store: MemoryStore, *external: str, rows: list[Row] | None = None) -> Report:
    """What an auditor with these checkpoints of his own is told."""
    return verify_journal(store.rows if rows is None else rows, store.head(), [note for _, note, _ in store.notes], KEY, external)


def edited(row: Row, **changes: object) -> Row:
    """The entry with some fields changed, in canonical form."""
    return row[0], canonical(json.loads(row[1]) | changes).decode()


def renumbered(rows: list[Row]) -> list[Row]:
    """The rows with the numbers that the store would give them."""
    return [(number, line) for number, (_, line) in enumerate(rows)]


def rewritten(store: MemoryStore, start: int) -> MemoryStore:
    """The work of somebody who owns the database: all from `start` on made anew, links, head and all, without the signing key."""
    other = journal(label="honest", size=start, seal_every=4) if start else MemoryStore()
    return journal(label="rewritten", size=len(store.rows), seal_every=10_000, upto=other if start else None)


def test_an_honest_journal_verifies() -> None:
    """Nothing found, everything up to the last checkpoint proven, whether the auditor brought it or not."""
    store = journal(size=14)

    assert Report(14, 12, ()) == verified(store)
    assert verified(store, store.notes[-1][1]).first_bad is None


def test_an_empty_journal_verifies() -> None:
    """No entry, no head, no checkpoint."""
    assert Report(0, 0, ()) == verify_journal([], None, [], KEY)


@pytest.mark.parametrize("index", range(SIZE))
@pytest.mark.parametrize("change", [{"facts": {}}, {"at": "2026-03-02T12:00:01Z"}, {"type": "snapshot.imported"}])
def test_an_edited_entry_is_named(index: int, change: dict[str, object]) -> None:
    """Any entry, the last included, with its canonical form kept."""
    store = journal()
    store.rows[index] = edited(store.rows[index], **change)

    assert index == verified(store).first_bad


@pytest.mark.parametrize("index", range(SIZE))
def test_an_entry_with_one_octet_changed_is_named(index: int) -> None:
    """A space, a key twice, half a line."""
    for damage in ((":", ": "), ("{", '{"at":"",'), ('"}', '"'), ('"seq":', '"seq":0'), ("honest", "honesT")):
        store = journal()
        store.rows[index] = (index, store.rows[index][1].replace(*damage, 1))
        assert index == verified(store).first_bad


@pytest.mark.parametrize("index", range(SIZE))
@pytest.mark.parametrize("close_the_gap", [False, True])
def test_a_deleted_entry_is_named(index: int, close_the_gap: bool) -> None:
    """Whether the gap in the numbers was closed or not."""
    store = journal()
    del store.rows[index]
    if close_the_gap:
        store.rows = renumbered(store.rows)

    assert index == verified(store).first_bad


@pytest.mark.parametrize("first", range(SIZE - 1))
@pytest.mark.parametrize("renumber", [False, True])
def test_two_entries_in_the_wrong_order_are_named(first: int, renumber: bool) -> None:
    """The first of the two."""
    store = journal()
    store.rows[first], store.rows[first + 1] = store.rows[first + 1], store.rows[first]
    if renumber:
        store.rows = renumbered(store.rows)

    assert first == verified(store).first_bad


@pytest.mark.parametrize("index", range(SIZE))
@pytest.mark.parametrize("length", [1, 3])
def test_an_inserted_entry_is_named(index: int, length: int) -> None:
    """Even when it links properly to the one before it."""
    store = journal()
    false = (
        journal(label="false", size=index + length, upto=journal(size=index)) if index else journal(label="false", size=length)
    )
    store.rows = renumbered([*store.rows[:index], *false.rows[index:], *store.rows[index:]])

    assert index == verified(store).first_bad


def test_an_insertion_with_every_number_made_to_fit_is_named() -> None:
    """The numbers inside the lines too: then the lines that were renumbered are not those that were written."""
    store = journal()
    false = journal(label="false", size=6, upto=journal(size=5))
    lines = [*store.rows[:5], false.rows[5], *store.rows[5:]]
    store.rows = [edited((number, line), seq=number) for number, (_, line) in enumerate(lines)]

    assert verified(store).first_bad == 5


@pytest.mark.parametrize("left", range(SIZE))
def test_a_tail_cut_off_is_noticed_by_the_head(left: int) -> None:
    """The first entry that is gone is named."""
    store = journal()
    del store.rows[left:]

    assert left == verified(store).first_bad


@pytest.mark.parametrize("left", range(SIZE))
def test_a_tail_cut_off_with_its_head_and_checkpoints_is_noticed_by_an_auditor(left: int) -> None:
    """Everything in the database was put back; the auditor kept a checkpoint."""
    kept = journal().notes[-1][1]
    store = journal(size=left) if left else MemoryStore()

    assert verified(store).first_bad is None
    assert left == verified(store, kept).first_bad


@pytest.mark.parametrize("start", range(SIZE))
def test_a_history_made_anew_is_noticed_by_a_checkpoint(start: int) -> None:
    """Links and head agree; the signature of before does not. The report brackets the first bad entry."""
    kept = journal().notes
    store = rewritten(journal(), start)
    store.notes = kept
    report = verified(store)
    fault = report.faults[0]

    assert fault.kind == Kind.REWRITTEN
    assert fault.last is not None
    assert fault.index <= start <= fault.last
    assert fault.last - fault.index < 4
    assert report.proven == fault.index


@pytest.mark.parametrize("start", range(SIZE))
def test_a_history_made_anew_with_checkpoints_gone_is_noticed_by_an_auditor(start: int) -> None:
    """Only the auditor's one checkpoint is left to contradict it."""
    kept = journal().notes[-1][1]
    report = verified(rewritten(journal(), start), kept)

    assert report.first_bad is not None
    assert report.first_bad <= start


def test_an_entry_written_behind_the_heads_back_is_named() -> None:
    """It links properly, but the head does not count it."""
    store = journal()
    store.rows.append(journal(size=SIZE + 1).rows[-1])

    assert Fault(SIZE, Kind.INSERTED, "the head counts 12 entries, 13 are here") == verified(store).faults[0]


def test_a_head_of_another_history_is_noticed() -> None:
    """The entries agree with the last checkpoint, the head does not."""
    store = journal()
    head = journal(label="other").head()
    assert head is not None
    store.save_head(head)

    assert verified(store).faults[0].kind == Kind.REWRITTEN


def test_a_forged_checkpoint_is_told_and_accuses_no_entry() -> None:
    """Signed by a stranger, of another journal, or no checkpoint at all."""
    stranger = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
    forged = Checkpoint(KEY.name, 4, bytes(32)).signed(
        VerifierKey(KEY.name, stranger.public_key().public_bytes_raw()), stranger.sign
    )
    foreign = Checkpoint("another.journal", 4, bytes(32)).signed(KEY, PRIVATE.sign)
    for note in (str(forged), str(foreign), "no checkpoint"):
        report = verified(journal(), note)
        assert [fault.kind for fault in report.faults] == [Kind.FORGED]
        assert (report.first_bad, report.proven) == (None, 12)


def test_two_auditors_with_different_histories_of_one_size_show_a_fork() -> None:
    """Whichever of the two the database now tells."""
    common = journal(size=4)
    one, two = journal(upto=common), journal(label="forked", upto=common)
    for store in (one, two):
        report = verified(store, one.notes[1][1], two.notes[1][1])
        fork = report.faults[0]
        assert (fork.index, fork.kind, fork.last) == (4, Kind.FORK, 7)


def test_two_auditors_with_checkpoints_of_different_sizes_show_a_fork() -> None:
    """The database continues the later one; the earlier one is signed and belongs to no past of it."""
    common = journal(size=4)
    one, two = journal(upto=common), journal(label="forked", upto=common)
    report = verified(two, one.notes[1][1])

    assert [(fault.index, fault.kind, fault.last) for fault in report.faults] == [(4, Kind.FORK, 7)]


def test_time_that_goes_back_is_named() -> None:
    """Even when everything else was made to fit (I12)."""
    store = MemoryStore()
    Journal(store).append(event("snapshot.refused", sha256="00" * 32, reason="malformed", by="cron"), at=NOON)
    other = MemoryStore()
    other.rows, head = list(store.rows), store.head()
    assert head is not None
    other.save_head(type(head)(head.frontier, NOON.replace(year=2025), head.tip, head.sealed))
    Journal(other).append(event("snapshot.refused", sha256="00" * 32, reason="malformed", by="cron"), at=NOON.replace(year=2025))

    assert verified(other).first_bad == 1


@pytest.mark.parametrize(
    "line", ["", "null", "[]", "{}", "{" * 2_000, '{"a":' * 90_000 + "1" + "}" * 90_000, "1e999", '"\\ud800"']
)
def test_no_line_makes_the_verifier_fall(line: str) -> None:
    """It reports the entry and goes on counting."""
    store = journal()
    store.rows[3] = (3, line)

    assert (verified(store).entries, verified(store).first_bad) == (SIZE, 3)


@given(st.integers(0, SIZE - 1), st.data())
def test_any_change_of_one_line_is_named_to_the_entry(index: int, data: st.DataObject) -> None:
    """Whatever character is put wherever."""
    store = journal()
    line = store.rows[index][1]
    place = data.draw(st.integers(0, len(line) - 1))
    character = data.draw(st.characters(codec="utf-8").filter(lambda drawn: drawn != line[place]))
    store.rows[index] = (index, line[:place] + character + line[place + 1 :])

    assert verified(store).first_bad == index
