from __future__ import annotations

import pytest

from hsm.api import KeyRef, KeyUse
from hsm.testing import CorruptingCustodian, MemoryCustodian
from pki.signing.door import SigningDoor
from trust.algorithms import ALGORITHMS

CA, RESPONDER, JOURNAL = "personnes-2026", "ocsp-personnes-1", "journal"


@pytest.fixture
def custodian() -> MemoryCustodian:
    """The three keys of a small authority."""
    custodian = MemoryCustodian()
    custodian.generate(KeyRef(CA), ALGORITHMS["P-256"], frozenset({KeyUse.CERTIFICATE, KeyUse.CRL}))
    custodian.generate(KeyRef(RESPONDER), ALGORITHMS["P-256"], frozenset({KeyUse.OCSP}))
    custodian.generate(KeyRef(JOURNAL), ALGORITHMS["Ed25519"], frozenset({KeyUse.CHECKPOINT}))
    return custodian


@pytest.fixture
def door(custodian: MemoryCustodian) -> SigningDoor:
    """A door over those keys."""
    return SigningDoor(custodian)


@pytest.fixture
def trouble(custodian: MemoryCustodian) -> CorruptingCustodian:
    """The same keys behind a module that spoils signatures."""
    return CorruptingCustodian(custodian)
