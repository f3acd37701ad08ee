"""Signing statuses in bulk: what comes out is what the answerer will rebuild, and a wrong key is noticed at once."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from cryptography.x509 import ocsp
from hypothesis import given, settings
from hypothesis import strategies as st

from pki.status import records, response
from pki.status.model import SHA1, Batch, HashForm, Status, StatusFact
from pki.status.presign import ResponseSigner
from tests.unit.status import toy
from trust.errors import Alarm, Unavailable


def batch(number: int = 7, index: int = 1, algorithm: str = "P-256") -> Batch:
    """Number a batch without a store."""
    return Batch(number, toy.responder("personnes", index, algorithm), toy.NOON, toy.NOON + toy.DAY, toy.NOON, toy.START)


def signer(index: int = 1, algorithm: str = "P-256") -> ResponseSigner:
    """Join the toy CA and a responder."""
    who = toy.responder("personnes", index, algorithm)
    return ResponseSigner(toy.authority(), who, toy.signing(who, algorithm))


@pytest.mark.parametrize("algorithm", ["P-256", "P-384", "RSA-2048", "Ed25519", "ML-DSA-44"])
def test_a_stored_signature_rebuilds_a_response_that_verifies(algorithm: str) -> None:
    """From the value alone: status, time, reason, and a signature under the responder of the batch."""
    serials = toy.serials(4)
    facts = [toy.good(serials[0]), toy.revoked(serials[1], 4), toy.revoked(serials[2], None), toy.revoked(serials[3], 0)]
    which = batch(7, 7, algorithm)

    for (serial, value), fact in zip(signer(7, algorithm).presign(facts, which), facts, strict=True):
        stored = records.read_value(value)
        assert (serial, stored.batch, stored.revoked_at) == (fact.serial, 7, fact.revoked_at)
        assert stored.reason == (fact.reason or None)
        status = response.GOOD
        if stored.revoked_at is not None:
            status = response.revoked(response.time_text(stored.revoked_at), stored.reason)
        body = response.batch_response(toy.authority(), which, SHA1, serial, status, stored.signature)
        read = ocsp.load_der_ocsp_response(body)
        assert read.serial_number == int.from_bytes(serial, "big")
        assert which.responder.algorithm.verifies(which.responder.public_key, read.signature, read.tbs_response_bytes)


def test_unspecified_is_not_a_reason() -> None:
    """Reason 0 is written as no reason at all (RFC 5280 §5.3.1)."""
    serial = toy.serials(1)[0]
    body = signer().respond(serial, toy.revoked(serial, 0), SHA1, None, (toy.NOON, toy.NOON + toy.DAY))

    assert ocsp.load_der_ocsp_response(body).revocation_reason is None


def test_a_key_that_is_not_the_certificates_is_an_alarm_at_the_first_signature() -> None:
    """The wrong key in custody under the right name: nothing reaches the store."""
    who = toy.responder("personnes", 1)
    wrong = ResponseSigner(toy.authority(), who, toy.signing(toy.responder("personnes", 2)))

    with pytest.raises(Alarm):
        list(wrong.presign([toy.good(toy.serials(1)[0])], batch()))


def test_a_token_that_begins_to_sign_wrongly_is_noticed() -> None:
    """One signature in every so many is verified, not only the first."""
    who = toy.responder("personnes")
    right, made = toy.signing(who), []

    def failing(data: bytes) -> bytes:
        made.append(data)
        return right(data if len(made) < 15 else data + b"!")

    with pytest.raises(Alarm):
        list(ResponseSigner(toy.authority(), who, failing, verify_every=10).presign(map(toy.good, toy.serials(40)), batch()))
    assert len(made) == 40, "they were asked together; none is released"


def test_a_custodian_that_is_away_stops_the_batch() -> None:
    """The caller hears it; statuses signed before it are already yielded."""
    who = toy.responder("personnes")

    def away(data: bytes) -> bytes:
        raise Unavailable("the token is away")

    with pytest.raises(Unavailable):
        next(ResponseSigner(toy.authority(), who, away).presign([toy.good(toy.serials(1)[0])], batch()))


@pytest.mark.parametrize(
    "fact",
    [
        StatusFact(b"short", Status.GOOD),
        StatusFact(b"\x40" * 17, Status.GOOD),
        StatusFact(b"\x40" * 16, Status.UNKNOWN),
        StatusFact(b"\x40" * 16, Status.REVOKED),
    ],
)
def test_only_whole_facts_are_signed(fact: StatusFact) -> None:
    """A serial of another length, an unknown status or a revocation without a moment are faults of the caller."""
    with pytest.raises(ValueError):
        list(signer().presign([fact], batch()))


def test_each_signs_under_its_own_name() -> None:
    """A responder of another CA, or of another batch, is refused before anything is signed."""
    with pytest.raises(ValueError):
        ResponseSigner(toy.authority("organisations"), toy.responder("personnes"), toy.signing(toy.responder("personnes")))
    with pytest.raises(ValueError):
        list(signer(1).presign([], batch(7, 2)))


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_live_answer_is_the_one_that_the_encoder_writes(data: st.DataObject) -> None:
    """Compiled or not, first of its second or thousandth, whatever the lengths: the octets of `response`."""
    who = toy.responder("personnes")
    live = ResponseSigner(toy.authority(), who, lambda octets: hashlib.shake_128(octets).digest(70 + octets[-1] % 3))
    for _ in range(4):
        serial = data.draw(st.sampled_from(toy.serials(5)))
        said = data.draw(st.sampled_from([None, toy.good(serial), toy.revoked(serial, 1), toy.revoked(serial, None)]))
        form = HashForm(data.draw(st.sampled_from(["sha1", "sha256"])), data.draw(st.booleans()))
        nonce = data.draw(st.none() | st.binary(min_size=1, max_size=3) | st.binary(min_size=127, max_size=128))
        times = (toy.NOON + timedelta(seconds=data.draw(st.integers(0, 1))), toy.NOON + toy.DAY)
        cutoff = data.draw(st.sampled_from([None, toy.START]))
        status = response.UNKNOWN if said is None else response.GOOD
        if said is not None and said.revoked_at is not None:
            status = response.revoked(response.time_text(said.revoked_at), said.reason)
        single = response.single_response(response.cert_id(toy.authority(), form, serial), status, *times, cutoff)
        expected = response.response_data(who.key_hash, times[0], single, nonce)
        signature = hashlib.shake_128(expected).digest(70 + expected[-1] % 3)

        body = live.respond(serial, said, form, nonce, times, cutoff)

        assert body == response.successful(expected, who.algorithm, signature, who.certificate_der)
