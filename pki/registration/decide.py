"""Officers decide: approve or refuse a batch; enough approvals make orders (RFC 3647 §4.2.2; CP 4.2.2).

An approval is the officer's signature over the batch's root, its size, its board and what is set aside. When as many
officers as the board demands have approved, each request not set aside becomes a written order, with the proof of its
place under the root. The issuer will check all of it again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from pki.audit.events import event
from pki.issuance.approvals import APPROVAL, Act, covered, standing_acts, statement_of, verify_act
from pki.issuance.order import ENROLMENT, CertificateOrder, Grant, read_request
from pki.registration.model import Batch, BatchState
from pki.registration.ports import RegistrationStore, RegistrationTransaction
from pki.settings import Settings
from trust.clock import Clock
from trust.entropy import Entropy
from trust.errors import Conflict, Missing, Refused
from trust.transparency.merkle import Tree, leaf_hash

REFUSAL = "refusal/1"


@dataclass(frozen=True)
class Decided:
    """Where a batch stands after a decision."""

    batch: str
    approvals: int
    needed: int
    orders: int
    """Orders and grants written by this very decision; 0 while approvals are lacking."""


class Decisions:
    """Takes officers' decisions on batches."""

    def __init__(self, store: RegistrationStore, settings: Settings, time: Clock, entropy: Entropy) -> None:
        """Serve one home."""
        self._store = store
        self._settings = settings
        self._clock = time
        self._entropy = entropy

    def approval_statement(self, batch_id: str, officer_id: str, excluded: Collection[int] = ()) -> str:
        """Return what an officer signs to approve a batch, but for the positions set aside.

        Raises:
            Missing: no such batch, or not this officer's to see.
        """
        batch = self._visible(batch_id, officer_id)
        facts = {"board": batch.board, "root": batch.root.hex(), "size": batch.size, "excluded": sorted(set(excluded))}
        return statement_of(APPROVAL, officer_id, batch_id, self._clock.now(), facts)

    def refusal_statement(self, batch_id: str, officer_id: str, reason: str) -> str:
        """Return what an officer signs to refuse a batch.

        Raises:
            Missing: no such batch, or not this officer's to see.
        """
        batch = self._visible(batch_id, officer_id)
        facts = {"board": batch.board, "root": batch.root.hex(), "size": batch.size, "reason": reason}
        return statement_of(REFUSAL, officer_id, batch_id, self._clock.now(), facts)

    def approve(self, act: Act) -> Decided:
        """Take an approval; the last one needed writes the orders.

        Raises:
            Refused: the officer may not approve this batch, or signed something else.
            Malformed: the statement of the act is not one.
            Conflict: the batch is decided already.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            batch = self._check(tx, act, APPROVAL, now)
            if act.officer not in self._approvers(tx, batch, now) and tx.acts.add(act, self._entropy.octets(16).hex(), now):
                facts = {"request": batch.id, "officer": act.officer, "ordre": batch.board, "hash": batch.root.hex()}
                tx.journal.append(event("request.approved", **facts), at=now)
            approvers = sorted(self._approvers(tx, batch, now) - {batch.requester})
            needed = self._settings.board(batch.board).approvals_for(batch.size)
            if len(approvers) < needed:
                return Decided(batch.id, len(approvers), needed, 0)
            approvals = tx.acts.of_target(APPROVAL, batch.id)
            excluded = {position for approval in approvals for position in covered(approval.record()).excluded}
            orders = self._write_orders(tx, batch, excluded, approvers, now)
            tx.requests.set_state(batch.id, BatchState.APPROVED, now)
            return Decided(batch.id, len(approvers), needed, orders)

    def refuse(self, act: Act) -> None:
        """Take a refusal: the batch is over.

        Raises:
            Refused: the officer may not decide on this batch, or signed something else.
            Conflict: the batch is decided already.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            batch = self._check(tx, act, REFUSAL, now)
            tx.acts.add(act, self._entropy.octets(16).hex(), now)
            tx.requests.set_state(batch.id, BatchState.REFUSED, now)
            tx.journal.append(
                event("request.refused", request=batch.id, reason="refused-by-officer", citation="CP 4.2.2", by=act.officer),
                at=now,
            )

    def _approvers(self, tx: RegistrationTransaction, batch: Batch, now: datetime) -> set[str]:
        """Return whose approvals stand: a key that was withdrawn meanwhile approves nothing."""
        recorded = tx.acts.of_target(APPROVAL, batch.id)
        standing, _ = standing_acts(recorded, tx.acts.keys, self._settings, role="approve", now=now)
        return {act.officer for act in standing}

    def _visible(self, batch_id: str, officer_id: str) -> Batch:
        officer = self._settings.officer(officer_id)
        with self._store.read() as tx:
            batch = tx.requests.batch(batch_id)
        if batch.board != officer.board:
            raise Missing(f"no batch of requests is called {batch_id}")  # The same words as for one that does not exist.
        return batch

    def _check(self, tx: RegistrationTransaction, act: Act, act_type: str, now: datetime) -> Batch:
        if act.type != act_type:
            raise Refused("this act decides something else", citation="CP 4.2.2")
        batch = tx.requests.batch(act.target, lock=True)
        officer, said = verify_act(act, tx.acts.keys(act.officer), self._settings, role="approve", now=now)
        if officer.board != batch.board:
            raise Refused(f"{officer.id} is not an officer of {batch.board}", citation="CP 3.2.5")
        if officer.id == batch.requester and act_type == APPROVAL:
            raise Refused("who asks does not approve: another officer must", citation="CP 5.2.2")
        if covered(said).batch != (batch.board, batch.root, batch.size):
            raise Refused("the signature is over something else than this batch", citation="CP 4.2.2")
        if batch.state is not BatchState.SUBMITTED:
            raise Conflict(f"this batch is already {batch.state.name.lower()}")
        return batch

    def _write_orders(
        self, tx: RegistrationTransaction, batch: Batch, excluded: set[int], approvers: list[str], now: datetime
    ) -> int:
        records = tx.requests.of_batch(batch.id)
        leaves = [leaf_hash(record.statement.encode()) for record in records]
        tree = Tree(leaves)
        if tree.root() != batch.root:
            raise Refused("the stored requests are not those that were submitted", citation="CP 4.2.2")
        # Issuance will compare with the CA that the statement names: nothing of it is read here.
        profiles = {record.profile for record in records} - {ENROLMENT}
        ca_of = {profile: self._settings.issuer_of(profile).id for profile in profiles}
        orders, grants, events = [], [], []
        for record, leaf, proof in zip(records, leaves, tree.inclusions(), strict=True):
            if record.position in excluded:
                continue
            octets = proof.to_bytes()
            if record.profile == ENROLMENT:
                granted = read_request(record.statement).profiles
                grants.append(Grant(record.id, batch.id, batch.board, record.holder, granted, record.statement, octets, now))
                events.append(
                    event(
                        "grant.given",
                        request=record.id,
                        subject=record.holder,
                        ordre=batch.board,
                        profiles=granted,
                        approvals=approvers,
                        hash=leaf.hex(),
                    )
                )
                continue
            ca = ca_of[record.profile]
            orders.append(CertificateOrder(record.id, batch.id, ca, record.statement, octets, record.spki))
            events.append(
                event(
                    "order.written",
                    order=record.id,
                    request=record.id,
                    profile=record.profile,
                    subject=record.holder,
                    approvals=approvers,
                    hash=leaf.hex(),
                )
            )
        if orders:
            tx.orders.add(orders, now)
        tx.grants.add(grants)
        if events:
            tx.journal.append_many(events, at=now)
        return len(orders) + len(grants)
