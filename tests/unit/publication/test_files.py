"""Published files (RFC 3647 §2; L02): strictly those, fresh, and however large."""

from __future__ import annotations

import os
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest

from tests.unit.publication.client import get, post
from tests.unit.publication.conftest import Town
from tests.unit.publication.crls import crl, large_crl
from tests.unit.publication.test_index import description
from tests.unit.status import toy
from web.publication.reply import is_this_machine


@pytest.fixture
def library(town: Town) -> Town:
    """A town with one file of each kind, open."""
    town.publishes("index.html", b"<!doctype html><p>accueil")
    town.publishes("index.en.html", b"<!doctype html><p>welcome")
    town.publishes("style.css", b"p { margin: 0 }")
    town.publishes("crl/personnes.crl", crl(toy.NOON, toy.NOON + toy.DAY, 7))
    town.publishes("crl/personnes/3.crl", crl(toy.NOON, toy.NOON + toy.DAY))
    town.publishes("aia/personnes.cer", toy.ca_certificate("personnes"))
    town.publishes("chain/personnes.pem", b"-----BEGIN CERTIFICATE-----\n")
    town.publishes("policies/index.html", b"<p>politiques")
    town.publishes("policies/CP.pdf", b"%PDF-1.7")
    town.publishes("journal/checkpoint", b"sceau\n1\n")
    town.publishes("journal/tile/0/x001/067", b"\x00\x01")
    town.publishes(".git", b"hidden")
    town.publishes("secret.html", b"not a name that we publish")
    (town.home / "publication" / "secret").write_bytes(b"outside")
    town.opens()
    return town


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.en.html", "text/html; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/crl/personnes.crl", "application/pkix-crl"),
        ("/crl/personnes/3.crl", "application/pkix-crl"),
        ("/aia/personnes.cer", "application/pkix-cert"),
        ("/chain/personnes.pem", "application/pem-certificate-chain"),
        ("/policies/", "text/html; charset=utf-8"),
        ("/policies/CP.pdf", "application/pdf"),
        ("/journal/checkpoint", "text/plain; charset=utf-8"),
        ("/journal/tile/0/x001/067", "application/octet-stream"),
        ("/crl/personnes.crl?from=somewhere", "application/pkix-crl"),
    ],
)
def test_each_kind_of_file_has_its_type(library: Town, target: str, kind: str) -> None:
    """And no browser may guess another; pages run nothing from anywhere."""
    response = library.ask(get(target.encode()))

    assert (response.status, response.fields["content-type"]) == (200, kind)
    assert response.fields["x-content-type-options"] == "nosniff"
    if kind.startswith("text/html"):
        assert response.fields["content-security-policy"].startswith("default-src 'none'; style-src 'self';")


@pytest.mark.parametrize(
    "target",
    [
        *(
            "/../publication/secret",
            "/crl/../../secret",
            "/crl/..",
            "/crl/../crl/personnes.crl",
            "/..%2fsecret",
            "/%2e%2e/secret",
        ),
        *("/.git", "/crl/.draft", "//crl/personnes.crl", "/crl//personnes.crl", "/crl/./personnes.crl", "/CRL/personnes.crl"),
        *("/secret.html", "/crl/personnes.crl/", "/crl", "/crl/", "/crl/personnes", "/crl/%00", "/crl/a;b", "/crl/~root"),
        *(
            "/crl/personnes.crl%00.html",
            "/crl/" + "a" * 200,
            "/crl/a/b/c/d/e/f/g/h",
            "/journal/tile/0",
            "/healthz/",
            "/metrics/x",
        ),
        "/crl/\\..\\secret",
    ],
)
def test_nothing_else_is_found(library: Town, target: str) -> None:
    """No traversal, nothing hidden, no folder, no encoded name: the same words for each."""
    response = library.ask(get(target.encode()))

    assert (response.status, response.caching) == (404, "no-store")
    assert b"secret" not in response.body and b"personnes" not in response.body


def test_pages_are_made_from_the_facts_that_the_issuer_publishes(town: Town) -> None:
    """They follow the facts within a second, and are not there before the facts are."""
    town.opens()
    assert [town.ask(get(name)).status for name in (b"/", b"/policies/", b"/style.css")] == [404] * 3

    town.publishes("policies/CP.md", b"# CP")
    town.publishes("authority.json", description())
    assert town.wait(lambda: town.ask(get(b"/")).status == 200)
    names = (b"/index.html", b"/index.en.html", b"/policies/", b"/policies/index.en.html", b"/style.css", b"/authority.json")
    found = [town.ask(get(name)) for name in names]
    assert [each.status for each in found] == [200] * 6
    assert b"SCEAU DEMO PERSONNES" in found[0].body and b"/policies/CP.md" in found[2].body
    assert found[0].fields["content-security-policy"].startswith("default-src 'none'")
    assert town.ask(get(b"/", more=b"If-None-Match: " + found[0].fields["etag"].encode() + b"\r\n")).status == 304

    town.publishes("journal/checkpoint", b"sceau.example/journal\n1284\n")
    assert town.wait(lambda: b"1284" in town.ask(get(b"/")).body)
    town.publishes("authority.json", b"{}")
    assert town.wait(lambda: town.ask(get(b"/")).status == 404)


