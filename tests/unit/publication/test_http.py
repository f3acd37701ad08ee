"""HTTP/1.1 as hostile and careless clients write it (RFC 9112)."""

from __future__ import annotations

import random
import time
from base64 import b64encode

import pytest

from tests.unit.publication.client import ask, get, post
from tests.unit.publication.conftest import Town
from tests.unit.publication.crls import crl
from tests.unit.status import toy

STATUS = b"POST /ocsp HTTP/1.1\r\nHost: a\r\nContent-Type: application/ocsp-request\r\n"


def test_pipelined_requests_are_answered_in_order(town: Town, good: bytes) -> None:
    """Three hundred in one segment, of four kinds."""
    town.publishes("policies/index.html", b"<p>policies")
    four = post(toy.request(good)) + get(b"/policies/") + get(b"/ocsp/AAAA") + get(b"/nothing")
    with town.line() as line:
        line.say(four * 75)

        assert [line.hear().status for _ in range(300)] == [200, 200, 400, 404] * 75
        assert line.say(post(toy.request(good))).hear().status == 200


def test_a_request_in_single_octets_is_a_request(town: Town, good: bytes) -> None:
    """TCP has no message boundaries."""
    with town.line() as line:
        for request in (post(toy.request(good)), post(toy.request(good)), get(b"/nothing")):
            for octet in request:
                line.say(bytes((octet,)))
            assert line.hear().status == (404 if request.startswith(b"GET") else 200)


def test_a_request_is_waited_for_wherever_its_first_segment_ends(town: Town, good: bytes) -> None:
    """A first segment of two octets was once answered 400 by itself: nothing is known of a head that is not there."""
    request = post(toy.request(good))
    for length in (*range(1, 12), len(request) - 17, len(request) - 16, len(request) - 1):
        with town.line() as line:
            line.say(request[:length])
            time.sleep(0.01)  # for the octets to be a segment of their own
            assert line.say(request[length:]).hear().status == 200, length


def test_head_and_body_in_two_segments_are_one_request(town: Town, good: bytes) -> None:
    """Also after the head was learnt."""
    head, _, body = post(toy.request(good)).partition(b"\r\n\r\n")
    with town.line() as line:
        for _ in range(3):
            line.say(head + b"\r\n\r\n").say(body)
            assert line.hear().status == 200
        assert line.say(post(toy.request(good))).hear().status == 200


def test_a_remembered_head_before_a_spoiled_start_is_not_recognised(town: Town, good: bytes) -> None:
    """The octet that came before belongs to the request: XPOST is no method."""
    known = post(toy.request(good))
    assert town.ask(known).status == 200
    with town.line() as line:
        line.say(b"X")
        line.socket.setsockopt(6, 1, 1)  # TCP_NODELAY: two segments

        assert line.say(known).hear().status == 400
        assert line.is_over()


def test_chunked_bodies_are_put_together(town: Town, good: bytes) -> None:
    """With extensions and a trailer; and what follows is the next request."""
    body = toy.request(good)
    chunks = b"".join(b"%x;name=value\r\n%b\r\n" % (len(body[i : i + 20]), body[i : i + 20]) for i in range(0, len(body), 20))
    whole = STATUS + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nHost: evil\r\n\r\n"
    with town.line() as line:
        assert [line.say(whole).hear().status for _ in range(3)] == [200] * 3
        assert line.say(whole + post(body)).hear().status == line.hear().status == 200


def test_chunks_without_end_are_refused(town: Town, good: bytes) -> None:
    """413 as soon as the body is too long, and when chunks of one octet cost more than any request may."""
    for chunk in (b"1000\r\n" + bytes(4096) + b"\r\n", b"1" + b";x=" + b"y" * 900 + b"\r\nz\r\n"):
        with town.line() as line:
            line.say(STATUS + b"Transfer-Encoding: chunked\r\n\r\n")
            try:
                for _ in range(200):
                    line.say(chunk)
            except OSError:  # it has closed already
                pass
            assert line.hear().status == 413


