"""How a transcript says things, in French: uses of keys, moments, hashes that a person compares by eye."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from cryptography import x509

from pki.inventory.model import Certificate

ALGORITHM = "Algorithme"
_USES = {
    "certificate": "certificats",
    "crl": "listes de révocation",
    "ocsp": "réponses OCSP",
    "timestamp": "horodatages",
    "checkpoint": "scellés du journal",
}
_CUSTODY = (
    ("software keystore, not for production", "trousseau logiciel, jamais pour la production"),
    ("software keystore", "trousseau logiciel"),
    ("PKCS#11 token", "jeton PKCS#11"),
    ("token ", "jeton "),
)


def uses_in_words(uses: Sequence[str]) -> str:
    """Name what a key signs."""
    return ", ".join(_USES[use] for use in uses)


def custody_in_words(said: str) -> str:
    """Say in French what a custodian says of itself, or where a key lives."""
    for english, french in _CUSTODY:
        if said.startswith(english):
            return french + said.removeprefix(english)
    return said


def moment(when: datetime) -> str:
    """Write a moment, UTC: ``22/11/2026 08:15:00 UTC``."""
    return f"{when:%d/%m/%Y %H:%M:%S} UTC"


def spaced(digits: str) -> str:
    """Write a hash in groups of eight digits, which the eye compares."""
    return " ".join(digits[start : start + 8] for start in range(0, len(digits), 8))


def certificate_facts(certificate: Certificate) -> tuple[tuple[str, str], ...]:
    """Return what a transcript says of a certificate."""
    parsed = x509.load_der_x509_certificate(certificate.der)
    return (
        ("Sujet", parsed.subject.rfc4514_string()),
        ("Émetteur", parsed.issuer.rfc4514_string()),
        ("Profil", certificate.profile),
        ("Numéro de série", certificate.serial.hex()),
        ("Valable du", moment(certificate.not_before)),
        ("Valable jusqu'au", moment(certificate.not_after)),
        ("SHA-256 de la clé publique", spaced(certificate.spki_hash.hex())),
        ("SHA-256 du certificat", spaced(hashlib.sha256(certificate.der).hexdigest())),
        ("Contrôles avant signature", "règles de Sceau et pkilint : rien ne s'y oppose"),
    )
