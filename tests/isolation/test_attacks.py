"""What an attacker sends is shown as text, finds nothing, learns nothing (reliability W04, W08, W11, W13)."""

from __future__ import annotations

import html
from datetime import timedelta
from html.parser import HTMLParser
from io import BytesIO
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from pki.authenticators.model import Account, Kind
from tests.builders.authenticator import Authenticator
from tests.isolation.matrix import TABLES
from tests.isolation.people import AWAITED, COLLEAGUE, DOCTOR, NURSE, URL, Crowd, enter
from tests.isolation.things import Things
from tests.world import rpps

EVIL = """"><img src=x onerror=alert(1)><script>alert('x')</script>"""
QUIET = EVIL.replace('"', "")
MARKS = (
    "' OR '1'='1", '" OR 1=1 --', "'; DROP TABLE requests; --", "*)(uid=*))(|(uid=*", "{{7*7}}", "{% raise %}", "${7*7}", "%",
    "_", "\\", "%00", "../../../../etc/passwd", "\u202e\u2066", "😀", "=cmd|' /C calc'!A0", "A" * 20_000,
    "\x00", "\r\nX-Evil: 1", "-1", "1e9", "999999999999999999999", "None", "[]", "{}", "<script>", "é" * 300,
)  # fmt: skip
"""Metacharacters of SQL, LDAP, templates, paths, spreadsheets, headers."""
SHORT = 4
"""Letters that may well stand somewhere in what was signed, which is what the search looks through."""


@pytest.fixture(autouse=True)
def sessions(everybody: Crowd) -> None:
    """Everybody begins each test signed in."""
    everybody.sign_in()


def page(found: Crowd, role: str, path: str, audience: str = "board") -> str:
    """Return what somebody is shown."""
    answer = found.call(audience, found.people[role], "GET", path)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


class Elements(HTMLParser):
    """The elements of a page, as a browser reads them."""

    def __init__(self, page: str) -> None:
        """Read a page."""
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.found.append((tag, dict(attrs)))


def is_text(shown: str, typed: str = EVIL) -> None:
    """Check that a page shows what was typed, and that none of it became elements of the page."""
    assert typed in html.unescape(shown)
    assert all(attributes.get("src") != "x" for _, attributes in Elements(shown).found)
    check_elements(shown)


def check_elements(shown: str) -> None:
    """Check that a page has no script or style but by address."""
    for tag, attributes in Elements(shown).found:
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
        assert tag != "style" and (tag != "script" or attributes["src"]), (tag, attributes)


def test_what_somebody_types_is_shown_as_text(everybody: Crowd, things: Things) -> None:
    """W04: searches, reasons, names of keys, where to go next, numbers in a list and in a report of loss."""
    is_text(page(everybody, "officer", f"/recherche?q={quote(EVIL)}"))
    is_text(page(everybody, "nobody", f"/connexion?suite={quote('/' + EVIL)}"))
    is_text(page(everybody, "nobody", f"/connexion?suite={quote('/' + EVIL)}", "portal"), EVIL)
    for audience, role in (("board", "officer"), ("portal", "owner")):
        name = things.name("key", role)
        everybody.call(audience, everybody.people[role], "POST", f"/cles/{name}/nom", data={"nom": EVIL})
        is_text(page(everybody, role, "/cles", audience), EVIL[:60])
    form = {"numero": EVIL, "code": EVIL}
    is_text(everybody.call("portal", everybody.people["nobody"], "POST", "/perte", data=form).get_data(as_text=True))
    form = {"rpps": EVIL, "profil": "ps-authentification"}
    listed = everybody.call("board", everybody.people["officer"], "POST", "/inscriptions/personne", data=form)
    is_text(page(everybody, "officer", listed.headers["Location"].removeprefix("/ordre")), "".join(EVIL.split()))


def test_what_a_file_or_a_reason_says_is_shown_as_text(everybody: Crowd) -> None:
    """W04: a name of a list that somebody prepared, line by line; the reason of a refusal, read by who asked."""
    lines = f"RPPS;Nom;Prénom\n{DOCTOR.rpps};{QUIET};Camille\n"
    form = {"profil": "ps-signature", "fichier": (BytesIO(lines.encode()), "liste.csv")}
    listed = everybody.call("board", everybody.people["officer"], "POST", "/inscriptions/fichier", data=form)
    path = listed.headers["Location"].removeprefix("/ordre")
    is_text(page(everybody, "officer", path), QUIET)
    is_text(page(everybody, "officer", f"{path}/lignes/2"), QUIET)
    batch = everybody.batches["cnom"]
    officer = everybody.people["officer"]
    body = {"decision": "refuser", "reason": EVIL}
    asked: dict[str, Any] = everybody.call("board", officer, "POST", f"/lots/{batch}/decision/options", json=body).get_json()
    signed = {"statement": asked["statement"], "response": officer.device.show(asked["options"])}
    assert everybody.call("board", officer, "POST", f"/lots/{batch}/decision", json=signed).status_code == 200
    is_text(page(everybody, "colleague", f"/lots/{batch}"))


