"""The national register as it stands here: its age, its people, and what a newer extraction would change (CP 3.2.3, 4.9.3)."""

from __future__ import annotations

import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from pki.authenticators.tokens import Scope
from pki.bootstrap.office import Office
from pki.register.entry import RegisterEntry, standing
from pki.registration.checks import holder_of_person
from pki.registration.lifecycle import PLAN, Plan
from pki.registration.model import SnapshotRecord
from trust.errors import Malformed, Missing, SceauError, Unavailable
from web.api.acts import on_record, signed, to_sign
from web.api.route import BASE, Call, Created, Nothing, Route, Sent, Shape
from web.api.shapes import Moment, SignedAct, Statement
from web.kit.uploads import EXTRACTION, safe_name, stored

SNAPSHOTS = 12
REFUSED = 100
"""Lines that are named, of those that could not be read."""
PATIENCE = 0.5
"""Seconds that a call waits for a plan: small ones are answered at once."""


class Snapshot(Shape):
    """An extraction of the national register that was received."""

    sha256: str
    register_date: Moment
    people: int
    lines: int
    refused_lines: int
    imported_at: Moment
    applied_at: Moment | None


class RegisterShape(Shape):
    """The register in force."""

    in_force: Snapshot | None
    age_days: int | None
    max_age_days: int
    too_old: bool
    """Nothing new can be decided."""
    latest: list[Snapshot]


class Exercice(Shape):
    """A profession, as exercised."""

    profession: str
    category: str
    gives_right: bool
    places: list[str]


class PersonShape(Shape):
    """What the register says of a person."""

    idnat: str
    family_name: str
    given_name: str
    right_to_practise: bool
    """In a profession of the ordre that asks, and nothing stands against it."""
    barred: str | None
    absent_since: Moment | None
    exercices: list[Exercice]


class PlanShape(Shape):
    """What applying an extraction would do. Officers sign its hash; then one of them applies it."""

    snapshot: str
    previous: str | None
    hash: str
    new: int
    changed: int
    gone: int
    back: int
    rights_taken: int
    signed: list[str]
    needed: int


class ExtractionQuery(Sent):
    """What a file alone may not say."""

    name: Annotated[str, Meta(pattern="^[A-Za-z0-9._-]{1,150}$")] = "extraction.txt"
    """Of the file: the national one says its date in it."""
    date: Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] | None = None
    """Of the register, where the name does not say it."""


class RefusedLine(Shape):
    """A line that could not be read."""

    line: int
    reason: str


class Received(Shape):
    """An extraction that was received. Nothing changes before its plan is approved and applied."""

    snapshot: Snapshot
    refused: list[RefusedLine]
    """The first ones."""


class Applied(Shape):
    """What putting an extraction in force did to certificates."""

    held: int
    released: int
    revoked: int


