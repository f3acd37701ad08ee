"""The status store: visible at once, whole after any death, small, and safe to read without a lock."""

from __future__ import annotations

import ast
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import pytest

from pki.status import environment, records
from pki.status.answer import Kind
from pki.status.model import Status
from pki.status.reader import StatusReader
from pki.status.store import StatusWriter
from tests.unit.status import toy
from trust.errors import Alarm, Conflict, Missing, Unavailable

ROOT = Path(__file__).parents[3]
SERIALS = toy.serials(300)


def stored(store: Path) -> dict[bytes, str]:
    """Read everything as publication would."""
    reader = StatusReader(store)
    reader.refresh()
    found = {serial: "good" if status.revoked_at is None else "revoked" for _, serial, status in reader.scan()}
    reader.close()
    return found


@contextmanager
def program(module: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run a program of the tests beside us."""
    command = [sys.executable, "-m", f"tests.unit.status.{module}", *map(str, arguments)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def tell(process: subprocess.Popen[str], line: str) -> str:
    """Say a line to a program and hear its answer."""
    talk: IO[str] | None = process.stdin
    assert talk is not None
    assert process.stdout is not None
    talk.write(line + "\n")
    talk.flush()
    return process.stdout.readline().strip()


@pytest.fixture
def shop(tmp_path: Path) -> toy.Shop:
    """Open an empty store."""
    return toy.Shop(tmp_path / "status")


# -- What is put is there --------------------------------------------------------------------------------------------------------


def test_what_is_put_is_read_back(shop: toy.Shop) -> None:
    """Status, moment, reason and batch, through the writer and through a reader."""
    shop.publish(toy.good(SERIALS[0]), toy.revoked(SERIALS[1], 9))

    first, second = shop.writer.get("personnes", SERIALS[0]), shop.writer.get("personnes", SERIALS[1])
    assert first is not None
    assert second is not None
    assert (first.revoked_at, first.reason) == (None, None)
    assert (second.revoked_at, second.reason) == (toy.NOON, 9)
    assert shop.writer.get("personnes", SERIALS[2]) is None
    assert stored(shop.path) == {SERIALS[0]: "good", SERIALS[1]: "revoked"}
    assert len(shop.writer) == 2


def test_a_store_is_there_after_a_restart(shop: toy.Shop) -> None:
    """Authorities, responders and records; and batches go on being numbered after the last."""
    shop.publish(toy.good(SERIALS[0]))
    before = shop.writer.get("personnes", SERIALS[0])
    shop.writer.close()

    shop.open()
    shop.publish(toy.good(SERIALS[1]))

    after = shop.writer.get("personnes", SERIALS[1])
    assert before is not None
    assert after is not None
    assert before == shop.writer.get("personnes", SERIALS[0])
    assert after.batch > before.batch


def test_one_writer_at_a_time(shop: toy.Shop) -> None:
    """A second one, in this process or another, is told so and changes nothing."""
    with pytest.raises(Conflict):
        StatusWriter(shop.path)
    with program("issuer", shop.path) as other:
        assert other.wait(30) != 0


def test_a_name_stands_for_one_ca(shop: toy.Shop) -> None:
    """The same identifier with another key is a conflict; an unknown one is missing."""
    impostor = toy.authority("organisations")
    with pytest.raises(Conflict):
        shop.writer.add_authority(type(impostor)("personnes", *list(vars(impostor).values())[1:]))
    who = toy.responder("organisations")
    with pytest.raises(Missing):
        shop.writer.new_batch(who, toy.NOON, toy.NOON + toy.DAY)
    with pytest.raises(Missing):
        shop.writer.get("organisations", SERIALS[0])


def test_a_batch_belongs_to_its_ca_and_its_values(shop: toy.Shop) -> None:
    """Values signed under one batch are not stored under another, nor under another CA."""
    shop.writer.add_authority(toy.authority("organisations"))
    signer, batch = shop.batch()
    _, another = shop.batch()
    entries = list(signer.presign([toy.good(SERIALS[0])], batch))

    with pytest.raises(ValueError):
        shop.writer.put("organisations", entries, batch)
    with pytest.raises(ValueError):
        shop.writer.put("personnes", entries, another)
    assert len(shop.writer) == 0


def test_a_store_of_another_version_is_an_alarm(shop: toy.Shop) -> None:
    """Neither side guesses: the writer says so, the reader answers nothing."""
    shop.publish(toy.good(SERIALS[0]))
    shop.writer._live.put_record(records.FORMAT, b"sceau status 9")
    assert shop.answerer().answer(toy.request(SERIALS[0]), toy.NOON).kind is Kind.UNAVAILABLE
    shop.writer.close()

    with pytest.raises(Alarm):
        shop.open()
    environment.remove(environment.current(shop.path))
    shop.open()  # begins again, empty: the caller rebuilds
    assert len(shop.writer) == 0


# -- Generations -----------------------------------------------------------------------------------------------------------------


def test_a_rebuild_replaces_everything_at_once(shop: toy.Shop) -> None:
    """Until the commit readers see the old population, after it the new one; the old generation leaves the disk."""
    shop.publish(*map(toy.good, SERIALS[:10]))
    answerer = shop.answerer()
    shop.writer.begin_rebuild()
    signer, batch = shop.batch()
    shop.writer.append("personnes", signer.presign(map(toy.good, SERIALS[5:20]), batch), batch)
    answerer.look()
    assert answerer.answer(toy.request(SERIALS[0]), toy.NOON).kind is Kind.GOOD

    shop.writer.commit_rebuild(expected=15)

    answerer.look()
    assert answerer.answer(toy.request(SERIALS[0]), toy.NOON).kind is Kind.MISSING
    assert answerer.answer(toy.request(SERIALS[19]), toy.NOON).kind is Kind.GOOD
    assert len(environment.generations(shop.path)) == 1


def test_a_put_during_a_rebuild_wins_over_what_the_scan_read(shop: toy.Shop) -> None:
    """Revoked after its page was read and before, or after, it was appended: revoked in both generations, never good again."""
    shop.publish(*map(toy.good, SERIALS[:4]))
    shop.writer.begin_rebuild()
    signer, batch = shop.batch()
    page = list(signer.presign(map(toy.good, SERIALS[:4]), batch))  # read while all were good
    shop.publish(toy.revoked(SERIALS[0]))
    shop.writer.append("personnes", page[:2], batch)
    shop.publish(toy.revoked(SERIALS[1]), toy.revoked(SERIALS[2]))
    shop.publish(toy.good(SERIALS[7]), index=2)
    shop.writer.append("personnes", page[2:], batch)
    assert stored(shop.path)[SERIALS[0]] == "revoked"

    shop.writer.commit_rebuild()

    assert stored(shop.path) == dict.fromkeys(SERIALS[:3], "revoked") | dict.fromkeys([SERIALS[3], SERIALS[7]], "good")
    answerer = shop.answerer()
    assert {answerer.answer(toy.request(serial), toy.NOON).kind for serial in SERIALS[:3]} == {Kind.REVOKED}
    assert answerer.answer(toy.request(SERIALS[7]), toy.NOON).kind is Kind.GOOD


def test_many_puts_during_a_rebuild_are_all_kept(shop: toy.Shop) -> None:
    """More than one round of them."""
    everybody = toy.serials(1500, seed=9)
    shop.writer.begin_rebuild()
    shop.publish(*map(toy.revoked, everybody))

    shop.writer.commit_rebuild()

    assert stored(shop.path) == dict.fromkeys(everybody, "revoked")


def test_a_rebuild_that_lost_somebody_is_abandoned(shop: toy.Shop) -> None:
    """The scan ended early: alarm, and the old generation goes on."""
    shop.publish(*map(toy.good, SERIALS[:3]))
    shop.writer.begin_rebuild()
    signer, batch = shop.batch()
    shop.writer.append("personnes", signer.presign([toy.good(SERIALS[0])], batch), batch)

    with pytest.raises(Alarm):
        shop.writer.commit_rebuild(expected=3)

    assert stored(shop.path) == dict.fromkeys(SERIALS[:3], "good")
    assert len(environment.generations(shop.path)) == 1
    shop.rebuild(map(toy.good, SERIALS[:3]))


def test_a_rebuild_brings_serials_in_order(shop: toy.Shop) -> None:
    """CAs in the order of `authorities()`, serials ascending: anything else is a fault of the caller."""
    shop.writer.add_authority(toy.authority("organisations"))
    assert shop.writer.authorities() == ["personnes", "organisations"]
    shop.writer.begin_rebuild()
    signer, batch = shop.batch("organisations")
    shop.writer.append("organisations", signer.presign([toy.good(SERIALS[0])], batch), batch)
    signer, batch = shop.batch()
    with pytest.raises(ValueError):
        shop.writer.append("personnes", signer.presign([toy.good(SERIALS[1])], batch), batch)


def test_one_rebuild_at_a_time(shop: toy.Shop) -> None:
    """A second is refused; none is nothing to append to."""
    with pytest.raises(Conflict):
        shop.writer.commit_rebuild()
    shop.writer.begin_rebuild()
    with pytest.raises(Conflict):
        shop.writer.begin_rebuild()
    shop.writer.abort_rebuild()
    assert len(environment.generations(shop.path)) == 1


def test_responders_that_nobody_refers_to_are_forgotten(shop: toy.Shop) -> None:
    """After a rebuild only the certificates of its batches are left, and the others can come back."""
    for index in (1, 2, 3):
        shop.writer.add_responder(toy.responder("personnes", index))
    shop.publish(toy.good(SERIALS[0]), index=1)

    shop.rebuild([toy.good(SERIALS[0])], index=2)
    shop.publish(toy.good(SERIALS[1]), index=1)

    kept = shop.writer._live.scan(records.responder_key(0), records.AFTER_RESPONDERS)
    assert [records.read_responder(value).index for _, value in kept] == [1, 2]
    answerer = shop.answerer()
    assert all(answerer.answer(toy.request(serial), toy.NOON).kind is Kind.GOOD for serial in SERIALS[:2])


def test_an_authority_added_during_a_rebuild_is_in_both(shop: toy.Shop) -> None:
    """Nobody waits for a rebuild to join."""
    shop.writer.begin_rebuild()
    shop.writer.add_authority(toy.authority("organisations"))
    shop.writer.add_responder(toy.responder("organisations"))
    shop.publish(toy.good(SERIALS[0]), ca_id="organisations")
    shop.writer.commit_rebuild()

    answer = shop.answerer().answer(toy.request(SERIALS[0], toy.authority("organisations")), toy.NOON)
    assert answer.kind is Kind.GOOD


# -- Another process -------------------------------------------------------------------------------------------------------------


def test_publication_sees_a_put_at_once_and_a_generation_within_half_a_second(shop: toy.Shop) -> None:
    """From another process, without a lock: W2 leaves five seconds; a put takes none, a new generation 0.5."""
    shop.publish(toy.good(SERIALS[0]))
    body = toy.request(SERIALS[0]).hex()
    with program("publication", shop.path) as worker:
        assert tell(worker, f"ask {body}").startswith("good ")
        shop.publish(toy.revoked(SERIALS[0]))
        assert tell(worker, f"ask {body}").startswith("revoked ")

        shop.rebuild([toy.revoked(SERIALS[0]), toy.good(SERIALS[1])])
        time.sleep(0.55)
        assert tell(worker, f"ask {toy.request(SERIALS[1]).hex()}").startswith("good ")


def test_publication_follows_a_store_that_outgrows_its_map(shop: toy.Shop) -> None:
    """MapResized: the reader adopts the writer's size and answers."""
    shop.publish(toy.good(SERIALS[0]))
    with program("publication", shop.path, 64 << 10) as worker:
        assert tell(worker, f"ask {toy.request(SERIALS[0]).hex()}").startswith("good ")
        shop.publish(*map(toy.good, toy.serials(3000, seed=5)), toy.good(SERIALS[1]))
        assert tell(worker, f"ask {toy.request(SERIALS[1]).hex()}").startswith("good ")


def test_the_writer_grows_its_map(tmp_path: Path) -> None:
    """MapFull: the size doubles and the put is done again, in a generation and in a rebuild."""
    shop = toy.Shop(tmp_path, map_size=64 << 10)
    everybody = toy.serials(2000, seed=6)
    shop.publish(*map(toy.good, everybody))
    assert stored(tmp_path) == dict.fromkeys(everybody, "good")

    shop.rebuild(map(toy.revoked, everybody))
    assert stored(tmp_path) == dict.fromkeys(everybody, "revoked")


def test_lock_free_readers_never_see_a_page_written_anew(tmp_path: Path) -> None:
    """The lease: three readers ask without pause while every page is rewritten; no answer is of half a record."""
    shop = toy.Shop(tmp_path, lease=0.5)
    population = toy.serials(400, seed=8)
    signer, batch = shop.batch()
    versions = [list(signer.presign(map(say, population), batch)) for say in (toy.good, toy.revoked)]
    shop.writer.put("personnes", versions[0], batch)
    bodies = " ".join(toy.request(serial).hex() for serial in population[:40])
    with ExitStack() as stack:
        workers = [stack.enter_context(program("publication", tmp_path)) for _ in range(3)]
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write(f"hammer 2.0 {bodies}\n")
            worker.stdin.flush()
        source, end, commits = random.Random(4), time.monotonic() + 2.5, 0
        while time.monotonic() < end:
            shop.writer.put("personnes", source.sample(versions[commits % 2], 20), batch)
            commits += 1
        for worker in workers:
            assert worker.stdout is not None
            kinds = ast.literal_eval(worker.stdout.readline())
            assert set(kinds) == {"good", "revoked"}
    assert commits > 50


def test_pages_are_used_again_after_the_lease(tmp_path: Path) -> None:
    """The file does not grow for ever: a thousand commits fit where fifty did, once leases end."""
    shop = toy.Shop(tmp_path, lease=0.0)
    shop.publish(*map(toy.good, SERIALS))
    for serial in SERIALS[:50]:
        shop.publish(toy.revoked(serial))
    data = environment.current(tmp_path) / "data.mdb"
    size = data.stat().st_size
    for turn in range(200):
        shop.publish(toy.revoked(SERIALS[turn % 300]))

    assert data.stat().st_size <= 1.5 * size


# -- Faults ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_after_any_death_what_was_acknowledged_is_there(tmp_path: Path, seed: int) -> None:
    """SIGKILL in the middle of puts and rebuilds: the store opens, and every acknowledged status is the one found, or a later
    one."""
    acknowledged: dict[str, str] = {}
    with program("issuer", tmp_path) as issuer:
        assert issuer.stdout is not None
        for _ in range(random.Random(seed).randrange(5, 60)):
            serial, status = issuer.stdout.readline().split()
            acknowledged[serial] = status
        time.sleep(random.Random(seed).random() / 100)
        os.kill(issuer.pid, signal.SIGKILL)
        for line in issuer.stdout:
            if line.endswith("\n"):
                serial, status = line.split()
                acknowledged[serial] = status

    shop = toy.Shop(tmp_path, ca_ids=("organisations",))  # its own CA and keys died with it
    found = stored(tmp_path)
    for serial, status in acknowledged.items():
        assert found[bytes.fromhex(serial)] == status or (status, found[bytes.fromhex(serial)]) == ("good", "revoked")
    assert len(found) - len(acknowledged) in (0, 1)
    assert len(environment.generations(tmp_path)) == 1
    answerer = shop.answerer()
    answerer.look()
    theirs = answerer.reader.authorities()[1]
    for raw in found:
        assert answerer.answer(toy.request(raw, theirs), toy.NOON).kind.value == found[raw]
    shop.publish(toy.good(SERIALS[0]), ca_id="organisations")
    shop.rebuild([toy.good(SERIALS[0])], ca_id="organisations")


def test_a_death_between_two_lines_of_a_rebuild_leaves_the_old_generation(shop: toy.Shop) -> None:
    """Leftovers of every stage are removed at the next start: an empty folder, a half-filled one, a draft of `current`."""
    shop.publish(toy.good(SERIALS[0]))
    shop.writer.close()
    (shop.path / "g0000000009").mkdir()
    half = shop.path / "g0000000008"
    half.mkdir()
    (half / "data.mdb").write_bytes(b"half a page")
    (shop.path / "current.new").write_text("g0000000008\n")

    shop.open()

    assert stored(shop.path) == {SERIALS[0]: "good"}
    assert [path.name for path in environment.generations(shop.path)] == ["g0000000001"]


def test_a_full_disk_refuses_the_put_and_keeps_the_rest(shop: toy.Shop) -> None:
    """Unavailable, nothing stored; what was there is still answered; with room again the same put succeeds."""
    shop.publish(*map(toy.good, SERIALS[:100]))
    size = (environment.current(shop.path) / "data.mdb").stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))  # the file may not grow: as on a full disk
    try:
        with pytest.raises(Unavailable):
            shop.publish(*map(toy.good, SERIALS[100:]))
        with pytest.raises(Unavailable):
            shop.rebuild(map(toy.good, toy.serials(2000, seed=3)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)

    assert stored(shop.path) == dict.fromkeys(SERIALS[:100], "good")
    shop.publish(*map(toy.good, SERIALS[100:]))
    assert len(shop.writer) == 300
    assert len(environment.generations(shop.path)) == 1


def test_a_process_reads_or_writes_in_that_order(tmp_path: Path) -> None:
    """lmdb opens a file once in a process: a reader shares the writer's, the reverse is refused."""
    toy.Shop(tmp_path).writer.close()
    reader = StatusReader(tmp_path)
    reader.refresh()

    with pytest.raises(Conflict):
        toy.Shop(tmp_path)

    reader.close()
    toy.Shop(tmp_path).writer.close()


def test_facts_are_words_of_the_standard() -> None:
    """CertStatus, as RFC 6960 names its choices."""
    assert [status.value for status in Status] == ["good", "revoked", "unknown"]
