"""OCSP responses as octets: the builder of `cryptography` is the oracle, openssl and pkilint are second opinions."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp
from hypothesis import given, settings
from hypothesis import strategies as st

from pki.status import response
from pki.status.model import SHA1, Authority, HashForm, Responder, StatusFact, archive_cutoff, newest, window
from pki.status.presign import ResponseSigner
from tests.unit.status import toy
from trust import der
from trust.algorithms import ALGORITHMS
from trust.errors import Malformed, Unavailable

HASHES = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256()}
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2049, 1, 1)).map(
    lambda at: at.replace(microsecond=0, tzinfo=toy.NOON.tzinfo)
)
SERIALS = st.binary(min_size=15, max_size=15).map(lambda rest: b"\x5a" + rest)
NONCES = st.none() | st.binary(min_size=1, max_size=128)
FACTS = st.none() | st.tuples(MOMENTS, st.none() | st.sampled_from([1, 3, 4, 5, 6, 9])) | st.just("good")


def facts_of(said: object, serial: bytes) -> StatusFact | None:
    """Turn what a test drew into a fact."""
    if said is None:
        return None
    if said == "good":
        return toy.good(serial)
    assert isinstance(said, tuple)
    return toy.revoked(serial, said[1], said[0])


REASONS = {
    1: "key_compromise",
    3: "affiliation_changed",
    4: "superseded",
    5: "cessation_of_operation",
    6: "certificate_hold",
    9: "privilege_withdrawn",
}


def oracle(
    said: object, serial: bytes, form: str, window: tuple[datetime, datetime], nonce: bytes | None, who: Responder, algorithm: str
) -> bytes:
    """Have the builder of `cryptography` make the same response; it stamps producedAt itself."""
    authority = toy.authority()
    revoked_at, reason = said if isinstance(said, tuple) else (None, None)
    status = {True: ocsp.OCSPCertStatus.REVOKED}.get(
        isinstance(said, tuple), ocsp.OCSPCertStatus.GOOD if said == "good" else ocsp.OCSPCertStatus.UNKNOWN
    )
    names = authority.hashes(form)
    builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
        *names,
        serial_number=int.from_bytes(serial, "big"),
        algorithm=HASHES[form],
        cert_status=status,
        this_update=window[0],
        next_update=window[1],
        revocation_time=revoked_at,
        revocation_reason=None if reason is None else x509.ReasonFlags[REASONS[reason]],
    )
    certificate = x509.load_der_x509_certificate(who.certificate_der)
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, certificate).certificates([certificate])
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    from cryptography.hazmat.primitives.serialization import Encoding

    return builder.sign(toy.key(algorithm, who.index), ALGORITHMS[algorithm].digest).public_bytes(Encoding.DER)


@settings(max_examples=150, deadline=None)
@given(said=FACTS, serial=SERIALS, form=st.sampled_from(["sha1", "sha256"]), start=MOMENTS, nonce=NONCES)
def test_every_octet_is_what_the_builder_writes(
    said: object, serial: bytes, form: str, start: datetime, nonce: bytes | None
) -> None:
    """Good, revoked with and without reason, unknown; SHA-1 and SHA-256; with and without nonce: the same octets."""
    who = toy.responder("personnes")
    times = (start, start + toy.DAY)
    expected = oracle(said, serial, form, times, nonce, who, "P-256")
    read = ocsp.load_der_ocsp_response(expected)

    fact = facts_of(said, serial)
    status = response.UNKNOWN if fact is None else response.GOOD
    if isinstance(said, tuple):
        status = response.revoked(response.time_text(said[0]), said[1])
    single = response.single_response(response.cert_id(toy.authority(), HashForm(form), serial), status, *times)
    data = response.response_data(who.key_hash, read.produced_at_utc, single, nonce)

    assert data == read.tbs_response_bytes
    assert response.successful(data, who.algorithm, read.signature, who.certificate_der) == expected


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_any_algorithm_of_ours_signs_a_response_that_verifies(algorithm: str) -> None:
    """EC, RSA, Ed25519 and ML-DSA: the response names the algorithm, and the certificate inside verifies the signature."""
    who = toy.responder("personnes", 7, algorithm)
    signer = ResponseSigner(toy.authority(), who, toy.signing(who, algorithm))
    serial = toy.serials(1)[0]

    body = signer.respond(serial, toy.good(serial), SHA1, b"n" * 32, (toy.NOON, toy.NOON + toy.DAY))

    read = ocsp.load_der_ocsp_response(body)
    assert read.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert read.certificates[0].public_key() == who.public_key
    assert ALGORITHMS[algorithm].verifies(who.public_key, read.signature, read.tbs_response_bytes)
    assert read.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"n" * 32


@pytest.mark.parametrize("algorithm", ["RSA-2048", "Ed25519"])
def test_where_signatures_repeat_the_whole_response_is_the_builders(algorithm: str) -> None:
    """With a deterministic signature nothing is left to compare by parts."""
    who = toy.responder("personnes", 7, algorithm)
    serial = toy.serials(1)[0]
    times = (toy.NOON, toy.NOON + toy.DAY)
    expected = oracle("good", serial, "sha1", times, b"x" * 16, who, algorithm)
    produced = ocsp.load_der_ocsp_response(expected).produced_at_utc

    single = response.single_response(response.cert_id(toy.authority(), SHA1, serial), response.GOOD, *times)
    data = response.response_data(who.key_hash, produced, single, b"x" * 16)
    body = response.successful(data, who.algorithm, toy.signing(who, algorithm)(data), who.certificate_der)

    assert body == expected


def test_the_archive_cutoff_belongs_to_the_single_response() -> None:
    """RFC 6960 §4.4.4: one of singleExtensions, a GeneralizedTime, readable by the library."""
    single = response.single_response(b"\x30\x00", response.GOOD, toy.NOON, toy.NOON + toy.DAY, toy.START)
    cutoff = bytes.fromhex("06092b060105050730 01 06".replace(" ", "")) + der.octet_string(der.generalized_time(toy.START))

    assert single.endswith(der.explicit(1, der.sequence(der.sequence(cutoff))))

    serial = toy.serials(1)[0]
    who = toy.responder("personnes")
    signer = ResponseSigner(toy.authority(), who, toy.signing(who))
    body = signer.respond(serial, toy.good(serial), SHA1, None, (toy.NOON, toy.NOON + toy.DAY), toy.START)
    extensions = ocsp.load_der_ocsp_response(body).single_extensions
    assert [extension.oid.dotted_string for extension in extensions] == ["1.3.6.1.5.5.7.48.1.6"]


def test_the_archive_cutoff_never_precedes_the_authority() -> None:
    """A retention longer than the CA's life says since when the CA exists (and none says nothing)."""
    authority = toy.authority()

    assert archive_cutoff(toy.NOON, timedelta(days=36500), authority) == authority.not_before
    assert archive_cutoff(toy.NOON, timedelta(days=10), authority) == toy.NOON - timedelta(days=10)
    assert archive_cutoff(toy.NOON, None, authority) is None


