"""The keys of a home: the keystore, the CAs with their profiles compiled, the issuance service over an open door.

For the issuer and for what an operator does by hand; pages and registration never come here (law 2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from cryptography import x509

from hsm.api import Custodian, KeyRef
from pki.bootstrap.holding import Place, hold, hold_new
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
from trust.errors import Alarm

RESPONDER = "ocsp-responder"


def place(home: Home) -> Place:
    """Return where the keys of a home are, and how they are opened."""
    return Place(home.settings.home, home.settings.custody, home.settings.mode, home.clock, home.entropy)


def open_custodian(home: Home) -> Custodian:
    """Open what holds the keys, as ``[custody]`` of the configuration says (`pki.bootstrap.holding`).

    Raises:
        Missing, Refused, Malformed, Unavailable: as `hold`.
    """
    return hold(place(home))


def create_custodian(home: Home, tell: Callable[[str], None]) -> Custodian:
    """Open what will hold the keys of a new home; make the software keystore if that is what it is.

    Raises:
        Missing, Refused, Malformed, Unavailable: as `hold_new`.
    """
    return hold_new(place(home), tell)


def check_keys(home: Home, custodian: Custodian) -> None:
    """Check that the keys of CAs and responders in custody are those of their certificates, before another one signs anything.

    Raises:
        Missing, Conflict, Alarm: the key is not there, is there twice, could leave its token, or is another one (CP 6.2.1).
    """
    now = home.clock.now()
    for ca_id, certificate in home.cas_here().items():
        wanted = [(home.settings.ca(ca_id).key, certificate, ca_id)]
        with home.store.read() as tx:
            standing = [each for each in tx.responders.of_ca(ca_id) if each.not_after > now]
            wanted += [(each.key, tx.certificates.get(each.serial), f"a responder of {ca_id}") for each in standing]
        for label, known, whose in wanted:
            if hashlib.sha256(spki(custodian.public_key(KeyRef(label)))).digest() != known.spki_hash:
                raise Alarm(f"key {label} in custody is not the one of the certificate of {whose}: nothing is signed with it")


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
