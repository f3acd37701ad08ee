"""Fetching status: bounded in time and size, and remembered for no longer than it may be believed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from tests.unit.validation.hierarchy import LEAF, NOW, PEOPLE, Draft, Made, key, make, responder, response, revocation_list, uri
from tests.unit.validation.servers import Publication, closed_port, saying, serving
from trust.errors import Malformed, Unavailable
from trust.validation.crl import RevocationList
from trust.validation.crl_client import CrlClient, OfflineLists, http_fetch
from trust.validation.findings import Finding
from trust.validation.http_client import HttpClient
from trust.validation.memory import Memory
from trust.validation.ocsp_client import OcspClient
from trust.validation.status import CertificateStatus, StatusAnswer

HEAD = b"HTTP/1.1 200 OK\r\n"
LIST, DELTA = "/crl/personnes/003.crl", "/crl/personnes/003-delta.crl"
GOOD, REVOKED, UNKNOWN = CertificateStatus.GOOD, CertificateStatus.REVOKED, CertificateStatus.UNKNOWN


@pytest.fixture
def publication() -> Iterator[Publication]:
    """A publication server on this machine."""
    with serving() as served:
        yield served


def leaf_at(url: str, *, freshest: bool = False) -> Made:
    """A certificate whose status is published there."""
    delta = (url + DELTA,) if freshest else ()
    return make(Draft(points=(url + LIST,), responders=(url + "/ocsp",), freshest=delta), PEOPLE)


def said(source: OcspClient | CrlClient | OfflineLists, leaf: Made, *, minutes: float = 0) -> StatusAnswer:
    """What a source says of a certificate some minutes from now."""
    return source.status(leaf.read, PEOPLE.read, NOW + timedelta(minutes=minutes))


# --- HTTP --------------------------------------------------------------------------------------------------------------------


def test_what_is_there_is_fetched(publication: Publication) -> None:
    """By GET and by POST."""
    publication.answers["/a"] = b"octets"
    publication.responder = lambda body: body[::-1]

    assert HttpClient().get(publication.url + "/a", 10) == b"octets"
    assert HttpClient().post(publication.url + "/ocsp", b"abc", "application/ocsp-request", 10) == b"cba"


@pytest.mark.parametrize("status", [204, 301, 302, 304, 401, 404, 500, 503])
def test_anything_but_200_is_no_answer(publication: Publication, status: int) -> None:
    """Redirections are not followed: a certificate names the place itself."""
    publication.answers["/a"] = status

    with pytest.raises(Unavailable, match=str(status)):
        HttpClient().get(publication.url + "/a", 10)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x00\x01\x02",
        b"HTTP/1.1 200",
        HEAD + b"Content-Length: 5\r\n\r\nab",
        HEAD + b"Content-Length: -1\r\n\r\n" + b"x" * 200,
        HEAD + b"Content-Length: 999999999\r\n\r\n" + b"x" * 200,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        HEAD + b"\r\n" + b"x" * 200,
        HEAD + b"X: y\r\n" * 500 + b"\r\nab",
        HEAD + b"X: " + b"y" * 70_000 + b"\r\n\r\nab",
    ],
)
def test_a_server_that_keeps_no_rule_is_no_answer(octets: bytes) -> None:
    """Nothing, noise, half an answer, more than was allowed, headers without end."""
    with saying(octets) as url, pytest.raises(Unavailable):
        HttpClient().get(url + "/a", 100)


@pytest.mark.parametrize("octets", [HEAD + b"X: " + b"y" * 100, HEAD + b"\r\n" + b"x" * 100])
def test_a_server_that_drips_is_left(octets: bytes) -> None:
    """In its headers and in its body: the time is for the whole exchange, not for each piece."""
    start = time.monotonic()
    with saying(octets, pause=0.05, piece=1) as url, pytest.raises(Unavailable):
        HttpClient(timeout=0.3).get(url + "/a", 1000)

    assert time.monotonic() - start < 3


def test_a_server_that_is_not_there_is_no_answer() -> None:
    """Nor is a name that nobody can have."""
    for url in (closed_port(), "http://a..b"):
        with pytest.raises(Unavailable):
            HttpClient(timeout=2).get(url + "/a", 10)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://a/b",
        "file:///etc/passwd",
        "ldap://a/b",
        "http:a",
        "http://",
        "http://user@a/b",
        "http://a:0/b",
        "http://a:99999/b",
        "http://a/b c",
        "http://a/b\r\nX: y",
        "http://a/é",
        "http://a/b#c",
        "HTTP://a/b",
        "http://a/" + "b" * 2048,
    ],
)
def test_what_is_not_an_http_url_is_not_followed(url: str) -> None:
    """Other schemes, credentials, control characters, giants."""
    with pytest.raises(Malformed):
        HttpClient().get(url, 10)


def test_proxies_of_the_environment_are_not_used(publication: Publication, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process was started with does not decide where status comes from."""
    monkeypatch.setenv("http_proxy", closed_port())
    publication.answers["/a"] = b"octets"

    assert HttpClient().get(publication.url + "/a", 10) == b"octets"


