"""Which reply a request gets: status, a published file, health, measurements.

The map of the public contract (design §4). Nothing here knows a socket: the worker process and the WSGI entry point both hand
their requests to a `Site`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from trust.errors import Malformed
from web.publication.freshness import Present
from web.publication.get_request import decode
from web.publication.reply import NO_STORE, NOSNIFF, Reply, Request, not_allowed, not_found
from web.publication.repository import Repository
from web.publication.status_desk import MALFORMED, REQUEST_TYPE, Pending, StatusDesk, error

_OCSP = b"/ocsp"
_ALLOW = b"POST, GET, HEAD"


class Site:
    """Everything that is published."""

    def __init__(
        self,
        desk: StatusDesk,
        repository: Repository,
        present: Present,
        health: Callable[[], dict[str, Any]],
        metrics: Callable[[], str],
    ) -> None:
        self._desk = desk
        self._repository = repository
        self._present = present
        self._health = health
        self._metrics = metrics

    def respond(self, request: Request) -> Reply | Pending:
        """Answer a request, at once or by saying what must be signed first."""
        target = request.target
        if target == _OCSP and request.method == b"POST" and request.content_type == REQUEST_TYPE:
            return self._desk.post(request.body)  # the way of nearly every request
        if target.startswith(_OCSP) and target[5:6] in (b"", b"/", b"?"):
            return self._status(request)
        if target in (b"/healthz", b"/metrics"):
            return self._inside(request)
        return self._repository.reply(request, self._present.now)

    def _status(self, request: Request) -> Reply | Pending:
        encoded = request.target[6:]
        if request.method == b"POST":
            if encoded:
                return not_found()
            if request.content_type.partition(b";")[0].strip().lower() != REQUEST_TYPE:
                return error(MALFORMED, status=415, head=b"Accept-Post: " + REQUEST_TYPE + b"\r\n")._replace(what="type")
            return self._desk.post(request.body)
        if request.method in (b"GET", b"HEAD"):
            bodyless = request.method == b"HEAD"
            try:
                return self._desk.get(decode(encoded), request.if_none_match, bodyless=bodyless)
            except Malformed:
                return error(MALFORMED)._replace(bodyless=bodyless)
        return not_allowed(_ALLOW)

    def _inside(self, request: Request) -> Reply:
        """What is nobody's business but this machine's."""
        if not request.local:
            return not_found()
        if request.method not in (b"GET", b"HEAD"):
            return not_allowed(b"GET, HEAD")
        bodyless = request.method == b"HEAD"
        if request.target == b"/metrics":
            lines = b"Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n" + NOSNIFF + NO_STORE
            return Reply(200, lines, self._metrics().encode(), "metrics", bodyless)
        health = self._health()
        status = 200 if health["status"] == "ok" else 503
        lines = b"Content-Type: application/json\r\n" + NOSNIFF + NO_STORE
        return Reply(status, lines, json.dumps(health).encode(), "health", bodyless)
