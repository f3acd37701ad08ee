"""A token in trouble, while the authority issues, makes lists, signs answers: nothing wrong comes out, and it recovers by itself.

Failure cases K01, K02, K04, K05 and promise P21. The judge is the record of the module itself (`tests.faults.shim`): what was
really signed is on record in the database (I1), and a request comes to one certificate whatever was tried again (I3).
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import count
from pathlib import Path
from time import monotonic, sleep

import pytest

from pki.bootstrap.home import open_home
from pki.bootstrap.issuer import Issuer, open_issuer, work
from pki.inventory.model import Reason, State
from pki.issuance.order import OrderState
from tests.databases import worlds_on
from tests.faults import children
from tests.faults.shim import Shim
from tests.faults.test_kill_sweep import STRANGERS, Scene, Story
from tests.invariants import begin_witness, inventory, witnessed
from tests.outside import Sight, check_good_is_earned, check_published
from tests.tokens import PIN
from tests.world import Person, World, nurse
from trust.errors import Alarm, SceauError, Unavailable
from trust.testing import FixedClock

# The driver's searches end their operation when they are collected, after the device that they were on has gone.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

TIMEOUT, BOUND = 1, 12.0
"""Seconds that a call that hangs is waited for (`[custody] timeout_seconds`), and until the issuer knows, on a busy machine."""
STEP = 20.0
"""Seconds of the issuer's own clock that pass between two of its rounds: it holds back for half a minute after an alarm."""
LIFTED, ROUNDS = 3, 200
"""Of the issuer's loop: the round after which nothing is wrong any more, and the one by which it must have recovered."""
ATTEMPTS = 2
"""Signatures of the same octets that one question may cost."""
ECDSA = 0x1041
KEYS = {"issuance": "personnes", "list": "personnes", "answer": "ocsp-personnes"}
"""What is being done when the trouble comes, and the key that does it."""


@dataclass(frozen=True)
class Trouble:
    """What the module does, and what whoever asked is told."""

    name: str
    faults: tuple[str, ...]
    told: type[SceauError] | None = None

    def __str__(self) -> str:
        return self.name.replace(" ", "-")

    @property
    def hangs(self) -> bool:
        """Whether a call does not come back."""
        return "hang" in self.faults[0]

    @property
    def lasts(self) -> bool:
        """Whether it stays until somebody lifts it."""
        return self.faults[-1].split()[1] == "*"


TROUBLES = (
    Trouble("a device error once", ("sign 1 {key} 0x30",)),
    Trouble("a session that ended", ("signinit 1 {key} 0xb3",)),
    Trouble("a handle that died", ("signinit 1 {key} 0x82",)),
    Trouble("a login that a session lost", ("signinit 1 {key} 0x101",)),
    Trouble("a device that logged everybody out", ("signinit 1 {key} logout",)),
    Trouble("signed once and not told", ("signed 1 {key} 0x30",)),
    Trouble("a device error each time", ("sign * {key} 0x30",), Unavailable),
    Trouble("signed each time and never told", ("signed * {key} 0x30",), Unavailable),
    Trouble("no session left", ("sign 1 {key} 0x30", "open * * 0xb1"), Unavailable),
    Trouble("a device that was removed", ("* * * 0x32",), Unavailable),
    Trouble("a call that hangs", ("sign 1 {key} hang:1.8",), Unavailable),
    Trouble("a wrong signature once", ("signed 1 {key} corrupt",), Alarm),
    Trouble("wrong signatures", ("signed * {key} corrupt",), Alarm),
)


def begin_issuing(world: World) -> Story:
    """Bring an authority to where two certificates are about to be made, and nothing else."""
    return _begin(world, [nurse(3), nurse(4)], revoked_before=True)


def begin_publishing(world: World) -> Story:
    """Bring an authority to where a revocation is about to be published, and nothing else."""
    return _begin(world, [nurse(3), nurse(4)], revoked_before=False)


