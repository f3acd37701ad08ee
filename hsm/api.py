"""What the authority may ask of whoever holds its keys (RFC 3647 §6.2).

A key is named by a `KeyRef`, is made for declared uses, and never leaves its custodian. The custodian refuses a use that the
key was not made for: a stolen OCSP process cannot have a certificate signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from trust.algorithms import Algorithm, PublicKey


class KeyUse(StrEnum):
    """What a signature is for. Each use has one caller in `pki.signing`."""

    CERTIFICATE = "certificate"
    CRL = "crl"
    OCSP = "ocsp"
    TIMESTAMP = "timestamp"
    CHECKPOINT = "checkpoint"


@dataclass(frozen=True, order=True)
class KeyRef:
    """The name of a key in custody, for instance ``"personnes-2026"``: lower case, digits and hyphens."""

    label: str


@dataclass(frozen=True)
class KeyDescription:
    """What may be told of a key: enough to recognise it in a ceremony's transcript, and on the page of keys."""

    label: str
    algorithm: str
    uses: tuple[str, ...]
    spki_sha256: str
    where: str
    """Where it lives, in a few words: ``"software keystore"``, ``"token sceau (serial 7e4e…)"``."""


class Custodian(Protocol):
    """Holder of private keys: a software keystore, a PKCS#11 token."""

    def describe(self) -> str:
        """Say what this custodian is, for `doctor`, the start banner and every transcript."""
        ...

    def generate(self, ref: KeyRef, algorithm: Algorithm, uses: frozenset[KeyUse]) -> PublicKey:
        """Make a key.

        Raises:
            Conflict: a key of that name exists.
        """
        ...

    def public_key(self, ref: KeyRef) -> PublicKey:
        """Return the public half.

        Raises:
            Missing: no such key.
        """
        ...

    def sign(self, ref: KeyRef, use: KeyUse, data: bytes) -> bytes:
        """Sign `data` (the custodian hashes it) for a declared use.

        Raises:
            Missing: no such key.
            Refused: the key was not made for that use.
            Unavailable: the token does not answer.
        """
        ...

    def sign_many(self, ref: KeyRef, use: KeyUse, many: Sequence[bytes]) -> list[bytes]:
        """Sign each of `many`, in their order: one question for all, where a question is what costs.

        Raises:
            Missing, Refused, Unavailable: as `sign`. How many were signed is then not known.
        """
        ...

    def labels(self) -> list[str]:
        """List the names of the keys held."""
        ...

    def description(self, ref: KeyRef) -> KeyDescription:
        """Describe a key.

        Raises:
            Missing: no such key.
        """
        ...

    def counts(self) -> dict[tuple[str, KeyUse], int]:
        """Return the signatures made by this process, by (label, use)."""
        ...
