"""A backup: what is in it, who opens it, what comes back, and what is refused (CP 5.7.4, CP 6.2.4)."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pyrage
import pytest
from sqlalchemy import text

from hsm.api import KeyRef
from pki.audit.events import event
from pki.bootstrap import quarantine
from pki.bootstrap.backup.archive import FOLDERS, Manifest, Packer
from pki.bootstrap.backup.envelope import decrypted, encrypt, identity_of, recipients_of
from pki.bootstrap.backup.make import STAMP, make
from pki.bootstrap.backup.restore import Anchors, prove, restore
from pki.bootstrap.custody import open_custodian
from pki.bootstrap.home import open_home
from tests.unit.backup.conftest import Saved
from tests.world import World
from trust.entropy import SystemEntropy
from trust.errors import Alarm, Conflict, Malformed, Missing, Refused, SceauError
from trust.transparency.note import VerifierKey


def files_below(folder: Path, home: Path) -> dict[str, bytes]:
    """Return the files of a folder of a home."""
    return {str(path.relative_to(home)): path.read_bytes() for path in (home / folder).rglob("*") if path.is_file()}


def test_what_is_saved_comes_back(saved: Saved, place: Path) -> None:
    """Configuration, keys, secrets, register and what is published, octet for octet; the database, with all its rows."""
    target = place / "new"
    judged = restore(saved.made.path, saved.identities, target, clock=saved.world.clock)
    for folder in ("keys", "secrets", "register", "publication/www", "config"):
        was = {name: each for name, each in files_below(Path(folder), saved.world.directory).items() if "/." not in name}
        now = files_below(Path(folder), target)
        assert was.keys() == now.keys() and len(was) > 0
        assert {name for name in was if was[name] != now[name]} == set()
    home = open_home(target, clock=saved.world.clock)
    with home.store.read() as new, saved.world.store.read() as old:
        count = "SELECT count(*) FROM certificates"
        assert new.connection.execute(text(count)).scalar() == old.connection.execute(text(count)).scalar() == 7
        entries = list(new.journal_table.entries())
        assert entries[:-1] == list(old.journal_table.entries())
    last = json.loads(entries[-1][1])
    assert (last["type"], last["facts"]["backup"]) == ("authority.restored", saved.made.manifest.sha256)
    assert (target / "keys").stat().st_mode & 0o777 == 0o700
    assert judged.verdict.proven == saved.made.manifest.entries
    assert quarantine.stands(target)
    assert [path.name for path in place.iterdir()] == ["new"]


def test_a_backup_leaves_out_what_must_not_go_back(saved: Saved) -> None:
    """The witness of signatures, the status store, sockets and locks; drafts that somebody is writing."""
    names = [entry.name for entry in saved.made.manifest.files]
    assert {name.split("/")[0] for name in names} <= set(FOLDERS)
    assert not [name for name in names if "witness" in name or name.startswith("publication/status") or "/." in name]
    assert (saved.world.directory / STAMP).exists()
    assert not (saved.world.directory / "run" / "backup").exists()


@pytest.mark.skipif(shutil.which("age") is None, reason="age is not installed; as root: apt-get install -y age")
def test_debian_s_own_programs_open_it(saved: Saved, place: Path) -> None:
    """Second opinion: `age -d`, then `tar`; each file is the one of the manifest."""
    key = place / "identity"
    key.write_text(str(saved.identities[0]))
    opened = subprocess.run(["age", "-d", "-i", key, saved.made.path], capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", place], input=opened.stdout, check=True)
    manifest = json.loads((place / "manifest.json").read_bytes())
    assert len(manifest["files"]) == len(saved.made.manifest.files) > 50
    for entry in manifest["files"]:
        assert hashlib.sha256((place / entry["name"]).read_bytes()).hexdigest() == entry["sha256"]


def test_verification_leaves_nothing_and_changes_nothing(saved: Saved, place: Path) -> None:
    """What was found is told; nothing of it stays."""
    before = files_below(Path(), saved.world.directory)
    judged = prove(saved.made.path, saved.identities, clock=saved.world.clock)
    assert judged.verdict.restores
    assert judged.verdict.certificates["personnes"] == {"issued": 2}
    assert "7 keys" in judged.verdict.keys[0].text
    assert files_below(Path(), saved.world.directory) == before


def test_others_do_not_open_it(saved: Saved, place: Path) -> None:
    """Another identity is refused, and leaves nothing."""
    with pytest.raises(Refused, match="other recipients"):
        restore(saved.made.path, [identity_of(bytes(32))], place / "new")
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("spoil", ["cut", "altered", "nothing of ours", "empty"])
def test_a_damaged_backup_leaves_nothing(saved: Saved, place: Path, spoil: str) -> None:
    """It is said to be damaged, wherever it is."""
    content = saved.made.path.read_bytes()
    middle = len(content) // 2
    damaged = {
        "cut": content[:-1],
        "altered": content[:middle] + bytes((content[middle] ^ 1,)) + content[middle + 1 :],
        "nothing of ours": b"hello" * 100,
        "empty": b"",
    }[spoil]
    source = place / "damaged.age"
    source.write_bytes(damaged)
    with pytest.raises(Malformed, match="not a whole backup"):
        restore(source, saved.identities, place / "new")
    assert [path.name for path in place.iterdir()] == ["damaged.age"]


def test_nothing_is_restored_over_anything(saved: Saved, place: Path) -> None:
    """A directory with a file in it stays as it is; an empty one is filled."""
    (place / "kept").mkdir()
    (place / "kept" / "file").write_text("mine")
    with pytest.raises(Conflict, match="is not empty"):
        restore(saved.made.path, saved.identities, place / "kept", clock=saved.world.clock)
    assert (place / "kept" / "file").read_text() == "mine"
    (place / "empty").mkdir()
    restore(saved.made.path, saved.identities, place / "empty", clock=saved.world.clock)
    assert (place / "empty" / "sceau.db").exists()
    with pytest.raises(Missing):
        restore(saved.made.path, saved.identities, place / "no" / "such" / "folder")


def test_a_backup_overwrites_nothing_and_is_for_somebody(saved: Saved, place: Path) -> None:
    """An existing file stays; no recipient at all is refused before anything is written."""
    (place / "there").write_text("mine")
    with pytest.raises(Conflict):
        make(saved.world.home, place / "there", [saved.group.recipient])
    assert (place / "there").read_text() == "mine"
    with pytest.raises(Missing, match="nobody could open"):
        recipients_of([], place)
    with pytest.raises(Malformed, match="not a recipient"):
        recipients_of(["age1notone"], place)
    (place / "list.txt").write_text(f"# the group\n{saved.group.recipient}\n\n")
    assert recipients_of([str(place / "list.txt"), saved.group.recipient], place) == [saved.group.recipient]


def test_several_recipients_each_open_it(saved: Saved, place: Path) -> None:
    """The group and an operator's own key."""
    operator = pyrage.x25519.Identity.generate()
    made = make(saved.world.home, place / "both.age", [saved.group.recipient, str(operator.to_public())])
    for identity in (saved.identities[0], operator):
        assert prove(made.path, [identity], clock=saved.world.clock).verdict.restores