@pytest.mark.parametrize(
    ("form", "identifier"),
    [
        (HashForm("sha1", True), "300906052b0e03021a0500"),
        (HashForm("sha1", False), "300706052b0e03021a"),
        (HashForm("sha256", True), "300d06096086480165030402010500"),
        (HashForm("sha256", False), "300b0609608648016503040201"),
    ],
)
def test_the_certid_repeats_the_parameters_of_the_question(form: HashForm, identifier: str) -> None:
    """NULL if it was spelled out, nothing if it was not: some clients compare octets."""
    written = response.cert_id(toy.authority(), form, toy.serials(1)[0])

    assert der.whole(written, der.SEQUENCE).startswith(bytes.fromhex(identifier))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (response.MALFORMED_REQUEST, ocsp.OCSPResponseStatus.MALFORMED_REQUEST),
        (response.INTERNAL_ERROR, ocsp.OCSPResponseStatus.INTERNAL_ERROR),
        (response.TRY_LATER, ocsp.OCSPResponseStatus.TRY_LATER),
        (response.UNAUTHORIZED, ocsp.OCSPResponseStatus.UNAUTHORIZED),
    ],
)
def test_errors_are_five_octets(body: bytes, status: ocsp.OCSPResponseStatus) -> None:
    """An error is a status and nothing else: unsigned."""
    assert len(body) == 5
    assert ocsp.load_der_ocsp_response(body).response_status is status


