"""The register drives the life of certificates (CP 4.9.1, CP 4.9.3, CP 3.2.5).

An extraction becomes a snapshot; two snapshots make a plan; officers sign the plan, two of them when it takes the right
of many; applying it changes the register in force and, in the same transaction, puts on hold whoever is gone or lost
the right, and takes off hold whoever is back. An ordre's explicit decision goes further: radiation and opposition
revoke. `reconcile` does the same without any change, every night: no valid certificate for a person without the right
to practise (the issuer does it: `pki.bootstrap.reconciliation`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from pathlib import Path

from pki.audit.events import event
from pki.inventory.model import Certificate, Reason, State
from pki.issuance.approvals import Act, statement_of, verify_act
from pki.issuance.ports import Standing
from pki.register.entry import RegisterEntry, standing
from pki.register.layout import Numbers
from pki.register.plan import Change, ChangeKind, PlanSummary, Tally, compare
from pki.register.sanctions import Decision, DecisionKind, Effect
from pki.register.snapshot import ImportResult, Progress, import_extraction
from pki.registration.model import Sanction, SnapshotRecord
from pki.registration.ports import RegistrationStore, RegistrationTransaction
from pki.revocation.changes import end, release
from pki.settings import Officer, Settings
from trust import clock
from trust.canonical import canonical_hash
from trust.clock import Clock
from trust.entropy import Entropy
from trust.errors import Conflict, Malformed, Missing, Refused

PLAN = "plan/1"
SANCTIONS = "sanctions/1"
BY_REGISTER = "register"
_CHUNK = 5000


@dataclass(frozen=True)
class Plan:
    """What applying a snapshot would do."""

    snapshot: SnapshotRecord
    previous: SnapshotRecord | None
    summary: PlanSummary
    needed: int
    """Officers who must sign it."""
    signed: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """What officers sign: the changes, and between which snapshots."""
        return canonical_hash(
            {
                "changes": self.summary.hash,
                "snapshot": self.snapshot.file,
                "previous": self.previous.file if self.previous else None,
            }
        ).hex()


@dataclass(frozen=True)
class Applied:
    """What was done to certificates."""

    held: int
    released: int
    revoked: int = 0


class Lifecycle:
    """Receives the register and the ordres' decisions."""

    def __init__(self, store: RegistrationStore, settings: Settings, time: Clock, entropy: Entropy) -> None:
        """Serve one home."""
        self._store = store
        self._settings = settings
        self._clock = time
        self._entropy = entropy

    # --- the register -------------------------------------------------------------------------------------------------------

    def receive(
        self, path: Path, *, by: str, register_date: datetime | None = None, progress: Callable[[Progress], None] | None = None
    ) -> ImportResult:
        """Read an extraction and keep it as a snapshot; nothing in force changes.

        Raises:
            Malformed: the file is no extraction, or too many of its lines are bad. The journal says that it was refused.
            Conflict: this very file was imported before.
        """
        try:
            return self._receive(path, by, register_date, progress)
        except Malformed:
            now = self._clock.now()
            with self._store.write() as tx:
                tx.journal.append(event("snapshot.refused", sha256=_sha256_of(path), reason="malformed", by=by), at=now)
            raise

    def _receive(
        self, path: Path, by: str, register_date: datetime | None, progress: Callable[[Progress], None] | None
    ) -> ImportResult:
        numbers: Numbers = "real" if self._settings.mode == "production" else "test"
        latest = self._clock.now() + timedelta(days=1)
        result = import_extraction(
            path, self._settings.snapshots, register_date=register_date, numbers=numbers, latest=latest, progress=progress
        )
        snapshot, now = result.snapshot, self._clock.now()
        record = SnapshotRecord(
            sha256=snapshot.sha256,
            content_sha256=snapshot.content_sha256,
            register_date=snapshot.register_date,
            lines=snapshot.lines,
            people=snapshot.people,
            refused_lines=result.refused_total,
            file=snapshot.path.name,
            imported_at=now,
        )
        with self._store.write() as tx:
            tx.register.add_snapshot(record)
            tx.journal.append(
                event(
                    "snapshot.imported",
                    sha256=record.sha256,
                    register_date=clock.text(record.register_date),
                    lines=record.lines,
                    people=record.people,
                    refused_lines=record.refused_lines,
                    by=by,
                ),
                at=now,
            )
        return result

    def plan(self, sha256: str) -> Plan:
        """Say what applying a snapshot would do, and who has signed it so far.

        Raises:
            Missing: no such snapshot.
            Conflict: it is in force already, or older than the one in force.
        """
        with self._store.read() as tx:
            snapshot, previous = tx.register.snapshot(sha256), tx.register.applied()
            absent = tx.register.absent()
        if previous is not None and previous.file == snapshot.file:
            raise Conflict("this snapshot is the one in force")
        tally = Tally(absent.__contains__)
        comparison = compare(self._file(previous) if previous else None, self._file(snapshot))
        for _ in tally.counting(comparison):
            pass
        summary = tally.summary(comparison)
        large = summary.rights_taken > self._settings.register.threshold
        plan = Plan(snapshot, previous, summary, self._settings.register.approvals if large else 1)
        with self._store.read() as tx:
            signed = self._signers(tx, plan, self._clock.now())
        return Plan(snapshot, previous, summary, plan.needed, signed)

    def plan_statement(self, plan: Plan, officer_id: str) -> str:
        """Return what an officer signs to approve a plan."""
        s = plan.summary
        facts = {"snapshot": plan.snapshot.sha256, "new": s.new, "changed": s.changed, "gone": s.gone, "back": s.back}
        return statement_of(PLAN, officer_id, plan.hash, self._clock.now(), facts)

    def sign(self, plan: Plan, act: Act) -> tuple[str, ...]:
        """Record an officer's signature of a plan; return who has signed.

        Raises:
            Refused: no mandate, or a signature over something else.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            if act.type != PLAN or act.target != plan.hash:
                raise Refused("the signature is not over this plan", citation="CP 4.9.3")
            officer, _ = verify_act(act, tx.acts.keys(act.officer), self._settings, role="approve", now=now)
            already = set(self._signers(tx, plan, now))
            if officer.id not in already and tx.acts.add(act, self._entropy.octets(16).hex(), now):
                tx.journal.append(event("plan.approved", plan=plan.hash, officer=officer.id, ordre=officer.board), at=now)
            return tuple(sorted(already | {officer.id}))

    def apply(self, plan: Plan) -> Applied:
        """Apply a plan that enough officers signed: the register in force and the certificates change together, or not at all.

        Raises:
            Refused: signatures are lacking.
            Conflict: the register in force changed since the plan was made: plan again.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            signers = self._signers(tx, plan, now)
            if len(signers) < plan.needed:
                raise Refused(f"{len(signers)} of {plan.needed} officers have signed this plan", citation="CP 4.9.3")
            applied = tx.register.applied()
            if (applied.file if applied else None) != (plan.previous.file if plan.previous else None):
                raise Conflict("another snapshot was applied meanwhile: make the plan anew")
            touched = self._apply_entries(tx, plan, now)
            tx.register.set_applied(plan.snapshot.file, now)
            done = self._reconcile(tx, touched, now)
            s = plan.summary
            tx.journal.append(
                event(
                    "plan.applied",
                    plan=plan.hash,
                    snapshot=plan.snapshot.sha256,
                    approvals=list(signers),
                    new=s.new,
                    changed=s.changed,
                    struck_off=s.gone,
                    back=s.back,
                ),
                at=now,
            )
        return done

    def _signers(self, tx: RegistrationTransaction, plan: Plan, now: datetime) -> tuple[str, ...]:
        """Return who has signed, by keys and mandates that stand now: an officer whose key was replaced signs again."""
        signers = set()
        for act in tx.acts.of_target(PLAN, plan.hash):
            with suppress(Refused):
                officer, _ = verify_act(act, tx.acts.keys(act.officer), self._settings, role="approve", now=now)
                signers.add(officer.id)
        return tuple(sorted(signers))

    def _apply_entries(self, tx: RegistrationTransaction, plan: Plan, now: datetime) -> list[str]:
        """Bring the register in force to the new snapshot; return the people whose certificates may be concerned."""
        absent = tx.register.absent()
        tally = Tally(absent.__contains__)
        comparison = compare(self._file(plan.previous) if plan.previous else None, self._file(plan.snapshot))
        changes = tally.counting(comparison)
        touched: list[str] = []
        if plan.previous is None:
            # Nobody has a certificate yet, and a million people come: they go straight in.
            tx.register.add_entries(_stored(change) for change in changes)
        else:
            for some in _chunks(changes):
                tx.register.put_entries([_stored(c) for c in some if c.kind is not ChangeKind.GONE])
                tx.register.set_absent([c.idnat for c in some if c.kind is ChangeKind.GONE], now)
                touched += [c.idnat for c in some if c.kind is not ChangeKind.NEW]
        if tally.summary(comparison).hash != plan.summary.hash:
            raise Conflict("the snapshots are not those that the plan was made from: make it anew")
        return touched

    def _file(self, record: SnapshotRecord) -> Path:
        return self._settings.snapshots / record.file

    # --- what ordres decide -------------------------------------------------------------------------------------------------

    def sanctions_statement(self, decisions: Sequence[Decision], officer_id: str) -> str:
        """Return what an officer signs to have decisions of the ordre recorded."""
        return statement_of(SANCTIONS, officer_id, _decisions_hash(decisions), self._clock.now(), {"count": len(decisions)})

    def record_sanctions(self, decisions: Sequence[Decision], act: Act) -> Applied:
        """Record an ordre's decisions and let them take effect, all or none.

        Raises:
            Refused: the officer may not, or a decision concerns somebody whom the officer's board does not govern.
            Conflict: a decision, or this very act, was recorded before.
            Missing: a levée lifts nothing, or the person is unknown.
        """
        now = self._clock.now()
        with self._store.write() as tx:
            if act.type != SANCTIONS or act.target != _decisions_hash(decisions):
                raise Refused("the signature is not over these decisions", citation="CP 4.9.3")
            officer, said = verify_act(act, tx.acts.keys(act.officer), self._settings, role="revoke", now=now)
            known = tx.register.standings([d.idnat for d in decisions], now)
            signed_at = clock.parse(str(said["at"]))
            for decision in decisions:
                self._record(tx, decision, officer, known.get(decision.idnat), now, signed_at)
            if not tx.acts.add(act, self._entropy.octets(16).hex(), now):
                # A suspension may come again after its levée: the signature of the first levée must not lift the second.
                raise Conflict("this act was recorded before: sign a new one")
            return self._reconcile(tx, sorted({d.idnat for d in decisions}), now)

    def _record(
        self,
        tx: RegistrationTransaction,
        decision: Decision,
        officer: Officer,
        found: Standing | None,
        now: datetime,
        signed_at: datetime,
    ) -> None:
        board, by = officer.board, officer.id
        professions = self._settings.board(board).professions
        entry = RegisterEntry.parse(found.entry) if found else None
        if entry is None or not entry.professions & professions:
            raise Missing(f"line {decision.number}: {decision.idnat} is not a member of {board}")
        effective = datetime.combine(decision.effective, time(), UTC)
        facts = {"subject": decision.idnat, "ordre": board, "kind": decision.kind.value, "effective": clock.text(effective)}
        if decision.kind is DecisionKind.LEVEE:
            lifted = [
                sanction
                for sanction in tx.register.sanctions_of(decision.idnat)
                if sanction.board == board
                and sanction.lifted_at is None
                # A levée that was signed before a decision was recorded is about another (or stands in the same file).
                and (sanction.recorded_at <= signed_at or sanction.recorded_at == now)
            ]
            if not lifted:
                raise Missing(f"line {decision.number}: no decision of {board} about {decision.idnat} is in force")
            tx.register.lift_sanctions([sanction.id for sanction in lifted], now)
            tx.journal.append(event("sanction.lifted", by=by, **facts), at=now)
            return
        identity = canonical_hash([decision.idnat, board, decision.kind.value, clock.text(effective), decision.reference]).hex()[
            :32
        ]
        tx.register.add_sanction(Sanction(identity, decision.idnat, board, decision.kind, decision.reference, effective, now))
        tx.journal.append(event("sanction.recorded", until=None, by=by, **facts), at=now)

    # --- certificates follow ------------------------------------------------------------------------------------------------

    def reconcile(self) -> Applied:
        """Compare every live certificate with the register and the sanctions in force, and mend what differs."""
        held = released = revoked = 0
        after: str | None = ""
        while after is not None:
            done, after = self.reconcile_some(after, _CHUNK)
            held, released, revoked = held + done.held, released + done.released, revoked + done.revoked
        return Applied(held, released, revoked)

    def reconcile_some(self, after: str, limit: int) -> tuple[Applied, str | None]:
        """Do the same for the next holders after one; return also the last of them, None when there are no more."""
        now = self._clock.now()
        with self._store.write() as tx:
            holders = tx.certificates.live_holders(now, after=after, limit=limit)
            if not holders:
                return Applied(0, 0), None
            return self._reconcile(tx, [holder for holder in holders if holder.startswith("8")], now), holders[-1]

    def reconcile_decided(self, since: datetime) -> Applied:
        """Do the same for those about whom a decision was recorded, or came into force, since a moment."""
        now = self._clock.now()
        with self._store.read() as tx:
            people = sorted({sanction.idnat for sanction in tx.register.sanctions_due(now, since=since)})
        if not people:
            return Applied(0, 0)
        with self._store.write() as tx:
            return self._reconcile(tx, people, now)

    def _reconcile(self, tx: RegistrationTransaction, idnats: Sequence[str], now: datetime) -> Applied:
        """Bring the certificates of these people to what the register and the ordres now say."""
        held = released = revoked = 0
        for start in range(0, len(idnats), _CHUNK):
            some = idnats[start : start + _CHUNK]
            live = tx.certificates.live_of_holders(some, now)
            if not live:
                continue
            holders = sorted({certificate.holder for certificate in live})
            standings = tx.register.standings(holders, now)
            sanctioned = tx.register.sanctions_of_people(holders)
            to_end: dict[tuple[Reason, str], list[Certificate]] = {}
            to_release: list[Certificate] = []
            for certificate in live:
                decided = sanctioned.get(certificate.holder, [])
                ending = self._ending(certificate, standings.get(certificate.holder), decided, now)
                if ending is not None:
                    to_end.setdefault(ending, []).append(certificate)
                elif certificate.is_held_by_a_cause:
                    to_release.append(certificate)
            for (reason, by), certificates in to_end.items():
                changed = end(tx, certificates, reason, now, by, held_by=by)
                held += sum(c.state is State.HELD for c in changed)
                revoked += sum(c.state is State.REVOKED for c in changed)
            released += len(release(tx, to_release, now, BY_REGISTER, "right-to-practise"))
        return Applied(held, released, revoked)

    def _ending(
        self, certificate: Certificate, found: Standing | None, sanctions: Iterable[Sanction], now: datetime
    ) -> tuple[Reason, str] | None:
        """Say how a certificate should end or rest, and by whom; None when its holder has the right."""
        active = [s for s in sanctions if s.board == certificate.board and s.lifted_at is None and s.effective_at <= now]
        for sanction in active:
            if sanction.decision.effect is Effect.REVOKE:
                return Reason.PRIVILEGE_WITHDRAWN, f"sanction:{sanction.id}"
        if active:
            return Reason.CERTIFICATE_HOLD, f"sanction:{active[0].id}"
        entry = None if found is None or found.barred is not None else RegisterEntry.parse(found.entry)
        board = self._settings.boards.get(certificate.board)
        if board is None or not standing(entry, board.professions).right_to_practise:
            return Reason.CERTIFICATE_HOLD, BY_REGISTER
        return None


def _decisions_hash(decisions: Sequence[Decision]) -> str:
    return canonical_hash([[d.idnat, d.kind.value, d.effective.isoformat(), d.reference] for d in decisions]).hex()


def _chunks(changes: Iterator[Change]) -> Iterator[list[Change]]:
    while some := list(islice(changes, _CHUNK)):
        yield some


def _sha256_of(path: Path) -> str | None:
    if not path.is_file():
        return None  # What came through a pipe is gone.
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stored(change: Change) -> tuple[str, str, bytes]:
    line, digest = change.after_line, change.after_digest  # hashed when it is asked: once, for there are a million and a half
    assert line is not None and digest is not None
    return change.idnat, line, digest
