from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hsm.api import KeyRef, KeyUse
from hsm.sealing import Kdf
from hsm.software import SoftwareKeystore
from trust.algorithms import ALGORITHMS
from trust.entropy import SystemEntropy

PASSPHRASE = b"une phrase de passe de test"
CHEAP = Kdf(memory_kib=19 * 1024, passes=1)
"""The least costly derivation that the keystore accepts: these tests open hundreds of them."""

Reopen = Callable[[], SoftwareKeystore]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the keystore of this test lives; nothing is there yet."""
    return tmp_path / "keys"


@pytest.fixture
def keystore(directory: Path) -> SoftwareKeystore:
    """An empty keystore of a demonstration authority."""
    return SoftwareKeystore.create(directory, PASSPHRASE, mode="demo", entropy=SystemEntropy(), kdf=CHEAP)


@pytest.fixture
def ca(keystore: SoftwareKeystore) -> KeyRef:
    """A P-256 key that certifies and signs CRLs."""
    ref = KeyRef("personnes-2026")
    keystore.generate(ref, ALGORITHMS["P-256"], frozenset({KeyUse.CERTIFICATE, KeyUse.CRL}))
    return ref


@pytest.fixture
def reopen(directory: Path) -> Reopen:
    """Open the same directory again, as another process would."""
    return lambda: SoftwareKeystore(directory, PASSPHRASE, mode="demo", entropy=SystemEntropy())
