"""Officers' decisions as signatures (RFC 3647 §5.2, CP 4.2.2).

An act is a canonical statement signed by an officer with a registered key. An approval signs the RFC 6962 root over the
statements of a batch, so that one gesture covers one request or ten thousand, and each certificate still proves its
approval alone. The issuer verifies acts itself, from the mandate in the configuration: it does not believe the page or
the command that brought them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.serialization import load_der_public_key

from pki.settings import Board, Officer, Settings
from trust import clock
from trust.algorithms import algorithm_of
from trust.canonical import canonical
from trust.errors import Malformed, Missing, Refused
from trust.transparency.merkle import InclusionProof, leaf_hash

APPROVAL = "approval/1"
"""Type of the act by which an officer approves a batch; its target is the batch."""

ACT_CLOCK_TOLERANCE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Act:
    """One signed decision of an officer."""

    officer: str
    type: str
    target: str
    statement: str
    signature: bytes

    def record(self) -> dict[str, Any]:
        """Return the statement, read.

        Raises:
            Malformed: it is not a record, or contradicts the act's own officer, type or target.
        """
        try:
            record = json.loads(self.statement)
        except ValueError:
            raise Malformed("the statement of this act is not JSON") from None
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
    try:
        at = clock.parse(str(record["at"]))
    except (KeyError, ValueError):
        raise Malformed("the statement of this act carries no time") from None
    if at > now + ACT_CLOCK_TOLERANCE:
        raise Refused("this act is dated in the future", citation="CP 5.2.3")
    for key in keys:
        if key.officer != act.officer or key.registered_at > at + ACT_CLOCK_TOLERANCE or key.withdrawn_at is not None:
            continue
        if _signed_by(key.spki, act.signature, act.statement.encode()):
            return officer, record
    raise Refused(f"no registered key of {act.officer} made this signature", citation="CP 5.2.3")


def _signed_by(spki: bytes, signature: bytes, data: bytes) -> bool:
    public_key = load_der_public_key(spki)
    algorithm = algorithm_of(public_key)
    return algorithm is not None and algorithm.verifies(public_key, signature, data)


@dataclass(frozen=True, slots=True)
class ApprovedBatch:
    """What the valid approvals of one batch say together."""

    root: bytes
    size: int
    board: str
    excluded: frozenset[int]
    approvers: tuple[Officer, ...]


def approved_batch(
    acts: Sequence[Act], keys_of: Callable[[str], Sequence[OfficerKey]], settings: Settings, now: datetime
) -> ApprovedBatch:
    """Verify the approvals of a batch and join them: they must agree on the board, the root and the size.

    Raises:
        Refused: an approval does not verify, or two of them approve different things.
    """
    if not acts:
        raise Refused("nobody has approved this request", citation="CP 4.2.2")
    approvers: dict[str, Officer] = {}
    excluded: frozenset[int] = frozenset()
    agreed: tuple[str, str, int] | None = None
    for act in acts:
        officer, record = verify_act(act, keys_of(act.officer), settings, role="approve", now=now)
        said = (record.get("board"), record.get("root"), record.get("size"))
        if agreed is None:
            agreed = said  # type: ignore[assignment]
        if said != agreed:
            raise Refused("two approvals of this batch approve different things", citation="CP 4.2.2")
        if officer.board != record["board"]:
            raise Refused(f"{officer.id} is not an officer of {record['board']}", citation="CP 3.2.5")
        approvers[officer.id] = officer
        excluded |= frozenset(record.get("excluded", ()))
    assert agreed is not None
    board, root, size = agreed
    return ApprovedBatch(bytes.fromhex(root), size, board, excluded, tuple(approvers.values()))


def check_approval(batch: ApprovedBatch, board: Board, statement: str, proof: bytes, requester: str, holder: str) -> None:
    """Check that this very statement is approved, by enough officers who may (invariant I4).

    Raises:
        Refused: with the rule that is not met.
    """
    place = InclusionProof.from_bytes(proof)
    if place.size != batch.size or place.root(leaf_hash(statement.encode())) != batch.root:
        raise Refused("the approvals are not about this request", citation="CP 4.2.2")
    if place.index in batch.excluded:
        raise Refused("an officer has set this request aside", citation="CP 4.2.2")
    if batch.board != board.code:
        raise Refused(f"{batch.board} does not decide for {board.code}", citation="CP 3.2.5")
    deciders = [o for o in batch.approvers if o.id != requester and (o.idnat is None or o.idnat != holder)]
    needed = board.approvals_for(batch.size)
    if len(deciders) < needed:
        raise Refused(f"{len(deciders)} of {needed} approvals: neither who asks nor who is concerned counts", citation="CP 5.2.2")
