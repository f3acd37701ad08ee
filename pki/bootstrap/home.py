"""Opening a home: configuration, policy ceilings, profiles, database, keys; each once, in the order that they check each other.

A composition root uses what its rights allow: registration opens the database and no keys, the issuer opens both.
Whatever is looser than the CP stops here, before anything runs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography import x509

from hsm import passphrase
from hsm.software import SoftwareKeystore
from pki.adapters.store.store import Store
from pki.bootstrap.ceilings import enforce_settings
from pki.faults import Faults
from pki.inventory.model import REASONS_BY_NAME, Certificate, Reason, State
from pki.issuance.authority import Authority, IssuingCa
from pki.issuance.service import IssuanceService
from pki.profiles.compiled import CompiledProfile
from pki.profiles.limits import Limits, enforce, load_limits
from pki.profiles.load import load_profiles
from pki.profiles.model import IssuerView, Profile
from pki.settings import CaSettings, Settings, load
from pki.signing.certificate import CertificateSigner
from pki.signing.door import SigningDoor, Witness
from trust.algorithms import ALGORITHMS
from trust.clock import Clock, SystemClock
from trust.entropy import Entropy, SystemEntropy
from trust.errors import Missing

PASSPHRASE_CREDENTIAL = "keystore-passphrase"
RESPONDER = "ocsp-responder"


def shipped(name: str) -> Path:
    """Return where a folder of data is: in the wheel under ``pki/_shipped``, in a working tree at its root.

    Raises:
        Missing: neither is there: the installation is damaged.
    """
    package = Path(__file__).parents[1]
    for candidate in (package / "_shipped" / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise Missing(f"the folder {name} that comes with Sceau is not there: the installation is damaged")


@dataclass(frozen=True)
class Home:
    """What every process of a home shares: what it says, what it promises, where it keeps it."""

    settings: Settings
    limits: Limits
    profiles: dict[str, Profile]
    store: Store
    clock: Clock
    entropy: Entropy

    @cached_property
    def reasons(self) -> dict[str, frozenset[Reason]]:
        """The revocation reasons that the CP allows for each profile."""
        return {
            name: frozenset(REASONS_BY_NAME[reason] for reason in self.limits.of(name).revocation_reasons)
            for name in self.profiles
        }

    def ca_certificates(self) -> dict[str, Certificate]:
        """Return the certificates of the CAs that exist, by CA."""
        found = {}
        with self.store.read() as tx:
            for ca in self.settings.cas:
                live = [c for c in tx.certificates.of_holder(f"ca:{ca.id}") if c.signature is not None]
                if live:
                    found[ca.id] = live[-1]
        return found


def open_home(path: Path, *, clock: Clock | None = None, entropy: Entropy | None = None, create_schema: bool = False) -> Home:
    """Open a home.

    Raises:
        Missing: there is no authority there.
        Malformed: its configuration is not one.
        Refused: its configuration is looser than the CP, or its database could lose what it acknowledges.
        Unavailable: its database does not answer.
    """
    settings = load(path.absolute())
    limits_file = shipped("policies") / "limits.toml"
    enforce_settings(settings, limits_file)
    limits = load_limits(limits_file)
    profiles = load_profiles(settings.config / "profiles", policy_arc=settings.policy_arc, mode=settings.mode)
    enforce(profiles.values(), limits)
    store = Store.open(settings.database_url)
    if create_schema:
        store.create()
    store.check_schema()
    return Home(settings, limits, profiles, store, clock or SystemClock(), entropy or SystemEntropy())


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
    """Return the CAs of a home that exist, with their profiles compiled.

    Raises:
        Alarm: a compiled profile does not write what the builder writes.
    """
    cas, compiled = {}, {}
    certificates = home.ca_certificates()
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
