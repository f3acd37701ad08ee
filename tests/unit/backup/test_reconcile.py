"""The inventory beside what is known outside it: the witness of signatures, and the lists that were published (decision 0017)."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import text

from pki.bootstrap import quarantine
from pki.bootstrap.backup.restore import restore
from pki.bootstrap.checks import State as Judgement
from pki.bootstrap.checks.backup import quarantined
from pki.bootstrap.home import open_home
from pki.bootstrap.reconcile.compare import Findings, compare
from pki.bootstrap.reconcile.enter import enter
from pki.bootstrap.reconcile.lists import fetch, read_folder
from pki.bootstrap.sealing import root
from pki.inventory.model import Reason, State
from tests.invariants import check_journal, inventory
from tests.unit.backup.conftest import Saved
from tests.unit.commands.conftest import runner
from tests.world import World, nurse
from trust.errors import Malformed, Missing, Refused, Unavailable


@pytest.fixture
def world(saved: Saved, place: Path) -> Iterator[World]:
    """An authority of its own, that goes on from the one that was saved."""
    made = saved.world.keep(place / "kept")
    world = World(place / "home", made=made, clock=type(saved.world.clock)(saved.world.clock.now()))
    yield world
    world.close()


def witness(world: World) -> Path:
    """Return the witness of a world."""
    return world.home.settings.witness_file


def looked_at(world: World) -> Findings:
    """Compare a world with its own witness and its own lists."""
    return compare(world.home, witness(world), read_folder(world.home, root(world.home)))


def test_a_sound_authority_agrees_with_its_witness(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Every day's answer: exit code 0, and every signature of a certificate is in the inventory."""
    found = looked_at(world)
    assert found.agree and found.witnessed == found.known > 0
    said = runner(world.directory, capsys)("audit", "reconcile", "--json")
    assert (said.code, said.data["agree"], said.data["quarantine"]) == (0, True, False)


def test_a_signature_behind_the_inventory_s_back_is_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Without any restore: exit code 1, the serial and the time; entered, it is revoked and listed."""
    serial = bytes((0x42,)) + bytes(14) + b"\x07"
    line = f"2026-03-02T08:00:00Z certificate personnes {serial.hex()} {hashlib.sha256(b'behind').hexdigest()}\n"
    with witness(world).open("a") as file:
        file.write(line)
    sceau = runner(world.directory, capsys)
    said = sceau("audit", "reconcile", "--json")
    assert (said.code, [each["serial"] for each in said.data["lost"]]) == (1, [serial.hex()])
    assert serial.hex() in sceau("audit", "reconcile").out
    assert serial not in inventory(world)

    for _ in range(2):  # a second time changes nothing
        enter(world.home, looked_at(world), witnessed=True)
    assert sceau("audit", "reconcile").code == 0
    row = inventory(world)[serial]
    assert (row.state, row.reason, row.signature, row.holder) == (State.REVOKED, Reason.UNSPECIFIED, None, "unknown")
    assert sceau("cert", "show", serial.hex()).code == 0
    assert sceau("cert", "list", "--json").code == 0
    world.clock.advance(minutes=1)
    world.issuer.turn_until_idle()
    lists = [path for path in (root(world.home) / "crl").rglob("*.crl") if serial in path.read_bytes()]
    assert {"personnes.crl"} <= {path.name for path in lists} and len(lists) >= 2
    check_journal(world)


def test_two_contents_under_one_serial_are_named_and_end(world: World) -> None:
    """Whatever the inventory has under it is revoked: nobody can tell which one a relying party was shown."""
    certificate = next(each for each in inventory(world).values() if each.profile == "ps-authentification")
    with witness(world).open("a") as file:
        file.write(f"2026-03-02T08:00:00Z certificate personnes {certificate.serial.hex()} {bytes(32).hex()}\n")
    found = looked_at(world)
    assert [each.serial for each in found.differing] == [certificate.serial]
    enter(world.home, found, witnessed=True)
    assert world.certificate(certificate.serial).state is State.REVOKED
    assert looked_at(world).agree


def test_a_signature_by_an_unknown_key_is_told_and_not_entered(world: World) -> None:
    """Nobody here can say what it made. A certification request by a CA's key is no certificate."""
    with witness(world).open("a") as file:
        file.write(f"2026-03-02T08:00:00Z certificate personnes request {bytes(32).hex()}\n")
    assert looked_at(world).agree
    with witness(world).open("a") as file:
        file.write(f"2026-03-02T08:00:00Z certificate stranger 42{'00' * 15} {bytes(32).hex()}\n")
    found = looked_at(world)
    assert [line.key for line in found.strange] == ["stranger"] and not found.agree


