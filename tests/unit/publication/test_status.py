"""Certificate status over HTTP: RFC 5019 and the reliability rows O02, O05, O07, O08, O10, O12, P8, P10."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.x509 import ocsp

from pki.status.answer import Answer, Policy
from pki.status.model import StatusFact
from pki.status.presign import ResponseSigner
from pki.status.signer import LivePolicy, SignerService
from tests.unit.publication.client import Line, Response, get, post
from tests.unit.publication.conftest import Town
from tests.unit.status import toy
from trust.algorithms import ALGORITHMS
from trust.errors import Unavailable
from web.publication.status import StoredStatus

MALFORMED, INTERNAL, LATER, UNAUTHORIZED = (bytes((0x30, 3, 0x0A, 1, code)) for code in (1, 2, 3, 6))


def status(response: Response) -> str:
    """Read a reply as a client would: the certificate's status, or the error's name."""
    assert response.fields["content-type"] == "application/ocsp-response"
    answer = ocsp.load_der_ocsp_response(response.body)
    if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return answer.response_status.name
    return answer.certificate_status.name


def in_url(request: bytes) -> bytes:
    """Write a request in a URL, the careful way."""
    return b"/ocsp/" + quote(b64encode(request).decode(), safe="").encode()


class Issuer:
    """The signer of the issuer process, without the socket; it can be slow, or away."""

    def __init__(self, town: Town, *facts: StatusFact, seconds: float = 0.0) -> None:
        known = {fact.serial: fact for fact in facts}
        who = toy.responder("personnes")
        self.service = SignerService(lambda _, serial: known.get(serial), town.clock, LivePolicy(timedelta(hours=1)))
        self.service.use(ResponseSigner(toy.authority(), who, toy.signing(who)))
        self.seconds = seconds
        self.away = False
        self.waiting = 0
        self.answering: list[asyncio.Task[None]] = []

    def request(self, payload: bytes, done: Callable[[bytes | None], None]) -> None:
        """Sign, and say so."""

        async def answer() -> None:
            try:
                done(await self.ask(payload))
            except Unavailable:
                done(None)

        self.answering.append(asyncio.get_running_loop().create_task(answer()))

    async def ask(self, payload: bytes) -> bytes:
        """Sign, as slowly as told."""
        if self.away or self.waiting >= 4:
            raise Unavailable("no room")
        self.waiting += 1
        try:
            await asyncio.sleep(self.seconds)
            return self.service.reply(payload)
        finally:
            self.waiting -= 1


def test_a_good_certificate_is_said_to_be_good_with_what_caches_need(town: Town, good: bytes) -> None:
    """RFC 5019 §6.2: Date, Last-Modified, Expires, and a max-age that ends before nextUpdate and within the ceiling."""
    response = town.ask(post(toy.request(good)))

    assert (response.status, status(response)) == (200, "GOOD")
    assert parsedate_to_datetime(response.fields["date"]) == town.clock.now()
    assert parsedate_to_datetime(response.fields["last-modified"]) == toy.NOON
    assert parsedate_to_datetime(response.fields["expires"]) == toy.NOON + toy.DAY
    assert response.caching == "max-age=60,public,no-transform,must-revalidate"


def test_max_age_ends_before_next_update(town: Town, good: bytes) -> None:
    """When less is left than the ceiling, what is left counts."""
    town.clock.moment = toy.NOON + toy.DAY - timedelta(seconds=42)

    assert town.wait(lambda: town.ask(post(toy.request(good))).caching.startswith("max-age=41,"))


@pytest.mark.parametrize("count", [1, 3])
def test_the_same_question_twice_on_a_kept_connection_gets_the_same_octets(town: Town, good: bytes, count: int) -> None:
    """The first is parsed, the next take the shortcut: nobody can tell."""
    with town.line() as line:
        first = line.say(post(toy.request(good))).hear()

        assert [line.say(post(toy.request(good))).hear() for _ in range(count)] == [first] * count


def test_get_and_post_give_the_same_answer_in_every_spelling(town: Town) -> None:
    """O07: ``+``, ``/``, ``//``, %2B, %2F, %20, no padding; over the parser and over the shortcut."""
    serials = toy.serials(30)
    town.shop.publish(*(toy.good(serial) for serial in serials))
    town.opens()
    with town.line() as line:
        for serial in serials:
            asked = toy.request(serial)
            expected = line.say(post(asked)).hear().body
            text = b64encode(asked)
            spellings = [text, quote(text.decode(), safe="").encode(), text.replace(b"+", b"%2B"), text.replace(b"+", b"%20")]
            spellings += [text.rstrip(b"="), b"/" + text, text.replace(b"/", b"%2f"), text.replace(b"/", b"%2F")]

            answers = [line.say(get(b"/ocsp/" + spelling)).hear() for spelling in spellings]

            assert {answer.body for answer in answers} == {expected}
            assert {answer.status for answer in answers} == {200}


