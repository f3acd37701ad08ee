"""Sealing signs what was written, and nothing that was touched since."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pki.audit.events import event
from pki.audit.journal import Head, Journal
from pki.audit.seal import Sealer
from pki.audit.testing import MemoryStore
from trust.errors import Alarm, Conflict
from trust.transparency.checkpoint import Checkpoint, open_checkpoint
from trust.transparency.merkle import Tree, leaf_hash, verify_consistency
from trust.transparency.note import VerifierKey

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PRIVATE = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
KEY = VerifierKey("journal.ordre.test", PRIVATE.public_key().public_bytes_raw())
SEALER = Sealer(KEY, PRIVATE.sign)


def write(store: MemoryStore, count: int) -> None:
    """Write some entries."""
    Journal(store).append_many(
        [event("snapshot.refused", sha256=f"{len(store.rows) + n:064x}", reason="malformed", by="cron") for n in range(count)],
        at=NOON,
    )


def sealed(*counts: int) -> MemoryStore:
    """A journal sealed after each of these numbers of entries."""
    store = MemoryStore()
    for count in counts:
        write(store, count)
        SEALER.seal(store, at=NOON)
    return store


def opened(store: MemoryStore, number: int) -> Checkpoint:
    """One of the checkpoints kept."""
    return open_checkpoint(store.notes[number][1], KEY)


def test_a_checkpoint_names_the_tree_of_the_entries() -> None:
    """Its size, its root, the journal's name; and it is kept."""
    store = sealed(5)
    tree = Tree(leaf_hash(line.encode()) for _, line in store.rows)

    assert Checkpoint(KEY.name, 5, tree.root()) == opened(store, 0)


def test_each_checkpoint_continues_the_one_before() -> None:
    """There is a consistency proof between any two."""
    store = sealed(3, 4, 1)
    tree = Tree(leaf_hash(line.encode()) for _, line in store.rows)
    for old in range(2):
        for new in range(old, 3):
            first, second = opened(store, old), opened(store, new)
            verify_consistency(first.size, first.root, second.size, second.root, tree.consistency(first.size, second.size))


def test_nothing_new_is_not_signed_again() -> None:
    """Neither an empty journal nor an unchanged one."""
    store = sealed(0, 3, 0)

    assert [size for size, _, _ in store.notes] == [3]
    assert SEALER.seal(store, at=NOON) is None


def test_entries_changed_before_they_were_sealed_are_not_signed() -> None:
    """Edited, cut, or with a head that does not match."""
    for damage in range(4):
        store = sealed(4)
        write(store, 4)
        if damage == 0:
            store.rows[6] = (6, store.rows[6][1].replace("cron", "nobody"))
        elif damage == 1:
            del store.rows[6]
        elif damage == 2:
            del store.rows[7]
        else:
            head = store.head()
            assert head is not None
            store.save_head(replace(head, tip=bytes(32)))

        with pytest.raises(Alarm):
            SEALER.seal(store, at=NOON)
        assert [size for size, _, _ in store.notes] == [4]


def test_a_checkpoint_that_is_not_ours_stops_the_sealing() -> None:
    """Signed by a stranger, of another size than the head says, or gone."""
    stranger = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
    for note in (
        str(opened(sealed(4), 0).signed(VerifierKey(KEY.name, stranger.public_key().public_bytes_raw()), stranger.sign)),
        sealed(3).notes[0][1],
        None,
    ):
        store = sealed(4)
        store.notes = [(4, note, NOON)] if note else []
        write(store, 1)
        with pytest.raises(Alarm):
            SEALER.seal(store, at=NOON)


def test_a_database_put_back_in_time_is_noticed() -> None:
    """The published checkpoint counts more entries than the journal (B01)."""
    published = sealed(3, 2).notes[-1][1]
    restored = sealed(3)
    write(restored, 1)

    with pytest.raises(Alarm, match="went back"):
        SEALER.seal(restored, at=NOON, published=published)


def test_two_histories_of_one_size_are_noticed() -> None:
    """A published checkpoint of the same size with another root, or of another journal."""
    other = MemoryStore()
    Journal(other).append_many([event("snapshot.refused", sha256="ff" * 32, reason="malformed", by="cron")] * 3, at=NOON)
    fork = SEALER.seal(other, at=NOON)
    foreign = str(Checkpoint("another.journal", 3, bytes(32)).signed(KEY, PRIVATE.sign))
    for published in (fork, foreign):
        store = sealed(3)
        write(store, 1)
        with pytest.raises(Alarm):
            SEALER.seal(store, at=NOON, published=published)


def test_publishing_late_is_not_a_fault() -> None:
    """The published checkpoint may be an older one."""
    store = sealed(3, 2)
    write(store, 1)

    assert SEALER.seal(store, at=NOON, published=store.notes[0][1])


def test_entries_written_while_signing_wait_for_the_next_checkpoint() -> None:
    """Writers are not stopped; what they add is not in what is signed, and the next seal goes on from there."""
    store = sealed(3)
    write(store, 2)

    def sign(data: bytes) -> bytes:
        write(store, 4)
        return PRIVATE.sign(data)

    Sealer(KEY, sign).seal(store, at=NOON)
    SEALER.seal(store, at=NOON)

    assert [size for size, _, _ in store.notes] == [3, 5, 9]


def test_two_processes_do_not_seal_the_same_entries() -> None:
    """The slower one finds that the other was faster."""
    store = sealed(3)
    write(store, 2)

    def sign(data: bytes) -> bytes:
        SEALER.seal(store, at=NOON)
        return PRIVATE.sign(data)

    with pytest.raises(Conflict):
        Sealer(KEY, sign).seal(store, at=NOON)


def test_a_head_gone_while_signing_is_a_conflict() -> None:
    """Nothing is recorded for a journal that is no longer there."""
    store = sealed(3)
    write(store, 1)

    class Emptied(MemoryStore):
        def lock_head(self) -> Head | None:
            return None

    emptied = Emptied()
    emptied.__dict__ = store.__dict__
    with pytest.raises(Conflict):
        SEALER.seal(emptied, at=NOON)