def test_an_override_goes_elsewhere(publication: Publication) -> None:
    """For a mirror, or a network without the public name."""
    publication.answers["/mirror/a"] = b"octets"
    client = HttpClient(overrides={"http://status.test/": publication.url + "/mirror/"})

    assert client.get("http://status.test/a", 10) == b"octets"


# --- OCSP --------------------------------------------------------------------------------------------------------------------


def test_a_responder_is_asked_and_its_answer_remembered(publication: Publication) -> None:
    """For five minutes; then it is asked again."""
    leaf = leaf_at(publication.url)
    publication.responder = lambda body: response(leaf, by=responder())
    client = OcspClient()

    assert [said(client, leaf, minutes=minutes).status for minutes in (0, 1, 4, 6, 7)] == [GOOD] * 5
    assert len(publication.asked) == 2


def test_an_answer_is_forgotten_when_it_ends(publication: Publication) -> None:
    """Even within the five minutes, and even when nobody answers any more."""
    leaf = leaf_at(publication.url)
    publication.responder = lambda body: response(leaf, hours=(-1, 0.04))
    client = OcspClient()

    assert said(client, leaf).status is GOOD
    publication.responder = None
    assert said(client, leaf, minutes=3).status is UNKNOWN


def test_the_last_answer_counts_while_the_responder_is_down(publication: Publication) -> None:
    """Until its nextUpdate."""
    leaf = leaf_at(publication.url)
    publication.responder = lambda body: response(leaf)
    client = OcspClient()
    said(client, leaf)
    publication.responder = None

    assert [said(client, leaf, minutes=minutes).status for minutes in (60, 22 * 60, 24 * 60)] == [GOOD, GOOD, UNKNOWN]


def test_an_older_answer_does_not_undo_a_revocation(publication: Publication) -> None:
    """Somebody replays yesterday's good: it is authentic, in force, and older than what we know."""
    leaf = leaf_at(publication.url)
    publication.responder = lambda body: response(leaf, status=ocsp.OCSPCertStatus.REVOKED, hours=(-1, 23))
    client = OcspClient()
    assert said(client, leaf).status is REVOKED
    publication.responder = lambda body: response(leaf, hours=(-5, 23))

    assert said(client, leaf, minutes=10).status is REVOKED


def test_a_responder_that_does_not_answer_is_left_alone_for_a_while() -> None:
    """Its callers do not wait one after the other."""
    leaf = leaf_at(closed_port())
    client = OcspClient(HttpClient(timeout=1))

    answers = [said(client, leaf, minutes=minutes) for minutes in (0, 0.1, 0.2)]
    assert {(answer.status, answer.reasons[0].finding) for answer in answers} == {(UNKNOWN, Finding.STATUS_UNAVAILABLE)}


def test_a_responder_that_talks_nonsense_is_unknown(publication: Publication) -> None:
    """And so is a certificate that names none."""
    leaf = leaf_at(publication.url)
    publication.responder = lambda body: b"nonsense"

    assert said(OcspClient(), leaf).reasons[0].finding is Finding.STATUS_UNAVAILABLE
    assert "names no OCSP responder" in str(said(OcspClient(), make(Draft(responders=()), PEOPLE)).reasons[0])