def test_a_get_carries_an_entity_tag_that_a_cache_can_ask_again_by(town: Town, good: bytes) -> None:
    """RFC 9110 §13.1.2; a new answer has another tag."""
    first = town.ask(get(in_url(toy.request(good))))
    again = get(in_url(toy.request(good)), more=b"If-None-Match: " + first.fields["etag"].encode() + b"\r\n")

    assert town.ask(again).status == 304

    town.shop.now += timedelta(minutes=1)
    town.shop.publish(toy.good(good))
    renewed = town.ask(again)
    assert (renewed.status, status(renewed)) == (200, "GOOD")
    assert renewed.fields["etag"] != first.fields["etag"]


def test_head_announces_what_get_would_send(town: Town, good: bytes) -> None:
    """Same fields, no body."""
    expected = town.ask(get(in_url(toy.request(good))))
    with town.line() as line:
        found = line.say(get(in_url(toy.request(good)), method=b"HEAD")).hear(head_only=True)

        assert found.fields == expected.fields
        assert line.say(post(toy.request(good))).hear().status == 200  # nothing was left on the line


def test_a_revocation_is_in_the_next_answer(town: Town, good: bytes) -> None:
    """W2: the shortcut of a kept connection keeps nothing of a status."""
    with town.line() as line:
        for _ in range(3):
            assert status(line.say(post(toy.request(good))).hear()) == "GOOD"
        town.shop.publish(toy.revoked(good))

        assert status(line.say(post(toy.request(good))).hear()) == "REVOKED"
        assert status(line.say(get(in_url(toy.request(good)))).hear()) == "REVOKED"


def test_a_new_generation_of_the_store_is_answered_from_at_once(town: Town, good: bytes) -> None:
    """After a rebuild by another responder, no answer mixes the old frame with the new signature."""
    others = toy.serials(20, seed=9)
    with town.line() as line:
        line.say(post(toy.request(good))).hear()
        line.say(post(toy.request(good))).hear()
        town.shop.now += timedelta(minutes=2)
        town.shop.rebuild([toy.good(serial) for serial in sorted([good, *others])], index=2)
        until = time.monotonic() + 3
        said = None
        while said != town.shop.now and time.monotonic() < until:
            answer = ocsp.load_der_ocsp_response(line.say(post(toy.request(good))).hear().body)
            responder = answer.certificates[0].public_key()
            assert ALGORITHMS["P-256"].verifies(responder, answer.signature, answer.tbs_response_bytes)
            said = answer.this_update_utc

        assert said == town.shop.now
        assert status(line.say(post(toy.request(others[3]))).hear()) == "GOOD"


def test_asked_before_it_was_issued_it_is_not_remembered_as_unknown(town: Town, good: bytes) -> None:
    """O02: the refusal is not for caches, and 10 ms after issuance the answer is good."""
    late = toy.serials(2, seed=3)[0]
    with town.line() as line:
        before = [line.say(post(toy.request(late))).hear() for _ in range(3)]
        before.append(line.say(get(in_url(toy.request(late)))).hear())

        assert {status(response) for response in before} == {"UNAUTHORIZED"}
        assert {response.caching for response in before} == {"no-store"}
        town.shop.publish(toy.good(late))
        assert status(line.say(post(toy.request(late))).hear()) == "GOOD"


