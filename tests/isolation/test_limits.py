"""Who knocks too often waits, and nobody else does (NIST SP 800-63B §5.2.2; reliability W08)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import Client, TestResponse

from pki.authenticators.model import Account, Kind
from pki.bootstrap.office import Office
from tests.builders.authenticator import Authenticator
from tests.world import World, doctor
from web.board.application import make as make_board
from web.kit.limits import BY_ADDRESS, BY_LINK, Limits, Rate
from web.portal.application import make as make_portal

BURST = BY_ADDRESS["signin.sign_in"].burst
HERE, THERE = "198.51.100.7", "203.0.113.9"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An authority."""
    world = World(tmp_path_factory.mktemp("limits") / "home")
    world.apply_register([doctor(1, "DUPONT")])
    yield world
    world.close()


@pytest.fixture(scope="module")
def office(world: World) -> Office:
    """Its pages' services, at an address of this machine."""
    return Office(world.home, "http://localhost:8400")


def post(app: Flask, path: str, peer: str, *, url: str = "http://localhost:8400", **more: Any) -> TestResponse:
    """Send something from an address, as a page of ours would."""
    headers = {"Origin": url, "X-Sceau-Token": "anonymous"} | more.pop("headers", {})
    environ = {"REMOTE_ADDR": peer}
    return Client(app).post(path, base_url=url, headers=headers, environ_overrides=environ, **({"json": {}} | more))


def knock(app: Flask, path: str, peer: str, times: int, **more: Any) -> list[int]:
    """Do it many times; return the statuses."""
    return [post(app, path, peer, **more).status_code for _ in range(times)]


def exhaust(app: Flask, peers: Callable[[int], str], *, fresh: bool = True, **more: Any) -> TestResponse:
    """Show passkeys until it is too much; return that answer. A bucket fills while a slow machine knocks: it may take some more.

    `fresh`: nobody has knocked from there yet; else somebody has, and it is too much before it would be for others.
    """
    for rank in range(20 * BURST):
        answer = post(app, "/connexion", peers(rank), **more)
        if answer.status_code == 429:
            assert (rank >= BURST) is fresh
            return answer
        assert answer.status_code == 400
    raise AssertionError("it was never too much")


def test_a_bucket_fills_with_time_and_what_is_refused_is_not_counted() -> None:
    """Two at once, then one every ten seconds; whoever insists waits no longer."""
    now = [0.0]
    limits = Limits(lambda: now[0])
    rate = Rate(2, 6)
    assert [limits.take("x", "a", rate) for _ in range(4)] == [0, 0, 10, 10]
    assert limits.take("x", "b", rate) == 0
    now[0] = 10.0
    assert [limits.take("x", "a", rate) for _ in range(2)] == [0, 10]
    now[0] = 10_000.0
    assert [limits.take("x", "a", rate) for _ in range(3)] == [0, 0, 10]


def test_what_is_remembered_is_bounded_and_a_flood_makes_nobody_wait() -> None:
    """The key that asked longest ago is forgotten: it is let in."""
    limits = Limits(lambda: 0.0, most=100)
    rate = Rate(1, 1)
    assert limits.take("x", "somebody", rate) == 0
    assert all(limits.take("x", str(rank), rate) == 0 for rank in range(1000))
    assert len(limits) == 100
    assert limits.take("x", "somebody", rate) == 0


def test_who_signs_in_too_often_waits_and_another_address_does_not(office: Office) -> None:
    """429 in French, with the time to wait."""
    app = make_board(office)
    refused = exhaust(app, lambda rank: HERE)
    assert int(refused.headers["Retry-After"]) >= 1
    assert "C&#39;est trop, trop vite" in refused.get_data(as_text=True)
    assert post(app, "/connexion", THERE).status_code == 400
    assert Client(app).get("/connexion", environ_overrides={"REMOTE_ADDR": HERE}).status_code == 200


