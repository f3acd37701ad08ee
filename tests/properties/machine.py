"""The real authority and its paper, side by side: what the machines of this folder share.

A machine adds rules; after each of them every promise is asked for again. Worlds are copies of one in which five nurses have
certificates, so that there is something to lose from the first step on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from pki.faults import Faults, InjectedFault
from pki.inventory.model import Certificate, State
from pki.issuance.order import CertificateOrder, OrderState
from pki.register.sanctions import DecisionKind
from tests.databases import Worlds, swift_directory
from tests.invariants import begin_witness, check_journal, check_monotone, check_witness, inventory
from tests.outside import Lists, check_content, check_good_is_earned, check_published
from tests.properties.ordre import Asked, Batch, Member, Ordre
from tests.world import Person, World, nurse
from trust.algorithms import PrivateKey
from trust.errors import Missing

PEOPLE = 5
STRANGERS = (b"\x40" + bytes(15), b"\x7f" * 16)
"""Serials of our form that nobody drew."""
STEADY = settings(deadline=None, suppress_health_check=list(HealthCheck))

others = st.integers(1, PEOPLE - 1)
"""Anybody but the first nurse, who stays in the register: it is never empty."""
indices = st.integers(0, 9)
officers = st.sampled_from(["oni-1", "oni-2"])


@dataclass(frozen=True)
class Beginning:
    """What is known of the world that all others are copies of."""

    keys: dict[bytes, PrivateKey]
    asked: list[Asked]
    batch: str
    lists: Mapping[str, Lists]


def begin(world: World) -> Beginning:
    """Certify five nurses, one of them twice with one key, and publish."""
    members = [Member(nurse(rank)) for rank in range(1, PEOPLE + 1)]
    world.apply_register([member.person for member in members])
    applications = [world.application(member.person) for member in members]
    key = list(world.keys.values())[1]
    applications.append(world.application(members[1].person, "ps-signature", key=key))
    batch = world.order(applications)
    world.issuer.turn_until_idle()
    digests = {order.id: hashlib.sha256(order.spki).digest() for order in _orders(world, batch)}
    certificates = world.certificates_of_batch(batch)
    by_holder = {(c.holder, c.profile): digests[c.order_id] for c in certificates}
    asked = [
        Asked(member, one, by_holder[member.person.idnat, one.profile], member.line)
        for member, one in zip([*members, members[1]], applications, strict=True)
    ]
    return Beginning(dict(world.keys), asked, batch, check_published(world))


def _orders(world: World, batch: str) -> list[CertificateOrder]:
    with world.store.read() as tx:
        return tx.orders.of_batch(batch)


_WORLDS: list[Worlds[Beginning]] = []


def worlds() -> Worlds[Beginning]:
    """Return this process's maker of worlds."""
    if not _WORLDS:
        _WORLDS.append(Worlds(None, begin))
    return _WORLDS[0]