def test_a_witness_of_another_place_ends_no_quarantine(saved: Saved, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The one that the restored home begins itself knows nothing of the past; an older copy ends too early."""
    target = place / "new"
    restore(saved.made.path, saved.identities, target, clock=saved.world.clock)
    sceau = runner(target, capsys)
    lines = witness(saved.world).read_text().splitlines(keepends=True)
    short = place / "short"
    short.write_text("".join(line for line in lines if " certificate " not in line))
    for path in (target / "witness" / "signatures", short):
        path.touch()
        said = sceau("audit", "reconcile", "--witness", path, "--apply")
        assert said.code == 1 and "newest certificate" in said.err
    assert sceau("audit", "reconcile", "--witness", place / "none").code == 1
    assert quarantine.stands(target)
    assert sceau("audit", "reconcile", "--witness", witness(saved.world)).code == 1, "a look does not end it"
    assert sceau("audit", "reconcile", "--witness", witness(saved.world), "--apply").code == 0
    assert not quarantine.stands(target)


def test_a_witness_that_is_lost_is_said_to_be(saved: Saved, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The lists alone speak then, and the journal says so."""
    target = place / "new"
    restore(saved.made.path, saved.identities, target, clock=saved.world.clock)
    sceau = runner(target, capsys)
    assert sceau("audit", "reconcile", "--witness-lost", "--witness", witness(saved.world)).code == 1
    assert sceau("audit", "reconcile", "--witness-lost", "--apply").code == 0
    last = sceau("audit", "show", "--limit", 1, "--json").data[0]
    assert (last["type"], last["facts"]["witnessed"]) == ("authority.reconciled", None)


def test_what_only_the_lists_know_is_entered_with_its_date_and_reason(world: World, place: Path) -> None:
    """A revocation that the inventory forgot, and a compromise, whose key is blocked again."""
    certificate = next(each for each in inventory(world).values() if each.profile == "ps-authentification")
    world.revoke(certificate, Reason.KEY_COMPROMISE)
    world.issuer.turn_until_idle()
    world.close()
    shutil.copytree(root(world.home), place / "mirror")
    with world.store.write() as tx:
        values = {"serial": certificate.serial, "key": certificate.spki_hash}
        for statement in (
            "UPDATE certificates SET state = 1, revoked_at = NULL, reason = NULL WHERE serial = :serial",
            "DELETE FROM blocked_keys WHERE spki_hash = :key",
        ):
            tx.connection.execute(text(statement), values)
    told_at = world.clock.now()
    world.clock.advance(hours=2)
    found = compare(world.home, witness(world), read_folder(world.home, place / "mirror"))
    assert found.forgotten.keys() == {certificate.serial}
    enter(world.home, found, witnessed=True)
    row = world.certificate(certificate.serial)
    assert (row.state, row.reason, row.revoked_at) == (State.REVOKED, Reason.KEY_COMPROMISE, told_at)
    with world.store.read() as tx:
        assert tx.blocked_keys.blocked([certificate.spki_hash]) == {certificate.spki_hash}


def test_a_list_that_its_authority_did_not_sign_revokes_nobody(world: World, place: Path) -> None:
    """Altered, or of another authority: the file is named."""
    shutil.copytree(root(world.home), place / "mirror")
    path = place / "mirror" / "crl" / "personnes.crl"
    octets = path.read_bytes()
    path.write_bytes(octets[:-1] + bytes((octets[-1] ^ 1,)))
    with pytest.raises(Malformed, match=r"personnes\.crl is not believed"):
        read_folder(world.home, place / "mirror")
    path.write_bytes((place / "mirror" / "crl" / "racine.crl").read_bytes())
    with pytest.raises(Malformed, match="by another issuer"):
        read_folder(world.home, place / "mirror")
    with pytest.raises(Missing):
        read_folder(world.home, place / "nowhere")


def test_lists_are_fetched_from_where_they_are_published(world: World) -> None:
    """All of them; a full list that does not answer stops it, a shard costs its number only."""
    folder = root(world.home)

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, format: str, *_arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        base = f"http://127.0.0.1:{server.server_address[1]}"
        fetched, silent = fetch(world.home, base)
        here = {(each.ca, each.scope): each.number for each in read_folder(world.home, folder)}
        assert {(each.ca, each.scope): each.number for each in fetched} == here
        shard = folder / "crl" / "personnes" / "0.crl"
        shard.unlink()
        assert [each for each in fetch(world.home, base)[1] if each not in silent] == [f"{base}/crl/personnes/0.crl"]
        (folder / "crl" / "personnes.crl").unlink()
        with pytest.raises(Unavailable):
            fetch(world.home, base)
    finally:
        server.shutdown()
        server.server_close()


def test_a_home_that_was_put_back_issues_nothing_until_then(saved: Saved, place: Path) -> None:
    """Refused is nobody: what was asked waits."""
    target = place / "new"
    restore(saved.made.path, saved.identities, target, clock=saved.world.clock)
    assert quarantine.read(target) == quarantine.Quarantine(
        saved.made.manifest.sha256,
        saved.made.manifest.made_at,
        saved.made.manifest.made_at,
        saved.made.manifest.entries,
        saved.made.manifest.root,
    )
    home = open_home(target, clock=saved.world.clock)
    found = compare(home, witness(saved.world), [])
    enter(home, found, witnessed=True)
    assert quarantine.read(target) is None
    with pytest.raises(Refused):
        compare(home, target / "witness" / "signatures", [])


def test_nobody_is_lost_by_mistake(world: World) -> None:
    """What is being issued at this very moment is on record before the witness hears of it."""
    world.apply_register([nurse(1), nurse(2)])
    world.order([world.application(nurse(2))])
    world.issuer.turn()
    assert looked_at(world).agree


def test_doctor_says_that_a_home_is_in_quarantine_and_how_it_ends(saved: Saved, place: Path) -> None:
    """Of a home that was never put back it says nothing."""
    target = place / "new"
    restore(saved.made.path, saved.identities, target, clock=saved.world.clock)
    (finding,) = quarantined(target)
    assert finding.state is Judgement.FAILED and "sceau audit reconcile" in finding.fix
    assert quarantined(saved.world.directory) == []
