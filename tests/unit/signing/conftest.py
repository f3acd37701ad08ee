from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from hsm.api import KeyRef, KeyUse
from hsm.testing import CorruptingCustodian, MemoryCustodian
from pki.signing.door import SigningDoor
from trust.algorithms import ALGORITHMS

CA, RESPONDER, JOURNAL = "personnes-2026", "ocsp-personnes-1", "journal"


@dataclass
class Notebook:
    """A witness that writes in memory, or says that it cannot."""

    entries: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    broken: Exception | None = None

    def __call__(self, use: str, key: str, subject: str, sha256: bytes) -> None:
        """Append one line."""
        if self.broken:
            raise self.broken
        self.entries.append((use, key, subject, sha256))


@pytest.fixture
def custodian() -> MemoryCustodian:
    """The three keys of a small authority."""
    custodian = MemoryCustodian()
    custodian.generate(KeyRef(CA), ALGORITHMS["P-256"], frozenset({KeyUse.CERTIFICATE, KeyUse.CRL}))
    custodian.generate(KeyRef(RESPONDER), ALGORITHMS["P-256"], frozenset({KeyUse.OCSP}))
    custodian.generate(KeyRef(JOURNAL), ALGORITHMS["Ed25519"], frozenset({KeyUse.CHECKPOINT}))
    return custodian


@pytest.fixture
def witness() -> Notebook:
    """An empty notebook."""
    return Notebook()


@pytest.fixture
def door(custodian: MemoryCustodian, witness: Notebook) -> SigningDoor:
    """A door over those keys, watched by the notebook."""
    return SigningDoor(custodian, witness=witness)


@pytest.fixture
def trouble(custodian: MemoryCustodian) -> CorruptingCustodian:
    """The same keys behind a module that spoils signatures."""
    return CorruptingCustodian(custodian)