def _begin(world: World, people: list[Person], *, revoked_before: bool) -> Story:
    world.apply_register([nurse(1), nurse(2), *people])
    revoked, kept = world.enrol(nurse(1)), world.enrol(nurse(2))
    applications = [world.application(person) for person in people]
    batch = ""
    world.issuer.turn_until_idle()
    lists = check_published(world)
    for doing in ("revoke", "order") if revoked_before else ("order", "revoke"):
        if doing == "revoke":
            world.revoke(revoked, Reason.SUPERSEDED)
        else:
            batch = world.order(applications)
        if doing != ("order" if revoked_before else "revoke"):
            world.issuer.turn_until_idle()
            lists = check_published(world)
    world.clock.advance(minutes=1)
    return Story(applications, batch, revoked, kept, lists, inventory(world))


@cache
def shim() -> Shim:
    """Return this process's module."""
    return Shim()


class Stage(Scene):
    """A scene whose keys are behind the shim."""

    def __init__(self, world: World, story: Story) -> None:
        """Put the shim before the token."""
        shim().works()
        authority = world.directory / "config" / "authority.toml"
        words = authority.read_text(encoding="utf-8")
        mine = f'[custody]\nmodule = "{shim().module}"\ntimeout_seconds = 60\nsessions = 2\n'
        authority.write_text(words.replace("[custody]\n", mine, 1), encoding="utf-8")
        world.reopen()
        super().__init__(world, story, begin_witness(world))
        self._authority = authority
        self._ticks = 0.0
        shim().forget()

    def begins(self, trouble: Trouble) -> None:
        """Start the issuer, while all is well; it waits less where a call will hang."""
        if trouble.hangs:
            words = self._authority.read_text(encoding="utf-8")
            self._authority.write_text(words.replace("seconds = 60", f"seconds = {TIMEOUT}", 1), encoding="utf-8")
            self.world.reopen()
        self.world.issuer = Issuer(self.world.home, self.world.custodian, ticks=lambda: self._ticks)

    def trouble_is_bounded(self, told: type[SceauError] | None) -> None:
        """Have the issuer do its work, and see what it is told and how soon."""
        issuer, began = self.world.issuer, monotonic()
        if told is None:
            issuer.turn_until_idle()
        else:
            with pytest.raises(told) as raised:
                issuer.turn_until_idle()
            assert PIN not in str(raised.value)
            issuer.recover_first()
        assert monotonic() - began < BOUND

    def nothing_wrong_is_said(self) -> None:
        """While it lasts: *good* is earned, and what was signed ahead goes on being answered (K04)."""
        check_good_is_earned(self.world, STRANGERS)
        sight = Sight(self.world)
        assert sight.ask("personnes", self.story.kept.serial).status == "good"
        sight.close()
        self.record_is_accounted_for()

    def recovers_by_itself(self) -> None:
        """Have the issuer's own loop run: it fails again, then the fault is lifted, and nobody does anything else."""
        over, rounds = threading.Event(), count(1)

        def wait(delay: float) -> None:
            this = next(rounds)
            assert this < ROUNDS, "it does not recover"
            self._ticks += max(delay, STEP)
            self.world.clock.advance(seconds=1)
            if this == LIFTED:
                self.nothing_wrong_is_said()
                shim().works()
            elif this > LIFTED and self._is_done():
                over.set()
            sleep(0.01)

        work(self.world.issuer, over, wait)
        self.world.issuer.turn_until_idle()

    def record_is_accounted_for(self) -> list[str]:
        """I1 by the module's record: what was signed was written down, and each certificate is in the database. Return those."""
        asked = {line.sha256.hex(): line.use for line in witnessed(self.witness)}
        intents = {hashlib.sha256(certificate.tbs).hexdigest() for certificate in inventory(self.world).values()}
        certificates = []
        for each in shim().signed():
            if each.label.startswith("ocsp-"):
                continue  # a responder's key can sign nothing else, and nobody counts its answers
            octets = each.octets if each.mechanism == ECDSA else hashlib.sha256(bytes.fromhex(each.octets)).hexdigest()
            assert octets in asked, f"{each.label} signed what nobody had written down"
            if octets in intents:
                certificates.append(octets)
            else:
                assert asked[octets] in ("crl", "checkpoint"), f"{each.label} signed a certificate that is not on record"
        return certificates

    def holds(self) -> None:
        """Check every invariant; and by the record, that what was tried again was the same, and twice at most (I3, K02)."""
        before = self.record_is_accounted_for()
        super().holds()
        assert self.record_is_accounted_for() == before, "a retry signs nothing"
        assert max(Counter(before).values(), default=0) <= ATTEMPTS
        state = {hashlib.sha256(c.tbs).hexdigest(): c.state for c in inventory(self.world).values()}
        assert {state[digest] for digest in before} <= {State.ISSUED, State.REVOKED}, "signed, and open"

    def _is_done(self) -> bool:
        with self.world.store.read() as tx:
            waits = tx.outbox.read(1) or any(o.state is not OrderState.DONE for o in tx.orders.of_batch(self.story.batch))
        return not waits


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """An authority with its keys in a token, about to do one thing."""
    worlds = worlds_on("softhsm", request, begin_issuing if request.param == "issuance" else begin_publishing)
    with worlds.world() as world:
        yield Stage(world, worlds.story)
        shim().works()


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
@pytest.mark.parametrize(("stage", "key"), KEYS.items(), indirect=["stage"], ids=KEYS)
def test_a_token_in_trouble_is_visible_and_bounded_and_the_authority_recovers_by_itself(
    stage: Stage, key: str, trouble: Trouble, caplog: pytest.LogCaptureFixture
) -> None:
    """What passes is not noticed; what does not is told in time, releases nothing, and is mended once the token is."""
    stage.begins(trouble)
    shim().does(*(fault.format(key=key) for fault in trouble.faults))

    stage.trouble_is_bounded(trouble.told)
    stage.recovers_by_itself()

    assert not trouble.lasts or any(record.levelno >= logging.ERROR for record in caplog.records)
    stage.holds()


