"""Honest small custodians for tests, ours and integrators'.

`MemoryCustodian` keeps every promise of `hsm.api.Custodian` except that its keys vanish with it.
`CorruptingCustodian` is a module in trouble: it answers, and some of its answers are wrong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from hsm.api import Custodian, KeyDescription, KeyRef, KeyUse
from hsm.uses import SignatureCounts, refuse_mixed_uses, refuse_other_use
from trust.algorithms import Algorithm, PrivateKey, PublicKey, spki
from trust.errors import Conflict, Missing


class MemoryCustodian:
    """Keys in this object, made in microseconds (except RSA)."""

    def __init__(self) -> None:
        self._keys: dict[KeyRef, tuple[Algorithm, frozenset[KeyUse], PrivateKey]] = {}
        self._counts = SignatureCounts()

    def describe(self) -> str:
        """Say what this custodian is."""
        return "keys in memory, for tests"

    def generate(self, ref: KeyRef, algorithm: Algorithm, uses: frozenset[KeyUse]) -> PublicKey:
        """Make a key.

        Raises:
            Conflict: a key of that name exists.
            Refused: no use, or uses that never share a key.
        """
        refuse_mixed_uses(ref.label, uses)
        if ref in self._keys:
            raise Conflict(f"key {ref.label} exists already")
        private = algorithm.generate()
        self._keys[ref] = (algorithm, uses, private)
        return private.public_key()

    def public_key(self, ref: KeyRef) -> PublicKey:
        """Return the public half.

        Raises:
            Missing: no such key.
        """
        return self._find(ref)[2].public_key()

    def sign(self, ref: KeyRef, use: KeyUse, data: bytes) -> bytes:
        """Sign `data` for a declared use.

        Raises:
            Missing: no such key.
            Refused: the key was not made for that use.
        """
        algorithm, uses, private = self._find(ref)
        refuse_other_use(ref.label, uses, use)
        self._counts.add(ref.label, use)
        return algorithm.sign(private, data)

    def sign_many(self, ref: KeyRef, use: KeyUse, many: Sequence[bytes]) -> list[bytes]:
        """Sign each of `many`."""
        return [self.sign(ref, use, data) for data in many]

    def description(self, ref: KeyRef) -> KeyDescription:
        """Describe a key.

        Raises:
            Missing: no such key.
        """
        algorithm, uses, private = self._find(ref)
        fingerprint = hashlib.sha256(spki(private.public_key())).hexdigest()
        return KeyDescription(ref.label, algorithm.name, tuple(sorted(uses)), fingerprint, "memory")

    def labels(self) -> list[str]:
        """List the names of the keys held, sorted."""
        return sorted(ref.label for ref in self._keys)

    def counts(self) -> dict[tuple[str, KeyUse], int]:
        """Return the signatures made, by (label, use)."""
        return self._counts.taken()

    def _find(self, ref: KeyRef) -> tuple[Algorithm, frozenset[KeyUse], PrivateKey]:
        try:
            return self._keys[ref]
        except KeyError:
            raise Missing(f"there is no key {ref.label}") from None


class CorruptingCustodian:
    """Another custodian whose signatures come back with one bit changed, as long as `corrupt` says so."""

    def __init__(self, behind: Custodian) -> None:
        self._behind = behind
        self.corrupt = True

    def generate(self, ref: KeyRef, algorithm: Algorithm, uses: frozenset[KeyUse]) -> PublicKey:
        """Make a key, correctly."""
        return self._behind.generate(ref, algorithm, uses)

    def public_key(self, ref: KeyRef) -> PublicKey:
        """Return the public half, correctly."""
        return self._behind.public_key(ref)

    def sign(self, ref: KeyRef, use: KeyUse, data: bytes) -> bytes:
        """Sign, and change the last bit of the signature."""
        signature = self._behind.sign(ref, use, data)
        return signature[:-1] + bytes((signature[-1] ^ 1,)) if self.corrupt else signature

    def sign_many(self, ref: KeyRef, use: KeyUse, many: Sequence[bytes]) -> list[bytes]:
        """Sign each of `many`, as `sign` does."""
        return [self.sign(ref, use, data) for data in many]

    def labels(self) -> list[str]:
        """List the names of the keys held."""
        return self._behind.labels()

    def describe(self) -> str:
        """Say what is behind."""
        return self._behind.describe()

    def description(self, ref: KeyRef) -> KeyDescription:
        """Describe a key, correctly."""
        return self._behind.description(ref)

    def counts(self) -> dict[tuple[str, KeyUse], int]:
        """Return the signatures made, by (label, use)."""
        return self._behind.counts()
