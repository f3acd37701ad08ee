"""Officers' decisions as signatures (RFC 3647 §5.2, CP 4.2.2).

An act is a canonical statement signed by an officer with a registered key. An approval signs the RFC 6962 root over the
statements of a batch, so that one gesture covers one request or ten thousand, and each certificate still proves its
approval alone. Who asks signs the same root: two people stand behind every certificate. The issuer verifies acts itself,
from the mandate in the configuration: it does not believe the page or the command that brought them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.serialization import load_der_public_key

from pki.settings import Board, Officer, Settings
from trust import clock
from trust.algorithms import algorithm_of
from trust.assertion import Assertion, signs
from trust.canonical import NotCanonical, canonical, read_canonical
from trust.errors import Malformed, Missing, Refused, shown
from trust.transparency.merkle import Inclusions, leaf_hash

SUBMISSION = "submission/1"
"""Type of the act by which an officer asks for what a batch holds; its target is the batch."""
APPROVAL = "approval/1"
"""Type of the act by which another officer approves a batch; its target is the batch."""

ACT_CLOCK_TOLERANCE = timedelta(minutes=10)
LONGEST_NAME = 200
"""Characters."""
_ROOT = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Act:
    """One signed decision of an officer."""

    officer: str
    type: str
    target: str
    statement: str
    signature: bytes

    def __post_init__(self) -> None:
        """Refuse names that none of ours has: databases would choke on some of them.

        Raises:
            Malformed: the officer, the type or the target is not a short text.
        """
        names: tuple[object, ...] = (self.officer, self.type, self.target)  # typed as they come: out of somebody's JSON
        for name in names:
            if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not (name.isascii() and name.isprintable()):
                raise Malformed(f"the officer, the type and the target of an act are short texts, not {shown(name)}")

    @classmethod
    def of(cls, statement: str, signature: bytes, *, officer: str) -> Act:
        """Make the act of an officer from the statement that was signed: its type and its target are what it says.

        Raises:
            Malformed: it says neither, or another officer.
        """
        try:
            said = json.loads(statement)
            act = cls(officer, said["type"], said["target"], statement, signature)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Malformed("this is not the statement of an act") from None
        act.record()
        return act

    def record(self) -> dict[str, Any]:
        """Return the statement, read.

        Raises:
            Malformed: it is not a record in its one canonical form, or contradicts the act's own officer, type or target.
        """
        try:
            record = read_canonical(self.statement)
        except NotCanonical:
            raise Malformed("the statement of this act is not in its canonical form") from None
        except (ValueError, RecursionError):
            raise Malformed("the statement of this act is not JSON, or has no canonical form") from None
        if not isinstance(record, dict) or (record.get("officer"), record.get("type"), record.get("target")) != (
            self.officer,
            self.type,
            self.target,
        ):
            raise Malformed("the statement of this act does not say what the act claims")
        return record


@dataclass(frozen=True, slots=True)
class OfficerKey:
    """A public key that an officer signs with."""

    officer: str
    spki: bytes
    registered_at: datetime
    withdrawn_at: datetime | None
    rp_id: str | None = None
    """The relying party, when the key is a passkey: its signatures are assertions (`trust.assertion`)."""

    def signed(self, statement: str, signature: bytes) -> bool:
        """Tell whether this key made this signature over a statement. When it was made is for the caller to judge."""
        if self.rp_id is not None:
            try:
                return signs(Assertion.unpack(signature), statement.encode(), self.spki, self.rp_id)
            except Malformed:
                return False
        public_key = load_der_public_key(self.spki)
        algorithm = algorithm_of(public_key)
        return algorithm is not None and algorithm.verifies(public_key, signature, statement.encode())


def statement_of(act_type: str, officer: str, target: str, at: datetime, facts: dict[str, Any]) -> str:
    """Write the statement that an officer signs for an act."""
    return canonical({"type": act_type, "officer": officer, "target": target, "at": clock.text(at), **facts}).decode()


def verify_act(
    act: Act, keys: Sequence[OfficerKey], settings: Settings, *, role: str, now: datetime
) -> tuple[Officer, dict[str, Any]]:
    """Check who decided, that the mandate stands now and stood then, and the signature; return officer and statement.

    Raises:
        Refused: no mandate, no such role, key withdrawn, or a signature that does not verify.
        Malformed: the statement is not one.
    """
    record = act.record()
    try:
        officer = settings.officer(act.officer)
    except Missing as error:
        raise Refused(str(error), citation="CP 5.2.1") from None
    if role not in officer.roles:
        raise Refused(f"{officer.id} does not hold the role {role!r}", citation="CP 5.2.1")
    at = signed_at(record)
    if at > now + ACT_CLOCK_TOLERANCE:
        raise Refused("this act is dated in the future", citation="CP 5.2.3")
    for key in keys:
        if key.officer != act.officer or key.registered_at > at + ACT_CLOCK_TOLERANCE or key.withdrawn_at is not None:
            continue
        if key.signed(act.statement, act.signature):
            return officer, record
    raise Refused(f"no registered key of {act.officer} made this signature", citation="CP 5.2.3")


def signed_at(record: Mapping[str, Any]) -> datetime:
    """Return when an act was signed, as its statement says.

    Raises:
        Malformed: it says no moment.
    """
    try:
        return clock.parse(str(record["at"]))
    except (KeyError, ValueError, OverflowError):
        raise Malformed("the statement of this act carries no time") from None


@dataclass(frozen=True, slots=True)
class Covered:
    """What one act about a batch is over."""

    board: str
    root: bytes
    size: int
    excluded: frozenset[int] = frozenset()
    """Positions that an approval sets aside."""

    @property
    def batch(self) -> tuple[str, bytes, int]:
        """What every act about one batch says alike."""
        return self.board, self.root, self.size


def covered(record: Mapping[str, Any]) -> Covered:
    """Read what a submission or an approval is over.

    Raises:
        Malformed: the statement does not say it, or not in the types of ours.
    """
    board, root, size, excluded = (record.get(name) for name in ("board", "root", "size", "excluded"))
    if record.get("type") != APPROVAL:
        excluded = []
    if not isinstance(board, str) or not isinstance(root, str) or _ROOT.fullmatch(root) is None or type(size) is not int:
        raise Malformed("this act does not say which batch it is over")
    if not isinstance(excluded, list) or any(type(place) is not int or not 0 <= place < size for place in excluded):
        raise Malformed("this approval does not say which requests of the batch it sets aside")
    return Covered(board, bytes.fromhex(root), size, frozenset(excluded))


@dataclass(frozen=True, slots=True)
class ApprovedBatch:
    """What the valid acts about one batch say together."""

    root: bytes
    size: int
    board: str
    excluded: frozenset[int]
    requester: Officer
    approvers: tuple[Officer, ...]
    requests: Inclusions = field(init=False, compare=False, repr=False)
    """What was already found to be under the root."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "requests", Inclusions(self.root, self.size))