# --- lists -------------------------------------------------------------------------------------------------------------------


def shard(url: str, *serials: int, number: int = 12, **options: object) -> bytes:
    """The list of that shard."""
    entries = [(serial, None) for serial in serials]
    return revocation_list(PEOPLE, entries, number=number, point={"full_name": [uri(url + LIST)]}, **options)  # type: ignore[arg-type]


def test_a_list_is_fetched_and_remembered(publication: Publication) -> None:
    """For a quarter of an hour, for every certificate of the shard."""
    leaf, other = leaf_at(publication.url), make(Draft(points=(publication.url + LIST,), serial=0x41 << 120 | 9), PEOPLE)
    publication.answers[LIST] = shard(publication.url, other.read.serial)
    client = CrlClient()

    assert [said(client, one, minutes=minutes).status for one, minutes in ((leaf, 0), (other, 1), (leaf, 14))] == [
        GOOD,
        REVOKED,
        GOOD,
    ]
    assert publication.asked == [LIST]
    said(client, leaf, minutes=16)
    assert publication.asked == [LIST, LIST]


def test_the_last_list_counts_while_it_cannot_be_fetched_again(publication: Publication) -> None:
    """Until its nextUpdate, never after."""
    leaf = leaf_at(publication.url)
    publication.answers[LIST] = shard(publication.url)
    client = CrlClient()
    said(client, leaf)
    publication.answers[LIST] = 500

    assert [said(client, leaf, minutes=minutes).status for minutes in (60, 22 * 60, 24 * 60)] == [GOOD, GOOD, UNKNOWN]


def test_an_older_list_does_not_take_the_place_of_a_newer_one(publication: Publication) -> None:
    """Authentic and in force, but its number is lower: somebody replays it."""
    leaf = leaf_at(publication.url)
    publication.answers[LIST] = shard(publication.url, leaf.read.serial, number=13)
    client = CrlClient()
    said(client, leaf)
    publication.answers[LIST] = shard(publication.url, number=12)

    assert said(client, leaf, minutes=60).status is REVOKED


def test_a_forged_list_takes_the_place_of_nothing(publication: Publication) -> None:
    """Whatever number it claims, it is not kept: the good one counts, now and afterwards."""
    leaf = leaf_at(publication.url)
    publication.answers[LIST] = shard(publication.url)
    client = CrlClient()
    said(client, leaf)
    publication.answers[LIST] = shard(publication.url, leaf.read.serial, number=1 << 150, signer=key("P-256", 999))
    assert said(client, leaf, minutes=60).status is GOOD
    publication.answers[LIST] = shard(publication.url, leaf.read.serial, number=13)

    assert said(client, leaf, minutes=120).status is REVOKED


def test_a_delta_is_fetched_when_the_certificate_names_one(publication: Publication) -> None:
    """And when it cannot be had, or is about another part of the certificates, the list speaks alone."""
    leaf = leaf_at(publication.url, freshest=True)
    publication.answers[LIST] = shard(publication.url)
    assert said(CrlClient(), leaf).status is GOOD
    publication.answers[DELTA] = revocation_list(PEOPLE, [(leaf.read.serial, None)], number=13, base=12)
    assert said(CrlClient(), leaf).status is GOOD
    publication.answers[DELTA] = shard(publication.url, leaf.read.serial, number=13, base=12)

    assert said(CrlClient(), leaf).status is REVOKED


def test_a_delta_is_fetched_when_the_list_names_one(publication: Publication) -> None:
    """As a relying party finds it who knows nothing of the certificate's own extension (RFC 5280 §5.2.6)."""
    leaf = leaf_at(publication.url)
    point = x509.DistributionPoint([uri(publication.url + DELTA)], None, None, None)
    publication.answers[LIST] = shard(publication.url, others=[(x509.FreshestCRL([point]), False)])
    publication.answers[DELTA] = shard(publication.url, leaf.read.serial, number=13, base=12)
    assert said(CrlClient(), leaf).status is REVOKED
    publication.asked.clear()
    forged = shard(publication.url, others=[(x509.FreshestCRL([point]), False)], signer=key("P-256", 999))
    publication.answers[LIST] = forged

    assert said(CrlClient(), leaf).status is UNKNOWN
    assert publication.asked == [LIST], "where anybody's list points is not followed"


