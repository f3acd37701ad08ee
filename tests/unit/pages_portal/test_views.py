"""The practitioner's pages as an attacker asks them: without a session, from elsewhere, with guesses (ASVS 3.5, 4.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import Client, TestResponse

from pki.authenticators.model import Account, Kind
from pki.bootstrap.office import Office
from pki.registration.grants import GrantApplication
from tests.builders.authenticator import Authenticator
from tests.world import World, doctor, nurse
from web.portal import people
from web.portal.application import make

URL = "http://localhost:8400"
ANNE, BRUNO, NOBODY = nurse(1, "MARTIN"), nurse(2, "PETIT"), nurse(9)
OURS = {"Origin": URL}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """The services over an authority whose register has two nurses; Anne has recovery codes."""
    world = World(tmp_path / "home")
    world.apply_register([ANNE, BRUNO])
    office = Office(world.home, URL)
    office.losses.new_sheet(Account(Kind.PERSON, ANNE.idnat))
    yield office
    world.close()


@pytest.fixture
def portal(office: Office) -> Flask:
    """The application."""
    return make(office)


def report(client: Client, number: str, code: str = "AAAA-BBBB-CCCC-DDDD") -> TestResponse:
    """Send the form of a loss."""
    return client.post("/perte", data={"numero": number, "code": code, "csrf": "anonymous"}, headers=OURS)


def signed_in(office: Office, portal: Flask) -> tuple[Client, str]:
    """Return a browser in which Anne is signed in, and the token of its forms."""
    account = Account(Kind.PERSON, ANNE.idnat)
    made = office.entries.invite(account, timedelta(days=1), by="oni-1", with_code=True)
    client = portal.test_client()
    options = client.post(
        f"/entree/{made.token}/options",
        json={
            "code": made.code,
        },
        headers=OURS | {"X-Sceau-Token": "anonymous"},
    )
    response = Authenticator().make(options.json or {})
    body = {"code": made.code, "name": "Mon téléphone", "response": response}
    entered = client.post(f"/entree/{made.token}", json=body, headers=OURS | {"X-Sceau-Token": "anonymous"})
    assert entered.status_code == 200, entered.data
    for cookie in entered.headers.getlist("Set-Cookie"):
        client.set_cookie("sceau-person", cookie.split("=", 1)[1].split(";")[0], domain="localhost")
    assert entered.json is not None
    return client, str(entered.json["csrf"])


def test_every_page_that_is_somebody_s_asks_who_it_is(portal: Flask) -> None:
    """Whoever is not signed in is led to the door, or refused; what is open to all is listed here, and nowhere else."""
    open_to_all = {
        "/connexion", "/connexion/options", "/deconnexion", "/perte", "/langue/<code>", "/langue/scripts.json",
        "/entree/<token>", "/entree/<token>/options", "/entree/<token>/identite",
    }  # fmt: skip
    client = portal.test_client()
    asked = 0
    for rule in portal.url_map.iter_rules():
        if rule.rule in open_to_all:
            continue
        path = rule.rule.replace("<serial>", "40" * 16).replace("<batch>", "self-1").replace("<key>", "AAAA")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            answer = client.open(
                path, method=method, json={} if method == "POST" else None, headers=OURS | {"X-Sceau-Token": "anonymous"}
            )
            asked += 1
            assert answer.status_code == (302 if method == "GET" else 401), (method, path)
            assert method != "GET" or answer.headers["Location"].startswith("/moi/connexion"), path
    assert asked >= 12


def test_a_form_from_elsewhere_changes_nothing(portal: Flask, office: Office) -> None:
    """Without our origin, or without the token of this session's pages: 403."""
    client, token = signed_in(office, portal)
    assert client.post("/secours", json={}, headers={"X-Sceau-Token": token}).status_code == 403
    assert (
        client.post("/secours", json={}, headers={"Origin": "http://ailleurs.example", "X-Sceau-Token": token}).status_code == 403
    )
    assert client.post("/secours", json={}, headers=OURS | {"X-Sceau-Token": "anonymous"}).status_code == 403
    assert client.post("/secours", json={}, headers=OURS | {"X-Sceau-Token": token}).status_code == 200


def test_codes_are_made_by_who_has_just_shown_the_passkey(portal: Flask, office: Office) -> None:
    """Six minutes later the page must ask for it again."""
    client, token = signed_in(office, portal)
    made = client.post("/secours", json={}, headers=OURS | {"X-Sceau-Token": token}).json
    assert made is not None and len(made["codes"]) == 3
    office.home.clock.advance(minutes=6)  # type: ignore[attr-defined]
    assert client.post("/secours", json={}, headers=OURS | {"X-Sceau-Token": token}).status_code == 401


