"""OCSP responses: about whom, by whom, until when; and only then what they say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.validation.hierarchy import (
    CLIENT,
    LEAF,
    NOW,
    PEOPLE,
    ROOT,
    Draft,
    authority,
    make,
    number_of,
    responder,
    response,
)
from trust.errors import Malformed
from trust.validation.findings import Finding
from trust.validation.ocsp import LARGEST_RESPONSE, evaluate_ocsp, request_for
from trust.validation.status import CertificateStatus, StatusAnswer

GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN
STRANGE = x509.UnrecognizedExtension(ObjectIdentifier("2.25.99"), b"\x05\x00")
DELEGATE = responder()


def status(octets: bytes, *, of: Any = LEAF, issuer: Any = PEOPLE, nonce: bytes | None = None, hours: float = 0) -> StatusAnswer:
    """What a response says of a certificate."""
    return evaluate_ocsp(octets, of.read, issuer.read, NOW + timedelta(hours=hours), nonce=nonce)


def finding(octets: bytes, **options: Any) -> Finding:
    """Why a response does not say good."""
    answer = status(octets, **options)
    assert answer.status is not CertificateStatus.GOOD
    return answer.reasons[0].finding


@pytest.mark.parametrize("encoding", list(ocsp.OCSPResponderEncoding))
@pytest.mark.parametrize("by", [PEOPLE, DELEGATE])
@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_good_is_good_by_the_issuer_or_its_delegate(encoding: Any, by: Any, algorithm: Any) -> None:
    """Named by hash or by name, with any hash in the CertID."""
    answer = status(response(LEAF, by=by, encoding=encoding, algorithm=algorithm))

    assert (answer.status, answer.reasons) == (CertificateStatus.GOOD, ())
    assert (answer.this_update, answer.next_update) == (NOW - timedelta(hours=1), NOW + timedelta(hours=23))


def test_revoked_comes_with_date_and_reason() -> None:
    """And a hold is told apart."""
    answer = status(response(LEAF, status=REVOKED, why=x509.ReasonFlags.superseded))

    assert (answer.status, answer.revocation_reason) == (CertificateStatus.REVOKED, "superseded")
    assert answer.revoked_at == NOW - timedelta(days=1)
    assert finding(response(LEAF, status=REVOKED)) is Finding.REVOKED
    assert finding(response(LEAF, status=REVOKED, why=x509.ReasonFlags.certificate_hold)) is Finding.HELD


def test_unknown_is_not_good() -> None:
    """The responder says that it does not know the certificate."""
    assert finding(response(LEAF, status=UNKNOWN)) is Finding.STATUS_UNKNOWN


@pytest.mark.parametrize("code", [one for one in ocsp.OCSPResponseStatus if one is not ocsp.OCSPResponseStatus.SUCCESSFUL])
def test_an_error_of_the_responder_is_not_good(code: ocsp.OCSPResponseStatus) -> None:
    """Each of them is unknown, by its name."""
    octets = ocsp.OCSPResponseBuilder.build_unsuccessful(code).public_bytes(Encoding.DER)

    assert finding(octets) is Finding.STATUS_UNKNOWN
    assert code.name.lower() in str(status(octets).reasons[0])


@pytest.mark.parametrize(("hours", "counts"), [(0, True), (23, True), (23.0003, False), (-1.03, True), (-1.05, False)])
def test_a_response_speaks_from_its_first_to_its_last_second(hours: float, counts: bool) -> None:
    """Less two minutes for the clock of its signer."""
    answer = status(response(LEAF, by=DELEGATE), hours=hours)

    assert (answer.status is CertificateStatus.GOOD) is counts
    assert counts or answer.reasons[0].finding is Finding.STATUS_STALE


def test_a_response_without_end_is_stale() -> None:
    """Without nextUpdate a replay would be good for ever."""
    assert finding(response(LEAF, hours=(-1, None))) is Finding.STATUS_STALE


def test_a_response_about_another_certificate_says_nothing() -> None:
    """Another serial, another issuer's name, another issuer's key, alone or all at once."""
    sibling = make(Draft(serial=0x41 << 120 | 5), PEOPLE)
    twin = authority("Personnes", issuer=ROOT, number=991)
    same_key = authority("Autre nom", issuer=ROOT, number=number_of("Personnes"))
    for octets in (
        response(sibling),
        response(make(Draft(), twin), twin),
        response(make(Draft(), same_key), same_key),
        response(PEOPLE, ROOT),
    ):
        assert finding(octets) is Finding.STATUS_NOT_COVERED


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"extended": (CLIENT,)}, "not certified for OCSP"),
        ({"extended": None}, "not certified for OCSP"),
        ({"others": ()}, "own status"),
        ({"days": (-13, -0.001)}, "not in force"),
        ({"days": (0.5, 13)}, "not in force"),
        ({"ca": True, "usages": ("key_cert_sign", "digital_signature")}, "not that of a responder"),
        ({"usages": ("key_encipherment",)}, "not that of a responder"),
        ({"others": ((x509.OCSPNoCheck(), False), (STRANGE, True))}, "critical extension"),
    ],
)
def test_a_delegate_that_may_not_answer_is_not_believed(changes: dict[str, Any], said: str) -> None:
    """Without the usage, without nocheck, out of time, an authority, without the right to sign, not understood."""
    answer = status(response(LEAF, by=responder(**changes)))

    assert answer.reasons[0].finding is Finding.STATUS_UNAUTHENTIC
    assert said in str(answer.reasons[0])


def test_a_delegate_of_somebody_else_is_not_believed() -> None:
    """Certified by the root, by a stranger, by itself, or in the issuer's name by another key."""
    stranger = authority("Personnes", number=992)
    for by in (
        responder(ROOT),
        responder(authority("Inconnue")),
        responder(stranger),
        responder(stranger, authority_identifier=False),
    ):
        assert finding(response(LEAF, by=by)) is Finding.STATUS_UNAUTHENTIC


