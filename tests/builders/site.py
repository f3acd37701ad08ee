"""Every page of every application, served: the people and the things of `tests/isolation`, and a browser in front of them.

What a page is called, who sees it and what it is about are read from the tables of `tests/isolation/matrix.py`: a page that is
new is looked at, and photographed, without anybody adding it here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.shared_data import SharedDataMiddleware
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.builders.browser import chromium
from tests.isolation.matrix import INSIDE, TABLES
from tests.isolation.people import COOKIES, DOCTOR, Crowd, crowd
from tests.isolation.things import Things
from web.authority import MOUNTED
from web.kit.application import STATIC
from web.kit.language import COOKIE
from web.kit.start import front

PAGES = [
    (audience, endpoint)
    for audience, table in TABLES.items()
    for endpoint, method in table
    if method == "GET" and not endpoint.startswith("language.")
]
"""What can be opened: audience and endpoint."""


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
    _kept: dict[str, Page] = field(default_factory=dict)

    def open(self, role: str, **screen: Any) -> Page:
        """Open a browser of somebody who is signed in, or of nobody. It prefers French."""
        context = self.browser.new_context(locale="fr-FR", reduced_motion="reduce", **screen)
        who = self.crowd.people[role]
        if who.token:
            for name in COOKIES:
                context.add_cookies([{"name": name, "value": who.token, "url": self.url}])
        return context.new_page()

    def keep(self, role: str, **screen: Any) -> Page:
        """Return the browser that somebody opened once, and that prefers French again: a new one costs more than many pages."""
        if role not in self._kept:
            self._kept[role] = self.open(role, **screen)
        self._kept[role].context.clear_cookies(name=COOKIE)
        return self._kept[role]

    def speak(self, page: Page, language: str) -> None:
        """Have somebody choose a language."""
        page.context.add_cookies([{"name": COOKIE, "value": language, "url": self.url}])

    def visit(self, audience: str, endpoint: str) -> tuple[str, str]:
        """Return who sees a page, and its address; with a search that finds something, where there is one."""
        row, role = TABLES[audience][endpoint, "GET"], INSIDE[audience][0]
        path = self.things.path(audience, endpoint, "GET", row.thing, self.things.name(row.thing, role))
        prefix = list(MOUNTED)[list(TABLES).index(audience)]
        query = f"?q={DOCTOR.rpps}" if endpoint == "queue.search" else ""
        return (role if row.outside >= 300 else "nobody"), f"{self.url}{prefix}{path}{query}"

    @staticmethod
    def is_page(page: Page, address: str) -> bool:
        """Tell whether an address is that of a page, and not of a file."""
        return page.request.head(address).headers.get("content-type", "").startswith("text/html")


@contextmanager
def served(home: Path, browser: Browser | None = None) -> Iterator[Site]:
    """Serve the very applications in which the people and the things are, before a browser that is open, or a new one."""
    with crowd(home) as found, chromium() if browser is None else nullcontext(browser) as browser:
        things = Things(found)
        applications: dict[str, Any] = {prefix: found.apps[name] for prefix, name in zip(MOUNTED, TABLES, strict=True)}
        pages = SharedDataMiddleware(DispatcherMiddleware(front(found.office), applications), {"/static": str(STATIC)})
        server = make_server("localhost", 0, pages, threaded=True, request_handler=_Quiet)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield Site(found, things, browser, f"http://localhost:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
