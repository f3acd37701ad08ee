"""Answering without a key: failure cases O01 to O12 (those that are not HTTP), promises P2, P3, P8, invariants I8 and I9."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import ocsp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pki.protocols.ocsp import read_request
from pki.status import wire
from pki.status.answer import LOOK_EVERY, Answer, Answerer, Kind, Policy
from pki.status.model import HashForm, StatusFact
from pki.status.presign import ResponseSigner
from pki.status.signer import LivePolicy, SignerService
from tests.unit.status import toy
from trust.errors import Unavailable
from trust.testing import FixedClock

SERIALS = toy.serials(50)
GOOD, BAD, HELD, ABSENT = SERIALS[:4]
SHA256 = HashForm("sha256")


class Desk:
    """The signer of the issuer process, reached without a socket: an honest one, that can be told to be away."""

    def __init__(self, facts: dict[bytes, StatusFact], now: datetime = toy.NOON, *, sign_unknown: bool = False) -> None:
        self.facts = facts
        self.clock = FixedClock(now)
        self.away = False
        self.asked: list[wire.Asked] = []
        policy = LivePolicy(timedelta(hours=12), sign_unknown=sign_unknown)
        self.service = SignerService(lambda _, serial: self.facts.get(serial), self.clock, policy)
        shopkeeper = toy.responder("personnes")
        self.service.use(ResponseSigner(toy.authority(), shopkeeper, toy.signing(shopkeeper)))

    async def ask(self, payload: bytes) -> bytes:
        """Sign, or be away."""
        self.asked.append(wire.read_asked(payload))
        if self.away:
            raise Unavailable("the signer is away")
        return self.service.reply(payload)


FACTS = {GOOD: toy.good(GOOD), BAD: toy.revoked(BAD, 1), HELD: toy.revoked(HELD, 6)}


@pytest.fixture
def shop(tmp_path: Path) -> toy.Shop:
    """Publish one good, one revoked and one held certificate."""
    opened = toy.Shop(tmp_path / "status")
    opened.publish(*FACTS.values())
    return opened


def respond(answerer: Answerer, body: bytes, now: datetime = toy.NOON) -> Answer:
    """Answer, through the signer if need be."""
    return asyncio.run(answerer.respond(body, now))


def read(answer: Answer) -> ocsp.OCSPResponse:
    """Decode an answer and verify it under the certificate that it carries."""
    decoded = ocsp.load_der_ocsp_response(answer.body)
    assert toy.responder("personnes").algorithm.verifies(
        decoded.certificates[0].public_key(), decoded.signature, decoded.tbs_response_bytes
    )
    return decoded


# -- The stored answers ----------------------------------------------------------------------------------------------------------


def test_a_good_certificate_is_said_to_be_good(shop: toy.Shop) -> None:
    """Serial, issuer, times and signature are those of the batch; caches may keep it until nextUpdate."""
    answer = shop.answerer().answer(toy.request(GOOD), toy.NOON)
    decoded = read(answer)

    assert answer.kind is Kind.GOOD
    assert decoded.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert decoded.serial_number == int.from_bytes(GOOD, "big")
    assert (decoded.issuer_name_hash, decoded.issuer_key_hash) == toy.authority().hashes("sha1")
    assert (answer.this_update, answer.next_update) == (decoded.this_update_utc, decoded.next_update_utc)
    assert (answer.produced, answer.cacheable) == (decoded.produced_at_utc, True)


@pytest.mark.parametrize(
    ("serial", "reason"), [(BAD, x509.ReasonFlags.key_compromise), (HELD, x509.ReasonFlags.certificate_hold)]
)
def test_a_revoked_certificate_is_said_to_be_revoked(shop: toy.Shop, serial: bytes, reason: x509.ReasonFlags) -> None:
    """Since when and why; a certificate on hold is revoked with reason certificateHold."""
    decoded = read(shop.answerer().answer(toy.request(serial), toy.NOON))

    assert decoded.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert (decoded.revocation_time_utc, decoded.revocation_reason) == (toy.NOON, reason)


def test_a_serial_never_issued_is_never_good(shop: toy.Shop) -> None:
    """O01: unauthorized, and no cache may remember it."""
    answer = shop.answerer().answer(toy.request(ABSENT), toy.NOON)

    assert (answer.kind, answer.body[-1], answer.cacheable) == (Kind.MISSING, 6, False)


def test_asked_before_issuance_then_after(shop: toy.Shop) -> None:
    """O02: the negative answer is not remembered; the next question after the put is answered good."""
    answerer = shop.answerer()
    assert answerer.answer(toy.request(ABSENT), toy.NOON).kind is Kind.MISSING

    shop.publish(toy.good(ABSENT))

    assert answerer.answer(toy.request(ABSENT), toy.NOON).kind is Kind.GOOD


def test_a_revocation_is_seen_by_the_next_question(shop: toy.Shop) -> None:
    """O12, I8: no waiting for a generation, no answer remembered from before."""
    answerer = shop.answerer()
    assert answerer.answer(toy.request(GOOD), toy.NOON).kind is Kind.GOOD

    shop.publish(toy.revoked(GOOD, 4))

    assert answerer.answer(toy.request(GOOD), toy.NOON).kind is Kind.REVOKED


def test_nothing_is_said_past_its_next_update(shop: toy.Shop) -> None:
    """P8, O10: at nextUpdate the record is stale: tryLater, good and revoked alike."""
    answerer = shop.answerer()
    end = toy.NOON + toy.DAY
    for serial in (GOOD, BAD):
        assert answerer.answer(toy.request(serial), end - timedelta(seconds=1)).body[-1] != 3
        answer = answerer.answer(toy.request(serial), end)
        assert (answer.kind, answer.body[-1], answer.cacheable) == (Kind.STALE, 3, False)


def test_a_store_that_is_not_there_yet_means_try_later(tmp_path: Path) -> None:
    """O10: the process starts before the issuer has published anything, and serves as soon as it has."""
    answerer = Answerer(tmp_path / "status", None, Policy(), read_request)
    assert answerer.answer(toy.request(GOOD), toy.NOON).kind is Kind.UNAVAILABLE

    toy.Shop(tmp_path / "status").publish(toy.good(GOOD))
    answerer.look()

    assert answerer.answer(toy.request(GOOD), toy.NOON).kind is Kind.GOOD


def test_an_unknown_issuer_is_not_ours_to_judge(shop: toy.Shop) -> None:
    """O03: unknown hashes, and the right key under another name: unauthorized."""
    answerer = shop.answerer()
    other = toy.authority("organisations")
    names, ours = other.hashes("sha1"), toy.authority().hashes("sha1")

    for body in (toy.request(GOOD, other), toy.request(GOOD, name_hash=names[0]), toy.request(GOOD, key_hash=names[1])):
        answer = answerer.answer(body, toy.NOON)
        assert (answer.kind, answer.body[-1]) == (Kind.FOREIGN, 6)
    assert answerer.answer(toy.request(GOOD, name_hash=ours[0], key_hash=ours[1]), toy.NOON).kind is Kind.GOOD


def test_each_authority_answers_for_its_own(tmp_path: Path) -> None:
    """The same serial under two CAs: each has its own status and its own responder."""
    shop = toy.Shop(tmp_path, ca_ids=("personnes", "organisations"))
    shop.publish(toy.good(GOOD))
    shop.publish(toy.revoked(GOOD), ca_id="organisations")
    answerer = shop.answerer()

    assert answerer.answer(toy.request(GOOD), toy.NOON).kind is Kind.GOOD
    other = answerer.answer(toy.request(GOOD, toy.authority("organisations")), toy.NOON)
    assert other.kind is Kind.REVOKED
    assert ocsp.load_der_ocsp_response(other.body).certificates[0].subject.rfc4514_string() == "CN=OCSP organisations 1"


def test_an_authority_added_later_is_noticed(shop: toy.Shop) -> None:
    """Within half a second, without a new generation."""
    answerer = shop.answerer()
    other = toy.authority("organisations")
    assert answerer.answer(toy.request(GOOD, other), toy.NOON).kind is Kind.FOREIGN

    shop.writer.add_authority(other)
    shop.publish(toy.good(GOOD), ca_id="organisations")
    answerer.look()

    assert answerer.answer(toy.request(GOOD, other), toy.NOON).kind is Kind.GOOD
    assert LOOK_EVERY == 0.5


def test_a_stored_signature_stays_its_responders(shop: toy.Shop) -> None:
    """Renewal: answers of the old batch carry the old certificate, those of the new one the new."""
    other = SERIALS[10]
    shop.publish(toy.good(other), index=2)
    answerer = shop.answerer()

    assert read(answerer.answer(toy.request(GOOD), toy.NOON)).certificates[0].subject.rfc4514_string() == "CN=OCSP personnes 1"
    assert read(answerer.answer(toy.request(other), toy.NOON)).certificates[0].subject.rfc4514_string() == "CN=OCSP personnes 2"


def test_a_damaged_record_is_not_answered(shop: toy.Shop) -> None:
    """A value that is too short, or names a batch that is not there: tryLater, and the process lives."""
    live = shop.writer._live
    for value in (b"", b"\x00", b"\x00\x00\x00\x63sig", b"\x80\x00\x00\x01\x00"):
        live.put_record(b"\x01" + GOOD, value)
        assert shop.answerer().answer(toy.request(GOOD), toy.NOON).kind is Kind.UNAVAILABLE


# -- Invariant I9 ----------------------------------------------------------------------------------------------------------------

CLASSES: dict[str, Callable[[bytes], StatusFact | None]] = {
    "issued": toy.good,
    "revoked": lambda serial: toy.revoked(serial, 4),
    "held": lambda serial: toy.revoked(serial, 6),
    "intent": lambda serial: None,  # recorded, perhaps signed: nothing was ever put
    "void": lambda serial: toy.revoked(serial, None),  # an intent that recovery revoked
    "never": lambda serial: None,
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_good_is_earned(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """I9: whatever the class of the serial, the form of the question and the state of the signer, good is said of the issued
    alone."""
    classes = data.draw(st.dictionaries(st.sampled_from(SERIALS), st.sampled_from(sorted(CLASSES)), min_size=1, max_size=8))
    facts = {serial: CLASSES[name](serial) for serial, name in classes.items()}
    known = {serial: fact for serial, fact in facts.items() if fact is not None}
    shop = toy.Shop(tmp_path_factory.mktemp("status"))
    shop.publish(*known.values())
    desk = Desk(known, sign_unknown=data.draw(st.booleans()))
    desk.away = data.draw(st.booleans())
    policy = Policy(
        nonce=data.draw(st.sampled_from(["ignore", "sign"])), missing=data.draw(st.sampled_from(["unauthorized", "ask"]))
    )
    answerer = shop.answerer(desk if data.draw(st.booleans()) else None, policy)
    for serial in SERIALS[:12]:
        form = HashForm(data.draw(st.sampled_from(["sha1", "sha256"])), data.draw(st.booleans()))
        extensions = (toy.nonce_extension(b"n" * 32),) if data.draw(st.booleans()) else ()
        answer = respond(answerer, toy.request(serial, form=form, extensions=extensions))
        issued = classes.get(serial) == "issued"
        if len(answer.body) > 5:
            decoded = read(answer)
            assert decoded.serial_number == int.from_bytes(serial, "big")
            assert (decoded.certificate_status is ocsp.OCSPCertStatus.GOOD) == issued
        assert (answer.kind is Kind.GOOD) <= issued
    answerer.close()
    shop.writer.close()


# -- The signed answers ----------------------------------------------------------------------------------------------------------


def test_a_nonce_is_echoed_and_never_cached(shop: toy.Shop) -> None:
    """O05, RFC 9654: 1 to 128 octets come back in a fresh signature that no cache may keep."""
    answerer = shop.answerer(Desk(FACTS))
    for size in (1, 32, 33, 128):
        answer = respond(answerer, toy.request(GOOD, extensions=(toy.nonce_extension(b"n" * size),)))
        assert read(answer).extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"n" * size
        assert (answer.kind, answer.cacheable) == (Kind.GOOD, False)


@pytest.mark.parametrize("signer", [True, False])
def test_a_nonce_may_be_ignored(shop: toy.Shop, signer: bool) -> None:
    """By policy, or because there is no signer: the stored answer, without a nonce."""
    desk = Desk(FACTS)
    answerer = shop.answerer(desk if signer else None, Policy(nonce="ignore"))

    answer = respond(answerer, toy.request(BAD, extensions=(toy.nonce_extension(b"n" * 32),)))

    assert answer.kind is Kind.REVOKED
    assert list(read(answer).extensions) == []
    assert desk.asked == []


def test_the_signer_is_told_what_not_how(shop: toy.Shop) -> None:
    """It hears a CA, a form, a serial and a nonce: no key, no octets to sign."""
    desk = Desk(FACTS)
    respond(shop.answerer(desk), toy.request(GOOD, form=SHA256, extensions=(toy.nonce_extension(b"n" * 20),)))

    assert desk.asked == [wire.Asked("personnes", SHA256, GOOD, b"n" * 20)]


def test_a_signer_that_is_away_means_try_later(shop: toy.Shop) -> None:
    """K04: a nonce or SHA-256 gets tryLater; everybody else is served from the store."""
    desk = Desk(FACTS)
    desk.away = True
    answerer = shop.answerer(desk)

    for body in (toy.request(GOOD, form=SHA256), toy.request(GOOD, extensions=(toy.nonce_extension(b"n" * 32),))):
        answer = respond(answerer, body)
        assert (answer.kind, answer.body[-1], answer.cacheable) == (Kind.UNSIGNED, 3, False)
    assert respond(answerer, toy.request(GOOD)).kind is Kind.GOOD


def test_the_form_of_the_certid_comes_back(shop: toy.Shop) -> None:
    """SHA-256, and parameters left out: the CertID of the answer is the question's, octet for octet."""
    answerer = shop.answerer(Desk(FACTS))
    for form in (SHA256, HashForm("sha256", False), HashForm("sha1", False)):
        body = toy.request(GOOD, form=form)
        answer = respond(answerer, body)
        assert body[8:] in answer.body  # after four short headers, the CertID is the rest of the question
        assert read(answer).certificate_status is ocsp.OCSPCertStatus.GOOD