def test_a_client_that_waits_for_100_is_told_to_go_on(town: Town, good: bytes) -> None:
    """RFC 9110 §10.1.1; also between pipelined requests, and not for a body that is refused anyway."""
    body = toy.request(good)
    head = STATUS + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
    with town.line() as line:
        for _ in range(3):
            assert line.say(head).hear().status == 100
            assert line.say(body).hear().status == 200
        line.say(get(b"/nothing") + head)
        assert [line.hear().status for _ in range(2)] == [404, 100]
        assert line.say(body).hear().status == 200
    assert town.ask(STATUS + b"Expect: 100-continue\r\nContent-Length: 999999\r\n\r\n").status == 413
    assert town.ask(STATUS + b"Expect: 200-ok\r\nContent-Length: 3\r\n\r\nabc").status == 417


def test_targets_in_absolute_form_are_understood(town: Town, good: bytes) -> None:
    """RFC 9112 §3.2.2; other forms are not ours."""
    town.publishes("policies/index.html", b"<p>policies")

    assert town.ask(get(b"http://pki.example:8401/policies/")).status == 200
    assert town.ask(get(b"HTTPS://pki.example/policies/index.html")).status == 200
    assert town.ask(post(toy.request(good)).replace(b" /ocsp ", b" http://pki.example/ocsp ")).status == 200
    assert town.ask(get(b"http://pki.example")).status == 404  # the start page, which nobody published here
    assert town.ask(get(b"*", method=b"OPTIONS")).status == 400
    assert town.ask(get(b"ftp://pki.example/policies/")).status == 400


def test_http_1_0_is_spoken(town: Town, good: bytes) -> None:
    """No Host needed; the connection ends unless it is asked to stay."""
    with town.line() as line:
        response = line.say(b"GET /nothing HTTP/1.0\r\n\r\n").hear()
        assert (response.status, response.fields["connection"]) == (404, "close")
        assert line.is_over()
    with town.line() as line:
        kept = line.say(b"GET /nothing HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").hear()
        assert kept.fields["connection"] == "keep-alive"
        assert line.say(post(toy.request(good))).hear().status == 200


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("wish", [b"Connection: close\r\n", b"Connection: keep-alive\r\n", b""])
def test_the_shortcut_speaks_of_the_connection_as_the_parser_does(town: Town, good: bytes, version: bytes, wish: bytes) -> None:
    """Four connections with the same head: the first is parsed, the others are recognised; POST, GET, unknown, refused."""
    encoded = b64encode(toy.request(good))
    unknown = toy.request(toy.serials(1, seed=8)[0])
    requests = [post(toy.request(good), more=wish), get(b"/ocsp/" + encoded, more=wish), post(unknown, more=wish)]
    requests += [post(b"0" * 83, more=wish), get(b"/ocsp/" + b64encode(unknown), more=wish), get(b"/ocsp/AAAA", more=wish)]
    for request in (each.replace(b"HTTP/1.1", b"HTTP/" + version) for each in requests):
        found = []
        for _ in range(4):
            with town.line() as line:
                found.append(line.say(request).hear())
                if found[-1].fields.get("connection") == "close":
                    assert line.is_over()
                else:
                    assert line.say(request).hear() == found[-1]
        assert found == [found[0]] * 4
        assert ("close" if b"close" in wish or version + wish == b"1.0" else None) in (found[0].fields.get("connection"), None)


def test_files_on_a_kept_connection_are_what_they_are_to_the_parser(town: Town, good: bytes) -> None:
    """From the second request on, small files take the shortcut; what is expired, large, absent or hidden goes the long way."""
    town.publishes("crl/personnes.crl", crl(toy.NOON, toy.NOON + toy.DAY))
    town.publishes("crl/old.crl", crl(toy.NOON - 2 * toy.DAY, toy.NOON - toy.DAY))
    town.publishes("policies/large.pdf", bytes(400_000))
    targets = (b"/crl/personnes.crl", b"/crl/old.crl", b"/policies/large.pdf", b"/nothing", b"/crl/../secret", b"/crl/%41")
    first = {target: town.ask(get(target)) for target in targets}
    assert [each.status for each in first.values()] == [200, 503, 200, 404, 404, 404]
    with town.line() as line:
        for target in targets * 2:
            assert line.say(get(target)).hear() == first[target]
        assert line.say(get(b"/healthz")).hear().status == 503  # one list has expired
        tag = first[b"/crl/personnes.crl"].fields["etag"].encode()
        conditional = get(b"/crl/personnes.crl", more=b"If-None-Match: " + tag + b"\r\n")
        assert [line.say(conditional).hear().status for _ in range(3)] == [304] * 3