class Plans:
    """The last plan that was asked for: walking two registers takes longer than a call may wait."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._key: tuple[str, str | None] | None = None
        self._done: threading.Event = threading.Event()
        self._found: Plan | SceauError | None = None

    def get(self, office: Office, sha256: str) -> Plan:
        """Return the plan of a snapshot from the register in force.

        Raises:
            Unavailable: it is being made: ask again.
            Missing, Conflict: as `Lifecycle.plan`.
        """
        with office.home.store.read() as tx:
            tx.register.snapshot(sha256)
            applied = tx.register.applied()
        key = (sha256, applied.file if applied else None)
        with self._lock:
            if self._key != key:
                if self._key is not None and not self._done.is_set():
                    raise Unavailable("another plan is being made", retry_after=5)
                self._key, self._done, self._found = key, threading.Event(), None
                threading.Thread(target=self._make, args=(office, sha256, self._done), name="plan", daemon=True).start()
            done = self._done
        if not done.wait(PATIENCE):
            raise Unavailable("this plan is being made", retry_after=5)
        if self._found is None:  # a fault of ours, which the log has: the next call makes it again
            self._key = None
            raise Unavailable("this plan could not be made", retry_after=30)
        if isinstance(self._found, SceauError):
            error, self._key = self._found, None
            raise error
        return self._found

    def forget(self) -> None:
        """Make it again the next time: somebody signed it."""
        with self._lock:
            self._key = None

    def _make(self, office: Office, sha256: str, done: threading.Event) -> None:
        try:
            self._found = office.lifecycle.plan(sha256)
        except SceauError as error:
            self._found = error
        finally:
            done.set()


def _plans(call: Call) -> Plans:
    plans: Plans = call.memory.setdefault("plans", Plans())
    return plans


def _snapshot(record: SnapshotRecord) -> Snapshot:
    return Snapshot(
        sha256=record.sha256,
        register_date=record.register_date,
        people=record.people,
        lines=record.lines,
        refused_lines=record.refused_lines,
        imported_at=record.imported_at,
        applied_at=record.applied_at,
    )


def register_shape(office: Office) -> RegisterShape:
    """Return what is said of the register in force."""
    with office.home.store.read() as tx:
        applied, known = tx.register.applied(), tx.register.all_snapshots()
    most = office.home.settings.register.max_age_days
    age = None if applied is None else office.home.clock.now() - applied.register_date
    return RegisterShape(
        in_force=None if applied is None else _snapshot(applied),
        age_days=None if age is None else max(0, age.days),
        max_age_days=most,
        too_old=age is None or age.total_seconds() > most * 86_400,
        latest=[_snapshot(each) for each in known[:SNAPSHOTS]],
    )


def _shown(call: Call) -> RegisterShape:
    return register_shape(call.office)


def _person(call: Call) -> PersonShape:
    home = call.office.home
    holder = holder_of_person(call.path["number"], home.settings.mode)
    with home.store.read() as tx:
        text, absent = tx.register.get(holder)
        found = tx.register.standings([holder], home.clock.now()).get(holder)
    entry = RegisterEntry.parse(text)
    barred = "not in the register" if found is None else found.barred_for(call.who.board)
    entitled = standing(entry, call.board.professions).right_to_practise and barred is None
    exercices = [
        Exercice(
            profession=each.profession,
            category=each.category,
            gives_right=each.gives_right,
            places=sorted({activity.structure_name for activity in each.activities if activity.structure_name}),
        )
        for each in entry.exercices
    ]
    return PersonShape(
        idnat=entry.idnat,
        family_name=entry.family_name,
        given_name=entry.given_name,
        right_to_practise=entitled,
        barred=barred,
        absent_since=absent,
        exercices=exercices,
    )


def _plan(call: Call) -> PlanShape:
    plan = _plans(call).get(call.office, call.path["sha256"])
    s = plan.summary
    return PlanShape(
        snapshot=plan.snapshot.sha256,
        previous=None if plan.previous is None else plan.previous.sha256,
        hash=plan.hash,
        new=s.new,
        changed=s.changed,
        gone=s.gone,
        back=s.back,
        rights_taken=s.rights_taken,
        signed=list(plan.signed),
        needed=plan.needed,
    )


def _receive(call: Call) -> Created:
    call.require_role("register")
    folder = call.office.home.settings.home / "run"
    with tempfile.TemporaryDirectory(prefix=EXTRACTION, dir=folder) as place:
        path = stored(Path(place) / safe_name(call.query.name))
        dated = None if call.query.date is None else _day(call.query.date)
        found = call.office.lifecycle.receive(path, by=call.who.account.id, register_date=dated)
    with call.office.home.store.read() as tx:
        record = tx.register.snapshot(found.snapshot.sha256)
    refused = [RefusedLine(line=each.number, reason=each.reason) for each in found.refused[:REFUSED]]
    return Created(Received(snapshot=_snapshot(record), refused=refused), f"{BASE}/register/plans/{record.sha256}")


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise Malformed("there is no such day") from None


def _apply(call: Call) -> Applied:
    call.require_role("approve")
    done = call.office.lifecycle.apply(_plans(call).get(call.office, call.path["sha256"]))
    _plans(call).forget()
    return Applied(held=done.held, released=done.released, revoked=done.revoked)


def _plan_statement(call: Call) -> Statement:
    call.require_role("approve")
    plan = _plans(call).get(call.office, call.path["sha256"])
    return to_sign(call, call.office.lifecycle.plan_statement(plan, call.who.account.id))


def _sign_plan(call: Call) -> PlanShape:
    plan = _plans(call).get(call.office, call.path["sha256"])
    act = signed(call, PLAN)
    if act.target != plan.hash:
        raise Missing("the plan that was signed does not stand any more: read it again")
    shape = _plan(call)
    if on_record(call, act):
        return shape
    everybody = call.office.lifecycle.sign(plan, act)
    _plans(call).forget()
    return _with_signers(shape, everybody)


def _with_signers(shape: PlanShape, signers: tuple[str, ...]) -> PlanShape:
    facts: dict[str, Any] = {name: getattr(shape, name) for name in shape.__struct_fields__}
    return PlanShape(**(facts | {"signed": list(signers)}))


_TAG: dict[str, Any] = {"tag": "register"}
_DECIDES: dict[str, Any] = {"scope": Scope.DECIDE, **_TAG}
_PLAN = "/register/plans/{sha256}"
ROUTES = (
    Route("GET", "/register", "showRegister", "The register in force, its age, the latest extractions", _shown, RegisterShape,
          **_TAG),
    Route("GET", "/register/people/{number}", "showPerson", "What the register says of a person", _person, PersonShape, **_TAG),
    Route("GET", _PLAN, "showPlan", "What applying an extraction would do", _plan, PlanShape, conflicts=True, **_TAG),
    Route("POST", f"{_PLAN}/approval/statement", "preparePlanApproval", "What to sign to approve a plan", _plan_statement,
          Statement, body=Nothing, conflicts=True, **_DECIDES),
    Route("POST", f"{_PLAN}/approval", "approvePlan", "Approve a plan", _sign_plan, PlanShape, body=SignedAct, conflicts=True,
          **_DECIDES),
    Route("POST", f"{_PLAN}/application", "applyPlan", "Put in force what enough officers approved", _apply, Applied,
          body=Nothing, conflicts=True, **_DECIDES),
    Route("POST", "/register/snapshots", "receiveExtraction", "Receive an extraction of the national register", _receive,
          Received, query=ExtractionQuery, takes_file=True, status=201, conflicts=True, scope=Scope.REQUEST, **_TAG),
)  # fmt: skip