def test_a_delta_of_a_newer_list_has_that_list_fetched(publication: Publication) -> None:
    """Once a minute at most, while the newer list is not there."""
    leaf = leaf_at(publication.url, freshest=True)
    publication.answers[LIST] = shard(publication.url)
    publication.answers[DELTA] = shard(publication.url, number=14, base=14)
    client = CrlClient()

    assert [said(client, leaf, minutes=minutes).status for minutes in (0, 0.5, 2)] == [GOOD] * 3
    assert publication.asked == [LIST, DELTA, LIST]
    publication.answers[LIST] = shard(publication.url, leaf.read.serial, number=14)
    assert said(client, leaf, minutes=4).status is REVOKED


def test_a_list_that_is_none_is_unknown(publication: Publication) -> None:
    """Not there, not a list, and no place named at all."""
    leaf = leaf_at(publication.url)
    assert said(CrlClient(), leaf).reasons[0].finding is Finding.STATUS_UNAVAILABLE
    publication.answers[LIST] = b"not a list"
    assert said(CrlClient(), leaf).reasons[0].finding is Finding.STATUS_UNAVAILABLE
    for nowhere in (make(Draft(points=()), PEOPLE), make(Draft(points=("ldap://a/b",)), PEOPLE)):
        assert "names no list" in str(said(CrlClient(), nowhere).reasons[0])


def test_the_second_place_is_tried_when_the_first_fails(publication: Publication) -> None:
    """A certificate may name several."""
    leaf = make(Draft(points=(publication.url + "/gone.crl", publication.url + LIST)), PEOPLE)
    publication.answers[LIST] = shard(publication.url)

    assert said(CrlClient(http_fetch(HttpClient())), leaf).status is GOOD


# --- lists in hand ------------------------------------------------------------------------------------------------------------


def test_lists_in_hand_need_no_network() -> None:
    """The newest that counts decides; of two equally new, the one that revokes."""
    mine = [(LEAF.read.serial, None)]
    old, new = revocation_list(PEOPLE, mine, number=11, hours=(-9, 15)), revocation_list(PEOPLE, number=12)
    same = revocation_list(PEOPLE, mine, number=12)

    assert said(lists(old, new), LEAF).status is GOOD
    assert said(lists(same, new), LEAF).status is said(lists(new, same), LEAF).status is REVOKED
    assert said(lists(), LEAF).reasons[0].finding is Finding.STATUS_UNAVAILABLE
    assert said(lists(revocation_list(PEOPLE, signer=key("P-256", 999))), LEAF).reasons[0].finding is Finding.STATUS_UNAUTHENTIC


def test_a_delta_in_hand_completes_its_list() -> None:
    """The newest one that fits."""
    mine = [(LEAF.read.serial, None)]
    first, second = revocation_list(PEOPLE, number=13, base=12), revocation_list(PEOPLE, mine, number=14, base=12)

    assert said(lists(revocation_list(PEOPLE), first, second), LEAF).status is REVOKED


def lists(*octets: bytes) -> OfflineLists:
    """Lists in hand."""
    return OfflineLists(RevocationList(one) for one in octets)


# --- memory ------------------------------------------------------------------------------------------------------------------


def test_memory_keeps_what_was_used_last() -> None:
    """And never more than its capacity."""
    memory: Memory[str] = Memory(2)
    for name in ("a", "b"):
        memory.keep(name, name, NOW)
    memory.recall("a", NOW, timedelta(hours=1))
    memory.keep("c", "c", NOW)

    assert [memory.recall(name, NOW, timedelta(hours=1)) for name in ("a", "b", "c")] == ["a", None, "c"]


def test_memory_does_not_know_what_it_learnt_too_long_ago() -> None:
    """Nor what it will have learnt: a clock put back makes nothing fresh."""
    memory: Memory[str] = Memory(2)
    memory.keep("a", "a", NOW)

    assert memory.recall("a", NOW + timedelta(minutes=2), timedelta(minutes=1)) is None
    assert memory.recall("a", NOW - timedelta(minutes=2), timedelta(minutes=1)) is None