@pytest.mark.parametrize("size", [1, 32, 33, 128])
def test_a_nonce_comes_back_signed_and_is_never_cached(town: Town, size: int) -> None:
    """O05: RFC 9654 echoes 1 to 128 octets."""
    serial, nonce = toy.serials(1)[0], bytes(range(size))
    town.shop.publish(toy.good(serial))
    town.opens(signer=Issuer(town, toy.good(serial)))
    asked = toy.request(serial, extensions=(toy.nonce_extension(nonce),))

    for response in (town.ask(post(asked)), town.ask(get(in_url(asked)))):
        assert (response.status, status(response), response.caching) == (200, "GOOD", "no-store")
        assert "etag" not in response.fields
        extension = ocsp.load_der_ocsp_response(response.body).extensions[0].value
        assert extension.nonce == nonce


@pytest.mark.parametrize("nonces", [(b"",), (bytes(129),), (b"one", b"two")])
def test_a_nonce_that_is_none_is_malformed(town: Town, good: bytes, nonces: tuple[bytes, ...]) -> None:
    """O05: empty, too long, or twice."""
    response = town.ask(post(toy.request(good, extensions=tuple(toy.nonce_extension(nonce) for nonce in nonces))))

    assert (response.status, response.body, response.caching) == (400, MALFORMED, "no-store")


def test_the_body_of_a_post_is_a_status_request_or_malformed(town: Town, good: bytes) -> None:
    """What cannot be read is said so, and the connection goes on."""
    with town.line() as line:
        for body in (b"", b"hello", bytes(83), toy.request(good)[:-1], toy.request(good) + b"\x00"):
            response = line.say(post(body)).hear()
            assert (response.status, response.body) == (400, MALFORMED)

        assert status(line.say(post(toy.request(good))).hear()) == "GOOD"


def test_another_content_type_is_refused(town: Town, good: bytes) -> None:
    """O08: 415 with malformedRequest; parameters and case do not matter."""
    refused = [town.ask(post(toy.request(good), kind)) for kind in (b"application/x-www-form-urlencoded", b"", b"text/plain")]
    taken = [town.ask(post(toy.request(good), kind)) for kind in (b"Application/OCSP-Request", b"application/ocsp-request; x=y")]

    assert [(each.status, each.body) for each in refused] == [(415, MALFORMED)] * 3
    assert [status(each) for each in taken] == ["GOOD"] * 2


@pytest.mark.parametrize("method", [b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"PROPFIND"])
def test_another_method_is_told_which_ones_there_are(town: Town, good: bytes, method: bytes) -> None:
    """O08: 405 with Allow, on status as on files."""
    town.publishes("crl/personnes.crl", b"not read here")

    assert town.ask(get(b"/ocsp", method=method)).fields["allow"] == "POST, GET, HEAD"
    assert town.ask(get(b"/ocsp/MFE", method=method)).status == 405
    assert town.ask(get(b"/crl/personnes.crl", method=method)).fields["allow"] == "GET, HEAD"


def test_ten_megabytes_are_refused_before_they_are_read(town: Town, good: bytes) -> None:
    """O08: 413 arrives although the client is still sending, and the connection then ends."""
    with town.line() as line:
        line.say(b"POST /ocsp HTTP/1.1\r\nHost: a\r\nContent-Type: application/ocsp-request\r\nContent-Length: 10485760\r\n\r\n")
        line.say(bytes(300_000))
        response = line.hear()

        assert (response.status, response.body, response.fields["connection"]) == (413, MALFORMED, "close")
        assert line.is_over()


def test_no_store_is_try_later_and_never_cached(town: Town, tmp_path: Path) -> None:
    """O10: publication starts before the issuer has ever published, says so, and answers when it has."""
    serial = toy.serials(1)[0]
    empty = StoredStatus(tmp_path / "elsewhere", None, Policy())
    town.opens(answering=empty)

    response = town.ask(post(toy.request(serial)))

    assert (response.status, response.body, response.caching) == (503, LATER, "no-store")
    assert int(response.fields["retry-after"]) > 0
    shop = toy.Shop(tmp_path / "elsewhere")
    shop.publish(toy.good(serial))
    assert town.wait(lambda: town.ask(post(toy.request(serial))).status == 200)
    shop.writer.close()


