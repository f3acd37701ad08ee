"""The door to the keys: every signature of the authority goes through here (RFC 3647 §6.2.8; CP 6.2.8).

It asks the custodian for one use, shows the signature to the witness before anybody else has it, verifies it with the
public key, counts and times. It does not know what it signs: the module of each kind checks that, and no other module
calls `sign`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from threading import Lock
from time import perf_counter
from typing import Protocol

from hsm.api import Custodian, KeyRef, KeyUse
from trust.algorithms import Algorithm, PublicKey, algorithm_of
from trust.errors import Alarm

__all__ = ["Figures", "KeyUse", "SigningDoor", "SigningKey", "Witness"]


class Witness(Protocol):
    """An independent record of what was signed, apart from the database: the two are compared after every crash drill
    (invariant I1)."""

    def __call__(self, use: str, key: str, subject: str, sha256: bytes) -> None:
        """Append durably, or raise: a signature that could not be witnessed is not released.

        `subject` is the serial (hexadecimal) of a certificate, the name and number of a CRL; `sha256` is of the octets signed.
        """
        ...


@dataclass(frozen=True)
class SigningKey:
    """A key as the authority sees it: its name, the use asked of it, its public half."""

    ref: KeyRef
    use: KeyUse
    algorithm: Algorithm
    public_key: PublicKey

    @property
    def label(self) -> str:
        """The name of the key."""
        return self.ref.label


@dataclass(frozen=True)
class Figures:
    """What was signed for one use since the process started."""

    count: int = 0
    seconds: float = 0.0
    """Time in the custodian: divide by `count`, and watch it grow when a module is in trouble."""
    faults: int = 0
    """Signatures that did not verify. One is an incident."""


class SigningDoor:
    """Signs through a custodian. One per process; safe between threads."""

    def __init__(self, custodian: Custodian, *, witness: Witness | None = None) -> None:
        self._custodian = custodian
        self._witness = witness
        # Owned by key: what was looked up so far. A label stands for one key for ever.
        self._keys: dict[tuple[str, KeyUse], SigningKey] = {}
        # Both owned by _note: [count, seconds, faults] by use (mutable: this runs two million times in a row), and the labels
        # whose custodian once returned a signature that did not verify.
        self._figures: dict[str, list[float]] = {}
        self._distrusted: set[str] = set()
        self._lock = Lock()

    def key(self, label: str, use: KeyUse) -> SigningKey:
        """Return a key by its name; the custodian is asked once.

        Raises:
            Missing: the custodian has no such key.
            Alarm: its algorithm is none of ours.
        """
        known = self._keys.get((label, use))
        if known is not None:
            return known
        public = self._custodian.public_key(KeyRef(label))
        algorithm = algorithm_of(public)
        if algorithm is None:
            raise Alarm(f"key {label} is of no algorithm that this authority signs with")
        found = self._keys[label, use] = SigningKey(KeyRef(label), use, algorithm, public)
        return found

    def sign(self, key: SigningKey, data: bytes, *, subject: str, verify: bool = True) -> bytes:
        """Return a signature over `data`, witnessed and verified.

        `verify=False` is for the pre-signing of OCSP responses, which verifies a sample: after one fault, every
        signature of that key is verified whatever the caller says.

        Raises:
            Alarm: the custodian returned a signature that does not verify. It is not released.
            Missing, Refused, Unavailable: what the custodian answers.
        """
        started = perf_counter()
        signature = self._custodian.sign(key.ref, key.use, data)
        elapsed = perf_counter() - started
        # The witness comes before the verification: it must know of every signature that ever existed.
        if self._witness is not None:
            self._witness(key.use.value, key.label, subject, hashlib.sha256(data).digest())
        sound = True
        if verify or (self._distrusted and key.label in self._distrusted):
            sound = key.algorithm.verifies(key.public_key, signature, data)
        self._note(key, elapsed, sound)
        if not sound:
            raise Alarm(f"the signature made by key {key.label} for {subject} does not verify: it is not released")
        return signature

    def figures(self) -> dict[str, Figures]:
        """Return counts and times by use, for the metrics."""
        with self._lock:
            return {use: Figures(int(count), seconds, int(faults)) for use, (count, seconds, faults) in self._figures.items()}

    def _note(self, key: SigningKey, elapsed: float, sound: bool) -> None:
        with self._lock:
            figures = self._figures.setdefault(key.use.value, [0, 0.0, 0])
            figures[0] += 1
            figures[1] += elapsed
            if not sound:
                figures[2] += 1
                self._distrusted.add(key.label)
