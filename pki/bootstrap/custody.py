"""The keys of a home: the keystore, the CAs with their profiles compiled, the issuance service over an open door.

For the issuer and for what an operator does by hand; pages and registration never come here (law 2).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cryptography import x509

from hsm import passphrase
from hsm.api import Custodian, KeyRef
from hsm.software import SoftwareKeystore
from hsm.witness import Witness, WitnessedCustodian
from pki.bootstrap.home import Home
from pki.faults import Faults
from pki.inventory.model import Certificate, State
from pki.issuance.authority import Authority, IssuingCa
from pki.issuance.service import IssuanceService
from pki.profiles.compiled import CompiledProfile
from pki.profiles.model import IssuerView
from pki.settings import CaSettings, Settings
from pki.signing.certificate import CertificateSigner
from pki.signing.door import SigningDoor
from trust.algorithms import ALGORITHMS, spki
from trust.errors import Alarm, Conflict

PASSPHRASE_CREDENTIAL = "keystore-passphrase"
RESPONDER = "ocsp-responder"


def open_custodian(home: Home) -> Custodian:
    """Open what holds the keys, as ``[custody]`` of the configuration says; each signature is witnessed.

    The secret (passphrase, PIN) is read from a systemd credential if the service was given some, else from the home's file.

    Raises:
        Missing, Refused, Malformed: as the keystore and the passphrase file say, or the PKCS#11 module.
        Unavailable: the witness cannot be opened.
    """
    return _witnessed(home, _token(home) if home.settings.custody.kind == "pkcs11" else _keystore(home))


def create_custodian(home: Home, tell: Callable[[str], None]) -> Custodian:
    """Open what will hold the keys of a new home; make the software keystore if that is what it is. A token is there already.

    Raises:
        Missing, Refused, Malformed, Unavailable: as `open_custodian`.
    """
    settings = home.settings
    if settings.custody.kind == "pkcs11":
        custodian: Custodian = _token(home)
    else:
        if not settings.passphrase_file.exists():
            settings.passphrase_file.parent.mkdir(mode=0o700, exist_ok=True)
            passphrase.write_new(settings.passphrase_file, home.entropy)
        try:
            secret = passphrase.from_file(settings.passphrase_file)
            custodian = SoftwareKeystore.create(settings.keystore, secret, mode=settings.mode, entropy=home.entropy)
        except Conflict:
            return open_custodian(home)
    tell(f"keys: {custodian.describe()}")
    return _witnessed(home, custodian)


def _witnessed(home: Home, custodian: Custodian) -> Custodian:
    return WitnessedCustodian(custodian, Witness(home.settings.witness_file, home.clock))


def _keystore(home: Home) -> SoftwareKeystore:
    settings = home.settings
    secret = _secret(PASSPHRASE_CREDENTIAL, settings.passphrase_file, passphrase.SHORTEST)
    return SoftwareKeystore(settings.keystore, secret, mode=settings.mode, entropy=home.entropy)


def _token(home: Home) -> Custodian:
    from hsm.pkcs11 import uri  # Only who has keys in a token loads the driver.
    from hsm.pkcs11.custodian import Pkcs11Custodian
    from hsm.pkcs11.pin import Pin

    said = home.settings.custody
    source = partial(_secret, said.pin, home.settings.pin_file, passphrase.SHORTEST_PIN)
    pin = Pin(source, home.settings.home / "run" / "pin-refused", home.entropy)
    return Pkcs11Custodian(
        uri.parse(said.token), pin, module=said.module or None, sessions=said.sessions, patience=float(said.timeout_seconds)
    )


def _secret(credential: str, file: Path, shortest: int) -> bytes:
    if "CREDENTIALS_DIRECTORY" in os.environ:
        return passphrase.from_credential(credential, os.environ, shortest=shortest)
    return passphrase.from_file(file, shortest=shortest)


def check_keys(home: Home, custodian: Custodian) -> None:
    """Check that each CA's key in custody is the one of its certificate: before anything is signed by another one.

    Raises:
        Missing, Conflict, Alarm: the key is not there, is there twice, could leave its token, or is another one (CP 6.2.1).
    """
    for ca_id, certificate in home.cas_here().items():
        label = home.settings.ca(ca_id).key
        if hashlib.sha256(spki(custodian.public_key(KeyRef(label)))).digest() != certificate.spki_hash:
            raise Alarm(f"key {label} in custody is not the one of the certificate of {ca_id}: nothing is signed with it")


def issuer_view(settings: Settings, ca: CaSettings, certificate: Certificate) -> IssuerView:
    """Return what certificates say of a CA, read from the CA's own certificate."""
    parsed = x509.load_der_x509_certificate(certificate.der)
    key_id = parsed.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    return IssuerView(
        ca_id=ca.id,
        name_der=parsed.subject.public_bytes(),
        key_id=key_id,
        algorithm=ALGORITHMS[ca.algorithm],
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        base_url=settings.base_url,
        shards=ca.shards,
        delta=ca.delta,
        public_key=parsed.public_key(),
    )


def open_authority(home: Home) -> Authority:
    """Return the CAs of a home that exist and whose key is here, with their profiles compiled.

    Raises:
        Alarm: a compiled profile does not write what the builder writes.
    """
    cas, compiled = {}, {}
    certificates = home.cas_here()
    for ca in home.settings.cas:
        if (certificate := certificates.get(ca.id)) is None:
            continue
        view = issuer_view(home.settings, ca, certificate)
        cas[ca.id] = IssuingCa(ca.id, view, ca.key, certificate.der, revoked=certificate.state is not State.ISSUED)
        subordinates = {other.profile for other in home.settings.cas if other.issuer == ca.id}
        for profile in {*ca.issues, *subordinates, RESPONDER}:
            compiled[ca.id, profile] = CompiledProfile(home.profiles[profile], view)
    return Authority(cas, compiled)


def issuance(
    home: Home, authority: Authority, door: SigningDoor, *, instance: str, faults: Faults | None = None
) -> IssuanceService:
    """Return the issuance service over an open door."""
    return IssuanceService(
        authority,
        home.store,
        CertificateSigner(door),
        home.settings,
        home.clock,
        home.entropy,
        instance=instance,
        faults=faults or Faults.from_environment(home.settings.mode),
    )
