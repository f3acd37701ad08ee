"""The description of the API (OpenAPI 3.1), made from the table that serves it: shapes, addresses, statuses, scopes."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec

from web.api.problems import KINDS, MEDIA, Problem
from web.api.route import BASE, JSON, OCTETS, PATH_PARAMETERS, For, Route, Sent, Shape

REFERENCES = "#/components/schemas/{name}"
WORDS = """What the pages of officers and of structures do, for programs. `docs/api.md` explains it.

What decides is signed by an officer's own key: an address that ends with `/statement` gives what to sign, the one above takes it
back with the signature. A statement that was taken before is answered as it stands, so a call may be repeated.
"""
TAGS = {
    "state": "Who calls, and the state of things",
    "certificates": "Certificates of the ordre, or of the structure",
    "requests": "Certificates and enrolments asked for",
    "batches": "Requests that wait for a decision, and decisions",
    "structures": "Structures and their servers",
    "register": "The national register as it stands here",
    "everybody": "What needs no account",
}
HEADERS = {
    401: {"WWW-Authenticate": "How to authenticate (RFC 6750)."},
    429: {"Retry-After": "Seconds to wait."},
    503: {"Retry-After": "Seconds to wait."},
}


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """Return the description of these routes."""
    shapes: list[Any] = [Problem]
    for route in routes:
        shapes += [each for each in (route.answer, route.body, route.query) if each is not None and each is not str]
    _, components = msgspec.json.schema_components(shapes, ref_template=REFERENCES)
    _describe_fields(components)
    inlined = {route.query.__name__ for route in routes if route.query is not None}
    schemas = {name: _plain(schema) for name, schema in components.items() if name not in inlined}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sceau",
            "version": "1.0.0",
            "summary": "Certificates of the French health ordres",
            "description": WORDS,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": BASE}],
        "tags": [{"name": name, "description": words} for name, words in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "responses": {str(each): _refusal(each) for each in sorted({each for route in routes for each in route.refusals})},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "An access token: `sceau board token`."},
                "certificate": {"type": "mutualTLS", "description": "A certificate of an officer or of a structure, good now."},
            },
        },
    }


def _operation(route: Route, components: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": route.name, "summary": route.summary, "tags": [route.tag]}
    parameters = [_parameter(name, "path", _schema(PATH_PARAMETERS[name]), required=True) for name in route.parameters]
    if route.query is not None:
        parameters += _query(components[route.query.__name__])
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": _schema(route.body)}}}
    if route.takes_file:
        operation["requestBody"] = {"required": True, "content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}}}
    operation["responses"] = {str(route.status): _success(route)} | {
        str(each): {"$ref": f"#/components/responses/{each}"} for each in route.refusals
    }
    if route.audience is For.ANYBODY:
        operation["security"] = []
    else:
        operation["security"] = [{"token": [route.scope.value]}, {"certificate": []}]
        operation["description"] = f"For {route.audience.value}, with the scope `{route.scope.value}`."
    return operation


def _query(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [_parameter(name, "query", _single(each)) for name, each in schema["properties"].items()]


def _parameter(name: str, where: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": where, "required": required, "schema": _plain(schema)}


def _single(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a query parameter: one that is not given is absent, and is never the word null."""
    branches = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    if len(branches) == 1:
        return {**branches[0], **{name: value for name, value in schema.items() if name == "description"}}
    if isinstance(schema.get("enum"), list) and None in schema["enum"]:
        return {"type": "string", "enum": [each for each in schema["enum"] if each is not None]}
    return schema


def _describe_fields(components: dict[str, Any]) -> None:
    """Say of each field what the sentence below it in the code says."""
    shapes = {each.__name__: each for each in (*_all_below(Shape), *_all_below(Sent))}
    for name, schema in components.items():
        for field, words in _words_of(shapes[name]).items():
            schema["properties"][field].setdefault("description", words)


def _all_below(kind: type[Any]) -> list[type[Any]]:
    found: list[type[Any]] = []
    for below in kind.__subclasses__():
        found += [below, *_all_below(below)]
    return found


def _words_of(shape: type) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind in reversed(shape.__mro__):
        if not kind.__module__.startswith("web.api"):
            continue
        (declared,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
        assert isinstance(declared, ast.ClassDef)
        for statement, after in pairwise(declared.body):
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and isinstance(after, ast.Expr):
                found[statement.target.id] = str(ast.literal_eval(after.value))
    return found


def _success(route: Route) -> dict[str, Any]:
    schema = {"type": "string"} if route.answer is str else _schema(route.answer)
    found: dict[str, Any] = {"description": "Done.", "content": {route.media: {"schema": schema}}}
    if route.status == 201:
        found["headers"] = {"Location": {"description": "Where it is.", "required": True, "schema": {"type": "string"}}}
    return found


def _refusal(status: int) -> dict[str, Any]:
    words = " Or: ".join(f"{title}." for of, title, _ in KINDS.values() if of == status)
    found: dict[str, Any] = {"description": words, "content": {MEDIA: {"schema": {"$ref": REFERENCES.format(name="Problem")}}}}
    if status in HEADERS:
        found["headers"] = {name: {"description": said, "schema": {"type": "string"}} for name, said in HEADERS[status].items()}
    return found


def _schema(shape: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([shape], ref_template=REFERENCES)
    return schema


def _plain(value: Any) -> Any:
    """Return a schema whose descriptions are one line: those of shapes are docstrings."""
    if isinstance(value, dict):
        return {
            name: re.sub(r"\s+", " ", each).strip() if name == "description" and isinstance(each, str) else _plain(each)
            for name, each in value.items()
        }
    return [_plain(each) for each in value] if isinstance(value, list) else value
