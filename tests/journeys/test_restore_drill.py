"""The restore drill, with the clock: everything is destroyed, and comes back from three of five sheets (CP 5.7.4; P22, B01).

What was signed after the backup is lost to the database, and to nobody else: the witness names it and it is revoked; what was
revoked is revoked again, from its own date; lists go on above every number that was given. OpenSSL judges, before and after.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from pki.bootstrap import quarantine
from pki.bootstrap.backup.envelope import Group, identities_of_words, new_group
from pki.bootstrap.backup.make import make
from pki.bootstrap.backup.restore import prove, restore
from pki.bootstrap.reconcile.compare import compare
from pki.bootstrap.reconcile.enter import enter
from pki.bootstrap.reconcile.lists import read_folder
from pki.cli.main import main
from pki.inventory.model import Certificate, Reason, State
from pki.protocols.ocsp import read_request
from pki.status.answer import Answerer, Policy
from tests.builders.judges import openssl
from tests.databases import ENGINES, Cluster, first_publication, worlds_on
from tests.invariants import check_journal, inventory
from tests.outside import check_published, read_lists
from tests.world import World, nurse
from trust.entropy import SystemEntropy
from trust.errors import Refused

EARLIER, LATER = 5, 2
"""Certificates issued before the backup, and after it."""
_LONG = 10**10
"""Seconds that OpenSSL is told to be patient for: it asks the machine what time it is, and the test has a time of its own."""


@dataclass
class Drill:
    """One engine's authority, the folder where everything else of the drill is, and how long each phase took."""

    world: World
    folder: Path
    cluster: Cluster | None
    phases: list[tuple[str, float]]

    def timed(self, phase: str, work: Callable[[], Any]) -> Any:
        """Do a phase, and write down how long it took."""
        started = perf_counter()
        done = work()
        self.phases.append((phase, perf_counter() - started))
        return done


@pytest.fixture(params=ENGINES)
def drill(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Drill]:
    """An authority at work, on each engine; what is elsewhere is in another folder."""
    with worlds_on(request.param, request, first_publication).world() as world:
        cluster = request.getfixturevalue("cluster") if request.param == "postgresql" else None
        home, folder = world.directory, Path(str(world.directory) + "-elsewhere")
        folder.mkdir()
        try:
            yield Drill(world, folder, cluster, [])
        finally:
            world.close()
            world.directory = home
            shutil.rmtree(folder)


def judged(world: World, certificate: Certificate, folder: Path) -> tuple[str, str]:
    """Return what OpenSSL makes of a certificate, by OCSP and by the list of its CA."""
    ca = world.home.ca_certificates()[certificate.ca]
    now = int(world.clock.now().timestamp())
    issuer, root = folder / "ca.pem", folder / "root.pem"
    for path, der in (
        (issuer, ca.der),
        (root, world.home.ca_certificates()["racine"].der),
        (folder / "one.pem", certificate.der),
    ):
        path.write_bytes(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM))
    answerer = Answerer(world.home.settings.publication / "status", None, Policy(), read_request)
    answerer.look()
    try:
        asked = ocsp.OCSPRequestBuilder().add_certificate(
            x509.load_der_x509_certificate(certificate.der), x509.load_der_x509_certificate(ca.der), SHA1()
        )
        answer = answerer.answer(asked.build().public_bytes(Encoding.DER), world.clock.now())
    finally:
        answerer.close()
    (folder / "answer.der").write_bytes(answer.body)
    times = ("-attime", now, "-validity_period", _LONG)
    trust = ("-CAfile", root, "-verify_other", issuer, "-issuer", issuer)
    by_ocsp = openssl("ocsp", "-respin", folder / "answer.der", *trust, "-cert", folder / "one.pem", "-no_nonce", *times).words
    assert "Response verify OK" in by_ocsp, by_ocsp
    lists = folder / "list.pem"
    served = world.home.settings.publication / "www" / "crl" / f"{certificate.ca}.crl"
    lists.write_bytes(x509.load_der_x509_crl(served.read_bytes()).public_bytes(Encoding.PEM))
    chain = ("-CAfile", root, "-untrusted", issuer, "-CRLfile", lists, "-crl_check", "-attime", now)
    by_list = openssl("verify", *chain, folder / "one.pem").words
    listed = "revoked" if "certificate revoked" in by_list else by_list.split(": ")[-1].strip()
    return by_ocsp.split("one.pem: ")[1].split("\n")[0], listed


def issued(world: World, ranks: range) -> list[Certificate]:
    """Bring a few people from application to certificate, published."""
    batch = world.order([world.application(nurse(rank)) for rank in ranks])
    world.issuer.turn_until_idle()
    return world.certificates_of_batch(batch)


def backed_up_at_work(drill: Drill, group: Group) -> list[Certificate]:
    """Make a backup while the issuer brings a batch to its end; return the certificates of the batch."""
    world, people = drill.world, [nurse(100 + rank) for rank in range(20)]
    batch = world.order([world.application(person) for person in people])
    issuer = world.issuer
    at_work = threading.Thread(target=issuer.turn_until_idle)
    at_work.start()
    try:
        drill.timed("backup, while it issues", lambda: make(world.home, drill.folder / "sceau.age", [group.recipient]))
    finally:
        at_work.join()
    return world.certificates_of_batch(batch)


def destroy(drill: Drill) -> None:
    """Lose the machine: home, keys in files, database. Sheets, backup, witness and a mirror of the lists are elsewhere."""
    world = drill.world
    world.close()
    shutil.copytree(world.home.settings.publication / "www", drill.folder / "mirror")
    shutil.copy(world.home.settings.witness_file, drill.folder / "witness")
    world.store.engine.dispose()
    world.__dict__.pop("custodian", None)
    if drill.cluster is not None:
        drill.cluster.drop(str(world.store.engine.url.database))
    shutil.rmtree(world.directory)


