"""Errors, as problem details (RFC 9457): what happened, whose it is to act, the rule of the policy, and when to come back.

A kind of problem has an address where it is explained. What says 404 for another ordre's object says it in the same words as for
one that does not exist.
"""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, TooManyRequests

from trust.errors import Alarm, Conflict, Malformed, Missing, Refused, SceauError, Unavailable
from web.api.route import BASE, Shape

MEDIA = "application/problem+json"


class Problem(Shape):
    """A problem (RFC 9457 §3.1)."""

    type: str
    title: str
    status: int
    detail: str
    citation: str | None = None
    """The paragraph of the certificate policy that refuses, such as ``CP 5.2.2``."""


class ProblemKind(Shape):
    """A kind of problem, explained."""

    kind: str
    title: str
    status: int
    meaning: str


class Unauthenticated(Exception):
    """Nobody is known to call: no token and no certificate, or none that serves. The answer does not say which of these."""

    def __init__(self, *, presented: bool) -> None:
        super().__init__("no access token or client certificate that serves")
        self.presented = presented


KINDS: dict[str, tuple[int, str, str]] = {
    "malformed": (400, "It cannot be read", "What was sent has not the form that this address takes: the detail says where."),
    "unauthenticated": (
        401,
        "Who calls?",
        "Send an access token that serves, or come with a client certificate that is good now.",
    ),
    "refused": (403, "The policy says no", "A rule refuses this: the detail says why, the citation which. Nothing was changed."),
    "missing": (404, "There is nothing here", "It does not exist, or it is not of your ordre: the answer is the same for both."),
    "method-not-allowed": (405, "Not in this way", "This address takes other methods: the header Allow lists them."),
    "conflict": (409, "It is done, or has changed", "Somebody was faster, or it was done before: read it again, then decide."),
    "too-large": (413, "Too large", "Send less at a time."),
    "media-type": (415, "Not JSON", "A body is sent as application/json."),
    "too-many": (429, "Too often", "Wait as long as Retry-After says. Nobody else's calls are counted with yours."),
    "fault": (500, "A fault of ours", "It is in our log. Whether something was changed is not known: read, then try again."),
    "unavailable": (503, "Not now", "Something that we depend on does not answer: try again when Retry-After says."),
    "alarm": (503, "Integrity is in doubt", "The service has stopped by itself and somebody was called."),
}
"""Every kind: its status, its title, what to do."""
FAMILIES: tuple[tuple[type[SceauError], str], ...] = (
    (Malformed, "malformed"),
    (Refused, "refused"),
    (Missing, "missing"),
    (Conflict, "conflict"),
    (Unavailable, "unavailable"),
    (Alarm, "alarm"),
)
_OF_STATUS = {400: "malformed", 404: "missing", 405: "method-not-allowed", 413: "too-large", 415: "media-type", 429: "too-many"}


def install(app: Flask) -> None:
    """Have an application answer every error so."""
    app.register_error_handler(SceauError, _known)
    app.register_error_handler(Unauthenticated, _unauthenticated)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _unknown)


def answer(kind: str, detail: str, citation: str | None = None, **headers: str) -> Response:
    """Return a problem."""
    status, title, _ = KINDS[kind]
    problem = Problem(type=f"{BASE}/problems/{kind}", title=title, status=status, detail=detail, citation=citation)
    response = Response(msgspec.json.encode(problem), status=status, content_type=MEDIA)
    for name, value in headers.items():
        response.headers[name.replace("_", "-")] = value
    return response


def insufficient(scope: str) -> Response:
    """Say that a token does not open this (RFC 6750 §3.1)."""
    challenge = f'Bearer realm="sceau", error="insufficient_scope", scope="{scope}"'
    return answer("refused", f"this needs the scope {scope!r}", "CP 5.2.1", WWW_Authenticate=challenge)


def _known(error: SceauError) -> Response:
    kind = next(kind for family, kind in FAMILIES if isinstance(error, family))
    if isinstance(error, Unavailable):
        return answer(kind, str(error), Retry_After=str(max(1, round(error.retry_after))))
    if isinstance(error, Alarm):
        current_app.logger.error("%s", error)
        return answer(kind, "integrity is in doubt", Retry_After="60")
    if isinstance(error, Refused | Missing):
        note_refusal(KINDS[kind][0])
    if isinstance(error, Refused):
        return answer(kind, error.reason, error.citation)
    return answer(kind, str(error))


def note_refusal(status: int) -> None:
    """Write that somebody asked for what is not theirs, or does not exist: neither who, nor what it was called."""
    if (principal := g.get("principal")) is not None:
        current_app.logger.warning("refused (%d): %s %s, %s", status, request.method, request.endpoint, principal.way)


def _unauthenticated(error: Unauthenticated) -> Response:
    challenge = 'Bearer realm="sceau"' + (', error="invalid_token"' if error.presented else "")
    return answer("unauthenticated", str(error), WWW_Authenticate=challenge)


def _of_http(error: HTTPException) -> Response:
    status = error.code or 500
    kind = _OF_STATUS.get(status, "malformed" if status < 500 else "fault")
    if status == 404:
        note_refusal(404)
    if isinstance(error, TooManyRequests):
        return answer(kind, KINDS[kind][2], Retry_After=str(error.retry_after))
    if isinstance(error, MethodNotAllowed):
        return answer(kind, KINDS[kind][2], Allow=", ".join(sorted(error.valid_methods or ())))
    return answer(kind, KINDS[kind][2])


def _unknown(error: Exception) -> Any:
    current_app.logger.exception("a call failed")
    return answer("fault", KINDS["fault"][2])
