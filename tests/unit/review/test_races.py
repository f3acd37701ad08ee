"""Two at once, on both engines: what one does while the other is half way (invariants I6, I13)."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from pki.faults import Faults
from pki.inventory.model import Reason, State
from pki.issuance.approvals import APPROVAL
from pki.registration.model import BatchState
from pki.revocation.service import holder_statement
from tests.databases import cluster, world_on  # noqa: F401  # fixtures
from tests.world import World, nurse
from trust.algorithms import ALGORITHMS
from trust.errors import Alarm, Conflict, Unavailable

ANNE = nurse(1)


class Meanwhile(Faults):
    """Has something else happen at a point of issuance, once, in another thread, and waits a moment for it."""

    def __init__(self, point: str, what: Callable[[], object]) -> None:
        super().__init__()
        self.point, self.threads = point, [threading.Thread(target=what)]
        self.started: list[threading.Thread] = []

    def at(self, point: str) -> None:
        """Pass a point."""
        if point == self.point and self.threads:
            self.started.append(self.threads.pop())
            self.started[0].start()
            self.started[0].join(2.0)  # on SQLite it waits for our transaction to end: nothing is lost, it comes after


@pytest.mark.parametrize("point", ["key.checked", "audit.presign", "intent.committed", "hsm.before", "sig.verified"])
def test_no_certificate_of_a_compromised_key_survives(world_on: World, point: str) -> None:  # noqa: F811
    """The holder proves the compromise while another certificate of that key is being made: both end, whoever was first."""
    world = world_on
    world.apply_register([ANNE])
    key = ALGORITHMS["P-256"].generate()
    first = world.enrol(ANNE, key=key)
    world.close()
    world.order([world.application(ANNE, "ps-signature", key=key)])
    statement = holder_statement(first.serial, Reason.KEY_COMPROMISE, world.clock.now())
    algorithm = ALGORITHMS["P-256"]
    fault = Meanwhile(point, lambda: world.revocation.by_holder(statement, algorithm.sign(key, statement.encode())))
    issuer = world.open_issuer(fault)
    for _ in range(3):
        try:
            issuer.turn_until_idle()
        except (Alarm, Unavailable, Conflict):  # welcome: the next turn recovers
            issuer.recover_first()
    issuer.close()
    fault.started[0].join()
    with world.store.read() as tx:
        states = {each.profile: each.state for each in tx.certificates.of_key(first.spki_hash)}
    assert set(states.values()) == {State.REVOKED}, states


@pytest.mark.parametrize("refusing", [False, True])
def test_a_batch_is_decided_once(world_on: World, refusing: bool) -> None:  # noqa: F811
    """Two officers at the same moment: approved twice it is ordered once, approved and refused it is one of the two."""
    world = world_on
    world.apply_register([ANNE])
    draft = world.enrolment.draft("oni-1", [world.application(ANNE)])
    batch = world.enrolment.submit(draft, world.act("oni-1", draft.statement(world.clock.now())))
    ready, outcomes = threading.Barrier(2), list[object]()
    first = world.act("oni-2", world.decisions.approval_statement(batch.id, "oni-2"))
    second = world.act("oni-2", world.decisions.refusal_statement(batch.id, "oni-2", "non")) if refusing else first

    def decide(what: Callable[[], object]) -> None:
        ready.wait()
        try:
            outcomes.append(what() or "done")
        except (Conflict, Unavailable) as error:
            outcomes.append(error)

    acts = (
        lambda: world.decisions.approve(first),
        lambda: world.decisions.refuse(second) if refusing else world.decisions.approve(second),
    )
    threads = [threading.Thread(target=decide, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([each for each in outcomes if isinstance(each, Conflict)]) == 1, outcomes
    with world.store.read() as tx:
        found, orders = tx.requests.batch(batch.id), tx.orders.of_batch(batch.id)
        assert len(tx.acts.of_target(APPROVAL, batch.id)) == len(orders) == (1 if found.state is BatchState.APPROVED else 0)
