"""Photographs every page of every application, to be looked at: var/screenshots/index.html (`make screenshots`).

In French on a phone and a desk, in both themes; in English on a phone. Pages are those of the tables of `tests/isolation`, as the
journey of accessibility opens them, and a few that are answers.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

from tests.builders.site import PAGES, Site, served
from tests.isolation.people import DOCTOR

OUT = Path("var/screenshots")
SCREENS: dict[str, dict[str, Any]] = {
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "desk": {"viewport": {"width": 1280, "height": 800}},
}
VIEWS = [
    ("phone", "light", "fr"),
    ("phone", "dark", "fr"),
    ("desk", "light", "fr"),
    ("desk", "dark", "fr"),
    ("phone", "light", "en"),
]
STYLE = """body{font:1rem system-ui;margin:1rem;background:#ddd} h2{position:sticky;top:0;background:#ddd;padding:.5rem 0}
div{display:flex;gap:1rem;overflow-x:auto} figure{margin:0} img{display:block;max-height:70vh;border:1px solid #777}"""


def visits(site: Site) -> Iterator[tuple[str, str, Callable[[Page], object]]]:
    """Yield each page: its name, who sees it, and how it is opened."""
    for path in ("/", "/moi/rien", "/moi/entree/personne"):
        yield f"front{path.replace('/', '-').rstrip('-')}", "nobody", lambda page, path=path: page.goto(site.url + path)
    site.crowd.sign_in()
    everybody = {role: site.open(role) for role in site.crowd.people}
    for audience, endpoint in PAGES:
        role, address = site.visit(audience, endpoint)
        if site.is_page(everybody[role], address):
            yield f"{audience}-{endpoint}", role, lambda page, address=address: page.goto(address)
    certificate = site.crowd.certificates[DOCTOR.idnat]
    file: Any = {"name": "certificat.cer", "mimeType": "application/pkix-cert", "buffer": certificate.der}

    def check(page: Page, field: str, fill: Callable[[Any], object]) -> None:
        page.goto(f"{site.url}/verifier/")
        fill(page.locator(f"#{field}"))
        page.locator(f"form:has(#{field}) button").click()
        page.wait_for_load_state()

    yield "verify-file", "nobody", lambda page: check(page, "certificat", lambda field: field.set_input_files(file))
    for number in (certificate.serial.hex(), "4" + "a" * 31, "x"):
        fill = partial(Locator.fill, value=number)
        yield f"verify-number-{number[:2]}", "nobody", lambda page, fill=fill: check(page, "numero", fill)


def photograph(site: Site) -> list[str]:
    """Photograph each page in each view; return the names of the pages."""
    opened: dict[tuple[str, str, str], Page] = {}
    names = []
    for name, role, open_page in visits(site):
        site.crowd.sign_in()
        for screen, theme, language in VIEWS:
            key = (role, screen, language)
            if key not in opened:
                opened[key] = site.open(role, **SCREENS[screen])
                site.speak(opened[key], language)
            page = opened[key]
            page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            if theme == "light":
                open_page(page)
            page.screenshot(path=OUT / f"{name}-{screen}-{theme}-{language}.png", full_page=True)
        names.append(name)
    return names


def index(names: list[str]) -> str:
    """Return the page that shows all of them."""
    rows = []
    for name in names:
        files = [f"{name}-{screen}-{theme}-{language}.png" for screen, theme, language in VIEWS]
        shown = "".join(f'<figure><a href="{each}"><img src="{each}" alt="{each}" loading="lazy"></a></figure>' for each in files)
        rows.append(f"<h2>{escape(name)}</h2><div>{shown}</div>")
    return f"<!doctype html><meta charset=utf-8><title>{len(names)} pages</title><style>{STYLE}</style>{''.join(rows)}\n"


if __name__ == "__main__":
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder, served(Path(folder) / "home") as site:
        names = photograph(site)
    (OUT / "index.html").write_text(index(names), encoding="utf-8")
    print(f"{len(names)} pages, {len(names) * len(VIEWS)} pictures: {OUT}/index.html")
