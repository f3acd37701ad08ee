"""Each kind of signature is made over its own kind of thing, and over nothing else."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp

from hsm.api import KeyRef, KeyUse
from hsm.shim import private_key
from hsm.testing import CorruptingCustodian, MemoryCustodian
from pki.signing.certificate import CertificateSigner
from pki.signing.checkpoint import CheckpointSigner
from pki.signing.crl import CrlSigner
from pki.signing.door import SigningDoor
from pki.signing.ocsp import VERIFIED_EVERY, OcspSigner
from tests.unit.signing.conftest import CA, JOURNAL, RESPONDER
from trust.algorithms import ALGORITHMS
from trust.errors import Alarm, Conflict

NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "AC de test")])
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SERIAL = bytes([0x41]) + bytes(15)
NOTE = b"sceau.example/journal\n42\nq6t6sg==\n"


@pytest.fixture
def certificate(custodian: MemoryCustodian) -> bytes:
    """A TBSCertificate that the CA could sign."""
    key = private_key(custodian, KeyRef(CA), KeyUse.CERTIFICATE)
    builder = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).public_key(key.public_key())
    builder = builder.serial_number(int.from_bytes(SERIAL)).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    return builder.add_extension(x509.BasicConstraints(False, None), False).sign(key, hashes.SHA256()).tbs_certificate_bytes


@pytest.fixture
def crl(custodian: MemoryCustodian) -> bytes:
    """A TBSCertList that the CA could sign."""
    key = private_key(custodian, KeyRef(CA), KeyUse.CRL)
    builder = x509.CertificateRevocationListBuilder().issuer_name(NAME).last_update(NOW).next_update(NOW + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).tbs_certlist_bytes


@pytest.fixture
def response_data(custodian: MemoryCustodian, certificate: bytes) -> bytes:
    """ResponseData that the responder could sign."""
    key = private_key(custodian, KeyRef(RESPONDER), KeyUse.OCSP)
    builder = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).public_key(key.public_key()).serial_number(1)
    responder = builder.not_valid_before(NOW).not_valid_after(NOW).sign(key, hashes.SHA256())
    answer = ocsp.OCSPResponseBuilder().add_response_by_hash(
        b"n" * 20, b"k" * 20, 7, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, NOW, NOW, None, None
    )
    return answer.responder_id(ocsp.OCSPResponderEncoding.HASH, responder).sign(key, hashes.SHA256()).tbs_response_bytes


class OneUse:
    """A token as issuance makes them: of two threads that spend it, one has it."""

    def __init__(self, serial: bytes, tbs: bytes, tbs_sha256: bytes) -> None:
        self.serial = serial
        self.tbs_sha256 = tbs_sha256
        self._tbs = [tbs]

    def spend(self) -> bytes:
        """Return the octets, once."""
        try:
            return self._tbs.pop()
        except IndexError:
            raise Conflict("spent before") from None


def _token(tbs: bytes, serial: bytes = SERIAL) -> OneUse:
    return OneUse(serial, tbs, hashlib.sha256(tbs).digest())


def test_a_prepared_certificate_is_signed(door: SigningDoor, certificate: bytes) -> None:
    """The signature verifies with the issuer's key."""
    signer = CertificateSigner(door)
    signature = signer.sign(CA, _token(certificate))
    assert signer.key(CA).algorithm.verifies(signer.key(CA).public_key, signature, certificate)


def test_a_token_is_spent_once(door: SigningDoor, certificate: bytes) -> None:
    """Two signatures over one intent would be two certificates with one record."""
    token = _token(certificate)
    signer = CertificateSigner(door)
    signer.sign(CA, token)
    with pytest.raises(Conflict):
        signer.sign(CA, token)
    assert door.figures()["certificate"].count == 1


def test_of_two_threads_with_one_token_one_signs(door: SigningDoor, certificate: bytes) -> None:
    """The other is told of the conflict."""
    token, signer = _token(certificate), CertificateSigner(door)

    def attempt(_: int) -> bool:
        try:
            signer.sign(CA, token)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1


