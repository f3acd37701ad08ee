"""Route × role × ownership, from the URL maps themselves (reliability W01, W02, W06)."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

import pytest
from werkzeug.test import TestResponse

from pki.inventory.model import Reason
from tests.builders.authenticator import websafe
from tests.isolation.matrix import EVERYBODY, INSIDE, SIGN_IN_AGAIN, TABLES, UNKNOWN, Row
from tests.isolation.people import DOCTOR, NURSE, REGISTERED, URL, Crowd, Somebody
from tests.isolation.things import Things

ROUTES = [(audience, endpoint, method) for audience, table in TABLES.items() for endpoint, method in table]
CHANGING = [(audience, endpoint) for audience, endpoint, method in ROUTES if method != "GET"]


@pytest.fixture(autouse=True)
def sessions(everybody: Crowd) -> None:
    """Everybody begins each test signed in."""
    everybody.sign_in()


@pytest.mark.parametrize("audience", TABLES)
def test_every_route_has_a_row_and_every_row_a_route(everybody: Crowd, audience: str) -> None:
    """Whoever adds a page says in the table who may see it."""
    routes = {
        (rule.endpoint, method)
        for rule in everybody.apps[audience].url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == set(TABLES[audience])


def test_every_application_that_people_reach_has_a_table(everybody: Crowd) -> None:
    """What is mounted is what is looked at here."""
    from web.authority import MOUNTED

    assert len(MOUNTED) == len(TABLES)


@pytest.mark.parametrize(("audience", "endpoint", "method"), ROUTES)
def test_everybody_sees_what_is_theirs_and_nothing_else(
    everybody: Crowd, things: Things, audience: str, endpoint: str, method: str
) -> None:
    """What is somebody else's answers what the table says, and changes nothing; then everybody has what is theirs."""
    row = TABLES[audience][endpoint, method]
    names = {owner: things.name(row.thing, owner) for owner in INSIDE[audience]}
    before = everybody.state()
    allowed = []
    for role in EVERYBODY:
        for owner in INSIDE[audience]:
            expected = status(row, audience, role, owner)
            if expected is None:
                continue
            path = things.path(audience, endpoint, method, row.thing, names[owner])
            if role == owner:
                allowed.append((role, path, expected))
                continue
            answer = send(everybody, audience, role, method, path, row)
            assert answer.status_code == expected, (role, owner, answer.get_data(as_text=True)[:400])
            if expected == 404 and role in INSIDE[audience]:
                unknown = UNKNOWN.get(row.thing, "0" * 32)
                nothing = things.path(audience, endpoint, method, row.thing, unknown)
                assert said(send(everybody, audience, role, method, nothing, row), unknown) == said(answer, names[owner])
    if row.outside >= 300:
        assert everybody.state() == before
    for role, path, expected in allowed:
        answer = send(everybody, audience, role, method, path, row)
        assert answer.status_code == expected, (role, answer.get_data(as_text=True)[:400])


def status(row: Row, audience: str, role: str, owner: str) -> int | None:
    """Return what the table says for a role, on a thing of an owner; None for what cannot be asked."""
    if role not in INSIDE[audience]:
        return row.outside
    return row.mine if role == owner else row.others


def send(found: Crowd, audience: str, role: str, method: str, path: str, row: Row) -> TestResponse:
    """Have somebody send what the row says; the mandate of the one who is gone ended since the sign-in."""
    app = found.apps[f"{audience}, later"] if role == "gone" else None
    body = row.send if method != "GET" else {}
    return found.call(audience, found.people[role], method, path, app=app, **body)


def said(answer: TestResponse, name: str) -> str:
    """Return the words of an answer, without the name that was asked for."""
    return answer.get_data(as_text=True).replace(name, "…")


@pytest.mark.parametrize(("audience", "endpoint"), CHANGING)
def test_nothing_changes_but_from_a_page_of_ours(everybody: Crowd, things: Things, audience: str, endpoint: str) -> None:
    """W01: without the token, with another's, from another origin or from none, or by GET: refused, and nothing has changed."""
    row = TABLES[audience][endpoint, "POST"]
    role = INSIDE[audience][0]
    path = things.path(audience, endpoint, "POST", row.thing, things.name(row.thing, role))
    who, right = everybody.people[role], everybody.form_token(audience, everybody.people[role])
    stolen = everybody.form_token(audience, everybody.people[INSIDE[audience][1]])
    lies: list[dict[str, str]] = [
        {"X-Sceau-Token": ""},
        {"X-Sceau-Token": "anonymous"},
        {"X-Sceau-Token": stolen},
        {"X-Sceau-Token": right.upper()},
        {"X-Sceau-Token": right, "Origin": "https://evil.example"},
        {"X-Sceau-Token": right, "Origin": "null"},
        {"X-Sceau-Token": right, "Origin": ""},
        {"X-Sceau-Token": right, "Origin": URL + ".evil.example"},
        {"X-Sceau-Token": right, "Origin": "", "Sec-Fetch-Site": "same-site"},
        {"X-Sceau-Token": right, "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Referer": URL + "/ordre/"},
    ]
    before = everybody.state()
    for lie in lies:
        if lie == {"X-Sceau-Token": right}:  # where nobody signs in, it is everybody's
            continue
        answer = everybody.call(audience, who, "POST", path, headers=lie, **row.send)
        assert answer.status_code == 403, lie
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"):
        answer = everybody.call(audience, who, method, path)
        has_page = (endpoint_of(everybody, audience, path), "GET") in TABLES[audience]
        if method in ("GET", "HEAD") and not has_page:
            assert answer.status_code == 405, method
        elif method in ("PUT", "DELETE", "PATCH"):
            assert answer.status_code in (403, 405), method
    assert everybody.state() == before