def test_nothing_is_said_past_its_next_update(town: Town, good: bytes) -> None:
    """P8: the issuer died, the store is still there: tryLater, on the shortcut too, and never the last known good."""
    with town.line() as line:
        for _ in range(3):
            assert status(line.say(post(toy.request(good))).hear()) == "GOOD"
        town.clock.moment = toy.NOON + toy.DAY

        assert town.wait(lambda: line.say(post(toy.request(good))).hear().status == 503)
        late = line.say(post(toy.request(good))).hear()
        assert (late.body, late.caching) == (LATER, "no-store")
        assert line.say(get(in_url(toy.request(good)))).hear().body == LATER


def test_a_defect_of_ours_costs_one_answer_and_no_connection(town: Town) -> None:
    """A question that makes the code fail is answered internalError, counted, and the next one is answered."""
    serial = toy.serials(1)[0]
    town.shop.publish(toy.good(serial))

    class Broken(StoredStatus):
        def answer(self, body: bytes, now: datetime) -> Answer:
            if body == b"boom":
                raise ZeroDivisionError
            return super().answer(body, now)

    town.opens(answering=Broken(town.settings.store, None, Policy()))
    with town.line() as line:
        response = line.say(post(b"boom")).hear()

        assert (response.status, response.body, response.caching) == (500, INTERNAL, "no-store")
        assert status(line.say(post(toy.request(serial))).hear()) == "GOOD"
        assert town.wait(lambda: town.counts("faults") == 1)


def test_a_signer_that_is_away_is_try_later(town: Town) -> None:
    """P8, P10: a nonce cannot be answered from the store; the same question without one can."""
    serial = toy.serials(1)[0]
    town.shop.publish(toy.good(serial))
    issuer = Issuer(town, toy.good(serial))
    issuer.away = True
    town.opens(signer=issuer)
    asked = toy.request(serial, extensions=(toy.nonce_extension(b"n" * 16),))
    with town.line() as line:
        response = line.say(post(asked)).hear()

        assert (response.status, response.body, response.caching) == (503, LATER, "no-store")
        assert status(line.say(post(toy.request(serial))).hear()) == "GOOD"
        issuer.away = False
        assert status(line.say(post(asked)).hear()) == "GOOD"


def test_a_slow_signer_sheds_and_delays_nobody_else(town: Town) -> None:
    """P10: each signature takes 200 ms; what finds no place hears tryLater at once, stored answers are not held up, and the
    moment the signer is quick again all is well."""
    serial = toy.serials(1)[0]
    town.shop.publish(toy.good(serial))
    issuer = Issuer(town, toy.good(serial), seconds=0.2)
    town.opens(signer=issuer)
    asked = toy.request(serial, extensions=(toy.nonce_extension(b"n" * 16),))
    lines = [Line(town.port) for _ in range(40)]
    began = time.monotonic()
    for line in lines:
        line.say(post(asked))
    plain_began = time.monotonic()
    assert status(town.ask(post(toy.request(serial)))) == "GOOD"
    plain = time.monotonic() - plain_began
    answers = [line.hear() for line in lines]
    took = time.monotonic() - began

    assert sorted({answer.status for answer in answers}) == [200, 503]
    assert sum(answer.status == 503 for answer in answers) >= 30
    assert plain < 0.15 and took < 1.0
    issuer.seconds = 0.0
    assert status(lines[0].say(post(asked)).hear()) == "GOOD"
    for line in lines:
        line.socket.close()


def test_replies_keep_the_order_of_the_questions_while_one_is_being_signed(town: Town) -> None:
    """A pipelined stored answer waits for the live one before it."""
    serial, other = toy.serials(2)
    town.shop.publish(toy.good(serial), toy.revoked(other))
    town.opens(signer=Issuer(town, toy.good(serial), seconds=0.1))
    nonce = toy.request(serial, extensions=(toy.nonce_extension(b"n" * 16),))
    with town.line() as line:
        line.say(post(nonce) + post(toy.request(other)) + get(in_url(nonce)) + post(toy.request(serial)))
        answers = [line.hear() for _ in range(4)]

    assert [status(answer) for answer in answers] == ["GOOD", "REVOKED", "GOOD", "GOOD"]
    assert [answer.caching == "no-store" for answer in answers] == [True, False, True, False]