def test_no_link_and_no_device_is_followed(library: Town) -> None:
    """Not as a file, not as a folder on the way, not in the place of a file that was served a moment ago; a pipe does not
    block."""
    os.symlink(library.home / "publication" / "secret", library.www / "crl" / "link.crl")
    os.symlink(library.home / "publication", library.www / "policies" / "up")
    os.mkfifo(library.www / "policies" / "pipe")
    assert [library.ask(get(name)).status for name in (b"/crl/link.crl", b"/policies/up/secret", b"/policies/pipe")] == [404] * 3

    assert library.ask(get(b"/policies/CP.pdf")).status == 200
    (library.www / "policies" / "CP.pdf").unlink()
    os.symlink(library.home / "publication" / "secret", library.www / "policies" / "CP.pdf")
    assert library.wait(lambda: library.ask(get(b"/policies/CP.pdf")).status == 404)


def test_a_file_that_is_replaced_is_served_anew_within_a_second(library: Town) -> None:
    """And one that is withdrawn is not found any more."""
    first = library.ask(get(b"/crl/personnes.crl"))
    renewed = library.publishes("crl/personnes.crl", crl(toy.NOON, toy.NOON + toy.DAY, 7, 8))

    assert library.wait(lambda: library.ask(get(b"/crl/personnes.crl")).body != first.body, 1.0)
    assert library.ask(get(b"/crl/personnes.crl")).body == renewed.read_bytes()
    renewed.unlink()
    assert library.wait(lambda: library.ask(get(b"/crl/personnes.crl")).status == 404, 1.0)


def test_a_conditional_get_is_spared_what_it_has(library: Town) -> None:
    """RFC 9110 §13: by tag, by date, and the tag decides when both are there."""
    first = library.ask(get(b"/crl/personnes.crl"))
    tag, date = first.fields["etag"].encode(), first.fields["last-modified"].encode()
    asked = {
        b"If-None-Match: %b\r\n" % tag: 304,
        b'If-None-Match: "x", W/%b\r\n' % tag: 304,
        b"If-None-Match: *\r\n": 304,
        b'If-None-Match: "x"\r\n': 200,
        b'If-None-Match: "x"\r\nIf-Modified-Since: %b\r\n' % date: 200,
        b"If-Modified-Since: %b\r\n" % date: 304,
        b"If-Modified-Since: Mon, 02 Mar 2020 12:00:00 GMT\r\n": 200,
        b"If-Modified-Since: yesterday\r\n": 200,
        b"If-Modified-Since: Mon, 99 Zzz 2020\r\n": 200,
    }
    with library.line() as line:
        found = {more: line.say(get(b"/crl/personnes.crl", more=more)).hear() for more in asked}

    assert {more: response.status for more, response in found.items()} == asked
    unchanged = found[b"If-None-Match: *\r\n"]
    assert (unchanged.body, unchanged.fields["etag"]) == (b"", first.fields["etag"])
    assert "content-length" not in unchanged.fields


def test_caches_keep_a_list_for_a_while_and_never_past_its_end(library: Town) -> None:
    """Expires is nextUpdate; max-age is the ceiling, or what is left."""
    first = library.ask(get(b"/crl/personnes.crl"))
    assert parsedate_to_datetime(first.fields["expires"]) == toy.NOON + toy.DAY
    assert first.caching == "max-age=60,public,no-transform,must-revalidate"

    library.clock.moment = toy.NOON + toy.DAY - timedelta(seconds=10)
    assert library.wait(lambda: library.ask(get(b"/crl/personnes.crl")).caching.startswith("max-age=9,"))


@pytest.mark.parametrize("large", [False, True])
def test_an_expired_list_is_withheld_and_not_dated_anew(library: Town, large: bool) -> None:
    """L02: after nextUpdate the URL says so, 503, until the issuer publishes; HEAD and conditional requests too."""
    if large:
        library.publishes("crl/personnes.crl", large_crl(toy.NOON, 20_000))
    library.clock.moment = toy.NOON + toy.DAY - timedelta(seconds=1)
    assert library.wait(lambda: library.ask(get(b"/crl/personnes.crl")).status == 200)
    library.clock.moment += timedelta(seconds=1)
    assert library.wait(lambda: library.ask(get(b"/crl/personnes.crl")).status == 503)

    response = library.ask(get(b"/crl/personnes.crl", more=b"If-None-Match: *\r\n"))
    assert (response.status, response.caching) == (503, "no-store")
    assert "a expiré le 2026-03-03T12:00:00Z" in response.body.decode()
    assert "retry-after" in response.fields
    library.publishes("crl/personnes.crl", crl(toy.NOON + toy.DAY, toy.NOON + 2 * toy.DAY))
    assert library.wait(lambda: library.ask(get(b"/crl/personnes.crl")).status == 200)