def test_a_link_that_is_tried_too_often_waits_and_another_link_does_not(office: Office) -> None:
    """From wherever it is tried: only who holds the link can spend its tries."""
    app = make_board(office)
    links = [office.entries.invite(Account(Kind.OFFICER, f"cnom-{rank}"), timedelta(hours=1), by="test").token for rank in (1, 2)]
    path = "/entree/{}/options"
    tries = [post(app, path.format(links[0]), f"198.51.100.{rank}").status_code for rank in range(BY_LINK.burst + 1)]
    assert tries == [200] * BY_LINK.burst + [429]
    assert post(app, path.format(links[1]), "198.51.100.1").status_code == 200


def test_wrong_recovery_codes_from_one_address_do_not_close_the_door_of_who_is_named(office: Office) -> None:
    """The number of the victim is public: whoever has the right code is heard, from elsewhere, at once."""
    app = make_portal(office)
    codes = office.losses.new_sheet(Account(Kind.PERSON, doctor(1).idnat))
    wrong = {"numero": doctor(1).rpps, "code": "AAAA-AAAA-AAAA-AAAA", "csrf": "anonymous"}
    answers = knock(app, "/perte", HERE, BY_ADDRESS["loss.report"].burst + 1, json=None, data=wrong)
    assert set(answers[:5]) == {403} and answers[-1] == 429
    assert post(app, "/perte", THERE, json=None, data=wrong | {"code": codes[0]}).status_code == 200


def test_no_header_of_a_client_changes_where_it_comes_from(office: Office) -> None:
    """W08: whatever it says of itself, it is one address."""
    app = make_board(office)
    names = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP")
    said = iter(range(250))

    def elsewhere(rank: int) -> str:
        headers.update(dict.fromkeys(names, f"10.0.0.{next(said, 0)}"))
        return HERE

    headers: dict[str, str] = {}
    exhaust(app, elsewhere, headers=headers)


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_saw(world: World) -> None:
    """Its people do not share one limit; a connection that is not the proxy's gains nothing by saying so."""
    url = "https://ra.exemple-sante.fr"
    app = make_board(Office(replace(world.home), url))
    exhaust(app, lambda rank: "127.0.0.1", url=url, headers={"X-Real-IP": HERE})
    assert post(app, "/connexion", "127.0.0.1", url=url, headers={"X-Real-IP": THERE}).status_code == 400
    exhaust(app, lambda rank: HERE, fresh=False, url=url, headers={"X-Real-IP": THERE})


def test_one_subscriber_of_ipv6_is_one_address(office: Office) -> None:
    """Two to the sixty-four addresses are no more tries than one."""
    app = make_board(office)
    exhaust(app, lambda rank: f"2001:db8:1:2::{rank:x}")
    exhaust(app, lambda rank: f"2001:db8:1:2:ffff::{rank:x}", fresh=False)
    assert post(app, "/connexion", "2001:db8:1:3::1").status_code == 400


def test_a_link_of_one_audience_opens_nothing_at_the_other(office: Office) -> None:
    """An officer's link at the practitioners' door is a link that nobody knows; nor does a session cross over."""
    board, portal = make_board(office), make_portal(office)
    made = office.entries.invite(Account(Kind.OFFICER, "cnom-3"), timedelta(hours=1), by="test")
    device = Authenticator()
    unknown = Client(portal).get("/entree/personne").get_data(as_text=True)
    assert Client(portal).get(f"/entree/{made.token}").get_data(as_text=True) == unknown
    assert post(portal, f"/entree/{made.token}/options", HERE).status_code == 403
    answer = device.make(office.passkeys.registration_options(Account(Kind.OFFICER, "cnom-3"), "x"))
    assert post(portal, f"/entree/{made.token}", HERE, json={"response": answer}).status_code == 403
    token = office.sessions.open(office.passkeys.register_by_entry(made.token, None, answer, "x"))
    for app, name, status in ((board, "sceau-officer", 200), (portal, "sceau-person", 302)):
        client = Client(app)
        client.set_cookie(name, token, domain="localhost")
        assert client.get("/", base_url="http://localhost:8400").status_code == status
