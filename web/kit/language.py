"""The language of pages: French, whose sentences are the message ids, and a complete English beside it (gettext's way).

Pages follow a choice kept in a cookie, else what the browser prefers: English only where it is put before French. Outside a
request everything is French, and so is what is signed, printed or sent by mail: those go to French people.

The English of a folder of `web` is in its ``english.po``, that of the scripts in ``kit/scripts.po``. They are text, read when the
process starts. `tests.sentences` finds every sentence of the code; the suite refuses one that lacks its English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po
from flask import Blueprint, Flask, Response, g, jsonify, redirect, request
from werkzeug.wrappers import Request
from werkzeug.wrappers import Response as AnyResponse
from werkzeug.wsgi import ClosingIterator

from trust.errors import Missing
from web.kit.paths import local

FRENCH, ENGLISH = "fr", "en"
LANGUAGES = {FRENCH: "Français", ENGLISH: "English"}
"""Each by its own name."""
COOKIE = "sceau-langue"
YEAR = 365 * 86_400
"""Seconds."""
SCRIPTS = "scripts.po"
_APART = re.compile(r" (?=[:;?!»])|(?<=«) ")
_WEB = Path(__file__).parents[1]
_SPOKEN: ContextVar[str] = ContextVar("spoken", default=FRENCH)

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


def spoken() -> str:
    """Return the language of the page that is being made; French where none is."""
    return _SPOKEN.get()


def _(message: str, /, **values: object) -> str:
    """Say a French sentence in the language of the page, with its values: ``_("Encore %(left)s.", left=…)``."""
    said = _singular(message)
    return said % values if values else said


def ngettext(one: str, many: str, num: int, /, **values: object) -> str:
    """Say one of two French sentences, by a count that they may name ``%(num)s``. French has its plural from two on."""
    return _plural(one, many, num) % ({"num": num} | values)


def pgettext(context: str, message: str, /, **values: object) -> str:
    """Say a French sentence that has several meanings: the context tells which."""
    said = _singular(message, context)
    return said % values if values else said


def N_(message: str) -> str:
    """Mark a sentence of a constant for the catalogue; `_` translates it where it is used."""
    return message


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Make pages in a language, here and now."""
    token = _SPOKEN.set(code)
    try:
        yield
    finally:
        _SPOKEN.reset(token)


def install(app: Flask) -> None:
    """Have an application speak the language of who asks, in its templates too, and offer the choice."""
    english()  # what is wrong with a catalogue stops the start
    inner = app.wsgi_app

    def understood(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        code = wanted(Request(environ))
        with speaking(code):
            parts = inner(environ, start)
        return ClosingIterator(_each(parts, code), getattr(parts, "close", None))

    app.wsgi_app = understood  # type: ignore[assignment, method-assign]
    speak(app.jinja_env)
    app.after_request(_said_in)
    app.register_blueprint(_views())

    @app.context_processor
    def here() -> dict[str, Any]:
        return {"here": request.full_path.rstrip("?") if request.method in ("GET", "HEAD") else "/"}


def speak(pages: Any) -> None:
    """Have an environment of templates translate: ``_("…")``, ``{% trans %}…{% endtrans %}``, ``{{ value|said }}``."""
    pages.add_extension("jinja2.ext.i18n")
    pages.policies["ext.i18n.trimmed"] = True
    pages.install_gettext_callables(
        _singular,
        _plural,
        newstyle=True,
        pgettext=lambda context, message: _singular(message, context),
        npgettext=lambda context, one, many, num: _plural(one, many, num, context),
    )
    pages.globals.update(spoken=spoken, other_language=other)
    pages.filters["said"] = _  # of a value: jinja takes what ``_("…")`` returns for markup, and escapes what a filter returns


def wanted(asked: Request) -> str:
    """Return the language of who asks: as they chose, else as their browser prefers, else French."""
    chosen = asked.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    best = dict.fromkeys(LANGUAGES, 0.0)
    for tag, quality in asked.accept_languages:
        code = tag.lower().split("-")[0]
        if code in best:
            best[code] = max(best[code], quality)
    return ENGLISH if best[ENGLISH] > best[FRENCH] else FRENCH


def other() -> tuple[str, str]:
    """Return the language that a page is not in: its code and its own name."""
    code = FRENCH if spoken() == ENGLISH else ENGLISH
    return code, LANGUAGES[code]


def keep(answer: AnyResponse, code: str, *, secure: bool) -> AnyResponse:
    """Have the browser remember a choice, for all our pages.

    Raises:
        Missing: pages are not made in that language.
    """
    if code not in LANGUAGES:
        raise Missing("no such language")
    answer.set_cookie(COOKIE, code, max_age=YEAR, httponly=True, secure=secure, samesite="Lax", path="/")
    return answer


@cache
def english() -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the English of every folder, by context and French; of a sentence with a plural, both.

    Raises:
        ValueError: a file is no catalogue.
    """
    return {key: said for path in sorted(_WEB.glob("*/english.po")) for key, said in catalogue(path).items()}


def catalogue(path: Path) -> dict[tuple[str, str], tuple[str, ...]]:
    """Read one file."""
    with path.open("rb") as file:
        read = read_po(file, locale=ENGLISH, abort_invalid=True)
    found = {}
    for message in read:
        ids, strings = ((each,) if isinstance(each, str) else tuple(each or ()) for each in (message.id, message.string))
        if all(ids) and all(strings) and not message.fuzzy:
            found[message.context or "", ids[0]] = strings
    return found


@lru_cache(4096)
def typeset(french: str) -> str:
    """Have the marks that French sets apart stay on the line of their word: sentences are written with plain spaces."""
    return _APART.sub("\u00a0", french)


def _singular(message: str, context: str = "") -> str:
    if spoken() == FRENCH:
        return typeset(message)
    return english().get((context, message), (message,))[0]


def _plural(one: str, many: str, num: int, context: str = "") -> str:
    if spoken() == FRENCH:
        return typeset(many if num > 1 else one)
    return english().get((context, one), (one, many))[0 if num == 1 else -1]


def _each(parts: Iterable[bytes], code: str) -> Iterator[bytes]:
    """Yield the parts of an answer, each made in its language: a stream says its last words long after the view has ended."""
    left = iter(parts)
    while True:
        with speaking(code):
            part = next(left, None)
        if part is None:
            return
        yield part


def _said_in(answer: Response) -> Response:
    """Say the language of an answer, and what it depends on."""
    if answer.mimetype in ("text/html", "application/json"):
        answer.headers.setdefault("Content-Language", spoken())
        answer.vary.update(("Accept-Language", "Cookie"))
    return answer


def _views() -> Blueprint:
    pages = Blueprint("language", __name__)

    @pages.get("/langue/<code>")
    def choose(code: str) -> AnyResponse:
        return keep(redirect(local(g.prefix, request.args.get("retour"))), code, secure=g.secure)

    @pages.get("/langue/scripts.json")
    def scripts() -> Response:
        answer = jsonify({french: said[0] for (_, french), said in _of_scripts().items()})
        answer.headers["Cache-Control"], answer.headers["Content-Language"] = "public, max-age=3600", ENGLISH
        return answer

    return pages


@cache
def _of_scripts() -> dict[tuple[str, str], tuple[str, ...]]:
    return catalogue(Path(__file__).parent / SCRIPTS)
