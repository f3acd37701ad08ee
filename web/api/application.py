"""The application of programs, mounted at ``/api``: each call is counted, known, allowed, read, done and answered, in that order.

There is no cookie here, and so no forged form: a browser that a foreign page sends with its client certificate is refused by its
origin, and a body is JSON or is refused. What a call may see is what the pages would show the same account.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from flask import Flask, Response, abort, g, request
from werkzeug.exceptions import TooManyRequests

from pki.bootstrap.office import Office
from trust.errors import Malformed, Missing, Refused
from web.api import problems
from web.api.problems import Unauthenticated
from web.api.route import JSON, OCTETS, PATH_PARAMETERS, SMALL, VERSION, Call, Created, For, Principal, Route
from web.api.table import ROUTES
from web.api.who import Gate
from web.kit.limits import Limits, Rate, address
from web.kit.safety import protect

PREFIX = "/api"
BY_ACCOUNT = Rate(300, 600)
BY_ADDRESS = Rate(120, 120)
"""For what needs no account, and for calls that nobody is known to make."""


def make(office: Office, limits: Limits | None = None) -> Flask:
    """Return the application of programs over an office.

    Raises:
        Missing, Refused, Malformed: as `Gate`.
    """
    app = Flask("sceau.api", static_folder=None, template_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=SMALL)
    app.url_map.merge_slashes = False
    app.logger.setLevel(logging.INFO)
    gate, counted, memory = Gate(office), Limits() if limits is None else limits, dict[str, Any]()
    secure = office.url.startswith("https://")

    def begin() -> None:
        g.secure, g.principal = secure, None

    app.before_request(begin)
    app.after_request(protect)
    problems.install(app)
    for route in ROUTES:
        rule = f"/{VERSION}{route.path.replace('{', '<').replace('}', '>')}"
        desk = Desk(route, office, gate, counted, memory)
        app.add_url_rule(rule, route.name, desk.serve, methods=[route.method], provide_automatic_options=False)
    return app


class Desk:
    """Takes the calls of one route."""

    def __init__(self, route: Route, office: Office, gate: Gate, limits: Limits, memory: dict[str, Any]) -> None:
        """Make what reads what is sent."""
        self._route = route
        self._office = office
        self._gate = gate
        self._limits = limits
        self._memory = memory
        self._body = None if route.body is None else msgspec.json.Decoder(route.body)

    def serve(self, **path: str) -> Response:
        """Answer one call."""
        self._refuse_foreign()
        principal = self._known()
        if principal is not None and self._route.audience is not For.ANYBODY:
            if self._route.scope not in principal.scopes:
                problems.note_refusal(403)
                return problems.insufficient(self._route.scope.value)
            if self._route.audience is For.OFFICERS and not principal.is_officer:
                raise Refused("this is for officers of an ordre", citation="CP 5.2.1")
        call = Call(self._office, principal, _path(path), self._read_query(), self._read_body(), self._memory)
        return self._written(self._route.run(call))

    def _refuse_foreign(self) -> None:
        origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "none")
        if origin not in (None, self._office.url) or site not in ("none", "same-origin"):
            raise Refused("a page of another site asks", citation="CP 5.2.3")

    def _known(self) -> Principal | None:
        """Return who calls, once the call is counted."""
        if self._route.audience is For.ANYBODY:
            self._count("anybody", address(), BY_ADDRESS)
            return None
        try:
            principal = self._gate.principal(request)
            if principal is None:
                raise Unauthenticated(presented=False)
        except Unauthenticated:
            self._count("unknown", address(), BY_ADDRESS)
            raise
        g.principal = principal
        self._count("account", str(principal.account), BY_ACCOUNT)
        return principal

    def _count(self, name: str, key: str | None, rate: Rate) -> None:
        wait = 0.0 if key is None else self._limits.take(name, key, rate)
        if wait:
            raise TooManyRequests(retry_after=int(wait) + 1)

    def _read_query(self) -> Any:
        given = {name: values[0] for name, values in request.args.lists()}
        if any(len(values) > 1 for _, values in request.args.lists()):
            raise Malformed("a parameter is given once")
        if self._route.query is None:
            if given:
                raise Malformed("this address takes no parameters")
            return None
        return _read(partial(msgspec.convert, given, self._route.query, strict=False))

    def _read_body(self) -> Any:
        if self._route.takes_file and request.mimetype != OCTETS:
            abort(415)
        if self._body is None:
            return None
        if request.mimetype != JSON:
            abort(415)
        request.max_content_length = self._route.largest
        return _read(partial(self._body.decode, request.get_data(cache=False)))

    def _written(self, found: Any) -> Response:
        made = isinstance(found, Created)
        answer = found.answer if made else found
        octets = answer.encode() if isinstance(answer, str) else msgspec.json.encode(answer)
        response = Response(octets, status=self._route.status, content_type=self._route.media)
        if made:
            response.headers["Location"] = found.location
        return response


def _path(given: dict[str, str]) -> dict[str, str]:
    """Check the names in an address: nothing has a name of another form."""
    for name, value in given.items():
        try:
            msgspec.convert(value, PATH_PARAMETERS[name])
        except msgspec.ValidationError:
            raise Missing("nothing has such a name") from None
    return given


def _read(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:  # a ValidationError is a DecodeError
        raise Malformed(str(error)) from None
