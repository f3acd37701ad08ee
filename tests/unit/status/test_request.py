"""Reading OCSP requests: strict, bounded, and of one mind with the library about everything that is right."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pki.protocols.ocsp import MAX_REQUEST, read_request
from pki.status.model import HashForm
from tests.unit.status import toy
from tests.unit.status.test_response import HASHES
from trust import der
from trust.errors import Malformed

SERIAL = toy.serials(1)[0]


@settings(max_examples=200, deadline=None)
@given(
    serial=st.integers(1, 2**159 - 1),
    form=st.sampled_from(["sha1", "sha256"]),
    nonce=st.none() | st.binary(min_size=1, max_size=128),
)
def test_a_request_of_the_library_is_read_as_it_was_meant(serial: int, form: str, nonce: bytes | None) -> None:
    """Hash, issuer, serial and nonce come out as they went in."""
    names = toy.authority().hashes(form)
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(*names, serial, HASHES[form])
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)

    question = read_request(builder.build().public_bytes(Encoding.DER))

    assert question[:4] == (form, True, *names)
    assert int.from_bytes(question.serial, "big") == serial
    assert question.nonce == nonce
    assert not question.unknown_critical


@settings(max_examples=300, deadline=None)
@given(octets=st.binary(max_size=200))
@example(b"")
@example(b"0")
def test_noise_is_malformed_and_nothing_else(octets: bytes) -> None:
    """No octets raise anything but `Malformed`."""
    with pytest.raises(Malformed):
        read_request(octets)


@settings(max_examples=600, deadline=None)
@given(data=st.data())
def test_what_one_changed_octet_makes_the_library_refuse_we_refuse(data: st.DataObject) -> None:
    """We never accept what the library does not: one octet changed, dropped or doubled anywhere in a request with a nonce."""
    body = bytearray(toy.request(SERIAL, extensions=(toy.nonce_extension(b"n" * 16),)))
    at = data.draw(st.integers(0, len(body) - 1))
    what = data.draw(st.sampled_from(["change", "drop", "double"]))
    if what == "change":
        body[at] = data.draw(st.integers(0, 255))
    elif what == "drop":
        del body[at]
    else:
        body.insert(at, body[at])
    try:
        question = read_request(bytes(body))
    except Malformed:
        return
    read = ocsp.load_der_ocsp_request(bytes(body))
    assert read.serial_number == int.from_bytes(question.serial, "big", signed=True)
    if question.hash_name:
        assert (read.issuer_name_hash, read.issuer_key_hash) == (question.name_hash, question.key_hash)


@pytest.mark.parametrize("size", [1, 32, 33, 128])
def test_a_nonce_of_1_to_128_octets_is_read(size: int) -> None:
    """RFC 9654 §2.1."""
    assert read_request(toy.request(SERIAL, extensions=(toy.nonce_extension(b"n" * size),))).nonce == b"n" * size


@pytest.mark.parametrize(
    "extensions",
    [
        (toy.nonce_extension(b""),),
        (toy.nonce_extension(b"n" * 129),),
        (toy.nonce_extension(b"n"), toy.nonce_extension(b"n")),
        (toy.extension(toy.NONCE, b"bare octets, not an OCTET STRING"),),
        (toy.extension(toy.NONCE, b""),),
        (toy.extension(toy.NONCE, der.octet_string(b"n" * 16) + b"\x00"),),
    ],
)
def test_any_other_nonce_is_malformed(extensions: tuple[bytes, ...]) -> None:
    """0 octets, 129, twice, not wrapped, trailing (failure case O05)."""
    with pytest.raises(Malformed):
        read_request(toy.request(SERIAL, extensions=extensions))


def test_a_nonce_does_not_belong_to_one_certificate() -> None:
    """Among singleRequestExtensions it binds nothing."""
    with pytest.raises(Malformed):
        read_request(toy.request(SERIAL, single_extensions=(toy.nonce_extension(b"n" * 16),)))


def test_unknown_extensions_are_ignored_unless_critical() -> None:
    """RFC 6960 §4.4: not critical, not understood: as if absent. Critical: said in the question, wherever it stands."""
    strange = toy.extension(der.oid("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    grave = toy.extension(der.oid("1.3.6.1.4.1.99999.2"), b"\x05\x00", critical=True)

    assert not read_request(toy.request(SERIAL, extensions=(strange,), single_extensions=(strange,))).unknown_critical
    assert read_request(toy.request(SERIAL, extensions=(strange, grave))).unknown_critical
    assert read_request(toy.request(SERIAL, single_extensions=(grave,))).unknown_critical


def test_a_critical_nonce_is_still_a_nonce() -> None:
    """We understand it, so its criticality changes nothing."""
    critical = toy.extension(toy.NONCE, der.octet_string(b"n" * 16), critical=True)

    question = read_request(toy.request(SERIAL, extensions=(critical,)))

    assert (question.nonce, question.unknown_critical) == (b"n" * 16, False)


def test_the_requestor_and_the_signature_are_not_looked_at() -> None:
    """Status is public: who asks, and whether it can be proved, changes nothing."""
    requestor = der.explicit(1, der.tlv(0x82, b"relais.example"))
    signature = der.explicit(0, der.sequence(der.sequence(der.oid("1.2.840.10045.4.3.2")), der.bit_string(b"nonsense")))

    assert read_request(toy.request(SERIAL, requestor=requestor, signature=signature)) == read_request(toy.request(SERIAL))


@pytest.mark.parametrize("null", [True, False])
def test_parameters_spelled_out_or_not_are_remembered(null: bool) -> None:
    """The answer repeats the form of the question."""
    assert read_request(toy.request(SERIAL, form=HashForm("sha256", null))).null_parameters is null


def test_a_request_is_bounded() -> None:
    """More than 16 KiB is not read at all; neither are seventeen extensions."""
    padding = toy.extension(der.oid("1.3.6.1.4.1.99999.1"), bytes(MAX_REQUEST))
    with pytest.raises(Malformed):
        read_request(toy.request(SERIAL, extensions=(padding,)))
    many = tuple(toy.extension(der.oid(f"1.3.6.1.4.1.99999.{number}"), b"") for number in range(17))
    with pytest.raises(Malformed):
        read_request(toy.request(SERIAL, extensions=many))