def put_back(drill: Drill, sheets: str) -> None:
    """Restore elsewhere, and go on there."""
    world, target = drill.world, drill.folder / "home"
    url = None if drill.cluster is None else drill.cluster.url(drill.cluster.new_database())
    identities = identities_of_words(sheets)
    drill.timed("restore", lambda: restore(drill.folder / "sceau.age", identities, target, database_url=url, clock=world.clock))
    world.directory = target
    world.reopen()
    # The witness is where it was: what is signed from now on goes below what was signed before.
    world.home.settings.witness_file.parent.mkdir(exist_ok=True)
    shutil.copy(drill.folder / "witness", world.home.settings.witness_file)


def test_an_authority_comes_back_from_three_of_five_sheets(drill: Drill) -> None:
    """As before for everything that the backup knew; revoked for what it did not; and it issues again."""
    world, folder = drill.world, drill.folder
    # --- build, issue, revoke; five people keep sheets; a backup while the issuer works
    world.apply_register([nurse(rank) for rank in (*range(EARLIER + LATER + 2), *range(100, 120))])
    earlier = drill.timed("issue and publish", lambda: issued(world, range(EARLIER)))
    world.revoke(earlier[0], Reason.SUPERSEDED)
    world.revoke(earlier[1], Reason.CERTIFICATE_HOLD)
    world.issuer.turn_until_idle()
    group = new_group(3, 5, SystemEntropy())
    at_work = backed_up_at_work(drill, group)

    # --- a day at work, which the restore will lose
    world.clock.advance(hours=1)
    later = issued(world, range(EARLIER, EARLIER + LATER))
    world.revoke(earlier[2], Reason.KEY_COMPROMISE)
    world.revoke(earlier[3], Reason.CERTIFICATE_HOLD)
    world.revoke(later[0], Reason.SUPERSEDED)
    world.issuer.turn_until_idle()
    before = {each.serial: judged(world, each, folder) for each in [*earlier, *at_work[:2]]}
    was = inventory(world)
    numbers = {ca: read_lists(world, ca).full.number for ca in world.home.ca_certificates()}
    assert {said for said, _ in before.values()} == {"good", "revoked"}

    # --- everything is destroyed; two of five open nothing
    destroy(drill)
    with pytest.raises(Refused, match="1 lacking"):
        identities_of_words("\n\n".join(group.shares[:2]))
    sheets = "\n\n".join(group.shares[place] for place in (4, 0, 2))
    proven = drill.timed(
        "verify aside", lambda: prove(folder / "sceau.age", identities_of_words(sheets), clock=world.clock).verdict
    )
    assert proven.restores
    put_back(drill, sheets)

    # --- in quarantine: nothing is signed
    batch = world.order([world.application(nurse(EARLIER + LATER))])
    world.clock.advance(minutes=5)
    before_turns = world.home.settings.witness_file.read_bytes()
    world.issuer.turn_until_idle()
    world.issuer.listen()
    assert world.home.settings.witness_file.read_bytes() == before_turns, "no certificate, no list, no checkpoint"
    assert not world.home.settings.signer_socket.exists(), "and no answer on the spot"
    with world.store.read() as tx:
        assert [order.serial for order in tx.orders.of_batch(batch)] == [None]
    assert main(["audit", "reconcile", "--home", str(world.directory), "--published", str(folder / "mirror")]) == 1

    # --- reconciled with the witness and the lists: what was lost is named, and entered
    known = inventory(world)
    missing = was.keys() - known.keys()
    found = drill.timed("compare", lambda: compare(world.home, folder / "witness", read_folder(world.home, folder / "mirror")))
    assert found.lost.keys() == missing >= {each.serial for each in later}
    assert found.forgotten.keys() >= {earlier[2].serial, earlier[3].serial}
    drill.timed("enter", lambda: enter(world.home, found, witnessed=True))
    assert not quarantine.stands(world.directory)
    again = compare(world.home, folder / "witness", read_folder(world.home, folder / "mirror"))
    assert (again.lost, again.differing, again.forgotten, again.floors) == ({}, [], {}, {})

    # --- as before, by openssl; what was lost is revoked; new ones issue
    world.clock.advance(minutes=5)
    drill.timed("issue again", world.issuer.turn_until_idle)
    world.issuer.turn_until_idle()  # A publisher at work learns by its first list that the numbers were raised.
    check_published(world)
    check_journal(world)
    for each in earlier:
        assert judged(world, each, folder) == before[each.serial], each.serial.hex()
    now = inventory(world)
    for each in later:
        assert judged(world, each, folder) == ("revoked", "revoked")
        assert (now[each.serial].state, now[each.serial].tbs) == (State.REVOKED, b"")
    for serial, each in was.items():
        if each.state in (State.REVOKED, State.HELD):
            assert now[serial].revoked_at == each.revoked_at
    fresh = world.certificates_of_batch(batch)[0]
    assert fresh.serial not in was
    assert judged(world, fresh, folder) == ("good", "OK")
    assert judged(world, world.enrol(nurse(EARLIER + LATER + 1)), folder) == ("good", "OK")
    for ca, number in numbers.items():
        assert read_lists(world, ca).full.number >= number + (ca == "personnes")
    assert compare(world.home, world.home.settings.witness_file, []).agree
    print(f"\nrestore drill on {world.store.engine.dialect.name}:")
    for phase, seconds in drill.phases:
        print(f"  {seconds:6.2f} s  {phase}")
