"""The journal: one chain without gap, whose time never goes back, written with the change or not at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki.audit.events import Event, event
from pki.audit.journal import Head, Journal
from pki.audit.testing import MemoryStore
from trust.canonical import canonical
from trust.errors import Alarm, Conflict, Malformed
from trust.transparency.merkle import EMPTY_ROOT, Frontier, leaf_hash, root_of

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def issued(number: int) -> Event:
    """A certificate, with a name that is not ASCII in it."""
    facts = {"order": f"ordre-é-{number}", "ca": "personnes", "sha256": "00" * 32, "not_after": "2029-03-02T08:00:00Z"}
    return event("certificate.issued", serial=f"{number:032x}", **facts)


def test_entries_are_numbered_linked_and_canonical() -> None:
    """Each line is the canonical text of its record and names the hash of the line before."""
    store = MemoryStore()
    Journal(store).append_many([issued(number) for number in range(5)], at=NOON)

    before = EMPTY_ROOT.hex()
    for number, (stored, line) in enumerate(store.rows):
        record = json.loads(line)
        assert canonical(record) == line.encode()
        assert (number, number, before) == (stored, record["seq"], record["prev"])
        assert (record["at"], record["type"]) == ("2026-03-02T12:00:00Z", "certificate.issued")
        before = leaf_hash(line.encode()).hex()


@given(st.lists(st.integers(0, 5), max_size=12))
def test_the_head_is_that_of_the_tree_over_the_lines(batches: list[int]) -> None:
    """However the entries came, one by one or in batches."""
    store = MemoryStore()
    journal = Journal(store)
    written = 0
    for batch in batches:
        assert written == journal.append_many([issued(number) for number in range(batch)], at=NOON)
        written += batch

    head = store.head()
    assert written == (head.size if head else 0)
    assert root_of([leaf_hash(line.encode()) for _, line in store.rows]) == (head.frontier.root() if head else EMPTY_ROOT)


def test_nothing_to_write_changes_nothing() -> None:
    """An empty batch leaves the store as it was."""
    store = MemoryStore()
    Journal(store).append_many([], at=NOON)

    assert (store.head(), []) == (None, store.rows)


def test_the_time_of_an_entry_is_in_utc_and_in_whole_seconds() -> None:
    """Whatever the offset and the fraction of the moment given."""
    store = MemoryStore()
    Journal(store).append(issued(1), at=datetime(2026, 3, 2, 14, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2))))

    assert json.loads(store.rows[0][1])["at"] == "2026-03-02T12:00:00Z"


def test_a_moment_without_offset_is_refused() -> None:
    """Python would take it for local time, and summer would come twice."""
    with pytest.raises(Malformed):
        Journal(MemoryStore()).append(issued(1), at=NOON.replace(tzinfo=None))


def test_an_entry_is_never_older_than_the_one_before() -> None:
    """A clock a few seconds behind writes the time of the last entry (I12)."""
    store = MemoryStore()
    journal = Journal(store)
    for seconds in (0, -3, 0, 2, -1):
        journal.append(issued(1), at=NOON + timedelta(seconds=seconds))

    assert [int(json.loads(line)["at"][17:19]) for _, line in store.rows] == [0, 0, 0, 2, 2]


def test_a_clock_far_behind_the_journal_is_an_alarm() -> None:
    """One of the two is wrong: nothing is recorded, so nothing may happen."""
    store = MemoryStore()
    journal = Journal(store)
    journal.append(issued(1), at=NOON)

    with pytest.raises(Alarm, match="11:59:14"):
        journal.append(issued(2), at=NOON - timedelta(seconds=46))
    assert len(store.rows) == 1


def test_a_change_that_fails_takes_its_entry_with_it() -> None:
    """The transaction is the caller's: entry, head and change commit together or not at all (I11)."""
    store = MemoryStore()
    journal = Journal(store)
    journal.append(issued(1), at=NOON)

    def change() -> None:
        with store.transaction():
            journal.append(issued(2), at=NOON)
            raise Conflict("the change itself fails")

    with pytest.raises(Conflict):
        change()
    journal.append(issued(3), at=NOON)

    assert [number for number, _ in store.rows] == [0, 1]


def test_two_writers_cannot_write_the_same_entry() -> None:
    """A store whose head was not locked refuses the second one (U03)."""
    store = MemoryStore()

    class Unlocked(MemoryStore):
        """Shows the head of before, as if it had not waited."""

        def lock_head(self) -> Head | None:
            return None

    late = Unlocked()
    late.rows = store.rows
    Journal(store).append(issued(1), at=NOON)

    with pytest.raises(Conflict):
        Journal(late).append(issued(2), at=NOON)


def test_a_head_survives_its_serialisation() -> None:
    """Every part of it."""
    store = MemoryStore()
    Journal(store).append_many([issued(number) for number in range(6)], at=NOON)
    head = store.head()
    assert head is not None
    again = Head.from_bytes(head.to_bytes())

    assert (head.frontier.edge, head.at, head.tip, head.sealed.size) == (
        again.frontier.edge,
        again.at,
        again.tip,
        again.sealed.size,
    )


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        Head(Frontier(), NOON, b"short").to_bytes(),
        Head(Frontier(), NOON, bytes(32), Frontier(1, [bytes(32)])).to_bytes(),
        Head(Frontier(), NOON, bytes(32)).to_bytes().replace(b"Z", b""),
        Head(Frontier(1, [bytes(32)]), NOON, bytes(32)).to_bytes().replace(b"00000001", b"00000003"),
    ],
)
def test_a_damaged_head_is_an_alarm(octets: bytes) -> None:
    """Only we write it: damage is never the sender's mistake."""
    with pytest.raises(Alarm):
        Head.from_bytes(octets)
