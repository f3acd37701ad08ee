"""The evidence behind one certificate, and its verification by somebody who has nothing else (CP 4.2.2, CP 5.2.2).

From the certificate to the request that officers approved, from there through the Merkle proof to the root that they signed, and
from their signatures to the keys and mandates that the authority had registered. `check` repeats the issuer's reasoning from the
record alone: no database, no configuration. What it cannot know is whether the mandates are the board's true ones: the record
says which, and they are for the board to confirm.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from pki.issuance.approvals import ACT_CLOCK_TOLERANCE, APPROVAL, SUBMISSION, Act, OfficerKey
from pki.issuance.grants import account_of
from pki.issuance.order import HOLDER_TYPE, CertificateOrder, Grant, Request, read_request
from pki.registration.model import Batch
from pki.settings import Board, Officer
from trust import clock
from trust.algorithms import algorithm_of, spki
from trust.errors import LONGEST_SHOWN, Alarm, Malformed, Refused
from trust.naming import subject_from_record
from trust.transparency.merkle import InclusionProof, leaf_hash

EVIDENCE = "sceau-issuance-evidence/1"


def gather(
    chain: Sequence[bytes], order: CertificateOrder, batch: Batch, acts: Sequence[Act], board: Board, keys: Sequence[OfficerKey]
) -> dict[str, Any]:
    """Write the evidence as a record for JSON.

    Args:
        chain: the certificate, then its issuers up to the root, DER.
        order: what the issuer took.
        batch: the batch that the order came from.
        acts: the submission and the approvals of that batch.
        board: the board, with the mandates of its officers.
        keys: the keys that those officers ever had.
    """
    return {
        "type": EVIDENCE,
        "certificates": [_text(certificate) for certificate in chain],
        **_signed(order.statement, order.proof, batch, acts),
        **_board(board, acts, keys),
    }


def gather_of_holder(
    chain: Sequence[bytes],
    order: CertificateOrder,
    batch: Batch,
    acts: Sequence[Act],
    holder_keys: Sequence[OfficerKey],
    granted: Grant,
    granting: tuple[Batch, Sequence[Act]],
    board: Board,
    keys: Sequence[OfficerKey],
) -> dict[str, Any]:
    """Write the evidence of what a person obtained under a grant: the person's signature, then the officers'.

    Args:
        chain, order, batch, board, keys: as `gather`.
        acts: by which the holder asked.
        holder_keys: the passkeys that the holder ever had.
        granted: what officers granted.
        granting: the batch of that grant, and the submission and approvals of it.
    """
    return {
        "type": EVIDENCE,
        "certificates": [_text(certificate) for certificate in chain],
        **_signed(order.statement, order.proof, batch, acts),
        "holder_keys": [_key(key) for key in holder_keys],
        "grant": _signed(granted.statement, granted.proof, *granting),
        **_board(board, granting[1], keys),
    }


def _signed(statement: str, octets: bytes, batch: Batch, acts: Sequence[Act]) -> dict[str, Any]:
    proof = InclusionProof.from_bytes(octets)
    return {
        "request": statement,
        "proof": {"index": proof.index, "size": proof.size, "path": [node.hex() for node in proof.path]},
        "root": batch.root.hex(),
        "acts": [{"statement": act.statement, "signature": _text(act.signature)} for act in acts],
    }


def _board(board: Board, acts: Sequence[Act], keys: Sequence[OfficerKey]) -> dict[str, Any]:
    signers = {act.officer for act in acts}
    return {
        "board": {
            "code": board.code,
            "name": board.name,
            "professions": sorted(board.professions),
            "approvals": board.approvals,
            "bulk_threshold": board.bulk_threshold,
            "bulk_approvals": board.bulk_approvals,
        },
        "officers": [_mandate(officer, keys) for officer in board.officers if officer.id in signers],
    }


def _mandate(officer: Officer, keys: Sequence[OfficerKey]) -> dict[str, Any]:
    return {
        "id": officer.id,
        "name": officer.name,
        "idnat": officer.idnat,
        "roles": sorted(officer.roles),
        "keys": [_key(key) for key in keys if key.officer == officer.id],
    }


def _key(key: OfficerKey) -> dict[str, Any]:
    return {
        "spki": _text(key.spki),
        "registered_at": clock.text(key.registered_at),
        "withdrawn_at": None if key.withdrawn_at is None else clock.text(key.withdrawn_at),
        "rp_id": key.rp_id,
    }


@dataclass(frozen=True)
class Checked:
    """What the verification established, in the order in which it did, in words."""

    serial: str
    steps: tuple[str, ...]


def check(evidence: Any, root: bytes | None = None) -> Checked:
    """Verify evidence; `root` is the root certificate (DER) that the checker trusts, if the checker has one.

    Raises:
        Malformed: it is not such a record.
        Refused: what it shows does not meet the policy; the reason says at which step.
        Alarm: a signature or a proof in it is false.
    """
    try:
        if evidence["type"] != EVIDENCE:
            raise Malformed(f"this is not evidence of an issuance ({EVIDENCE})")
        chain = [x509.load_der_x509_certificate(_octets(text)) for text in evidence["certificates"]]
        request = read_request(evidence["request"])
        steps = [
            _check_content(chain[0], request),
            _check_chain(chain, root),
            _check_place(evidence),
            *(_check_holder(evidence, request) if request.grant else _check_acts(evidence, request)),
            _check_board(evidence["board"], request),
        ]
        return Checked(f"{chain[0].serial_number:032x}", tuple(steps))
    except (
        KeyError,
        TypeError,
        ValueError,
        IndexError,
        AttributeError,
        OverflowError,
        RecursionError,
        UnsupportedAlgorithm,
    ) as error:
        raise Malformed(f"this evidence cannot be read: {type(error).__name__}: {str(error)[:LONGEST_SHOWN]}") from None


def _check_content(certificate: x509.Certificate, request: Request) -> str:
    if hashlib.sha256(spki(certificate.public_key())).digest() != request.key:
        raise Refused("the certificate has another key than the request", citation="CP 3.2.1")
    if certificate.subject.public_bytes() != subject_from_record(request.subject).name_der():
        raise Refused("the certificate names another subject than the request", citation="CP 3.2.3")
    return f"the certificate has the key and the subject of request {request.id} ({request.holder}, {request.profile})"


def _check_chain(chain: Sequence[x509.Certificate], root: bytes | None) -> str:
    for certificate, issuer in zip(chain, [*chain[1:], chain[-1]], strict=True):
        public = issuer.public_key()
        algorithm = algorithm_of(public)
        if certificate.issuer != issuer.subject or algorithm is None:
            raise Refused("the certificates do not form a chain up to a root", citation="CP 4.5.2")
        if not algorithm.verifies(public, certificate.signature, certificate.tbs_certificate_bytes):
            raise Alarm(f"the signature of {certificate.subject.rfc4514_string()} is not by its issuer")
    digest = hashlib.sha256(chain[-1].public_bytes(Encoding.DER)).hexdigest()
    if root is not None and root != chain[-1].public_bytes(Encoding.DER):
        raise Refused("the chain leads to another root than the one that is trusted", citation="CP 4.5.2")
    known = "the one that is trusted" if root is not None else f"SHA-256 {digest}: compare it with the authority's own"
    return f"the chain of {len(chain)} certificates leads to the root ({known})"


def _check_place(evidence: Mapping[str, Any]) -> str:
    proof = _proof(evidence)
    proof.verify(leaf_hash(evidence["request"].encode()), bytes.fromhex(evidence["root"]))
    return f"the request is number {proof.index} of the {proof.size} under the root {evidence['root']}"


def _check_acts(evidence: Mapping[str, Any], request: Request) -> list[str]:
    mandates = {mandate["id"]: mandate for mandate in evidence["officers"]}
    proof, board, words, deciders = _proof(evidence), evidence["board"], [], set()
    for each in evidence["acts"]:
        said = _read_act(each)
        mandate = mandates.get(said.officer)
        record = said.record()
        if mandate is None:
            raise Refused(f"no mandate of {said.officer} is shown", citation="CP 5.2.1")
        if (record.get("root"), record.get("size"), record.get("board")) != (evidence["root"], proof.size, board["code"]):
            raise Refused(f"{said.officer} signed something else than this batch", citation="CP 4.2.2")
        signed_at = clock.parse(record["at"])
        registered = _signing_key(said, mandate, signed_at)
        role = {SUBMISSION: "register", APPROVAL: "approve"}.get(said.type)
        if role is None or role not in mandate["roles"]:
            raise Refused(f"{said.officer} had no mandate for this act", citation="CP 5.2.1")
        words.append(f"{mandate['name']} ({said.officer}) signed: {said.type}, {record['at']}, key registered {registered}")
        if said.type == APPROVAL:
            if proof.index in record["excluded"]:
                raise Refused(f"{said.officer} set this request aside", citation="CP 4.2.2")
            if said.officer != request.requester and mandate["idnat"] != request.holder:
                deciders.add(said.officer)
        elif said.officer != request.requester:
            raise Refused("the request was submitted by another officer than it says", citation="CP 4.1.1")
    if not any(each.type == SUBMISSION for each in map(_read_act, evidence["acts"])):
        raise Refused(f"nothing shows that {request.requester} asked for it", citation="CP 4.2.2")
    bulk = proof.size >= board["bulk_threshold"]
    needed = board["bulk_approvals"] if bulk else board["approvals"]
    if len(deciders) < needed:
        raise Refused(f"{len(deciders)} of {needed} approvals: neither who asks nor who is concerned counts", citation="CP 5.2.2")
    return [*words, f"{len(deciders)} officers other than the requester approved; {board['code']} asks {needed}"]


def _check_holder(evidence: Mapping[str, Any], request: Request) -> list[str]:
    """Check that the holder asked, and that officers had granted it."""
    words = []
    for said in map(_read_act, evidence["acts"]):
        record, proof = said.record(), _proof(evidence)
        about = (record.get("root"), record.get("size"), record.get("board"))
        if said.type != HOLDER_TYPE or said.officer != request.requester or request.requester != account_of(request.holder):
            raise Refused("a request of a holder is signed by the holder", citation="CP 4.7.2")
        if about != (evidence["root"], proof.size, request.board):
            raise Refused("the holder signed something else than this batch", citation="CP 4.7.2")
        registered = _signing_key(said, {"keys": evidence["holder_keys"]}, clock.parse(record["at"]))
        words.append(f"the holder signed with a passkey: {record['at']}, registered {registered}")
    if not words:
        raise Refused("nothing shows that the holder asked for it", citation="CP 4.7.2")
    granting = {**evidence, **evidence["grant"]}
    granted = read_request(granting["request"])
    if (granted.id, granted.holder, granted.board) != (request.grant, request.holder, request.board):
        raise Refused("the grant that is shown is another one", citation="CP 4.7.2")
    if request.profile not in granted.profiles:
        raise Refused(f"officers did not grant {request.profile}", citation="CP 4.7.2")
    return [*words, _check_place(granting), *_check_acts(granting, granted)]


def _signing_key(act: Act, mandate: Mapping[str, Any], signed_at: datetime) -> str:
    """Return since when the key that made this signature was registered."""
    for key in mandate["keys"]:
        withdrawn = key["withdrawn_at"]
        if clock.parse(key["registered_at"]) > signed_at + ACT_CLOCK_TOLERANCE:
            continue
        if withdrawn is not None and clock.parse(withdrawn) < signed_at:
            continue
        its = OfficerKey(act.officer, _octets(key["spki"]), clock.parse(key["registered_at"]), None, key.get("rp_id"))
        if its.signed(act.statement, act.signature):
            return str(key["registered_at"])
    raise Alarm(f"no key that {act.officer} had at that time made this signature")


def _check_board(board: Mapping[str, Any], request: Request) -> str:
    if request.board != board["code"]:
        raise Refused(f"{board['code']} does not decide for {request.board}", citation="CP 3.2.5")
    if request.subject.get("kind") != "person":
        return f"{board['name']} answers for the structure {request.holder}"
    profession = request.subject.get("profession")
    if profession not in board["professions"]:
        raise Refused(f"{board['code']} does not govern the profession {profession}", citation="CP 3.2.5")
    return f"the profession {profession} is governed by {board['name']}"


def _read_act(record: Mapping[str, Any]) -> Act:
    said = json.loads(record["statement"])
    return Act(said["officer"], said["type"], said["target"], record["statement"], _octets(record["signature"]))


def _proof(evidence: Mapping[str, Any]) -> InclusionProof:
    proof = evidence["proof"]
    return InclusionProof(proof["index"], proof["size"], tuple(bytes.fromhex(node) for node in proof["path"]))


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _octets(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