def test_a_backup_made_while_others_write_is_of_one_moment(place: Path) -> None:
    """Journal, tables and head of the copy agree, though the journal grows between any two of its parts."""
    world = World(place / "home")
    world.issuer.turn_until_idle()
    identity = pyrage.x25519.Identity.generate()
    stop, written = threading.Event(), 0

    def write() -> None:
        nonlocal written
        while not stop.is_set():
            with world.store.write() as tx:
                tx.journal.append(event("alarm.raised", what="a busy day", process="test"), at=world.clock.now())
            written += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while not written:
            time.sleep(0.001)
        made = make(world.home, place / "b.age", [str(identity.to_public())])
        then = written
        while written < then + 2:
            time.sleep(0.001)
    finally:
        stop.set()
        writer.join()
    judged = prove(made.path, [identity], clock=world.clock)
    assert judged.verdict.restores
    with world.store.read() as tx:
        head = tx.journal_table.head()
    assert head is not None and head.size > judged.verdict.entries == made.manifest.entries
    world.close()


def test_a_journal_that_was_changed_is_not_put_back(saved: Saved, place: Path) -> None:
    """The entry is named; nothing is in place."""
    copy = World(place / "copy", made=saved.world.keep(place / "kept"))
    with copy.store.write() as tx:
        tx.connection.execute(text('UPDATE journal SET entry = replace(entry, \'"by":"init"\', \'"by":"me"\') WHERE seq = 1'))
    made = make(copy.home, place / "changed.age", [saved.group.recipient])
    assert not prove(made.path, saved.identities, clock=copy.clock).verdict.restores
    with pytest.raises(Alarm, match="entry 1"):
        restore(made.path, saved.identities, place / "new", clock=copy.clock)
    assert not (place / "new").exists()


def test_a_backup_that_somebody_else_made_is_told_by_the_key_kept_elsewhere(saved: Saved, place: Path) -> None:
    """A recipient is public: anybody can write a backup. It agrees with itself, and not with the auditor's key and checkpoint."""
    other = World(place / "other", entropy=SystemEntropy())
    other.issuer.turn_until_idle()
    forged = make(other.home, place / "forged.age", [saved.group.recipient])
    www = saved.world.directory / "publication" / "www" / "journal"
    anchors = Anchors(VerifierKey.parse((www / "key").read_text()), ((www / "checkpoint").read_text(),))
    assert prove(forged.path, saved.identities, clock=other.clock).verdict.restores
    with pytest.raises(Alarm, match="not put in place"):
        restore(forged.path, saved.identities, place / "new", anchors=anchors, clock=other.clock)
    assert restore(saved.made.path, saved.identities, place / "new", anchors=anchors, clock=saved.world.clock).verdict.restores
    other.close()