def test_a_list_that_is_damaged_is_withheld(library: Town) -> None:
    """Half a file, as a copy in progress would be."""
    whole = crl(toy.NOON, toy.NOON + toy.DAY, *range(1, 50))
    library.publishes("crl/half.crl", whole[: len(whole) // 2])

    assert library.ask(get(b"/crl/half.crl")).status == 503


def test_a_large_file_arrives_whole_however_slowly_it_is_read(library: Town) -> None:
    """42 MB to a fast client while a slow one takes its time; the replacement on disk does not touch either."""
    content = large_crl(toy.NOON, 1_100_000)
    library.publishes("crl/large.crl", content)
    slow = library.line(receive_buffer=32_768)
    slow.say(get(b"/crl/large.crl") + post(b"0"))
    with library.line() as fast:
        assert fast.say(get(b"/crl/large.crl")).hear().body == content
        library.publishes("crl/large.crl", crl(toy.NOON, toy.NOON + toy.DAY))
        assert library.wait(lambda: len(fast.say(get(b"/crl/large.crl")).hear().body) < 1000)

    assert slow.hear().body == content
    assert slow.hear().status == 400  # the pipelined request after it


def test_head_of_a_large_file_tells_its_length_and_sends_nothing(library: Town) -> None:
    """So that a client can decide."""
    content = large_crl(toy.NOON, 20_000)
    library.publishes("crl/large.crl", content)
    with library.line() as line:
        head = line.say(get(b"/crl/large.crl", method=b"HEAD")).hear(head_only=True)
        assert head.fields["content-length"] == str(len(content))
        assert line.say(get(b"/aia/personnes.cer")).hear().status == 200


def test_a_large_file_that_is_cut_on_disk_ends_the_connection(library: Town) -> None:
    """The announced length is not reached: the client must not take half a list for a whole one."""
    path = library.publishes("policies/large.pdf", bytes(30_000_000))
    line = library.line(receive_buffer=32_768)
    line.say(get(b"/policies/large.pdf"))
    line.socket.recv(1_000)
    os.truncate(path, 10_000_000)

    with pytest.raises((EOFError, ConnectionResetError)):
        line.hear()
        line.hear()


def test_too_many_large_downloads_are_shed_and_the_slowest_makes_room(town: Town) -> None:
    """P10: places for streams are few; whoever takes nothing for a second gives his up."""
    town.publishes("policies/large.pdf", bytes(8_000_000))
    town.opens(streams=3)
    sleeping = [town.line(receive_buffer=4_096) for _ in range(3)]
    for line in sleeping:
        line.say(get(b"/policies/large.pdf"))
    assert town.wait(lambda: town.counts("file") == 3)

    response = town.ask(get(b"/policies/large.pdf"))
    assert response.status == 503 or len(response.body) == 8_000_000
    assert town.wait(lambda: town.ask(get(b"/policies/large.pdf")).status == 200)
    assert town.wait(lambda: town.counts("evicted") >= 1)


def test_health_and_measurements_are_for_this_machine_alone(library: Town) -> None:
    """A proxy on this machine passes on what strangers ask: what says to be forwarded is a stranger's."""
    for target in (b"/healthz", b"/metrics"):
        assert library.ask(get(target)).status == 200
        for field in (b"X-Forwarded-For: 192.0.2.1\r\n", b"Forwarded: for=192.0.2.1\r\n", b"Via: 1.1 proxy\r\n"):
            assert library.ask(get(target, more=field)).status == 404


@pytest.mark.parametrize(
    ("address", "is_ours"),
    [
        *(("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("::ffff:127.0.0.1", True)),
        *(("192.0.2.1", False), ("::ffff:192.0.2.1", False), ("fe80::1%lo", False), ("", False), ("localhost", False)),
    ],
)
def test_this_machine_is_known_by_its_address(address: str, is_ours: bool) -> None:
    """Also when a socket for both protocols writes IPv4 inside IPv6."""
    assert is_this_machine(address) is is_ours


def test_health_tells_the_age_of_every_list(library: Town) -> None:
    """ "ok" while the store can be read and no list has expired, else "failing" and 503."""
    toy_health = library.ask(get(b"/healthz"))
    assert toy_health.status == 200
    assert b'"status": "ok"' in toy_health.body and b'"age_seconds": 300' in toy_health.body
    assert b'"worker": %d' % os.getpid() in toy_health.body

    library.publishes("crl/organisations.crl", crl(toy.NOON - 2 * toy.DAY, toy.NOON - toy.DAY))
    failing = library.ask(get(b"/healthz"))
    assert failing.status == 503
    assert b'{"name": "crl/organisations.crl", "fresh": false' in failing.body


def test_measurements_are_prometheus_text(library: Town) -> None:
    """Replies by what they were, and what else happened."""
    library.ask(get(b"/crl/personnes.crl"))
    library.ask(get(b"/nothing"))
    lines = library.ask(get(b"/metrics")).body.decode().splitlines()

    assert 'sceau_publication_replies_total{what="crl"} 1' in lines
    assert 'sceau_publication_replies_total{what="not-found"} 1' in lines
    assert 'sceau_publication_events_total{event="connections"} 3' in lines
    assert "sceau_publication_connections 1" in lines
