"""Slow, silent and numerous clients (P10, P35; W4): each costs a bounded time and a bounded place."""

from __future__ import annotations

import select
import time

import pytest

from tests.unit.publication.client import Line, get, post
from tests.unit.publication.conftest import Town
from tests.unit.status import toy
from web.publication.settings import Limits


@pytest.fixture
def serial(town: Town) -> bytes:
    """A good certificate in a town that is not open yet."""
    found = toy.serials(1)[0]
    town.shop.publish(toy.good(found))
    return found


def test_headers_that_trickle_in_are_cut_off(town: Town, serial: bytes) -> None:
    """The limit counts from the first octet: one more every 100 ms does not prolong it."""
    town.opens(head_seconds=0.6)
    with town.line() as line:
        line.say(b"GET / HTTP/1.1\r\nHost: a\r\n")
        began = time.monotonic()
        try:
            while time.monotonic() - began < 4:
                line.say(b"X: y\r\n")
                time.sleep(0.1)
        except OSError:
            pass
        assert time.monotonic() - began < 2.5
    assert town.wait(lambda: town.counts("head-timeout") == 1)


def test_a_slow_client_is_told_so(town: Town, serial: bytes) -> None:
    """408, for the head and for the body."""
    town.opens(head_seconds=0.3, body_seconds=0.3)
    body = b"POST /ocsp HTTP/1.1\r\nHost: a\r\nContent-Type: application/ocsp-request\r\nContent-Length: 83\r\n\r\n0"
    for begun in (b"GET / HTTP/1.1\r\nHo", body):
        with town.line() as line:
            response = line.say(begun).hear()
            assert (response.status, response.fields["connection"]) == (408, "close")
            assert line.is_over()


def test_a_silent_connection_is_closed(town: Town, serial: bytes) -> None:
    """Before its first request, and between two."""
    town.opens(idle_seconds=0.4)
    with town.line() as silent, town.line() as served:
        assert served.say(post(toy.request(serial))).hear().status == 200

        assert silent.is_over()
        assert served.is_over()
    assert town.wait(lambda: town.counts("idle-timeout") == 2)


def test_a_client_that_does_not_read_is_cut_off_and_holds_little(town: Town, serial: bytes) -> None:
    """Thousands of pipelined questions and no reading: we stop reading too, then end it."""
    town.opens(write_seconds=0.6)
    line = town.line(receive_buffer=4_096)
    line.socket.settimeout(3)
    flood, sent, began = post(toy.request(serial)) * 100_000, 0, time.monotonic()
    try:
        while time.monotonic() - began < 8 and sent < len(flood):
            sent += line.socket.send(flood[sent : sent + 65_536])
    except OSError:
        pass

    assert sent < 8_000_000
    assert town.wait(lambda: town.counts("write-timeout") == 1)


def test_one_connection_too_many_takes_the_place_of_a_silent_one(town: Town, serial: bytes) -> None:
    """P10, P35: a thousand connections that say nothing do not keep anybody out."""
    town.opens(connections=40)
    silent = [town.line().say(b"GET / HT") for _ in range(40)]
    assert town.wait(lambda: town.counts("connections") == 40)
    time.sleep(1.6)

    answers = [town.ask(post(toy.request(serial))).status for _ in range(30)]

    assert answers == [200] * 30
    assert town.wait(lambda: town.counts("evicted") >= 1)
    assert any(line.is_over() for line in silent if select.select([line.socket], [], [], 0)[0])


def test_when_all_places_are_busy_a_newcomer_is_told_to_come_back(town: Town, serial: bytes) -> None:
    """P10: 503 with Retry-After at once, no waiting in a queue; and a place that is free again is given."""
    town.opens(connections=10)
    active = [town.line() for _ in range(10)]
    for line in active:
        assert line.say(post(toy.request(serial))).hear().status == 200

    with town.line() as line:
        response = line.hear()
        assert (response.status, response.fields["connection"], response.caching) == (503, "close", "no-store")
        assert int(response.fields["retry-after"]) > 0
        assert line.is_over()
    active[0].socket.close()
    assert town.wait(lambda: town.ask(post(toy.request(serial))).status == 200)


def test_slow_clients_do_not_delay_others(town: Town, serial: bytes) -> None:
    """P35: two hundred slow heads, slow bodies and readers that sleep; a question is answered as fast as before."""
    town.publishes("crl/big.crl", b"")
    town.publishes("policies/big.pdf", bytes(8_000_000))
    town.opens()
    slow = [town.line() for _ in range(200)]
    for number, line in enumerate(slow):
        line.say((b"GET / HTTP/1.1\r\nHo", post(toy.request(serial))[:150], get(b"/policies/big.pdf"))[number % 3])
    with town.line() as line:
        times = []
        for _ in range(200):
            began = time.monotonic()
            assert line.say(post(toy.request(serial))).hear().status == 200
            times.append(time.monotonic() - began)

    assert sorted(times)[190] < 0.1


def test_one_client_s_pipeline_does_not_delay_another_s_question(town: Town, serial: bytes) -> None:
    """A turn is 16 KiB: what one connection sends ahead waits while others are answered."""
    town.opens()
    greedy = town.line()
    greedy.socket.setblocking(False)
    flood, sent = post(toy.request(serial)) * 200_000, 0
    with town.line() as line:
        line.say(post(toy.request(serial))).hear()
        times = []
        for _ in range(50):
            try:
                while True:
                    sent += greedy.socket.send(flood[sent : sent + 262_144])
            except BlockingIOError:
                pass
            began = time.monotonic()
            assert line.say(post(toy.request(serial))).hear().status == 200
            times.append(time.monotonic() - began)
            try:
                while greedy.socket.recv(1 << 20):
                    pass
            except BlockingIOError:
                pass

    assert sorted(times)[45] < 0.1


@pytest.mark.parametrize("limits", [Limits(connections=5), Limits(streams=5)])
def test_a_line_that_ends_gives_its_place_back(town: Town, serial: bytes, limits: Limits) -> None:
    """Three times as many as there are places, one after the other."""
    town.publishes("policies/big.pdf", bytes(2_000_000))
    town.limits = limits
    town.opens()
    for _ in range(15):
        with Line(town.port, receive_buffer=4_096) as line:
            line.say(get(b"/policies/big.pdf"))
            line.socket.recv(100)
    with town.line() as line:
        assert line.say(get(b"/policies/big.pdf")).hear().status == 200