def test_parameters_left_out_do_not_need_the_signer(shop: toy.Shop) -> None:
    """Without it the stored answer is given: it names the same certificate."""
    desk = Desk(FACTS)
    desk.away = True
    for answerer in (shop.answerer(desk), shop.answerer(None)):
        answer = respond(answerer, toy.request(BAD, form=HashForm("sha1", False)))
        assert (answer.kind, answer.cacheable) == (Kind.REVOKED, True)


def test_without_a_signer_sha256_is_not_spoken(shop: toy.Shop) -> None:
    """RFC 5019 §2.2.3: not capable of answering authoritatively: unauthorized."""
    assert shop.answerer(None).answer(toy.request(GOOD, form=SHA256), toy.NOON).body[-1] == 6


def test_a_sha256_answer_is_signed_once(shop: toy.Shop) -> None:
    """The next one who asks is given the same octets, until nextUpdate."""
    desk = Desk(FACTS)
    answerer = shop.answerer(desk)
    first = respond(answerer, toy.request(GOOD, form=SHA256))
    again = respond(answerer, toy.request(GOOD, form=SHA256))
    assert (first.body, first.cacheable, len(desk.asked)) == (again.body, True, 1)

    desk.clock.advance(hours=13)
    later = respond(answerer, toy.request(GOOD, form=SHA256), desk.clock.now())

    assert len(desk.asked) == 2
    assert later.this_update == desk.clock.now()


