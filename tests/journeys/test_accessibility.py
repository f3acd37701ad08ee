"""Everybody can use every page (WCAG 2.2 AA): each page that a browser can open, by the URL maps, in both themes, by keyboard.

Two judges: our own checks (`accessibility.js`: labels, headings, sizes, contrast as the browser computes it, nothing that scrolls
sideways on 320 pixels) and axe-core with its best practices. Each page is then opened in English, and nothing French is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Error, Page, ViewportSize

from tests.builders.site import PAGES, Site, served
from tests.isolation.people import DOCTOR

HERE = Path(__file__).parent
CHECKS, REACH, WORDS = ((HERE / name).read_text(encoding="utf-8") for name in ("accessibility.js", "reach.js", "words.js"))
AXE = """async (runOnly) => (await axe.run(document, {resultTypes: ["violations"], runOnly})).violations.flatMap(
    ({id, help, nodes}) => nodes.map(({html}) => `axe ${id}: ${help}: ${html.slice(0, 120)}`))"""
RULES = {"light": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "dark": ["cat.color"]}
"""Of axe, by theme: all that it is sure of; then those of colours, for a theme changes nothing else."""
NARROW = ViewportSize(width=320, height=640)
ROUNDS = 4
"""Times that Tab is pressed for each control: a date has a place for each of its parts."""
FRENCH = re.compile(
    r"\b(au|aucun|aux|avec|cette|ces|dans|de|des|du|elle|elles|est|et|ils|la|le|les|leur|nous|ont|ou|par|pas|pour|que|qui|sans|ses"
    r"|sont|sur|un|une|vos|votre|vous)\b|[çœ]|(?<![\w-])[cdjlmnst]['’]\w",
    re.IGNORECASE,
)
"""What no English sentence has."""
STUCK = re.compile(r"[a-z\d)][.!?;:,][A-Z][a-z]")
"""A sentence that begins where another ends: a template forgot the space between them."""


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The pages, and a browser. Everybody is signed in, and stays so: pages are only looked at."""
    with served(tmp_path_factory.mktemp("accessibility") / "home", browser) as found:
        yield found


def faults(page: Page) -> list[str]:
    """Return what is wrong with a page, in both themes, and what the keyboard does not reach."""
    found = []
    page.evaluate(AXE_SCRIPT)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        found += [f"{theme}: {each}" for each in page.evaluate(CHECKS) + page.evaluate(AXE, RULES[theme])]
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


def shows_page(page: Page, address: str) -> bool:
    """Tell whether an address, which is opened, is that of a page, and not of a file."""
    try:
        answer = page.goto(address)
    except Error as error:
        if "Download is starting" not in error.message:
            raise
        return False
    assert answer is not None and answer.status == 200, address
    return answer.headers["content-type"].startswith("text/html")


def show(page: Page, control: str) -> str:
    """Return the beginning of a control."""
    said: str = page.evaluate("name => document.querySelector(`[data-reach='${name}']`).outerHTML.slice(0, 120)", control)
    return said


def french(page: Page) -> list[str]:
    """Return what is still French on a page in English, but for what says that it is, and names of people."""
    assert page.evaluate("document.documentElement.lang") == "en"
    return [said for said in page.evaluate(WORDS) if FRENCH.search(said) or STUCK.search(said)]


@pytest.mark.parametrize(("audience", "endpoint"), PAGES)
def test_everybody_can_use_the_page(site: Site, audience: str, endpoint: str) -> None:
    """Whoever sees it; and whoever reads English."""
    role, address = site.visit(audience, endpoint)
    page = site.keep(role, viewport=NARROW)
    if shows_page(page, address):
        assert "\n".join(faults(page)) == ""
        site.speak(page, "en")
        page.goto(address)
        assert "\n".join(french(page)) == ""


@pytest.mark.parametrize("path", ["/", "/ordre/rien", "/moi/rien", "/verifier/rien", "/moi/entree/personne"])
def test_everybody_can_use_the_first_page_and_those_that_fail(site: Site, path: str) -> None:
    """What says that there is nothing is a page like others."""
    page = site.open("nobody", viewport=NARROW)
    page.goto(site.url + path)
    assert faults(page) == []
    page.get_by_role("link", name="English").click()
    page.goto(site.url + path)
    assert french(page) == []
    page.context.close()


def test_everybody_can_use_the_answers_of_the_public_check(site: Site, tmp_path: Path) -> None:
    """A good certificate, a number, a number that is none."""
    page = site.open("nobody", viewport=NARROW)
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


def test_who_reads_english_has_the_answers_of_the_public_check(site: Site, tmp_path: Path) -> None:
    """Chosen at the foot of a page, which comes back; what is typed wrongly is said in English, by scripts too."""
    page = site.open("nobody", viewport=NARROW)
    certificate = site.crowd.certificates[DOCTOR.idnat]
    file = tmp_path / "certificat.cer"
    file.write_bytes(certificate.der)
    page.goto(f"{site.url}/verifier/")
    page.get_by_role("link", name="English").click()
    page.get_by_label("Certificate (.pem, .crt, .cer)").set_input_files(file)
    page.get_by_role("button", name="Check the file").click()
    assert page.get_by_role("heading", level=1).text_content() == "Valid"
    assert french(page) == []
    for number in (certificate.serial.hex(), "4" + "a" * 31, "x"):
        page.goto(f"{site.url}/verifier/")
        page.get_by_role("textbox", name="Serial number").fill(number)
        page.get_by_role("button", name="Look up this number").click()
        assert french(page) == []
    said = page.evaluate("import('/static/words.js').then(({ _ }) => _('Valable jusqu\\'au %(until)s.', { until: '1 May' }))")
    assert said == "Valid until 1 May."
    page.get_by_role("link", name="Français").click()
    assert page.get_by_role("heading", level=1).text_content() == "Vérifier un certificat"
    page.context.close()


def test_the_checks_find_what_is_wrong(site: Site) -> None:
    """A page with each fault: none of the checks is asleep."""
    page = site.open("nobody", viewport=NARROW)
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
    for rule in ("light: axe html-has-lang", "light: axe region", "dark: axe color-contrast"):
        assert rule in said, rule
    page.set_content(
        "<!doctype html><html lang=en><title>Une page – authority</title><p>Il reste <b>des</b> mots</p><p lang=fr>des mots</p>"
        "<p>It is said.And said.</p><b translate=no>LE GALL</b><input value='Votre nom' type=submit><img alt='dans une image'>"
        "<script>'vous'</script>"
    )
    assert french(page) == ["Une page", "des", "It is said.And said.", "dans une image", "Votre nom"]
    page.context.close()
