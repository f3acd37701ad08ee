"""When the issuer meets trouble: what it says in the journal, what it stops, what goes on (CP 5.4.1, CP 5.7.1, CP 5.7.2)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from pki.bootstrap.chronicle import config_digest
from pki.bootstrap.issuer import HOLD_BACK_SECONDS, Issuer, work
from pki.faults import Faults
from pki.inventory.model import Reason, State
from pki.issuance.order import OrderState
from tests.world import World, nurse
from trust.errors import Alarm, Malformed, Refused


def told(world: World, kind: str) -> list[dict[str, Any]]:
    """Return the facts of every journal entry of a type."""
    with world.store.read() as tx:
        entries = [json.loads(line) for _, line in tx.journal_table.entries()]
    return [entry["facts"] for entry in entries if entry["type"] == kind]


class ClockGoesBack(Faults):
    """Sets the world's clock back by an hour, once, between an intent and its signature (failure case I09)."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world, self._done = world, False

    def at(self, point: str) -> None:
        """Act at the intent."""
        if point == "intent.committed" and not self._done:
            self._done = True
            self._world.clock.advance(hours=-1)


def nothing() -> None:
    """Let a turn pass."""


class Turns:
    """Lets the loop of an issuer take some turns, and has a say between them."""

    LATER = "later"
    """Wait until issuance is tried again after an alarm."""

    def __init__(self, *between: Callable[[], None] | str) -> None:
        self._between = list(between)
        self.stop = threading.Event()
        self.ticks = 0.0

    def wait(self, seconds: float) -> None:
        """Do the next thing instead of waiting; after the last, stop."""
        self.ticks += seconds
        if not self._between:
            self.stop.set()
        elif callable(act := self._between.pop(0)):
            act()
        else:
            self.ticks += HOLD_BACK_SECONDS[0]

    def through(self, issuer: Issuer) -> None:
        """Run the loop of the issuer process."""
        work(issuer, self.stop, self.wait)


def test_a_start_says_under_which_configuration_it_works(world: World) -> None:
    """Its hash changes with any file of it, boards and profiles included."""
    world.issuer.begin()
    before = told(world, "config.loaded")

    board = next((world.directory / "config" / "boards").glob("*.toml"))
    board.write_text(board.read_text() + "\n# an officer was thought of\n")
    world.issuer.begin()
    after = told(world, "config.loaded")

    assert len(before) == 1 and before[0] | {"config": ""} == {
        "config": "", "mode": "demo", "process": "issuer", "version": before[0]["version"]
    }  # fmt: skip
    assert after[1]["config"] == config_digest(world.home.settings.config) != before[0]["config"]


def test_every_key_of_the_authority_is_in_the_journal(world: World) -> None:
    """Those of its CAs, of its journal and of its responders, each with its algorithm and who made it."""
    world.issuer.turn()

    entries = [*told(world, "key.created"), *told(world, "key.found")]  # found: in a token that other tests have used
    made = {facts["label"]: (facts["kind"], facts["by"]) for facts in entries}
    assert made == {
        "journal": ("Ed25519", "init"),
        "racine": ("P-384", "init"),
        "personnes": ("P-256", "init"),
        "organisations": ("P-256", "init"),
        **{f"ocsp-{ca}-1": ("P-256", "issuer") for ca in ("racine", "personnes", "organisations")},
    }


def test_a_file_that_is_no_extraction_is_refused_and_the_journal_says_so(world: World, tmp_path: Path) -> None:
    """With its hash, and without a word of what is in it."""
    path = tmp_path / "PS_LibreAcces_Personne_activite_202603020600.txt"
    path.write_text("Nom|Prénom|\nEXEMPLE|Camille|\n")

    with pytest.raises(Malformed):
        world.lifecycle.receive(path, by="operator")

    (refused,) = told(world, "snapshot.refused")
    assert (refused["reason"], refused["by"], len(refused["sha256"])) == ("malformed", "operator", 64)
    with world.store.read() as tx:
        assert tx.register.applied() is None