def standing_acts(
    acts: Sequence[Act], keys_of: Callable[[str], Sequence[OfficerKey]], settings: Settings, *, role: str, now: datetime
) -> tuple[list[Act], list[Refused]]:
    """Return the acts that stand now, and why each of the others fell: a key or a mandate may be withdrawn after an act.

    Raises:
        Malformed: the statement of an act is not one.
    """
    standing, fallen = [], []
    for act in acts:
        try:
            verify_act(act, keys_of(act.officer), settings, role=role, now=now)
        except Refused as refusal:
            fallen.append(refusal)
        else:
            standing.append(act)
    return standing, fallen


def approved_batch(
    submissions: Sequence[Act],
    approvals: Sequence[Act],
    keys_of: Callable[[str], Sequence[OfficerKey]],
    settings: Settings,
    now: datetime,
) -> ApprovedBatch:
    """Verify the submission and the approvals of a batch and join them: they must agree on the board, the root and the size.

    Raises:
        Refused: nobody asked, no approval stands, or two acts are over different things.
        Malformed: the statement of an act is not one.
    """
    if not submissions:
        raise Refused("no officer has signed this demand", citation="CP 4.2.2")
    if not approvals:
        raise Refused("nobody has approved this request", citation="CP 4.2.2")
    asking, unasked = standing_acts(submissions, keys_of, settings, role="register", now=now)
    approving, fallen = standing_acts(approvals, keys_of, settings, role="approve", now=now)
    if unasked or not approving:
        raise (unasked or fallen)[0]
    askers, approvers = ({act.officer: settings.officer(act.officer) for act in acts} for acts in (asking, approving))
    # An objection outlives the key of who made it: what a fallen approval set aside stays aside.
    said = [covered(act.record()) for act in (*submissions, *approvals)]
    for officer in (*askers.values(), *approvers.values()):
        if officer.board != said[0].board:
            raise Refused(f"{officer.id} is not an officer of {said[0].board}", citation="CP 3.2.5")
    if len({each.batch for each in said}) != 1 or len(askers) != 1:
        raise Refused("two acts about this batch are over different things", citation="CP 4.2.2")
    board, root, size = said[0].batch
    (requester,) = askers.values()
    excluded = frozenset[int]().union(*(each.excluded for each in said))
    return ApprovedBatch(root, size, board, excluded, requester, tuple(approvers.values()))


def check_approval(batch: ApprovedBatch, board: Board, statement: str, proof: bytes, requester: str, holder: str) -> None:
    """Check that this very statement is approved, by enough officers who may (invariant I4).

    Raises:
        Refused: with the rule that is not met.
    """
    place = batch.requests.place(leaf_hash(statement.encode()), proof)
    if place is None:
        raise Refused("the approvals are not about this request", citation="CP 4.2.2")
    if place in batch.excluded:
        raise Refused("an officer has set this request aside", citation="CP 4.2.2")
    if batch.board != board.code:
        raise Refused(f"{batch.board} does not decide for {board.code}", citation="CP 3.2.5")
    if batch.requester.id != requester:
        raise Refused(f"{requester} has not signed this demand: {batch.requester.id} has", citation="CP 4.2.2")
    deciders = [o for o in batch.approvers if o.id != requester and (o.idnat is None or o.idnat != holder)]
    needed = board.approvals_for(batch.size)
    if len(deciders) < needed:
        raise Refused(f"{len(deciders)} of {needed} approvals: neither who asks nor who is concerned counts", citation="CP 5.2.2")