def hostile(saved: Saved, place: Path, name: str, *, kind: bytes = tarfile.REGTYPE, twice: bool = False) -> Path:
    """Write a backup with one member more, after the files and before the manifest."""
    packer = Packer(0)
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, 0, "/etc/passwd"

    def octets() -> Iterator[bytes]:
        for _ in range(2 if twice else 1):
            yield info.tobuf(tarfile.PAX_FORMAT)
        yield from packer.end(Manifest.read(saved.made.manifest.encoded()))

    path = place / "hostile.age"
    with path.open("wb") as file:
        encrypt(octets(), file, [saved.group.recipient])
    return path


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/outside", "config/../../outside", "outside", "elsewhere/file", "config//file", "config"]
)
def test_a_member_stays_within_the_home(saved: Saved, place: Path, name: str) -> None:
    """A name that leads out of it, or to a place that is not one of ours."""
    with pytest.raises(Malformed, match="no place in a home"):
        restore(hostile(saved, place, name), saved.identities, place / "new")
    assert [path.name for path in place.iterdir()] == ["hostile.age"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE])
def test_a_member_is_an_ordinary_file(saved: Saved, place: Path, kind: bytes) -> None:
    """No link, no device, no pipe."""
    with pytest.raises(Malformed, match="not an ordinary file"):
        restore(hostile(saved, place, "config/x", kind=kind), saved.identities, place / "new")


def test_files_and_manifest_are_the_same_set(saved: Saved, place: Path) -> None:
    """One file twice, one that is not listed, one that is missing."""
    with pytest.raises(Malformed, match="twice"):
        restore(hostile(saved, place, "config/x", twice=True), saved.identities, place / "new")
    with pytest.raises(Malformed, match="not in the backup"):
        restore(hostile(saved, place, "config/x"), saved.identities, place / "new")


def test_memory_does_not_grow_with_the_backup(place: Path) -> None:
    """Sixty-four megabytes go through in less than four, both ways."""
    identity = pyrage.x25519.Identity.generate()
    block = SystemEntropy().octets(1 << 20)
    tracemalloc.start()
    with (place / "large.age").open("wb") as file:
        encrypt((block for _ in range(64)), file, [str(identity.to_public())])
    with decrypted(place / "large.age", [identity]) as stream:
        while stream.read(1 << 16):
            pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000
    assert (place / "large.age").stat().st_size > 64 << 20


def test_what_the_files_raise_goes_through(place: Path) -> None:
    """Not as a text of the library's."""

    def chunks() -> Iterator[bytes]:
        yield b"some"
        raise Missing("a file is gone")

    with pytest.raises(Missing, match="a file is gone"):
        encrypt(chunks(), io.BytesIO(), [str(identity_of(bytes(32)).to_public())])


def test_a_backup_without_the_keys_is_not_made(saved: Saved, place: Path) -> None:
    """It would look like one until the day that it is needed; nothing is left behind."""
    copy = World(place / "copy", made=saved.world.keep(place / "kept"))
    (copy.directory / "keys").rename(place / "elsewhere")
    with pytest.raises(Missing, match="keys"):
        make(copy.home, place / "b.age", [saved.group.recipient])
    assert not [path.name for path in place.iterdir() if "b.age" in path.name]
    assert not (copy.directory / "run" / "backup").exists()


def test_a_home_comes_back_where_its_module_is_not(saved: Saved, place: Path) -> None:
    """Failure case B03: what is published can be served; that no key is there is told, and nothing can be signed."""
    copy = World(place / "copy", made=saved.world.keep(place / "kept"))
    authority = copy.directory / "config" / "authority.toml"
    custody = '[custody]\nkind = "pkcs11"\nmodule = "/nowhere/module.so"\ntoken = "pkcs11:token=gone"\n\n'
    authority.write_text(custody + authority.read_text("utf-8"), "utf-8")
    copy.home = open_home(copy.directory, clock=copy.clock)
    made = make(copy.home, place / "b.age", [saved.group.recipient])
    assert not [entry for entry in made.manifest.files if entry.name.startswith("keys/")]
    judged = restore(made.path, saved.identities, place / "new", clock=copy.clock)
    assert not judged.verdict.restores and not judged.verdict.faults
    assert any(each.startswith("keys: ") for each in judged.verdict.notes)
    assert (place / "new" / "publication" / "www" / "crl" / "personnes.crl").exists()
    with pytest.raises(SceauError):
        open_custodian(open_home(place / "new", clock=copy.clock)).public_key(KeyRef("personnes"))


def test_what_a_killed_restore_left_is_removed_by_the_next(saved: Saved, place: Path) -> None:
    """It holds secrets in clear. One that is at work is left alone, and so is a folder that others can look into."""
    staging = place / ".new.restoring"
    (staging / "secrets").mkdir(parents=True)
    (staging / "secrets" / "stale").write_text("secret")
    with pytest.raises(Conflict, match="not ours alone"):
        restore(saved.made.path, saved.identities, place / "new", clock=saved.world.clock)
    staging.chmod(0o700)
    handle = os.open(staging, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(Conflict, match="another restore"):
        restore(saved.made.path, saved.identities, place / "new", clock=saved.world.clock)
    assert (staging / "secrets" / "stale").exists()
    os.close(handle)
    restore(saved.made.path, saved.identities, place / "new", clock=saved.world.clock)
    assert [path.name for path in place.iterdir()] == ["new"]
    assert not (place / "new" / "secrets" / "stale").exists()