def test_a_remembered_answer_falls_with_the_record(shop: toy.Shop) -> None:
    """Revoked in the store: the signed good of before is not repeated, though still fresh."""
    desk = Desk(dict(FACTS))
    answerer = shop.answerer(desk)
    assert respond(answerer, toy.request(GOOD, form=SHA256)).kind is Kind.GOOD

    desk.facts[GOOD] = toy.revoked(GOOD, 1)
    shop.publish(desk.facts[GOOD])

    assert respond(answerer, toy.request(GOOD, form=SHA256)).kind is Kind.REVOKED


def test_memory_of_signed_answers_is_bounded(tmp_path: Path) -> None:
    """The least lately used is forgotten."""
    facts = {serial: toy.good(serial) for serial in SERIALS[:4]}
    shop, desk = toy.Shop(tmp_path), Desk(facts)
    shop.publish(*facts.values())
    answerer = shop.answerer(desk, Policy(remembered=2))
    for serial in (SERIALS[0], SERIALS[1], SERIALS[0], SERIALS[2], SERIALS[0], SERIALS[1]):
        respond(answerer, toy.request(serial, form=SHA256))

    assert [asked.serial for asked in desk.asked] == [SERIALS[0], SERIALS[1], SERIALS[2], SERIALS[1]]


def test_the_signer_never_overrules_a_revocation(shop: toy.Shop) -> None:
    """P9: the store says revoked, the signer good: nobody is told good, and the counter says that someone must look."""
    desk = Desk({**FACTS, BAD: toy.good(BAD)})

    answer = respond(shop.answerer(desk), toy.request(BAD, extensions=(toy.nonce_extension(b"n" * 32),)))

    assert (answer.kind, answer.body[-1]) == (Kind.DISAGREEMENT, 3)


