"""A `Custodian` over a PKCS#11 token: keys are made in it and never leave it (RFC 3647 §6.2.1, §6.2.6; CP 6.2.1).

It promises what the software keystore does, and one thing more: whoever has this process has signatures, not keys. When
the token is away, what it is asked is refused in bounded time (`pool`), and it works again by itself when the token is
back, if it holds the same keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from threading import Lock
from typing import Any, TypeVar

from pkcs11.exceptions import UserNotLoggedIn

from hsm.api import KeyDescription, KeyRef, KeyUse
from hsm.pkcs11 import keys, mechanisms
from hsm.pkcs11.keys import Found
from hsm.pkcs11.module import shows_keys, usual_module
from hsm.pkcs11.pin import Pin
from hsm.pkcs11.pool import Pool, Session
from hsm.pkcs11.uri import TokenUri
from hsm.uses import SignatureCounts, check_label, refuse_mixed_uses, refuse_other_use
from trust.algorithms import Algorithm, PublicKey, spki
from trust.errors import Alarm, Conflict, Missing

Shown = TypeVar("Shown", Found | None, list[str])

_GENERATION_SECONDS = 180.0
"""An RSA key takes some modules a minute."""


class Pkcs11Custodian:
    """Keys in one token. Safe between threads; opens its sessions in the process that uses it, after any fork."""

    def __init__(self, uri: TokenUri, pin: Pin, *, module: str | None = None, sessions: int = 4, patience: float = 10.0) -> None:
        """Prepare; the token is not asked anything yet.

        Args:
            uri: which token.
            pin: how it is opened.
            module: path of the PKCS#11 library; by default p11-kit's proxy.
            sessions: how many signatures may be under way at once: more of them hide the latency of a network module.
            patience: seconds that a caller waits for a token that does not answer.

        Raises:
            Missing: no module is named, and p11-kit's proxy is not on this machine.
        """
        self._uri = uri
        self._pool = Pool(module or usual_module(), uri, pin, size=sessions, patience=patience)
        self._found: dict[str, Found] = {}
        self._lock = Lock()
        self._counts = SignatureCounts()

    def describe(self) -> str:
        """Say what this custodian is."""
        return f"PKCS#11 token, {self._uri}"

    def generate(self, ref: KeyRef, algorithm: Algorithm, uses: frozenset[KeyUse]) -> PublicKey:
        """Make a key in the token; return its public half.

        Raises:
            Conflict: a key of that name exists.
            Refused: no use, uses that never share a key (CP 6.1.7), or an algorithm that the token does not know (CP 6.1.5).
            Unavailable: the token does not answer.
        """
        check_label(ref.label)
        refuse_mixed_uses(ref.label, uses)
        how = mechanisms.of(algorithm)
        identifier = keys.key_id(ref.label, algorithm.name, uses)

        def make(session: Session) -> None:
            if ref.label in set(keys.labels(session.raw)):
                raise Conflict(f"key {ref.label} exists already")
            how.generate(session.raw, identifier, ref.label)

        self._pool.run([make], writes=True, patience=_GENERATION_SECONDS)
        return self._find(ref).public

    def public_key(self, ref: KeyRef) -> PublicKey:
        """Return the public half.

        Raises:
            Missing: no such key.
            Conflict, Alarm: the token holds two, or one that an authority must not use (`keys`).
            Unavailable: the token does not answer.
        """
        return self._find(ref).public

    def sign(self, ref: KeyRef, use: KeyUse, data: bytes) -> bytes:
        """Sign `data`.

        Raises:
            Missing, Conflict, Alarm, Unavailable: as `public_key`.
            Refused: the key was not made for that use (CP 6.1.7).
        """
        return self.sign_many(ref, use, (data,))[0]

    def sign_many(self, ref: KeyRef, use: KeyUse, many: Sequence[bytes]) -> list[bytes]:
        """Sign each of `many`, on all sessions at once; return the signatures in their order.

        Raises:
            Missing, Conflict, Alarm, Unavailable, Refused: as `sign`. How many were signed is then not known.
        """
        found = self._find(ref)
        refuse_other_use(ref.label, found.uses, use)
        sign, identifier = mechanisms.of(found.algorithm).sign, found.key_id

        def piece(data: bytes) -> Any:
            return lambda session: sign(session.objects.get(identifier) or self._object(session, found), data)

        signatures = self._pool.run([piece(data) for data in many])
        self._counts.add(ref.label, use, len(signatures))
        return signatures

    def labels(self) -> list[str]:
        """List the names of the keys held, sorted."""
        return sorted(set(self._pool.run([lambda session: self._believed(session, list(keys.labels(session.raw)))])[0]))

    def description(self, ref: KeyRef) -> KeyDescription:
        """Describe a key.

        Raises:
            Missing, Conflict, Alarm, Unavailable: as `public_key`.
        """
        found = self._find(ref)
        fingerprint = hashlib.sha256(spki(found.public)).hexdigest()
        return KeyDescription(ref.label, found.algorithm.name, tuple(sorted(found.uses)), fingerprint, self.describe())

    def counts(self) -> dict[tuple[str, KeyUse], int]:
        """Return the signatures made by this process, by (label, use)."""
        return self._counts.taken()

    def close(self) -> None:
        """Let go of the threads. Sessions end with the process."""
        self._pool.close()

    def __del__(self) -> None:
        """Let go, too, when nobody holds this any more: threads would outlive it."""
        if hasattr(self, "_pool"):  # not when the module was missing
            self.close()

    def _find(self, ref: KeyRef) -> Found:
        with self._lock:
            found = self._found.get(ref.label)
        if found is None:
            check_label(ref.label)
            (found,) = self._pool.run([lambda session: self._look(session, ref.label)])
            if found is None:
                raise Missing(f"there is no key {ref.label} in {self._uri}")
            with self._lock:
                self._found[ref.label] = found
        return found

    def _look(self, session: Session, label: str) -> Found | None:
        return self._believed(session, keys.find(session.raw, label))

    @staticmethod
    def _believed(session: Session, found: Shown) -> Shown:
        """Return what a token shows, unless it is nothing because it forgot that we are logged in: it is then opened again."""
        if not found and not session.is_new and not shows_keys(session.raw):
            raise UserNotLoggedIn
        return found

    def _object(self, session: Session, found: Found) -> Any:
        """Find a key again in a new session: the same one, or none (reliability 1c.4: never sign elsewhere)."""
        there = self._look(session, found.label)
        if there is None:
            raise Missing(f"there is no key {found.label} in {self._uri} any more")
        if spki(there.public) != spki(found.public) or there.key_id != found.key_id:
            raise Alarm(f"{self._uri} holds another key called {found.label} than before: it was replaced")
        private = session.objects[found.key_id] = keys.private_object(session.raw, found.key_id)
        return private
