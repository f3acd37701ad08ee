"""Which language a page is in: what somebody chose, else what their browser prefers, else French."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape

import pytest
from werkzeug.test import Client

from pki.bootstrap.office import Office
from tests.world import World
from web.authority import MOUNTED, Wsgi, application
from web.kit.language import ENGLISH, N_, _, ngettext, speaking
from web.kit.writing import day, moment, number

FRENCH, IN_ENGLISH = "Vérifier un certificat", "Check a certificate"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An office whose pages are served behind TLS."""
    world = World(tmp_path_factory.mktemp("language") / "home")
    yield Office(world.home, "https://ra.exemple-sante.fr")
    world.close()


@pytest.fixture(scope="module")
def pages(office: Office) -> Wsgi:
    """Its pages."""
    return application(office)


@pytest.fixture
def browser(pages: Wsgi) -> Client:
    """A browser that has chosen nothing."""
    return Client(pages)


@pytest.mark.parametrize(
    ("preferred", "words"),
    [
        (None, FRENCH),
        ("fr-FR,fr;q=0.9,en;q=0.8", FRENCH),
        ("en-GB,en;q=0.9,fr;q=0.8", IN_ENGLISH),
        ("de,en;q=0.5", IN_ENGLISH),
        ("de,es;q=0.5", FRENCH),
        ("en;q=0.5,fr;q=0.5", FRENCH),
        ("*", FRENCH),
        ("en;q=0", FRENCH),
        ("\u00e9;;;,=", FRENCH),
    ],
)
@pytest.mark.parametrize("path", ["/", "/verifier/"])
def test_pages_are_in_english_only_for_who_prefers_it_to_french(
    browser: Client, path: str, preferred: str | None, words: str
) -> None:
    """The page says its language, the answer too, and what it depends on."""
    answer = browser.get(path, headers={"Accept-Language": preferred} if preferred else {})
    code = "fr" if words == FRENCH else "en"
    assert words in answer.get_data(as_text=True)
    assert f'<html lang="{code}">' in answer.get_data(as_text=True)
    assert answer.headers["Content-Language"] == code
    assert {"Accept-Language", "Cookie"} <= set(answer.headers["Vary"].split(", "))


def test_a_choice_is_kept_for_all_pages_and_can_be_changed(browser: Client) -> None:
    """Whatever the browser prefers; the link leads back to the page."""
    chosen = browser.get("/verifier/langue/en?retour=/%3Fa%3D1", base_url="https://localhost")
    assert (chosen.status_code, chosen.headers["Location"]) == (302, "/verifier/?a=1")
    (cookie,) = chosen.headers.getlist("Set-Cookie")
    assert all(each in cookie for each in ("sceau-langue=en", "Secure", "HttpOnly", "Path=/", "SameSite=Lax"))
    for prefix in ("", *MOUNTED):
        answer = browser.get(f"{prefix}/", headers={"Accept-Language": "fr"}, base_url="https://localhost", follow_redirects=True)
        assert '<html lang="en">' in answer.get_data(as_text=True), prefix
    back = browser.get("/langue/fr", base_url="https://localhost")
    assert (back.status_code, back.headers["Location"]) == (302, "/")
    assert '<html lang="fr">' in browser.get("/", base_url="https://localhost").get_data(as_text=True)


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "evil.example",
        "/a\r\nX-Y: z",
        "/%5cevil",
        "/" + "a" * 600,
        "",
    ],
)
def test_a_choice_leads_nowhere_else(browser: Client, path: str) -> None:
    """A path of the same application, or its first page."""
    where = browser.get("/verifier/langue/en", query_string={"retour": path}).headers["Location"]
    assert where.startswith("/verifier/") and "evil.example" not in where


@pytest.mark.parametrize("path", ["/langue/de", "/verifier/langue/de", "/moi/langue/..%2f", "/langue/"])
def test_pages_are_made_in_no_other_language(browser: Client, path: str) -> None:
    """It is nothing, and nothing is kept."""
    answer = browser.get(path)
    assert answer.status_code == 404
    assert not answer.headers.getlist("Set-Cookie")


def test_a_cookie_that_says_no_language_is_as_none(browser: Client) -> None:
    """Nor does it come back in the page."""
    browser.set_cookie("sceau-langue", "<b>")
    assert '<html lang="fr">' in browser.get("/").get_data(as_text=True)


def test_errors_are_said_in_the_language_of_the_page(browser: Client) -> None:
    """As pages and as JSON, for scripts."""
    english = {"Accept-Language": "en"}
    assert "There is nothing here" in browser.get("/moi/rien", headers=english).get_data(as_text=True)
    said = browser.get("/moi/rien", headers=english | {"Accept": "application/json"}).get_json()
    assert said["error"] == "There is nothing here"
    assert "Il n'y a rien ici" in unescape(browser.get("/moi/rien").get_data(as_text=True))


def test_scripts_have_their_english_from_the_server(browser: Client) -> None:
    """The same for everybody, and kept for an hour as scripts are."""
    answer = browser.get("/moi/langue/scripts.json")
    assert answer.get_json()["Le réseau ne répond pas."] == "The network is not responding."
    assert answer.headers["Cache-Control"] == "public, max-age=3600"


def test_what_no_page_says_is_in_french() -> None:
    """Mail, paper, and work that goes on when nobody looks."""
    assert _(N_("Retour à l'accueil")) == "Retour à l'accueil"
    assert (ngettext("%(num)s an", "%(num)s ans", 0), ngettext("%(num)s an", "%(num)s ans", 2)) == ("0 an", "2 ans")


def test_days_and_numbers_follow_the_language() -> None:
    """In universal time, in both."""
    when = datetime(2027, 3, 1, 7, 5, tzinfo=UTC)
    assert (day(when), moment(when), number(12345)) == ("1er mars 2027", "1er mars 2027 à 07 h 05 (UTC)", "12\u202f345")
    with speaking(ENGLISH):
        assert (day(when), moment(when), number(12345)) == ("1 March 2027", "1 March 2027 at 07:05 (UTC)", "12,345")
        assert _("une phrase sans anglais") == "une phrase sans anglais"
