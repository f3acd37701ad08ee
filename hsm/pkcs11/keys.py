"""Finding a key in a token, and saying what is wrong with it (CP 6.2.1, CP 6.1.7).

PKCS#11 knows nothing of our uses, and a label is a word that any program may write. So the identifier of a key (CKA_ID)
is a digest of its label, its algorithm and its uses: a key is found by it, answers for these uses and no other, and
cannot be renamed into another key. One private and one public object carry it; more, or a key that could leave the
token, stop whoever looks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pkcs11 import Attribute, ObjectClass

from hsm.api import KeyUse
from hsm.pkcs11 import mechanisms
from hsm.uses import POSSIBLE
from trust.algorithms import CUSTODY_ALGORITHMS, Algorithm, PublicKey, algorithm_of
from trust.errors import Alarm, Conflict

_WANTED = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False, Attribute.NEVER_EXTRACTABLE: True, Attribute.SIGN: True}
_FAULTS = {
    Attribute.SENSITIVE: "its private half can be read",
    Attribute.EXTRACTABLE: "it can leave the token",
    Attribute.NEVER_EXTRACTABLE: "it was outside a token once, or could leave one",
    Attribute.SIGN: "it does not sign",
}


@dataclass(frozen=True)
class Found:
    """A key of a token, sound."""

    label: str
    algorithm: Algorithm
    uses: frozenset[KeyUse]
    public: PublicKey
    key_id: bytes


def key_id(label: str, algorithm: str, uses: frozenset[KeyUse]) -> bytes:
    """Return the CKA_ID of a key: 20 octets."""
    said = "\0".join(("sceau-key-1", label, algorithm, *sorted(uses)))
    return hashlib.sha256(said.encode()).digest()[:20]


def find(session: Any, label: str) -> Found | None:
    """Return the key of that label, or None.

    Raises:
        Conflict: there are two (CP 6.2.1).
        Alarm: it can leave the token, or its two halves are not one of each.
    """
    known = {key_id(label, algorithm, uses): (algorithm, uses) for algorithm in mechanisms.NAMES for uses in POSSIBLE}
    labelled = [each for each in _objects(session, ObjectClass.PRIVATE_KEY, Attribute.LABEL, label) if bytes(each.id) in known]
    if not labelled:
        return None
    if len(labelled) > 1:
        raise Conflict(f"the token holds {len(labelled)} keys called {label}: which one signs is anybody's guess")
    identifier = bytes(labelled[0].id)
    algorithm, uses = known[identifier]
    for attribute, wanted in _WANTED.items():
        if labelled[0][attribute] is not wanted:
            raise Alarm(f"key {label} of the token is not one for an authority: {_FAULTS[attribute]}")
    halves = _objects(session, ObjectClass.PUBLIC_KEY, Attribute.ID, identifier)
    if len(halves) != 1:
        raise Alarm(f"key {label} of the token has {len(halves)} public halves")
    public = mechanisms.public_key(halves[0])
    found = algorithm_of(public)
    if found is None or found.name != algorithm.removesuffix("-PSS"):
        raise Alarm(f"key {label} of the token is not the {algorithm} key that its identifier says")
    return Found(label, CUSTODY_ALGORITHMS[algorithm], uses, public, identifier)


def private_object(session: Any, identifier: bytes) -> Any:
    """Return the private-key object with that identifier, in this session; None when it is not there (any more)."""
    there = _objects(session, ObjectClass.PRIVATE_KEY, Attribute.ID, identifier)
    return there[0] if len(there) == 1 else None


def labels(session: Any) -> Iterator[str]:
    """Yield the labels of the private keys of the token, whoever made them."""
    for each in session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}):
        yield each.label


def remove(session: Any, identifier: bytes) -> None:
    """Remove both halves of a key."""
    for kind in (ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY):
        for each in _objects(session, kind, Attribute.ID, identifier):
            each.destroy()


def _objects(session: Any, kind: ObjectClass, attribute: Attribute, value: Any) -> list[Any]:
    return list(session.get_objects({Attribute.CLASS: kind, attribute: value}))
