"""Every route of the API, once: what is served, what is described and what `tests/isolation` asks about are this table."""

from __future__ import annotations

from functools import cache
from typing import Any

from web.api import account, batches, certificates, domains, grants, public, register, requests, structures
from web.api.openapi import document
from web.api.route import Call, For, Route


@cache
def description() -> dict[str, Any]:
    """Return the description of every route."""
    return document(ROUTES)


def _description(call: Call) -> dict[str, Any]:
    return description()


OPENAPI = Route(
    "GET",
    "/openapi.json",
    "showDescription",
    "This description",
    _description,
    dict[str, Any],
    audience=For.ANYBODY,
    tag="everybody",
)
ROUTES: tuple[Route, ...] = (
    *account.ROUTES,
    *certificates.ROUTES,
    *requests.ROUTES,
    *batches.ROUTES,
    *grants.ROUTES,
    *structures.ROUTES,
    *domains.ROUTES,
    *register.ROUTES,
    *public.ROUTES,
    OPENAPI,
)
