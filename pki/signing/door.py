"""The door to the keys: every signature of the authority goes through here (RFC 3647 §6.2.8; CP 6.2.8).

It asks the custodian for one use, verifies the signature with the public key before anybody else has it, counts and times.
It does not know what it signs: the module of each kind checks that, and no other module calls `sign`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from time import perf_counter

from hsm.api import Custodian, KeyRef, KeyUse
from trust.algorithms import CUSTODY_ALGORITHMS, Algorithm, PublicKey
from trust.errors import Alarm

_ALL, _NONE = slice(None), slice(0)

__all__ = ["Figures", "KeyUse", "SigningDoor", "SigningKey"]


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

    def __init__(self, custodian: Custodian) -> None:
        self._custodian = custodian
        # Owned by key: what was looked up so far. A label stands for one key for ever.
        self._keys: dict[tuple[str, KeyUse], SigningKey] = {}
        # Both owned by _release: [count, seconds, faults] by use (mutable: this runs two million times in a row), and the labels
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
        algorithm = CUSTODY_ALGORITHMS.get(self._custodian.description(KeyRef(label)).algorithm)
        if algorithm is None:
            raise Alarm(f"key {label} is of no algorithm that this authority signs with")
        found = self._keys[label, use] = SigningKey(KeyRef(label), use, algorithm, public)
        return found

    def sign(self, key: SigningKey, data: bytes, *, subject: str, verify: bool = True) -> bytes:
        """Return a signature over `data`, verified.

        `verify=False` is for the pre-signing of OCSP responses, which verifies a sample: after one fault, every
        signature of that key is verified whatever the caller says.

        Raises:
            Alarm: the custodian returned a signature that does not verify. It is not released.
            Missing, Refused, Unavailable: what the custodian answers.
        """
        started = perf_counter()
        signature = self._custodian.sign(key.ref, key.use, data)
        elapsed = perf_counter() - started
        self._release(key, [(data, signature, subject)], elapsed, _ALL if verify else _NONE)
        return signature

    def sign_many(
        self, key: SigningKey, many: Sequence[bytes], *, subjects: Sequence[str] = (), sample: slice = _ALL
    ) -> list[bytes]:
        """Return a signature over each of `many`, verified: the custodian is asked once.

        `subjects` name them for the words of an alarm. `sample` is which of them are verified, as long as no signature of this
        key was ever wrong.

        Raises:
            Alarm, Missing, Refused, Unavailable: as `sign`; no signature is released then.
        """
        started = perf_counter()
        signatures = self._custodian.sign_many(key.ref, key.use, many)
        elapsed = perf_counter() - started
        if len(signatures) != len(many):
            raise Alarm(f"key {key.label} was asked for {len(many)} signatures and gave {len(signatures)}: none is released")
        named = subjects or [key.use.value] * len(many)
        self._release(key, list(zip(many, signatures, named, strict=True)), elapsed, sample)
        return signatures

    def figures(self) -> dict[str, Figures]:
        """Return counts and times by use, for the metrics."""
        with self._lock:
            return {use: Figures(int(count), seconds, int(faults)) for use, (count, seconds, faults) in self._figures.items()}

    def _release(self, key: SigningKey, made: Sequence[tuple[bytes, bytes, str]], elapsed: float, sample: slice) -> None:
        if self._distrusted and key.label in self._distrusted:
            sample = _ALL
        verifies, public = key.algorithm.verifies, key.public_key
        wrong = [subject for data, signature, subject in made[sample] if not verifies(public, signature, data)]
        with self._lock:
            figures = self._figures.setdefault(key.use.value, [0, 0.0, 0])
            figures[0] += len(made)
            figures[1] += elapsed
            if wrong:
                figures[2] += len(wrong)
                self._distrusted.add(key.label)
        if wrong:
            raise Alarm(f"the signature made by key {key.label} for {wrong[0]} does not verify: it is not released")
