"""What stands before the applications: the first page, files, and addresses without their last slash (reliability W08)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from werkzeug.test import Client

from pki.bootstrap.office import Office
from tests.world import World
from web.authority import MOUNTED, PROGRAMS, application

EVIL = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "ftp"}


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Everything that the process answers."""
    world = World(tmp_path_factory.mktemp("front") / "home")
    yield Client(application(Office(world.home, "https://ra.exemple-sante.fr")))
    world.close()


@pytest.mark.parametrize("prefix", MOUNTED | PROGRAMS)
def test_an_address_without_its_slash_leads_to_the_same_host(front: Client, prefix: str) -> None:
    """By a path: neither the host that a browser named nor http is in it."""
    answer = front.get(prefix, headers=EVIL)
    assert (answer.status_code, answer.headers["Location"]) == (308, f"{prefix}/")
    assert "evil" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/healthz",
        "/rien",
        "/static/sceau.css",
        "/static/rien",
        "/ordre/",
        "/moi/rien",
        "/verifier/",
        "/api/v1/me",
        "/api/rien",
    ],
)
def test_every_answer_says_what_the_browser_may_do(front: Client, path: str) -> None:
    """Files and errors too; and says it once."""
    headers = front.get(path, headers=EVIL).headers
    for name in ("X-Content-Type-Options", "Referrer-Policy", "Content-Security-Policy"):
        assert len(headers.getlist(name)) == 1, name
    assert "unsafe" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path", ["/static/../safety.py", "/static/%2e%2e/safety.py", "/static/..%2fsafety.py", "/static//etc/passwd"]
)
def test_no_file_but_those_of_pages_is_served(front: Client, path: str) -> None:
    """Nothing above the folder, however it is written."""
    assert front.get(path).status_code == 404
