"""Safety of every request: who asks, from which page, and what the browser may do with the answer.

A request that changes something comes from a page of ours (its origin, and a token that only that page knew: OWASP ASVS 3.5), by
somebody whose session stands now. Pages load nothing but our own style and scripts, are framed by nobody and cached by nobody.
Headers that a proxy adds about the client are not believed: who asks, and what they may, never depends on them (how often
they may ask does: `limits`).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from urllib.parse import quote

from flask import Flask, Response, abort, current_app, g, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from pki.authenticators.model import Account, Kind, Session
from pki.bootstrap.office import Office

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
FIELD = "csrf"
HEADER = "X-Sceau-Token"

View = TypeVar("View", bound=Callable[..., AnyResponse | str | tuple[str, int]])


def install(app: Flask, office: Office, kind: Kind | None, prefix: str) -> None:
    """Have an application know who asks, refuse what comes from elsewhere, and say what browsers may do."""
    secure = office.url.startswith("https://")
    cookie = f"{'__Secure-' if secure else ''}sceau-{kind.value}" if kind is not None else ""

    def load() -> None:
        g.office, g.kind, g.cookie, g.secure, g.prefix = office, kind, cookie, secure, prefix
        g.token = request.cookies.get(cookie, "") if cookie else ""
        found = office.sessions.find(g.token) if g.token else None
        g.session = found if found is not None and found.account.kind is kind else None  # a practitioner is no officer
        if request.method not in SAFE:
            refuse_foreign(office.url)
        refuse_nul()

    app.before_request(load)
    app.after_request(protect)
    app.jinja_env.globals.update(csrf=token_of_page)


def refuse_foreign(url: str) -> None:
    """End a request that changes something and does not come from a page of ours (403)."""
    if request.headers.get("Origin") != url and request.headers.get("Sec-Fetch-Site") != "same-origin":
        abort(403)
    given = request.headers.get(HEADER) or request.form.get(FIELD, "")
    known = [token_of_page()] + ([token_of_session(g.token)] if g.token else [])  # of a session that ended: the view says so
    if not any(hmac.compare_digest(given.encode(), each.encode()) for each in known):
        abort(403)


def refuse_nul() -> None:
    """End a request whose address or form has the character that no text has, and no database takes (400)."""
    forms = ("application/x-www-form-urlencoded", "multipart/form-data")
    typed = [*request.args.values(), *(request.form.values() if request.mimetype in forms else ())]
    if any("\0" in str(each) for each in [*typed, *(request.view_args or {}).values()]):
        abort(400)


def token_of_page() -> str:
    """Return the token that forms of this session carry. Before sign-in it is the same for everybody: the origin protects."""
    return token_of_session(g.token) if g.session else "anonymous"


def token_of_session(token: str) -> str:
    """Return the token that forms of a session carry: a page that has just opened one goes on with it."""
    return hashlib.sha256(b"form " + token.encode()).hexdigest()


def protect(response: Response) -> Response:
    """Say what the browser may do with this answer."""
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"  # links hold tokens
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), payment=()"
    response.headers.setdefault("Cache-Control", "no-store")
    if g.get("secure"):
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def signed_in(view: View) -> View:
    """Let only somebody who is signed in see a view; others are led to the door and back."""

    @wraps(view)
    def guarded(*args: object, **kwargs: object) -> AnyResponse | str | tuple[str, int]:
        if g.session is None:
            if request.method not in SAFE:
                abort(401)
            return redirect(f"{g.prefix}/connexion?suite={quote(request.full_path.rstrip('?'))}")
        return view(*args, **kwargs)

    guarded.is_guarded = True  # type: ignore[attr-defined]
    return guarded  # type: ignore[return-value]


def account() -> Account:
    """Return who is signed in. Only inside a guarded view."""
    session: Session = g.session
    return session.account


def keep_cookie(response: AnyResponse, token: str) -> AnyResponse:
    """Give the browser its session."""
    response.set_cookie(g.cookie, token, httponly=True, secure=g.secure, samesite="Strict", path=g.prefix)
    return response


def drop_cookie(response: AnyResponse) -> AnyResponse:
    """Take it back."""
    response.delete_cookie(g.cookie, path=g.prefix, httponly=True, secure=g.secure, samesite="Strict")
    return response


def log(message: str, *details: object) -> None:
    """Write a line for the operator: no name, no number of a person."""
    current_app.logger.info(message, *details)
