"""The keys of a home: the keystore, the CAs with their profiles compiled, the issuance service over an open door.

For the issuer and for what an operator does by hand; pages and registration never come here (law 2).
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography import x509

from hsm import passphrase
from hsm.software import SoftwareKeystore
from pki.bootstrap.home import Home
from pki.faults import Faults
from pki.inventory.model import Certificate, State
from pki.issuance.authority import Authority, IssuingCa
from pki.issuance.service import IssuanceService
from pki.profiles.compiled import CompiledProfile
from pki.profiles.model import IssuerView
from pki.settings import CaSettings, Settings
from pki.signing.certificate import CertificateSigner
from pki.signing.door import SigningDoor, Witness
from trust.algorithms import ALGORITHMS

PASSPHRASE_CREDENTIAL = "keystore-passphrase"
RESPONDER = "ocsp-responder"


def open_custodian(home: Home) -> SoftwareKeystore:
    """Open the keystore, with the passphrase of a systemd credential if there is one, else of the home's file.

    Raises:
        Missing, Refused, Malformed: as the keystore and the passphrase file say.
    """
    settings = home.settings
    if "CREDENTIALS_DIRECTORY" in os.environ:
        secret = passphrase.from_credential(PASSPHRASE_CREDENTIAL, os.environ)
    else:
        secret = passphrase.from_file(settings.passphrase_file)
    return SoftwareKeystore(settings.keystore, secret, mode=settings.mode, entropy=home.entropy)


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


def witness_file(path: Path) -> Witness:
    """Return a witness that appends each signature to a file, one line each: use, key, subject, SHA-256."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def witness(use: str, key: str, subject: str, sha256: bytes) -> None:
        os.write(descriptor, f"{use} {key} {subject} {sha256.hex()}\n".encode())

    return witness