def test_every_answer_says_what_the_browser_may_do(everybody: Crowd, things: Things) -> None:
    """Nothing inline, nothing from elsewhere, framed by nobody, kept by nobody; pages that fail say it too."""
    for audience, role in (("board", "officer"), ("portal", "owner")):
        for (endpoint, method), row in TABLES[audience].items():
            if method != "GET":
                continue
            address = things.path(audience, endpoint, method, row.thing, things.name(row.thing, role))
            for path in (address, address + "/rien"):
                check_headers(everybody.call(audience, everybody.people[role], "GET", path))
                check_headers(everybody.call(audience, everybody.people["nobody"], "GET", path))


def check_headers(answer: TestResponse) -> None:
    """Check what an answer says to the browser, and that the page has nothing that it would refuse."""
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "*" not in policy and "http" not in policy
    assert "frame-ancestors 'none'" in policy and "form-action 'self'" in policy and "base-uri 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["Referrer-Policy"] == "no-referrer"
    is_words = answer.request.path.endswith("/langue/scripts.json")  # those of scripts, the same for everybody
    assert answer.headers["Cache-Control"] == ("public, max-age=3600" if is_words else "no-store")
    if answer.mimetype == "text/html" and answer.status_code not in (301, 302, 308):
        check_elements(answer.get_data(as_text=True))
    for name, value in answer.headers:
        if name == "Set-Cookie":
            # Whoever comes by a link in a mail is not signed in for that, and finds the pages in their language.
            site = "Lax" if value.startswith("sceau-langue=") else "Strict"
            assert "HttpOnly" in value and f"SameSite={site}" in value and "Path=/" in value


@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: ascii(mark)[:24])
def test_metacharacters_find_nothing_and_break_nothing(everybody: Crowd, things: Things, mark: str) -> None:
    """W13: in every field, and in every address: no error of ours, nothing found, nothing changed."""
    officer, owner, nobody = (everybody.people[role] for role in ("officer", "owner", "nobody"))
    listed, plan = things.name("list", "officer"), things.name("plan", "officer")
    before = everybody.state()
    typed = quote(mark, safe="")
    found = everybody.call("board", officer, "GET", f"/recherche?q={typed}")
    assert found.status_code in (200, 302, 400)
    assert len(mark) <= SHORT or "/lots/" not in found.get_data(as_text=True)
    paths = [f"/?etat={typed}", f"/connexion?suite={typed}", f"/inscriptions/{listed}?voir={typed}&page={typed}"]
    paths += [f"/registre/plan/{plan}/nouveaux?page={typed}", f"/registre/plan/{plan}/{typed}"]
    for (endpoint, method), row in TABLES["board"].items():
        if row.thing and method == "GET" and "/" not in mark and row.thing != "plan":
            paths.append(things.path("board", endpoint, method, row.thing, mark))
    answers = [everybody.call("board", officer, "GET", path) for path in paths]
    for (endpoint, method), row in TABLES["portal"].items():
        if row.thing and method == "GET" and "/" not in mark:
            answers.append(everybody.call("portal", owner, "GET", things.path("portal", endpoint, method, row.thing, mark)))
    answers.append(everybody.call("portal", nobody, "POST", "/perte", data={"numero": mark, "code": mark}))
    query = {"nom": mark, "date": mark}
    answers.append(everybody.call("board", officer, "POST", "/registre/imports", query_string=query, data=b""))
    for value in (mark, [mark], {"id": mark}, 7, None):
        body = {"response": value, "next": value, "code": value, "name": value, "statement": value, "decision": value}
        for path in ("/connexion", f"/lots/{everybody.batches['cnom']}/decision", "/cles", "/entree/x/options"):
            answers.append(everybody.call("board", officer, "POST", path, json=body))
        answers.append(everybody.call("portal", owner, "POST", "/certificats/options", json={"requests": [value]}))
        answers.append(
            everybody.call("portal", owner, "POST", "/certificats", json={"requests": [value], "csrs": [value]} | body)
        )
    for answer in answers:
        assert answer.status_code < 500, (answer.request.path, answer.request.query_string)
        assert "X-Evil" not in answer.headers and "49" not in answer.headers.get("Location", "")
    assert everybody.state() == before


FORGED = {
    "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-User": "cnom-1", "X-Remote-User": "cnom-1", "X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-S-DN": "CN=cnom-1",
    "X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1;host=evil.example;proto=https",
    "X-Original-URL": "/", "X-Rewrite-URL": "/",
    "X-HTTP-Method-Override": "POST", "X-Script-Name": "/evil", "Authorization": "Basic Y25vbS0xOng=", "Remote-User": "cnom-1",
}  # fmt: skip