def test_a_hold_may_be_lifted_in_the_database_first(shop: toy.Shop) -> None:
    """The release is committed and not yet put: the signer knows better."""
    desk = Desk({**FACTS, HELD: toy.good(HELD)})

    assert respond(shop.answerer(desk), toy.request(HELD, extensions=(toy.nonce_extension(b"n" * 32),))).kind is Kind.GOOD


def test_by_policy_the_signer_knows_what_the_store_does_not_yet(shop: toy.Shop) -> None:
    """O02: issued ten milliseconds ago and not yet put: asked of the database, good; and not remembered without a record."""
    desk = Desk({**FACTS, ABSENT: toy.good(ABSENT)})
    answerer = shop.answerer(desk, Policy(missing="ask"))

    assert respond(answerer, toy.request(ABSENT)).kind is Kind.GOOD
    desk.away = True
    away = respond(answerer, toy.request(ABSENT))
    assert (away.kind, away.body[-1]) == (Kind.UNSIGNED, 3)


@pytest.mark.parametrize("sign_unknown", [True, False])
def test_by_policy_unknown_is_signed(shop: toy.Shop, sign_unknown: bool) -> None:
    """Never issued: `unknown` under a signature that expires within a minute, or unauthorized; neither is for caches."""
    desk = Desk(FACTS, sign_unknown=sign_unknown)
    answer = respond(shop.answerer(desk, Policy(missing="ask")), toy.request(ABSENT))

    assert (answer.kind, answer.cacheable) == (Kind.UNKNOWN if sign_unknown else Kind.MISSING, False)
    if sign_unknown:
        assert read(answer).certificate_status is ocsp.OCSPCertStatus.UNKNOWN
        assert answer.next_update == toy.NOON + timedelta(seconds=60)


