"""A keystore that costs little to open, made where `sceau init` looks for one: with the least derivation that it allows.

What a home costs to open is the same for the tests that are not about it, some hundred times in a run.
"""

from __future__ import annotations

from pathlib import Path

from hsm import passphrase
from hsm.sealing import Kdf
from hsm.software import SoftwareKeystore
from trust.entropy import SystemEntropy


def make_keystore(home: Path) -> None:
    """Make the keystore of a home that is about to be created."""
    secrets = home / "secrets"
    secrets.mkdir(mode=0o700, parents=True)
    secret = passphrase.write_new(secrets / "keystore-passphrase", SystemEntropy())
    SoftwareKeystore.create(home / "keys", secret, mode="demo", entropy=SystemEntropy(), kdf=Kdf(memory_kib=19 * 1024, passes=1))