@pytest.mark.parametrize("role", ["nobody", "officer", "stranger"])
def test_headers_that_a_proxy_would_add_change_nothing(everybody: Crowd, things: Things, role: str) -> None:
    """W08: the same page, the same door, the same addresses in it."""
    for (endpoint, method), row in TABLES["board"].items():
        if method == "GET" and row.thing not in ("link", "letters", "list"):
            path = things.path("board", endpoint, method, row.thing, things.name(row.thing, "officer"))
            plain = everybody.call("board", everybody.people[role], method, path)
            forged = everybody.call("board", everybody.people[role], method, path, headers=FORGED)
            assert (forged.status_code, forged.headers.get("Location")) == (plain.status_code, plain.headers.get("Location"))
            assert forged.get_data() == plain.get_data(), path
            assert b"evil" not in forged.get_data()


def test_a_door_does_not_say_who_is_known(everybody: Crowd) -> None:
    """W11: an unknown passkey, a withdrawn one, one of the other audience; links that never were, were spent, are too old."""
    office = everybody.office
    withdrawn = enter(office, Account(Kind.OFFICER, "cnomk-1"), "withdrawn")
    account = withdrawn.account
    assert account is not None
    with everybody.world.store.write() as tx:
        office.passkeys.withdraw_all(tx, account, by="test")
    answers = set()
    for device in (Authenticator(origin=URL, credential_id=b"unknown"), withdrawn.device, everybody.people["owner"].device):
        options = everybody.call("board", everybody.people["nobody"], "POST", "/connexion/options", json={}).get_json()
        body = {"response": device.show(options)}
        answer = everybody.call("board", everybody.people["nobody"], "POST", "/connexion", json=body)
        answers.add((answer.status_code, answer.get_data(as_text=True)))
    assert len(answers) == 1
    spent, later = (office.entries.invite(Account(Kind.OFFICER, COLLEAGUE), timedelta(hours=1), by="test") for _ in range(2))
    person = office.entries.invite(Account(Kind.PERSON, NURSE.idnat), timedelta(hours=1), by="test")
    ended = office.entries.invite(Account(Kind.OFFICER, "cnop-1"), timedelta(0), by="test")
    assert later.token != spent.token  # the second invitation ended the first
    for method, path in (("GET", ""), ("POST", "/options"), ("POST", "")):
        answers = set()
        for token in (spent.token, person.token, ended.token, "x" * 22, "é"):
            answer = everybody.call("board", everybody.people["nobody"], method, f"/entree/{token}{path}", json={})
            answers.add((answer.status_code, answer.get_data(as_text=True)))
        assert len(answers) == 1


def test_another_ordre_s_people_are_found_like_nobody(everybody: Crowd) -> None:
    """W11, W02: a number, a name, a serial number of another ordre: the same page as for what does not exist."""
    serial = everybody.certificates[NURSE.idnat].serial.hex()
    for known, unknown in ((NURSE.rpps, rpps(77)), ("MARTIN", "MARTINE"), (serial, "4" + "a" * 31)):
        pages = [page(everybody, "officer", f"/recherche?q={each}").replace(each, "…") for each in (known, unknown)]
        assert pages[0] == pages[1]
        assert f"/certificats/{serial}" not in pages[0]
    assert f"/certificats/{serial}" in page(everybody, "stranger", f"/recherche?q={serial}")


def test_a_report_of_loss_says_the_same_of_everybody(everybody: Crowd) -> None:
    """W11: with a sheet of codes, without one, unknown to the register, of the other kind of number."""
    everybody.office.losses.new_sheet(Account(Kind.PERSON, DOCTOR.idnat))
    answers = set()
    for number in (DOCTOR.rpps, AWAITED["oni"].rpps, rpps(77), "12345678901", "000", "'"):
        form = {"numero": number, "code": "AAAA-BBBB-CCCC-DDDD"}
        answer = everybody.call("portal", everybody.people["nobody"], "POST", "/perte", data=form)
        answers.add((answer.status_code, html.unescape(answer.get_data(as_text=True)).replace(f'value="{number}"', "…")))
    assert len(answers) == 1


def test_the_address_by_which_it_was_asked_is_in_no_answer(everybody: Crowd) -> None:
    """A Host of the attacker's leads nobody anywhere: pages and redirections have paths only."""
    app: Flask = everybody.apps["board"]
    for path in ("/", "/connexion", "/cles", "/rien"):
        answer = everybody.client("board", everybody.people["nobody"], app).get(path, headers={"Host": "evil.example"})
        assert "evil" not in answer.get_data(as_text=True) and "evil" not in answer.headers.get("Location", "")
