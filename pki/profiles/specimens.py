"""People, structures, servers and keys that do not exist, for specimens of a profile (CP 3.1.5: test range, invented names).

Compiling a profile, linting it at load and the golden files all need somebody to certify. Nothing here is random: the same
specimen at every start. The private halves of these keys are known to everyone or to nobody; no authority signs for them.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa

from pki.profiles.model import IssuerView, Profile
from trust import oids
from trust.algorithms import PrivateKey, PublicKey, spki
from trust.errors import Malformed
from trust.nameforms import MAX_COMMON_NAME, MAX_ORGANISATION, MAX_PERSON_NAME
from trust.naming import (
    AnySubject,
    AuthoritySubject,
    OrganisationSubject,
    PersonSubject,
    ServerSubject,
    ServiceSubject,
)

_LONG_HOST = f"{'a' * 49}.exemple.com"

SPECIMENS: dict[str, tuple[AnySubject, ...]] = {
    "person": (
        PersonSubject("899700000013", "D'EXEMPLE-TEST", "ANNE", "10", "Médecin", "anne.dexemple-test@exemple.com"),
        PersonSubject("899700000021", "ÉPREUVE", "LOÏC", "60", "Infirmier"),
        PersonSubject("899700000039", "Œ" * MAX_PERSON_NAME, "É" * MAX_PERSON_NAME, "21", "Pharmacien", "p@exemple.com"),
        PersonSubject("899700123450", "A", "O", "98", "Manipulateur ERM"),
    ),
    "organisation": (
        OrganisationSubject("1990000010", "HOPITAL FICTIF", "Paris (75)", "Messagerie de l'hôpital fictif"),
        OrganisationSubject("399999999800019", "Ÿ" * MAX_ORGANISATION, "Côte-d'Or (21)", "œ" * (MAX_COMMON_NAME // 2)),
    ),
    "server": (
        ServerSubject("399999999800019", "OPERATEUR FICTIF", "Paris (75)", ("mss.exemple.com",)),
        ServerSubject("1990000010", "HOPITAL FICTIF", "Côte-d'Or (21)", (_LONG_HOST, "xn--hpital-ixa.exemple.com")),
    ),
    "authority": (
        AuthoritySubject("SCEAU DEMO PERSONNES", "SCEAU DEMONSTRATION"),
        AuthoritySubject("É" * (MAX_COMMON_NAME // 2), "SCEAU DEMONSTRATION", "NTRFR-999999998"),
    ),
    "service": (
        ServiceSubject("SCEAU DEMO OCSP 1", "SCEAU DEMONSTRATION"),
        ServiceSubject("Horodatage n° 1", "SCEAU DEMONSTRATION", "NTRFR-999999998"),
    ),
}
"""Subjects by kind: the ordinary one first, then the shortest, the longest and the accented."""


def specimen_subjects(profile: Profile, issuer: IssuerView) -> tuple[AnySubject, ...]:
    """Return subjects that a profile can name under an issuer; a root names only itself.

    Raises:
        Malformed: the name of a root is not one that `AuthoritySubject` writes.
    """
    if profile.self_signed:
        return (authority_named(issuer.name_der),)
    return SPECIMENS[profile.subject]


def authority_named(name_der: bytes) -> AuthoritySubject:
    """Read back the name of an authority.

    Raises:
        Malformed: not a name that `AuthoritySubject` writes.
    """
    try:
        values = {attribute.oid.dotted_string: str(attribute.value) for attribute in x509.Name.from_bytes(name_der)}
        subject = AuthoritySubject(values[oids.COMMON_NAME], values[oids.ORGANISATION], values.get(oids.ORGANISATION_IDENTIFIER))
    except (ValueError, KeyError) as error:
        raise Malformed(f"not the name of an authority: {error}") from None
    if subject.name_der() != name_der:
        raise Malformed("not the name of an authority as this software writes it")
    return subject


@lru_cache(maxsize=32)
def specimen_spki(algorithm: str) -> bytes:
    """Return the SubjectPublicKeyInfo of a specimen key, by the algorithm's name in `trust.algorithms`."""
    return spki(_specimen_key(algorithm))


def _specimen_key(algorithm: str) -> PublicKey:
    family, _, size = algorithm.partition("-")
    if family == "RSA":
        modulus = int.from_bytes(_stretched(algorithm, int(size) // 8), "big") | 1 << (int(size) - 1) | 1
        return rsa.RSAPublicNumbers(65537, modulus).public_key()
    if algorithm == "Ed25519":
        return ed25519.Ed25519PrivateKey.from_private_bytes(_stretched(algorithm, 32)).public_key()
    if family == "P":
        curve: ec.EllipticCurve = {"256": ec.SECP256R1(), "384": ec.SECP384R1()}[size]
        return ec.derive_private_key(int.from_bytes(_stretched(algorithm, 31), "big"), curve).public_key()
    private: PrivateKey = getattr(mldsa, f"MLDSA{size[-2:]}PrivateKey")
    return private.from_seed_bytes(_stretched(algorithm, 32)).public_key()


def _stretched(label: str, count: int) -> bytes:
    """Stretch a label to `count` octets that look random and are the same everywhere."""
    return hashlib.shake_256(b"sceau specimen key " + label.encode()).digest(count)
