"""A CA key shows itself to those who will certify it, and signs nothing else by that way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from hsm.api import KeyRef, KeyUse
from hsm.shim import private_key
from hsm.testing import CorruptingCustodian, MemoryCustodian
from pki.bootstrap.certification import request
from pki.registration.possession import prove_possession
from pki.signing.door import SigningDoor
from pki.signing.request import RequestSigner
from tests.unit.signing.conftest import CA, RESPONDER
from trust.algorithms import ALGORITHMS, spki
from trust.errors import Alarm, Refused
from trust.naming import AuthoritySubject

SUBJECT = AuthoritySubject("SCEAU EXEMPLE PERSONNES", "SCEAU EXEMPLE")
NAME = x509.Name.from_bytes(SUBJECT.name_der())


def info_of(key: ec.EllipticCurvePublicKey, custodian: MemoryCustodian, *, wish: bool = False) -> bytes:
    """Return what pyca's builder would have signed, for a key that may be another's."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(NAME)
    if wish:
        builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
    made = builder.sign(private_key(custodian, KeyRef(CA), KeyUse.CERTIFICATE), hashes.SHA256())
    assert made.public_key() == key
    return made.tbs_certrequest_bytes


def test_a_request_proves_the_key_and_bears_the_name(custodian: MemoryCustodian) -> None:
    """It asks for no extension: what a certificate says is its issuer's profile's."""
    made = request(custodian, CA, SUBJECT)

    assert prove_possession(made).spki == spki(custodian.public_key(KeyRef(CA)))
    parsed = x509.load_der_x509_csr(made)
    assert parsed.subject == NAME
    assert not list(parsed.extensions)


def test_a_request_is_the_octets_that_the_builder_makes(custodian: MemoryCustodian) -> None:
    """The part that is signed, by a second writer."""
    made = x509.load_der_x509_csr(request(custodian, CA, SUBJECT))

    assert made.tbs_certrequest_bytes == info_of(custodian.public_key(KeyRef(CA)), custodian)


def test_nothing_but_a_request_for_the_key_itself_is_signed(custodian: MemoryCustodian, door: SigningDoor) -> None:
    """Not a certificate, not a request for another key, not one with a wish."""
    signer, key = RequestSigner(door), private_key(custodian, KeyRef(CA), KeyUse.CERTIFICATE)
    builder = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).public_key(key.public_key()).serial_number(0x41)
    now = datetime(2026, 3, 2, tzinfo=UTC)
    certificate = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    other = MemoryCustodian()
    other.generate(KeyRef(CA), ALGORITHMS["P-256"], frozenset({KeyUse.CERTIFICATE}))
    sound = info_of(custodian.public_key(KeyRef(CA)), custodian)
    for octets in (
        certificate.tbs_certificate_bytes,
        info_of(other.public_key(KeyRef(CA)), other),
        info_of(custodian.public_key(KeyRef(CA)), custodian, wish=True),
        sound + b"\0",
        sound[:-1],
        b"",
        b"\x30\x80",
    ):
        with pytest.raises(Alarm, match="not a request for the key"):
            signer.sign(CA, octets)


def test_a_responder_s_key_asks_for_nothing(custodian: MemoryCustodian) -> None:
    """It was not made for certificates (CP 6.1.7)."""
    with pytest.raises(Refused):
        request(custodian, RESPONDER, SUBJECT)


def test_a_spoilt_signature_is_not_released(trouble: CorruptingCustodian) -> None:
    """A module in trouble makes no request."""
    with pytest.raises(Alarm):
        request(trouble, CA, SUBJECT)