def test_a_guess_is_answered_alike_for_somebody_and_for_nobody(portal: Flask) -> None:
    """With codes, without codes, unknown to the register: the same page, but for what was typed."""
    client = portal.test_client()
    answers = [(report(client, each.rpps), each.rpps) for each in (ANNE, BRUNO, NOBODY)]
    assert {answer.status_code for answer, _ in answers} == {403}
    assert len({answer.get_data(as_text=True).replace(number, "…") for answer, number in answers}) == 1


def test_the_sixth_guess_is_not_looked_at_and_nobody_else_waits(portal: Flask) -> None:
    """Somebody and nobody are closed alike; the page says to call the ordre."""
    client = portal.test_client()
    for person in (ANNE, NOBODY):
        assert [report(client, person.rpps).status_code for _ in range(6)] == [403] * 5 + [429]
    assert "votre ordre peut tout bloquer" in report(client, ANNE.rpps).get_data(as_text=True)
    assert report(client, BRUNO.rpps).status_code == 403


@pytest.mark.parametrize("body", [{}, {"requests": []}, {"requests": "x"}, {"requests": [1]}, {"requests": [{"profile": "x"}]},
                                  {"requests": [{"profile": "ps-signature", "request": "é"}]},
                                  {"requests": [{"profile": "ps-signature", "request": "AAAA"}] * 11}])  # fmt: skip
def test_what_our_page_does_not_send_is_refused_in_words(portal: Flask, office: Office, body: dict[str, object]) -> None:
    """400, never a failure."""
    client, token = signed_in(office, portal)
    for path in ("/certificats/options", "/certificats"):
        answer = client.post(path, json=body, headers=OURS | {"X-Sceau-Token": token, "Accept": "application/json"})
        assert answer.status_code == 400 and answer.json is not None and answer.json["error"], path


def test_an_officer_s_link_says_nothing_here(portal: Flask, office: Office) -> None:
    """It is a link of other pages: the same words as for one that never was."""
    made = office.entries.invite(Account(Kind.OFFICER, "oni-1"), timedelta(days=1), by="test")
    client, headers = portal.test_client(), OURS | {"X-Sceau-Token": "anonymous", "Accept": "application/json"}
    answers = [client.post(f"/entree/{token}/identite", json={}, headers=headers) for token in (made.token, "never-was")]
    assert [answer.status_code for answer in answers] == [403, 403] and answers[0].json == answers[1].json


def test_nothing_is_obtained_without_a_grant(portal: Flask, office: Office) -> None:
    """A passkey alone gives no certificate: officers must have granted it (CP 4.7.2)."""
    client, token = signed_in(office, portal)
    body = {"requests": [{"profile": "ps-signature", "request": "AAAA"}]}
    answer = client.post("/certificats/options", json=body, headers=OURS | {"X-Sceau-Token": token, "Accept": "application/json"})
    assert answer.status_code == 403 and answer.json is not None
    assert answer.json["error"] == "L'ordre ne l'a pas accordé, ou son accord ne vaut plus."
    assert "votre ordre ne vous en a pas accordé" in client.get("/").get_data(as_text=True)


def test_who_has_two_professions_asks_each_ordre_in_turn(tmp_path: Path) -> None:
    """One signature is for one ordre: the page asks for what the first granted, then for the rest."""
    world = World(tmp_path / "home")
    both = [doctor(1, "MARTIN"), replace(nurse(1, "MARTIN"), rpps=doctor(1).rpps)]
    world.apply_register(both)
    office = Office(world.home, URL)
    for board, profile in (("oni", "ps-authentification"), ("cnom", "ps-signature")):
        draft = office.grants.draft(f"{board}-1", [GrantApplication(both[0].rpps, (profile,), "MARTIN", "Camille")])
        batch = office.grants.submit(draft, world.act(f"{board}-1", draft.statement(world.clock.now())))
        world.decisions.approve(world.act(f"{board}-2", world.decisions.approval_statement(batch.id, f"{board}-2")))
    wishes = people.obtainable(office, both[0].idnat, [])
    assert [(each["profile"], each["board"]) for each in wishes] == [("ps-authentification", "ONI"), ("ps-signature", "CNOM")]
    assert people.together(wishes) == wishes[:1]
    assert people.practitioner(office, both[0].idnat).profession == "Médecin, Infirmier"
    world.close()