def test_connection_close_is_obeyed_and_nothing_after_it_is_read(town: Town, good: bytes) -> None:
    """RFC 9112 §9.6."""
    with town.line() as line:
        line.say(get(b"/nothing", more=b"Connection: close\r\n") + post(toy.request(good)))

        assert line.hear().fields["connection"] == "close"
        assert line.is_over()


def test_a_client_that_half_closes_still_gets_its_answer(town: Town, good: bytes) -> None:
    """`printf … | nc` does that."""
    with town.line() as line:
        line.say(get(b"/nothing") + post(toy.request(good)))
        line.socket.shutdown(1)

        assert [line.hear().status for _ in range(2)] == [404, 200]
        assert line.is_over()


@pytest.mark.parametrize(
    "octets",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),  # a TLS hello
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        STATUS + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        STATUS + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        STATUS + b"Content-Length: -3\r\n\r\nabc",
        STATUS + b"Content-Length: 99999999999999999999999\r\n\r\nabc",
        STATUS + b"Transfer-Encoding: gzip, chunked, x\r\n\r\nabc",
        STATUS + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        STATUS + b"Content-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
def test_what_is_not_http_is_refused_and_the_connection_ends(town: Town, good: bytes, octets: bytes) -> None:
    """400, with a length and a reason; nothing more is read from that client."""
    with town.line() as line:
        response = line.say(octets).hear()

        assert (response.status, response.fields["connection"], response.caching) == (400, "close", "no-store")
        assert response.body
        assert line.is_over()
    assert town.ask(post(toy.request(good))).status == 200


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 9_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(70)) + b"\r\n",
        b"GET /" + b"y" * 9_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 40_000,
        b"GET /" + b"y" * 40_000,
    ],
)
def test_a_head_too_long_is_refused(town: Town, good: bytes, octets: bytes) -> None:
    """431, whether it ends or not."""
    with town.line() as line:
        assert line.say(octets).hear().status == 431
        assert line.is_over()


def test_offers_to_speak_something_else_are_answered_plainly(town: Town, good: bytes) -> None:
    """CONNECT is no method of ours; an Upgrade is declined by answering."""
    with town.line() as line:
        assert line.say(b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n").hear().status in (400, 405)
    with town.line() as line:
        response = line.say(get(b"/nothing", more=b"Connection: Upgrade\r\nUpgrade: h2c\r\n")).hear()
        assert (response.status, response.fields["connection"]) == (404, "close")
        assert line.is_over()


def test_garbage_of_any_kind_never_stops_the_worker(town: Town, good: bytes) -> None:
    """Random octets, and true requests with random octets changed, removed or repeated; no reply is lost for others."""
    source = random.Random(20260302)
    whole = post(toy.request(good)) + get(b"/crl/a.crl") + STATUS + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    for _ in range(200):
        octets = bytearray(whole)
        for _ in range(source.randrange(1, 6)):
            place = source.randrange(len(octets))
            octets[place : place + source.randrange(3)] = source.randbytes(source.randrange(3))
        if source.random() < 0.2:
            octets = bytearray(source.randbytes(source.randrange(1, 400)))
        with town.line() as line:
            line.say(bytes(octets))
            line.socket.shutdown(1)
            try:
                while line.socket.recv(65_536):
                    pass
            except ConnectionResetError:
                pass

    assert ask(town.port, post(toy.request(good))).status == 200
    assert town.wait(lambda: town.counts("connections") >= 200)
    assert town.counts("faults") == 0
