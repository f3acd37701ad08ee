"""Somebody who writes into the database, and has the keys of some officers: what the issuer must not believe."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pki.issuance.approvals import APPROVAL, SUBMISSION, Act, statement_of
from pki.issuance.order import CertificateOrder, OrderState
from pki.registration.model import Batch, BatchState
from tests.world import Person, World
from trust.algorithms import ALGORITHMS, spki
from trust.canonical import canonical
from trust.naming import PersonSubject
from trust.transparency.merkle import Tree, leaf_hash


@dataclass
class Forger:
    """Writes batches, acts and orders straight into the tables of a world."""

    world: World
    made: int = field(default=0)

    def statement(self, person: Person, **changes: Any) -> tuple[str, bytes]:
        """Return a truthful request for a nurse, but for the changes, and its public key."""
        self.made += 1
        world, key = self.world, spki(ALGORITHMS["P-256"].generate().public_key())
        with world.store.read() as tx:
            found = tx.register.standings([person.idnat], world.clock.now()).get(person.idnat)
        subject = PersonSubject(person.idnat, person.family_name, person.given_name, "60", "Infirmier")
        record: dict[str, Any] = {
            "type": "certificate-request/1",
            "id": f"{self.made:032x}",
            "at": "2026-01-01T00:00:00Z",
            "board": "ONI",
            "ca": "personnes",
            "profile": "ps-authentification",
            "holder": person.idnat,
            "subject": subject.record(),
            "key": hashlib.sha256(key).hexdigest(),
            "requester": "oni-1",
            "register": {"entry": found.digest.hex() if found else ""},
        }
        return canonical(record | changes).decode(), key

    def order(self, statement: str, key: bytes, acts: Sequence[tuple[str, str]], *, ca: str = "personnes", **facts: Any) -> str:
        """Write a batch of one request with these acts (officer, type), over these facts, and its order; return its identifier.

        The order is written whether anybody would have written it or not.
        """
        now, tree = self.world.clock.now(), Tree([leaf_hash(statement.encode())])
        order_id, batch_id = f"{self.made:032x}", f"batch-{self.made}"
        said = {"board": "ONI", "root": tree.root().hex(), "size": 1} | facts
        with self.world.store.write() as tx:
            tx.requests.add(Batch(batch_id, "ONI", "oni-1", tree.root(), 1, BatchState.APPROVED, now), [])
            for officer, act_type in acts:
                excluded: dict[str, Any] = {"excluded": []} if act_type == APPROVAL and "excluded" not in facts else {}
                text = statement_of(act_type, officer, batch_id, now, said | excluded)
                self.keep(tx, self.world.act(officer, text))
            proof = tree.inclusion(0).to_bytes()
            tx.orders.add([CertificateOrder(order_id, batch_id, ca, statement, proof, key)], now)
        return order_id

    def keep(self, tx: Any, act: Act) -> None:
        """Store an act without asking whether it may be."""
        tx.acts.add(act, hashlib.sha256(act.statement.encode()).hexdigest()[:32], self.world.clock.now())

    def outcome(self, order_id: str) -> tuple[OrderState, str | None]:
        """Let the issuer work; return what became of an order, and why."""
        self.world.issuer.turn_until_idle()
        with self.world.store.read() as tx:
            order = tx.orders.get(order_id)
        return order.state, order.failure

    def all_fail(self, orders: Iterable[str]) -> list[str]:
        """Let the issuer work; check that it took none of these orders, and return the reasons."""
        outcomes = {order: self.outcome(order) for order in list(orders)}
        assert {state for state, _ in outcomes.values()} == {OrderState.FAILED}, outcomes
        return [str(failure) for _, failure in outcomes.values()]


TWO = (("oni-1", SUBMISSION), ("oni-2", APPROVAL))
"""What stands behind every certificate: who asks, and another who approves."""
