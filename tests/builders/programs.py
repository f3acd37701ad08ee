"""Programs at the API of a world: tokens, officers' signatures, and every answer held against the description that is served.

No answer passes here without a check: its status is one that its route names, its media type is the one described, and its body
fits the schema, whoever asks for whatever.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from jsonschema_rs import Draft202012Validator
from werkzeug.test import Client, TestResponse

from pki.authenticators.model import Account, Kind
from pki.authenticators.tokens import ALLOWED, Scope
from pki.bootstrap.office import Office
from tests.world import World
from web.api.application import make
from web.api.openapi import document
from web.api.route import OCTETS, Route
from web.api.table import ROUTES
from web.kit.limits import Limits

URL = "http://localhost:8400"


class _Described:
    """The description, ready to judge answers."""

    def __init__(self) -> None:
        self.document = document(ROUTES)
        self._ready: dict[str, Draft202012Validator] = {}

    def check(self, route: Route, answer: TestResponse) -> None:
        """Check an answer of a route."""
        responses = self.document["paths"][route.path][route.method.lower()]["responses"]
        said = responses.get(str(answer.status_code))
        assert said is not None, f"{route.name} does not name the status {answer.status_code}: {answer.get_data(as_text=True)}"
        said = self.document["components"]["responses"][str(answer.status_code)] if "$ref" in said else said
        (media,) = said["content"]
        assert answer.mimetype == media, (route.name, answer.mimetype)
        for name, header in said.get("headers", {}).items():
            assert name in answer.headers or not header.get("required"), (route.name, name)
        if media.endswith("json"):
            self._validator(said["content"][media]["schema"]).validate(json.loads(answer.get_data()))

    def _validator(self, schema: dict[str, Any]) -> Draft202012Validator:
        key = json.dumps(schema)
        if key not in self._ready:
            whole = {**schema, "components": self.document["components"]}
            self._ready[key] = Draft202012Validator(whole, validate_formats=True)
        return self._ready[key]


DESCRIBED = _Described()
BY_NAME = {route.name: route for route in ROUTES}


@dataclass
class Programs:
    """Programs of officers and structures, each with a token."""

    world: World
    office: Office = field(init=False)
    tokens: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Stand before the office of the world."""
        self.office = Office(self.world.home, URL)

    @cached_property
    def client(self) -> Client:
        """What sends."""
        return Client(make(self.office, Limits(most=1)))  # tests are in a hurry: nobody is counted for long

    def token(self, account: str, scopes: Iterable[Scope] | None = None, **life: float) -> str:
        """Return a token of ``cnom-1``, or of a structure by its number; with every scope unless some are named."""
        known = f"{account} {sorted(scopes) if scopes is not None else ''} {life}"
        if known not in self.tokens:
            who = Account(Kind.STRUCTURE if account[0].isdigit() else Kind.OFFICER, account)
            opened = ALLOWED[who.kind] if scopes is None else frozenset(scopes)
            self.tokens[known], _ = self.office.tokens.make(who, "test", opened, timedelta(**(life or {"days": 1})), by="test")
        return self.tokens[known]

    def call(self, name: str, who: str | None = None, body: Any = None, **more: Any) -> TestResponse:
        """Call a route by its name, as somebody (an officer, a structure, nobody); names in the address and `query` follow."""
        headers = dict(more.pop("headers", {}))
        if who is not None:
            headers["Authorization"] = f"Bearer {self.token(who)}"
        route, query = BY_NAME[name], more.pop("query", None)
        path = "/v1" + route.path.format(**more)
        sent: dict[str, Any] = {} if route.body is None else {"json": {} if body is None else body}
        if route.takes_file and body is not None:
            sent = {"data": body, "content_type": OCTETS}
        answer = self.client.open(path, method=route.method, base_url=URL, headers=headers, query_string=query, **sent)
        DESCRIBED.check(route, answer)
        return answer

    def get(self, name: str, who: str | None = None, body: Any = None, **more: Any) -> Any:
        """Call a route that answers well; return what it says."""
        answer = self.call(name, who, body, **more)
        assert answer.status_code in (200, 201), answer.get_data(as_text=True)
        return answer.get_json()

    def signed(self, officer: str, statement: str) -> dict[str, Any]:
        """Have an officer sign a statement; return what is sent."""
        return {"statement": statement, "signature": b64(self.world.act(officer, statement).signature)}

    def act(self, prepare: str, name: str, officer: str, body: Any = None, **more: Any) -> TestResponse:
        """Have an officer ask for a statement, sign it and hand it in."""
        statement = self.get(prepare, officer, body, **more)["statement"]
        return self.call(name, officer, self.signed(officer, statement), **more)


def b64(octets: bytes) -> str:
    """Write octets as JSON carries them."""
    return b64encode(octets).decode()
