"""Everybody can use every page (WCAG 2.2 AA): each page that a browser can open, by the URL maps, in both themes, by keyboard.

The checks are our own (`accessibility.js`): labels, headings, names, sizes, contrast as the browser computes it, and nothing that
scrolls sideways on 320 pixels. A page that is new is looked at without anybody adding it here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.shared_data import SharedDataMiddleware
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.builders.browser import chromium
from tests.isolation.matrix import INSIDE, TABLES
from tests.isolation.people import DOCTOR, Crowd, crowd
from tests.isolation.things import Things
from web.authority import MOUNTED
from web.kit.application import STATIC
from web.kit.start import front

HERE = Path(__file__).parent
CHECKS, REACH = ((HERE / name).read_text(encoding="utf-8") for name in ("accessibility.js", "reach.js"))
NARROW = ViewportSize(width=320, height=640)
PAGES = [(audience, endpoint) for audience, table in TABLES.items() for endpoint, method in table if method == "GET" and not endpoint.startswith("language.")]
ROUNDS = 4
"""Times that Tab is pressed for each control: a date has a place for each of its parts."""


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@dataclass
class Site:
    """The pages, served, and a browser in front of them."""

    crowd: Crowd
    things: Things
    browser: Browser
    url: str

    def open(self, role: str) -> Page:
        """Open a browser of somebody who is signed in, or of nobody."""
        context = self.browser.new_context(viewport=NARROW, locale="fr-FR", reduced_motion="reduce")
        who = self.crowd.people[role]
        if who.token:
            for name in ("sceau-officer", "sceau-person"):
                context.add_cookies([{"name": name, "value": who.token, "url": self.url}])
        return context.new_page()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve the very applications in which the people and the things are."""
    with crowd(tmp_path_factory.mktemp("accessibility") / "home") as found, chromium() as browser:
        things = Things(found)
        mounted = DispatcherMiddleware(
            front(found.office), {prefix: found.apps[name] for prefix, name in zip(MOUNTED, TABLES, strict=True)}
        )
        pages = SharedDataMiddleware(mounted, {"/static": str(STATIC)})
        server = make_server("localhost", 0, pages, threaded=True, request_handler=_Quiet)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Site(found, things, browser, f"http://localhost:{server.server_port}")
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def sessions(site: Site) -> None:
    """Everybody begins each test signed in."""
    site.crowd.sign_in()


def faults(page: Page) -> list[str]:
    """Return what is wrong with a page, in both themes, and what the keyboard does not reach."""
    found = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        found += [f"{theme}: {each}" for each in page.evaluate(CHECKS)]
    wanted: list[str] = page.evaluate(REACH)
    reached: dict[str, bool] = {}
    for _ in range(ROUNDS):
        for _ in wanted:
            page.keyboard.press("Tab")
        reached = page.evaluate("window.reached")
        if set(reached) >= set(wanted):
            break
    found += [f"2.1.1 Tab does not reach {show(page, each)}" for each in wanted if each not in reached]
    return found + [f"2.4.7 nothing shows that Tab reached {show(page, each)}" for each, shown in reached.items() if not shown]


def show(page: Page, control: str) -> str:
    """Return the beginning of a control."""
    said: str = page.evaluate("name => document.querySelector(`[data-reach='${name}']`).outerHTML.slice(0, 120)", control)
    return said


@pytest.mark.parametrize(("audience", "endpoint"), PAGES)
def test_everybody_can_use_the_page(site: Site, audience: str, endpoint: str) -> None:
    """Whoever sees it; and with a search that finds something, where there is one."""
    row = TABLES[audience][endpoint, "GET"]
    role = INSIDE[audience][0]
    path = site.things.path(audience, endpoint, "GET", row.thing, site.things.name(row.thing, role))
    prefix = list(MOUNTED)[list(TABLES).index(audience)]
    query = f"?q={DOCTOR.rpps}" if endpoint == "queue.search" else ""
    page = site.open(role if row.outside >= 300 else "nobody")
    kind = page.request.head(f"{site.url}{prefix}{path}{query}").headers.get("content-type", "")
    if kind.startswith("text/html"):
        answer = page.goto(f"{site.url}{prefix}{path}{query}")
        assert answer is not None and answer.status == 200, path
        assert "\n".join(faults(page)) == ""
    page.context.close()


@pytest.mark.parametrize("path", ["/", "/ordre/rien", "/moi/rien", "/verifier/rien", "/moi/entree/personne"])
def test_everybody_can_use_the_first_page_and_those_that_fail(site: Site, path: str) -> None:
    """What says that there is nothing is a page like others."""
    page = site.open("nobody")
    page.goto(site.url + path)
    assert faults(page) == []
    page.context.close()


def test_everybody_can_use_the_answers_of_the_public_check(site: Site, tmp_path: Path) -> None:
    """A good certificate, a number, a number that is none."""
    page = site.open("nobody")
    certificate = site.crowd.certificates[DOCTOR.idnat]
    file = tmp_path / "certificat.cer"
    file.write_bytes(certificate.der)
    page.goto(f"{site.url}/verifier/")
    page.get_by_label("Certificat (.pem, .crt, .cer)").set_input_files(file)
    page.get_by_role("button", name="Vérifier le fichier").click()
    assert page.get_by_role("heading", level=1).text_content() == "Valide"
    assert faults(page) == []
    for number, heading in ((certificate.serial.hex(), "Ni révoqué, ni expiré"), ("4" + "a" * 31, "Numéro inconnu"), ("x", None)):
        page.goto(f"{site.url}/verifier/")
        page.get_by_role("textbox", name="Numéro de série").fill(number)
        page.get_by_role("button", name="Chercher ce numéro").click()
        assert heading is None or page.get_by_role("heading", level=1).text_content() == heading
        assert faults(page) == []
    page.context.close()


def test_the_checks_find_what_is_wrong(site: Site) -> None:
    """A page with each fault: none of the checks is asleep."""
    page = site.open("nobody")
    page.set_content(
        "<!doctype html><title></title><style>.pale{color:#aaa;background:#fff}a,button{outline:none}</style>"
        "<main></main><main></main>"
        "<h1>a</h1><h3 id=x>b</h3><p id=x class=pale>pâle</p><input><label for=rien>c</label><button></button><img src=x>"
        "<svg></svg><a href=/ style='display:block;width:9px;height:9px'>d</a><table><tr><th>e</table><fieldset></fieldset>"
        "<button tabindex=-1>f</button><div style='width:900px'>g</div>"
    )
    said = " ".join(faults(page))
    wanted = ("3.1.1", "2.4.2", "1.3.1 2 main", "1.3.1 heading 3", "4.1.1", "1.3.1 for refers", "1.3.1 no label", "4.1.2 no name")
    for rule in (*wanted, "1.1.1", "1.3.1 a table", "1.3.1 a heading of", "1.3.1 a group", "2.5.8", "1.4.3", "1.4.10", "2.4.7"):
        assert rule in said, rule
    page.context.close()
