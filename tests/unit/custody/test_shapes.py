"""The shapes of pyca: every builder works with a key that is elsewhere, and nothing but a signature comes out."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.x509 import ocsp

from hsm.api import KeyRef, KeyUse
from hsm.shim import private_key
from hsm.software import SoftwareKeystore
from trust.algorithms import CUSTODY_ALGORITHMS
from trust.errors import Refused

NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "AC de test")])
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def _shape(keystore: SoftwareKeystore, name: str, use: KeyUse = KeyUse.CERTIFICATE) -> Any:
    ref = KeyRef("essai")
    keystore.generate(ref, CUSTODY_ALGORITHMS[name], frozenset({use}))
    return private_key(keystore, ref, use)


def _certificate(key: Any, digest: Any) -> x509.Certificate:
    builder = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    return builder.sign(key, digest, **_padding(key))


def _padding(key: Any) -> dict[str, Any]:
    """Return what the builders of certificates, requests and lists are told of an RSA key that signs with PSS."""
    algorithm = key._algorithm
    return {"rsa_padding": algorithm.parameters[0]} if algorithm.name.endswith("PSS") else {}


@pytest.mark.parametrize("name", CUSTODY_ALGORITHMS)
def test_certificates_requests_and_crls_are_built_with_a_key_in_custody(keystore: SoftwareKeystore, name: str) -> None:
    """For every algorithm, three builders of pyca accept the shape and the result verifies."""
    key = _shape(keystore, name)
    digest: Any = CUSTODY_ALGORITHMS[name].digest
    certificate = _certificate(key, digest)
    request = x509.CertificateSigningRequestBuilder().subject_name(NAME).sign(key, digest, **_padding(key))
    crl = x509.CertificateRevocationListBuilder().issuer_name(NAME).last_update(NOW).next_update(NOW + timedelta(days=1))

    certificate.verify_directly_issued_by(certificate)
    assert request.is_signature_valid
    assert crl.sign(key, digest, **_padding(key)).is_signature_valid(key.public_key())
    assert keystore.counts() == {("essai", KeyUse.CERTIFICATE): 3}


@pytest.mark.parametrize("name", ["P-256", "RSA-2048"])
def test_an_ocsp_response_is_built_with_a_key_in_custody(keystore: SoftwareKeystore, name: str) -> None:
    """The OCSP builder compares the responder's certificate with the shape's public half."""
    key = _shape(keystore, name, KeyUse.OCSP)
    responder = _certificate(key, hashes.SHA256())
    builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
        b"n" * 20, b"k" * 20, 7, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, NOW, NOW + timedelta(hours=1), None, None
    )
    response = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, responder).sign(key, hashes.SHA256())
    assert response.serial_number == 7


@pytest.mark.parametrize("name", ["P-256", "RSA-2048", "Ed25519", "ML-DSA-44"])
def test_a_shape_has_one_use(keystore: SoftwareKeystore, name: str) -> None:
    """A shape made for OCSP over a key that certifies signs nothing."""
    _shape(keystore, name)
    stranger = private_key(keystore, KeyRef("essai"), KeyUse.OCSP)
    digest: Any = CUSTODY_ALGORITHMS[name].digest
    with pytest.raises(Refused):
        x509.CertificateSigningRequestBuilder().subject_name(NAME).sign(stranger, digest)


@pytest.mark.parametrize("name", ["P-256", "RSA-2048", "Ed25519", "ML-DSA-44"])
def test_a_private_key_does_not_leave_its_custodian(keystore: SoftwareKeystore, name: str) -> None:
    """Every way that pyca knows to take a key out is refused, citing CP 6.2.6."""
    key = _shape(keystore, name)
    ways: list[Callable[[], Any]] = [
        lambda: key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    ]
    for way in ("private_numbers", "private_bytes_raw", "exchange", "decrypt", "sign_mu"):
        if hasattr(key, way):
            ways.append(getattr(key, way))
    for take in ways:
        with pytest.raises(Refused) as refusal:
            take()
        assert refusal.value.citation == "CP 6.2.6"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("P-256", (ec.ECDSA(hashes.SHA384()),)),
        ("P-256", (ec.ECDSA(utils.Prehashed(hashes.SHA256())),)),
        ("RSA-2048", (padding.PKCS1v15(), hashes.SHA512())),
        ("RSA-2048", (padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))),
        ("RSA-2048", (padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())),
        ("RSA-3072-PSS", (padding.PKCS1v15(), hashes.SHA256())),
        ("ML-DSA-44", (b"context",)),
    ],
)
def test_a_key_signs_with_the_one_hash_of_its_algorithm(
    keystore: SoftwareKeystore, name: str, arguments: tuple[Any, ...]
) -> None:
    """Any other hash, padding or context would make a signature that the certificate does not announce."""
    with pytest.raises(Refused) as refusal:
        _shape(keystore, name).sign(b"donnees", *arguments)
    assert refusal.value.citation == "CP 7.1.3"


@pytest.mark.parametrize("name", ["P-256", "RSA-2048"])
def test_the_shape_tells_what_the_builders_ask(keystore: SoftwareKeystore, name: str) -> None:
    """Size and curve are the public key's; a copy is the same key."""
    key = _shape(keystore, name)
    assert key.key_size == key.public_key().key_size
    assert copy.copy(key) is key
    assert copy.deepcopy(key) is key
    if name == "P-256":
        assert key.curve.name == "secp256r1"
        assert key.sign(signature_algorithm=ec.ECDSA(hashes.SHA256()), data=b"par mots-cles")