@given(fields=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=4), between=st.binary(max_size=9))
def test_a_template_rebuilds_what_it_was_cut_from(fields: list[bytes], between: bytes) -> None:
    """Whatever the fields and what stands between them, parts and fields joined are the original."""

    def build(*values: bytes) -> bytes:
        return between + b"".join(der.octet_string(value) + between for value in values)

    parts = response.cut(build, *map(len, fields))

    joined = b"".join(part + field for part, field in zip(parts, [*fields, b""], strict=True))
    assert joined == build(*fields)


def test_an_answer_never_outlives_the_responder() -> None:
    """nextUpdate stops at the certificate that vouches for it; an expired one vouches for nothing."""
    soon = toy.responder("personnes", 3, "P-256", toy.NOON + timedelta(hours=1))

    assert window(toy.NOON, toy.DAY, soon) == (toy.NOON, soon.not_after)
    with pytest.raises(Unavailable):
        window(soon.not_after, toy.DAY, soon)


def test_the_last_of_the_line_that_is_valid_signs() -> None:
    """Renewal: the next responder takes over, and an expired one never does."""
    first, second = toy.responder("personnes", 1), toy.responder("personnes", 2)
    short = toy.responder("personnes", 3, "P-256", toy.NOON + timedelta(hours=1))

    assert newest([first, second, short], toy.NOON) == short
    assert newest([first, second, short], short.not_after) == second
    with pytest.raises(Unavailable):
        newest([short], short.not_after)


def test_an_authority_is_named_by_the_hashes_that_clients_compute() -> None:
    """The library's request builder hashes the issuer's name and key as we do."""
    ca = x509.load_der_x509_certificate(toy.ca_certificate("personnes"))
    authority = toy.authority()
    for form, algorithm in HASHES.items():
        asked = ocsp.OCSPRequestBuilder().add_certificate(ca, ca, algorithm).build()
        assert (asked.issuer_name_hash, asked.issuer_key_hash) == authority.hashes(form)
    assert authority.not_before == toy.START


@pytest.mark.parametrize("octets", [b"", b"\x30\x00", b"not DER", b"\x30\x03\x30\x01\x00"])
def test_what_is_no_certificate_is_malformed(octets: bytes) -> None:
    """One error family, whatever the library raised."""
    with pytest.raises(Malformed):
        Authority.of("x", octets)
    with pytest.raises(Malformed):
        _ = Responder("x", 1, octets, "", toy.END).algorithm


def test_pkilint_finds_nothing_to_say() -> None:
    """Good, revoked, nonce and archive cutoff, linted against RFC 6960 and RFC 5280."""
    from pkilint import loader, pkix
    from pkilint.pkix import extension, name
    from pkilint.pkix import ocsp as lint
    from pkilint.validation import ValidationFindingSeverity

    container = lint.create_pkix_ocsp_response_validator_container(
        [
            lint.create_response_decoder(),
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [],
    )
    who = toy.responder("personnes")
    signer = ResponseSigner(toy.authority(), who, toy.signing(who))
    serial = toy.serials(1)[0]
    for fact, nonce, cutoff in [
        (toy.good(serial), None, None),
        (toy.good(serial), b"n" * 32, toy.START),
        (toy.revoked(serial), b"n" * 32, None),
        (toy.revoked(serial, None), None, toy.START),
        (None, None, None),
    ]:
        body = signer.respond(serial, fact, SHA1, nonce, (toy.NOON, toy.NOON + toy.DAY), cutoff)
        results = container.validate(loader.load_ocsp_response(body, "ours").root)
        assert len(results) > 10
        findings = [
            (description.finding.code, description.finding.severity.name)
            for result in results
            for description in result.finding_descriptions
            if description.finding.severity > ValidationFindingSeverity.INFO
        ]
        assert findings == []
