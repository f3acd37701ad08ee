"""The description of the API: the one that is committed, and what a judge of APIs finds who believes every word of it.

The judge (schemathesis) makes calls that fit the description and calls that do not, for each operation, and holds every answer
against it: no server error, no status, media type, header or body that is not described, nothing accepted that should not be,
nothing answered to who brings no token.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.builders.programs import Programs
from tests.unit.api.conftest import DOCTOR, STRUCTURE
from web.api.application import make
from web.api.openapi import document
from web.api.table import ROUTES
from web.kit.limits import Limits

COMMITTED = Path(__file__).parents[3] / "docs" / "openapi.json"
JUDGED = [
    (route, mode)
    for route in ROUTES
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    if mode is GenerationMode.POSITIVE or route.parameters or route.query or route.body
]
"""A call without anything in it cannot be wrong."""
EXAMPLES = 4
"""Calls of each kind for each operation."""
SEMANTIC = {
    "handIn", "declare", "revoke", "hold", "release", "approve", "refuse", "approveStructure", "withdraw", "approvePlan",
    "revokeAsHolder", "checkCertificate", "prepareServerRequest", "listCertificates", "listBatches", "listRequestsOfBatch",
    "prepareDeclaration", "showPerson", "withdrawGrant", "prepareDomains", "proposeDomains", "approveDomains", "refuseDomains",
    "prepareApproval", "prepareRefusal", "prepareWithdrawal", "applyPlan", "receiveExtraction",
}  # fmt: skip
"""Where what fits the schema may still not be what it must be: a signature, a certificate, a cursor, a number with its key."""


def test_the_committed_description_is_the_one_that_is_served(programs: Programs) -> None:
    """When this fails, run `make docs`."""
    served = programs.get("showDescription")
    assert served == json.loads(json.dumps(document(ROUTES))) == json.loads(COMMITTED.read_text("utf-8"))


def test_everything_in_it_is_said_in_words(programs: Programs) -> None:
    """Each operation has a summary and a tag that is explained; each shape of ours has a sentence."""
    found = programs.get("showDescription")
    tags = {each["name"] for each in found["tags"]}
    for path in found["paths"].values():
        for operation in path.values():
            assert operation["summary"] and set(operation["tags"]) <= tags
    assert all(schema.get("description") for schema in found["components"]["schemas"].values())


def test_it_is_openapi_3_1() -> None:
    """As the judge reads it: every reference leads somewhere."""
    schemathesis.openapi.from_dict(document(ROUTES)).validate()


@pytest.fixture(scope="module")
def judged(programs: Programs) -> Any:
    """The description as it is served, with the application behind it."""
    rejections = {"expected-statuses": ["400", "401", "403", "404", "405", "409", "413", "415", "429"]}
    config = SchemathesisConfig.from_dict({"checks": {"negative_data_rejection": rejections}})
    pages = DispatcherMiddleware(NotFound(), {"/api": make(programs.office, Limits(most=1))})
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", pages, config=config)


def real(programs: Programs) -> dict[str, str]:
    """Return names that something has."""
    with programs.world.store.read() as tx:
        serial = tx.certificates.of_holder(DOCTOR.idnat)[0].serial.hex()
        batch = tx.requests.batches(board="CNOM", limit=1)[0]
        request = tx.requests.of_batch(batch.id)[0].id
        snapshot = tx.register.all_snapshots()[0].sha256
    return {
        "serial": serial, "batch": batch.id, "request": request, "number": STRUCTURE, "sha256": snapshot, "kind": "refused"
    }  # fmt: skip


@pytest.mark.parametrize(("route", "mode"), JUDGED, ids=[f"{route.name}-{mode.value}" for route, mode in JUDGED])
def test_every_operation_is_as_it_is_described(programs: Programs, judged: Any, route: Any, mode: GenerationMode) -> None:
    """For calls that fit the description, and for calls that do not; of things that are there, and of things that are not."""
    operation = judged.find_operation_by_id(route.name)
    headers = {"Authorization": f"Bearer {programs.token('cnom-1')}"}
    names = {name: value for name, value in real(programs).items() if name in route.parameters}
    excluded = [CHECKS.get_one("positive_data_acceptance")] if route.name in SEMANTIC else []

    def judge(case: Any) -> None:
        case.call_and_validate(headers=headers, excluded_checks=excluded)

    for known in ({}, names) if names and mode is GenerationMode.POSITIVE else (names if route.body else {},):
        cases = operation.as_strategy(mode, path_parameters=known or None)
        relaxed = settings(
            max_examples=EXAMPLES, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
        )
        seed(20261122)(relaxed(given(case=cases)(judge)))()
