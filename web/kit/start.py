"""What stands before the applications: the page from which everybody goes to the one that is theirs, and its language."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from werkzeug.exceptions import NotFound
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from pki.bootstrap.office import Office
from trust.errors import Missing
from web.kit import language

CHOICE = "/langue/"


def front(office: Office) -> language.Wsgi:
    """Return what answers where no application does: the first page, the choice of its language, whether the process lives."""
    folder = FileSystemLoader(Path(__file__).parent / "templates")
    pages = Environment(loader=folder, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    language.speak(pages)
    settings = office.home.settings

    def answer(request: Request) -> Response | NotFound:
        if request.path == "/healthz":
            return Response("ok\n")
        if request.path in ("/", ""):
            page = pages.get_template("start.html").render(authority=settings.name, mode=settings.mode)
            said = Response(page, mimetype="text/html", headers={"Content-Language": language.spoken()})
            said.vary.update(("Accept-Language", "Cookie"))
            return said
        if request.path.startswith(CHOICE):
            try:
                chosen = request.path.removeprefix(CHOICE)
                return language.keep(redirect("/"), chosen, secure=office.url.startswith("https://"))
            except Missing:
                pass
        return NotFound()

    def served(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        request = Request(environ)
        with language.speaking(language.wanted(request)):
            return answer(request)(environ, start)

    return served