class Authority(RuleBasedStateMachine):
    """An authority at work, its paper, and what relying parties read of it last."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory(prefix="sceau-", dir=swift_directory())
        self.world: World = worlds().make(Path(self.folder.name, "home"))
        self.witness = begin_witness(self.world)
        story = worlds().story
        self.world.keys.update(story.keys)
        members = [Member(nurse(rank), is_present=True) for rank in range(1, PEOPLE + 1)]
        self.paper = Ordre(members, self.world.clock.now())
        asked = [Asked(members[int(one.member.person.rpps[3:10]) - 1], one.application, one.key, one.line) for one in story.asked]
        self.paper.batches.append(Batch(story.batch, asked, approved=True, settled=True))
        self.lists: Mapping[str, Lists] = story.lists
        self.known: Mapping[bytes, Certificate] = inventory(self.world)

    def teardown(self) -> None:
        """Leave nothing behind."""
        worlds().end(self.world)
        self.folder.cleanup()

    # --- what rules are made of -----------------------------------------------------------------------------------------------

    def apply_register(self, present: list[Person]) -> None:
        """Bring an extraction of these people into force."""
        self.world.clock.advance(seconds=1)
        self.world.apply_register(present)
        self.paper.register_date = self.world.clock.now()
        numbers = {person.rpps for person in present}
        for member in self.paper.members:
            member.is_present = member.person.rpps in numbers

    def register_without(self, gone: Member) -> None:
        """Bring an extraction without one person into force."""
        self.apply_register([m.person for m in self.paper.members if m.is_present and m is not gone])

    def register_with(self, member: Member) -> None:
        """Bring an extraction with one person into force."""
        self.apply_register([m.person for m in self.paper.members if m.is_present or m is member])

    def decide(self, member: Member, kind: DecisionKind, officer: str) -> None:
        """Have the ordre decide something about one person."""
        self.paper.decisions += 1
        reference = f"D-{self.paper.decisions}"
        if kind is DecisionKind.LEVEE and not member.decisions:
            with pytest.raises(Missing):
                self.world.sanction(member.person, kind, officer=officer, reference=reference)
            return
        self.world.sanction(member.person, kind, officer=officer, reference=reference)
        member.decisions = [] if kind is DecisionKind.LEVEE else [*member.decisions, kind]

    def issuer_works(self) -> None:
        """Let the issuer work until nothing waits; then compare everything that can be read from outside."""
        self.world.issuer.turn_until_idle()
        self._settle()
        self.lists = check_published(self.world, self.lists)
        check_witness(self.world, self.witness)

    def issuer_crashes(self, point: str, nth: int) -> None:
        """Crash at a fault point, if it is passed so often; the next start mends everything."""
        self.world.close()
        issuer = self.world.open_issuer(Faults(f"{point}:raise:{nth}"))
        try:
            issuer.turn_until_idle()
        except InjectedFault:
            check_witness(self.world, self.witness)
            check_good_is_earned(self.world, STRANGERS)
        finally:
            issuer.close()
        self.issuer_works()

    def certificates_of(self, member: Member) -> list[Certificate]:
        """Return everything ever prepared for one person."""
        with self.world.store.read() as tx:
            return tx.certificates.of_holder(member.person.idnat)

    def _settle(self) -> None:
        """Compare what the orders came to with what the paper says (I3, I4, I6)."""
        now = self.world.clock.now()
        for batch in (batch for batch in self.paper.batches if batch.approved):
            orders = {(hashlib.sha256(o.spki).digest(), o.id): o for o in _orders(self.world, batch.id)}
            asked = [one for place, one in enumerate(batch.asked) if place not in batch.set_aside]
            assert sorted(key for key, _ in orders) == sorted(one.key for one in asked)
            for (key, _), order in orders.items():
                one = next(each for each in asked if each.key == key and each.application.profile in order.statement)
                assert order.state in (OrderState.DONE, OrderState.FAILED)
                if not batch.settled:
                    one.ended = not self.paper.must_be_issued(one, now)
                    assert (order.state is OrderState.FAILED) == one.ended, (order.failure, one)
                if order.serial is not None:
                    signed = [c for c in self.certificates_of(one.member) if c.order_id == order.id and c.signature is not None]
                    assert [c.serial for c in signed] == [order.serial], "one request, one certificate, for ever"
                    if not batch.settled:
                        check_content(self.world, signed)
            batch.settled = True

    # --- what always holds ----------------------------------------------------------------------------------------------------

    @invariant()
    def every_promise_holds(self) -> None:
        """I2, I4, I7, I9 and I11, after each step."""
        known = inventory(self.world)
        check_monotone(self.known, known)
        self.known = known
        self._nobody_without_the_right_holds_what_serves()
        check_good_is_earned(self.world, STRANGERS, known)
        check_journal(self.world)

    def _nobody_without_the_right_holds_what_serves(self) -> None:
        now = self.world.clock.now()
        for certificate in self.known.values():
            if certificate.board and certificate.not_after >= now:
                member = self.paper.member_of(certificate.holder)
                assert certificate.state is not State.ISSUED or member.has_right, f"{certificate.holder} has no right"
                if member.is_revoked_by_decision:
                    assert certificate.state in (State.PREPARED, State.REVOKED)