@pytest.mark.parametrize("when", ["sign", "signed"])
@pytest.mark.parametrize(("stage", "key"), KEYS.items(), indirect=["stage"], ids=KEYS)
def test_an_issuer_killed_inside_the_module_leaves_nothing_that_its_next_start_does_not_mend(
    stage: Stage, key: str, when: str
) -> None:
    """Before the token signed, or after and before anybody was told."""
    shim().does(f"{when} 1 {key} kill")
    child = children.start(children.issuer_works, stage.world.directory, stage.world.clock.now())
    assert children.ends(child) == children.KILLED, "the module was never asked"
    shim().works()

    stage.recovers()

    stage.holds()


@pytest.mark.parametrize("stage", ["issuance"], indirect=True)
@pytest.mark.parametrize(("error", "name"), [("0xa0", "PinIncorrect"), ("0xa4", "PinLocked")])
def test_a_pin_that_is_refused_is_tried_once_over_all_restarts(stage: Stage, tmp_path: Path, error: str, name: str) -> None:
    """K05: the token is shown it once; what is said names the slot and not the PIN; corrected, everything goes on."""
    shim().does(f"login * * {error}")
    said = []
    for start in range(3):
        words = tmp_path / str(start)
        child = children.start(opens, stage.world.directory, stage.world.clock.now(), words)
        assert children.ends(child) == 0
        said.append(words.read_text())
    assert shim().happened("login") == 1
    assert name in said[0] and "not tried again" in said[0] and all("refused this PIN before" in each for each in said[1:])
    for each in said:
        assert each.startswith("Refused: token worlds (slot ") and PIN not in each
    assert shim().signed() == []

    shim().works()
    (stage.world.directory / "run" / "pin-refused").unlink()
    stage.recovers()
    stage.holds()


@pytest.mark.parametrize("stage", ["issuance"], indirect=True)
def test_a_refusal_that_was_half_written_down_counts(stage: Stage, tmp_path: Path) -> None:
    """Whoever wrote it was ended too early: the PIN may be the one, and the token is not shown it."""
    (stage.world.directory / "run" / "pin-refused").write_text("")
    child = children.start(opens, stage.world.directory, stage.world.clock.now(), tmp_path / "said")
    assert children.ends(child) == 0
    assert "(slot " in (tmp_path / "said").read_text() and "nobody knows which" in (tmp_path / "said").read_text()
    assert shim().happened("login") == 0


def opens(home: Path, moment: datetime, words: Path) -> None:
    """Be an issuer that starts, and write down what it is told."""
    try:
        open_issuer(open_home(home, clock=FixedClock(moment)))
    except SceauError as error:
        words.write_text(f"{type(error).__name__}: {error}")