def endpoint_of(found: Crowd, audience: str, path: str) -> str | None:
    """Return the endpoint that a GET of a path reaches."""
    urls = found.apps[audience].url_map.bind("localhost")
    return str(urls.match(path, method="GET")[0]) if urls.test(path, method="GET") else None


@pytest.mark.parametrize("thing", ["list", "letters"])
def test_what_an_officer_prepares_is_not_a_colleague_s_either(everybody: Crowd, things: Things, thing: str) -> None:
    """The same ordre, another officer: it does not exist."""
    name = things.name(thing, "officer")
    for (endpoint, method), row in TABLES["board"].items():
        if row.thing == thing:
            path = things.path("board", endpoint, method, thing, name)
            assert send(everybody, "board", "colleague", method, path, row).status_code == 404, endpoint


def test_an_act_about_another_ordre_s_object_is_refused_wherever_it_is_sent(everybody: Crowd, things: Things) -> None:
    """The signature is right, the address is of one's own ordre, and the statement is about another's: nothing has changed."""
    stranger = everybody.people["stranger"]
    foreign, own = (everybody.certificates[person.idnat].serial for person in (DOCTOR, NURSE))
    before = everybody.state()
    statement = everybody.office.revocation.officer_statement(own, Reason.SUPERSEDED, "oni-1").replace(own.hex(), foreign.hex())
    body = {"statement": statement, "response": signed(stranger, statement)}
    answer = everybody.call("board", stranger, "POST", f"/certificats/{own.hex()}/fin", json=body)
    assert answer.status_code in (400, 403, 404), answer.get_data(as_text=True)
    batch = things.name("batch", "stranger")
    statement = everybody.office.decisions.refusal_statement(batch, "oni-1", "Non.").replace(
        batch, things.name("batch", "officer")
    )
    body = {"statement": statement, "response": signed(stranger, statement)}
    answer = everybody.call("board", stranger, "POST", f"/lots/{batch}/decision", json=body)
    assert answer.status_code in (400, 403, 404), answer.get_data(as_text=True)
    assert everybody.state() == before


def signed(who: Somebody, statement: str) -> dict[str, Any]:
    """Sign a statement as a page has it signed; return what the page sends."""
    challenge = websafe(hashlib.sha256(statement.encode()).digest())
    return who.device.show({"publicKey": {"challenge": challenge}})


def test_an_access_that_is_refused_is_logged_without_saying_who(
    everybody: Crowd, things: Things, caplog: pytest.LogCaptureFixture
) -> None:
    """One line: what was asked, by which session. Neither a name nor a number."""
    with caplog.at_level(logging.INFO):
        caplog.clear()
        everybody.call("portal", everybody.people["owner"], "GET", f"/certificats/{things.name('certificate', 'other')}")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "sceau.portal"]
    assert line.startswith("refused (404): GET credentials.certificate, session ")
    assert not any(word in line for word in ("997", "officer", "DUPONT", "LEROY"))


def test_a_session_ends_with_the_keys_the_mandate_or_the_place_in_the_register(everybody: Crowd) -> None:
    """W06: at the next click, whatever was open."""
    found = everybody
    for who, audience in (("gone", "board"), ("nurse", "portal")):
        assert found.call(audience, found.people[who], "GET", "/").status_code == 200
    account = found.people["gone"].account
    assert account is not None
    with found.world.store.write() as tx:
        found.office.passkeys.withdraw_all(tx, account, by="test")
    assert found.call("board", found.people["gone"], "GET", "/").status_code == 302
    assert found.call("board", found.people["gone"], "POST", "/cles/options", json={}).status_code == SIGN_IN_AGAIN
    found.world.apply_register([each for each in REGISTERED if each != NURSE])
    assert found.call("portal", found.people["nurse"], "GET", "/").status_code == 302
    assert found.call("portal", found.people["owner"], "GET", "/").status_code == 200
