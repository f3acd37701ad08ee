"""Opening what holds keys, as a ``[custody]`` table says: sealed files, a token, or another process (CP 6.2.1, CP 6.2.8).

For a home, and for the folder of a custody process, which are laid out alike: ``keys/``, ``secrets/``, ``run/``,
``witness/``. Whoever opens keys witnesses each signature; whoever asks another process leaves that to it, which is the
point.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hsm import passphrase
from hsm.api import Custodian
from hsm.software import SoftwareKeystore
from hsm.witness import Witness, WitnessedCustodian
from pki.settings import CustodySettings
from trust.clock import Clock
from trust.entropy import Entropy
from trust.errors import Conflict

PASSPHRASE = "keystore-passphrase"
"""Name of the file, or of the systemd credential."""


@dataclass(frozen=True)
class Place:
    """Where keys are held, and how."""

    folder: Path
    said: CustodySettings
    mode: str
    clock: Clock
    entropy: Entropy

    @property
    def witness(self) -> Path:
        """Where each signature is written down."""
        return self.said.witness_in(self.folder)


def hold(place: Place) -> Custodian:
    """Open it.

    The secret (passphrase, PIN) is read from a systemd credential if the service was given some, else from the folder's file.

    Raises:
        Missing, Refused, Malformed: as the keystore and the passphrase file say, or the PKCS#11 module.
        Unavailable: the witness cannot be opened.
    """
    match place.said.kind:
        case "process":
            return _process(place)
        case "pkcs11":
            return _witnessed(place, _token(place))
        case _:
            return _witnessed(place, _keystore(place))


def hold_new(place: Place, tell: Callable[[str], None]) -> Custodian:
    """Open it for the first time: a software keystore is made with its passphrase; a token and a custody process are there.

    Raises:
        Missing, Refused, Malformed, Unavailable: as `hold`.
    """
    if place.said.kind == "software":
        secret_file = place.folder / "secrets" / PASSPHRASE
        if not secret_file.exists():
            secret_file.parent.mkdir(mode=0o700, exist_ok=True)
            passphrase.write_new(secret_file, place.entropy)
        try:
            SoftwareKeystore.create(
                place.folder / "keys", passphrase.from_file(secret_file), mode=place.mode, entropy=place.entropy
            )
        except Conflict:
            return hold(place)
    custodian = hold(place)
    tell(f"keys: {custodian.describe()}")
    return custodian


def _witnessed(place: Place, custodian: Custodian) -> Custodian:
    return WitnessedCustodian(custodian, Witness(place.witness, place.clock))


def _keystore(place: Place) -> Custodian:
    secret = _secret(PASSPHRASE, place.folder, passphrase.SHORTEST)
    return SoftwareKeystore(place.folder / "keys", secret, mode=place.mode, entropy=place.entropy)


def _token(place: Place) -> Custodian:
    from hsm.pkcs11 import uri  # Only who has keys in a token loads the driver.
    from hsm.pkcs11.custodian import Pkcs11Custodian
    from hsm.pkcs11.pin import Pin

    said = place.said
    source = partial(_secret, said.pin, place.folder, passphrase.SHORTEST_PIN)
    pin = Pin(source, place.folder / "run" / "pin-refused", place.entropy)
    return Pkcs11Custodian(
        uri.parse(said.token), pin, module=said.module or None, sessions=said.sessions, patience=float(said.timeout_seconds)
    )


def _process(place: Place) -> Custodian:
    from hsm.remote import RemoteCustodian

    # It waits for its token as long as it says; whoever asks it waits a little longer, to hear what it says.
    return RemoteCustodian(Path(place.said.socket), patience=2.0 * place.said.timeout_seconds + 5.0)


def _secret(name: str, folder: Path, shortest: int) -> bytes:
    if "CREDENTIALS_DIRECTORY" in os.environ:
        return passphrase.from_credential(name, os.environ, shortest=shortest)
    return passphrase.from_file(folder / "secrets" / name, shortest=shortest)