def test_a_delegate_that_is_not_shown_is_not_believed() -> None:
    """The certificate must come with the response; and among others it is found."""
    other = responder(number=78, serial=0x43 << 120 | 8)

    assert finding(response(LEAF, by=DELEGATE, certificates=[])) is Finding.STATUS_UNAUTHENTIC
    assert finding(response(LEAF, by=DELEGATE, certificates=[other])) is Finding.STATUS_UNAUTHENTIC
    assert status(response(LEAF, by=DELEGATE, certificates=[other, DELEGATE])).status is CertificateStatus.GOOD


def test_a_signature_by_another_key_is_not_believed() -> None:
    """In the name of the issuer, and in that of its delegate."""
    for by in (PEOPLE, DELEGATE):
        octets = bytearray(response(LEAF, by=by, certificates=[]) if by is PEOPLE else response(LEAF, by=by))
        signature = ocsp.load_der_ocsp_response(bytes(octets)).signature
        place = bytes(octets).index(signature) + len(signature) - 1
        octets[place] ^= 1
        assert finding(bytes(octets)) is Finding.STATUS_UNAUTHENTIC


def test_a_nonce_that_comes_back_changed_is_not_believed() -> None:
    """The same is, and none is: prepared answers have none."""
    with_nonce = response(LEAF, others=((x509.OCSPNonce(b"\x01" * 32), False),))

    assert status(with_nonce, nonce=b"\x01" * 32).status is CertificateStatus.GOOD
    assert status(response(LEAF), nonce=b"\x01" * 32).status is CertificateStatus.GOOD
    assert finding(with_nonce, nonce=b"\x02" * 32) is Finding.STATUS_UNAUTHENTIC


def test_a_critical_extension_that_is_not_understood_is_not_believed() -> None:
    """One that is not critical does not matter."""
    assert finding(response(LEAF, others=((STRANGE, True),))) is Finding.STATUS_UNAUTHENTIC
    assert status(response(LEAF, others=((STRANGE, False),))).status is CertificateStatus.GOOD


@pytest.mark.parametrize("algorithm", ["RSA-2048", "P-384", "Ed25519", "ML-DSA-65"])
def test_responses_are_verified_with_every_kind_of_key(algorithm: str) -> None:
    """All those of trust.algorithms."""
    assert status(response(LEAF, by=responder(algorithm=algorithm))).status is CertificateStatus.GOOD


def test_a_request_is_read_by_another_program_as_it_was_meant() -> None:
    """CertID and nonce, as pyca reads them, and as pyca would write them."""
    plain = ocsp.load_der_ocsp_request(request_for(LEAF.read, PEOPLE.read))
    asked = ocsp.load_der_ocsp_request(request_for(LEAF.read, PEOPLE.read, b"\x05" * 32))
    builder = ocsp.OCSPRequestBuilder().add_certificate(LEAF.parsed, PEOPLE.parsed, hashes.SHA1())

    assert builder.build().public_bytes(Encoding.DER) == request_for(LEAF.read, PEOPLE.read)
    assert plain.serial_number == LEAF.read.serial
    assert asked.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"\x05" * 32


@pytest.mark.parametrize(
    "cut", [b"", b"0", b"no", LEAF.der, response(LEAF)[:-1], response(LEAF) + b"\x00", b"\x30\x03\x0a\x01\x63"]
)
def test_octets_that_are_not_a_response_are_malformed(cut: bytes) -> None:
    """Cut, extended, something else, an unknown response status."""
    with pytest.raises(Malformed):
        status(cut)


def test_a_response_larger_than_any_is_not_parsed() -> None:
    """Refused by its size alone."""
    with pytest.raises(Malformed, match="larger"):
        status(bytes(LARGEST_RESPONSE + 1))


@given(st.data())
def test_no_octet_of_a_response_can_be_changed_to_hide_a_revocation(data: st.DataObject) -> None:
    """Whatever is changed, the result is malformed, unknown or still revoked."""
    octets = bytearray(_FIXED)
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        answer = status(bytes(octets))
    except Malformed:
        return
    assert answer.status is not CertificateStatus.GOOD


_FIXED = response(LEAF, by=DELEGATE, status=REVOKED, why=x509.ReasonFlags.key_compromise)