def test_a_clock_that_goes_back_between_intent_and_signature_stops_issuance_until_it_is_right(world: World) -> None:
    """Failure case I09: nothing is signed; once the clock is right the intent is revoked and its order taken again, by itself."""
    someone = nurse(1)
    world.apply_register([someone])
    world.issuer.turn_until_idle()
    world.close()
    batch = world.order([world.application(someone)])
    seen: list[OrderState] = []

    def look() -> None:
        with world.store.read() as tx:
            seen.append(tx.orders.of_batch(batch)[0].state)

    turns = Turns(look, look, lambda: world.clock.advance(hours=1), look, Turns.LATER, look)
    issuer = Issuer(world.home, world.custodian, faults=ClockGoesBack(world), ticks=lambda: turns.ticks)
    turns.through(issuer)
    issuer.close()

    assert seen[:2] == [OrderState.PREPARED] * 2, "while the clock is wrong, nothing is judged"
    assert seen[2] is OrderState.PENDING, "once it is right, the intent is revoked and the order waits"
    (certificate,) = world.certificates_of_batch(batch)
    assert certificate.state is State.ISSUED
    with world.store.read() as tx:
        both = tx.certificates.of_holder(certificate.holder)
    assert sorted((c.state, c.signature is None) for c in both) == [(State.ISSUED, False), (State.REVOKED, True)]
    assert len(told(world, "certificate.abandoned")) == 1


def test_an_alarm_is_in_the_journal_once_and_revocations_go_out_all_the_same(world: World) -> None:
    """A key that signs wrongly stops what it is for, and burns one order at a time."""
    people = [nurse(rank) for rank in range(1, 8)]
    world.apply_register(people)
    certificate = world.enrol(people[0])
    world.close()
    world.order([world.application(person) for person in people[1:]])

    def revoke() -> None:
        world.revoke(certificate)
        world.clock.advance(minutes=1)

    turns = Turns(nothing, revoke, *[nothing] * 4, Turns.LATER, *[nothing] * 3)
    issuer = Issuer(world.home, LyingCustodian(world), ticks=lambda: turns.ticks)
    turns.through(issuer)
    issuer.close()

    alarms = told(world, "alarm.raised")
    assert len(alarms) == 2 and all("does not verify" in alarm["what"] for alarm in alarms)
    assert len(told(world, "certificate.abandoned")) == len(people) - 1 + 1, "the batch, then one order alone"
    crl = x509.load_der_x509_crl((world.directory / "publication" / "www" / "crl" / "personnes.crl").read_bytes())
    assert crl.get_revoked_certificate_by_serial_number(int.from_bytes(certificate.serial, "big")) is not None


class LyingCustodian:
    """The keystore, but for the key of one CA, which signs certificates wrongly."""

    def __init__(self, world: World) -> None:
        self._inner = world.custodian

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def sign(self, ref: Any, use: Any, data: bytes) -> bytes:
        """Sign, something else when it is a certificate."""
        return self._inner.sign(ref, use, data + b"!" if use.value == "certificate" else data)

    def sign_many(self, ref: Any, use: Any, many: Sequence[bytes]) -> list[bytes]:
        """Sign each, as `sign` does."""
        return [self.sign(ref, use, data) for data in many]


def test_an_alarm_that_the_journal_cannot_take_is_raised_all_the_same(world: World) -> None:
    """A clock behind the journal stops the journal too."""
    world.issuer.turn()
    world.clock.advance(hours=-1)

    with pytest.raises(Alarm):
        world.issuer.begin()
    world.issuer.chronicle.alarm(Alarm("the clock went back"))
    assert told(world, "alarm.raised") == []
    world.clock.advance(hours=1)
    world.issuer.chronicle.alarm(Alarm("the clock went back"))
    assert told(world, "alarm.raised") == [{"process": "issuer", "what": "the clock went back"}]


def test_a_revoked_authority_holds_up_nobody_elses_certificates(world: World) -> None:
    """It signs nothing more; the others issue and publish as before (CP 5.7.3)."""
    someone = nurse(1)
    world.apply_register([someone])
    ended = world.home.ca_certificates()["organisations"]
    with world.store.write() as tx:
        tx.certificates.save([ended.revoked(Reason.CESSATION_OF_OPERATION, world.clock.now())], world.clock.now())

    certificate = world.enrol(someone)
    world.revoke(certificate)
    world.issuer.turn_until_idle()

    lists = world.directory / "publication" / "www" / "crl"
    assert x509.load_der_x509_crl((lists / "personnes.crl").read_bytes()).get_revoked_certificate_by_serial_number(
        int.from_bytes(certificate.serial, "big")
    )


def test_one_parts_trouble_leaves_the_others_at_work(world: World) -> None:
    """A database that refuses one thing does not keep a revocation from being published; the trouble is told after."""
    someone = nurse(1)
    world.apply_register([someone])
    certificate = world.enrol(someone)
    issuer = world.issuer
    world.revoke(certificate)
    world.clock.advance(minutes=1)

    def refuses() -> bool:
        raise Refused("a mandate was withdrawn", citation="CP 5.2.1")

    issuer._upkeep = refuses  # type: ignore[method-assign]
    with pytest.raises(Refused, match="a mandate was withdrawn"):
        issuer.turn()

    with world.store.read() as tx:
        assert tx.outbox.read(10) == []