def test_a_token_is_spent_even_when_the_signature_fails(trouble: CorruptingCustodian, certificate: bytes) -> None:
    """Whether it was signed is not known: recovery revokes, nobody tries again with the same serial."""
    signer, token = CertificateSigner(SigningDoor(trouble)), _token(certificate)
    with pytest.raises(Alarm):
        signer.sign(CA, token)
    with pytest.raises(Conflict):
        signer.sign(CA, token)


def test_a_bit_flipped_between_lint_and_signature_is_an_alarm(door: SigningDoor, certificate: bytes) -> None:
    """What is signed is what was recorded; nothing reaches the key."""
    changed = certificate[:-1] + bytes([certificate[-1] ^ 1])
    with pytest.raises(Alarm):
        CertificateSigner(door).sign(CA, OneUse(SERIAL, changed, hashlib.sha256(certificate).digest()))
    assert door.figures() == {}


def test_a_certificate_signer_signs_only_the_certificate_of_its_token(
    door: SigningDoor, certificate: bytes, crl: bytes, response_data: bytes
) -> None:
    """Another serial, a CRL, an OCSP response, octets after the end, nothing: each is an alarm and reaches no key."""
    signer = CertificateSigner(door)
    tokens = [_token(certificate, b"\x42" + SERIAL[1:])]
    tokens += [_token(tbs) for tbs in (crl, response_data, certificate + b"\0", certificate[:40], b"", NOTE)]
    for token in tokens:
        with pytest.raises(Alarm):
            signer.sign(CA, token)
    assert door.figures() == {}


def test_a_certificate_must_announce_the_algorithm_of_its_issuer(
    door: SigningDoor, custodian: MemoryCustodian, certificate: bytes
) -> None:
    """Prepared for a P-256 CA, it is not signed by a P-384 one."""
    custodian.generate(KeyRef("organisations"), ALGORITHMS["P-384"], frozenset({KeyUse.CERTIFICATE}))
    with pytest.raises(Alarm):
        CertificateSigner(door).sign("organisations", _token(certificate))


def test_a_crl_signer_signs_lists_only(door: SigningDoor, certificate: bytes, crl: bytes, response_data: bytes) -> None:
    """The CA key serves both uses: a certificate that passed for a CRL would escape lint and record."""
    signer = CrlSigner(door)
    assert signer.key(CA).algorithm.verifies(signer.key(CA).public_key, signer.sign(CA, crl, subject="#1"), crl)
    for other in (certificate, response_data, crl + b"\0", crl[:30], b"", NOTE):
        with pytest.raises(Alarm):
            signer.sign(CA, other, subject="#2")
    assert door.figures()["crl"].count == 1


def test_an_ocsp_signer_signs_response_data_only(door: SigningDoor, certificate: bytes, crl: bytes, response_data: bytes) -> None:
    """Whatever asks the responder for something else is refused before the key."""
    signer = OcspSigner(door)
    signature = signer.sign(RESPONDER, response_data)
    assert signer.key(RESPONDER).algorithm.verifies(signer.key(RESPONDER).public_key, signature, response_data)
    for other in (certificate, crl, b"", b"\x30\xff" + bytes(60), NOTE):
        with pytest.raises(Alarm):
            signer.sign(RESPONDER, other)


def test_a_responder_in_trouble_is_noticed_within_one_sample(trouble: CorruptingCustodian, response_data: bytes) -> None:
    """The module starts to lie after the first response: the next verified one raises, and all after it."""
    trouble.corrupt = False
    signer = OcspSigner(SigningDoor(trouble))
    signer.sign(RESPONDER, response_data)
    trouble.corrupt = True
    for _ in range(VERIFIED_EVERY - 1):
        signer.sign(RESPONDER, response_data)
    for _ in range(2):
        with pytest.raises(Alarm):
            signer.sign(RESPONDER, response_data)


def test_a_checkpoint_signer_signs_notes_only(door: SigningDoor, certificate: bytes) -> None:
    """Lines of printable text that end with a new line, three at least."""
    signer = CheckpointSigner(door)
    assert signer.key(JOURNAL).algorithm.verifies(signer.key(JOURNAL).public_key, signer.sign(JOURNAL, NOTE), NOTE)
    for other in (certificate, NOTE[:-1], b"a\nb\n", b"", NOTE + b"\x1b[2J\n", b"\xff\n" * 4):
        with pytest.raises(Alarm):
            signer.sign(JOURNAL, other)