def test_a_stale_record_and_a_nonce_still_have_the_signer(shop: toy.Shop) -> None:
    """The issuer lives but its rebuild is late: who brings a nonce is told the truth of now."""
    late = toy.NOON + 2 * toy.DAY
    answerer = shop.answerer(Desk(FACTS, late))

    assert respond(answerer, toy.request(GOOD, extensions=(toy.nonce_extension(b"n" * 32),)), late).kind is Kind.GOOD
    assert respond(answerer, toy.request(GOOD, form=SHA256), late).kind is Kind.STALE


@pytest.mark.parametrize(
    "reply", [b"", b"\x09" + bytes(16), wire.write_reply(wire.Reply(wire.Outcome.TRY_LATER)), b"\x00" * 17 + b"body"]
)
def test_a_reply_that_is_none_means_try_later(shop: toy.Shop, reply: bytes) -> None:
    """Noise, an unknown outcome, a refusal, or a response without a nextUpdate: not passed on."""
    pending = shop.answerer(Desk(FACTS)).answer(toy.request(GOOD, extensions=(toy.nonce_extension(b"n"),)), toy.NOON)

    assert pending.kind is Kind.PENDING
    assert pending.body[-1] == 3
    assert pending.complete(reply).kind is Kind.UNSIGNED


def test_a_reply_past_its_next_update_is_not_served(shop: toy.Shop) -> None:
    """P8, for the signer too: one whose clock is a day behind signs nothing that we pass on."""
    desk = Desk(FACTS, toy.NOON - toy.DAY)

    assert respond(shop.answerer(desk), toy.request(GOOD, form=SHA256)).kind is Kind.UNSIGNED


def test_an_answer_that_waits_for_nobody_is_itself(shop: toy.Shop) -> None:
    """`complete` may be called on any answer."""
    answer = shop.answerer().answer(toy.request(GOOD), toy.NOON)

    assert answer.complete(None) is answer
