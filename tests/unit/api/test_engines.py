"""The API over both databases: what it keeps and how it lists is the same."""

from __future__ import annotations

from tests.builders.programs import Programs
from tests.databases import cluster, world_on  # noqa: F401  # fixtures
from tests.unit.api.conftest import DOCTOR, NURSE
from tests.unit.api.test_requests import application
from tests.world import World


def test_a_request_becomes_a_listed_certificate_that_is_revoked(world_on: World) -> None:  # noqa: F811  # a fixture
    """Drafts, tokens, pages of lists and acts, on each engine; a name with the character that no text has is refused by both."""
    world = world_on
    world.apply_register([DOCTOR, NURSE])
    programs = Programs(world)
    draft = programs.get("prepareRequests", "cnom-1", {"applications": [application(DOCTOR) for _ in range(3)]})
    sent = programs.signed("cnom-1", draft["statement"])
    batch = programs.get("handIn", "cnom-1", sent)["id"]
    assert programs.get("handIn", "cnom-1", sent)["id"] == batch
    programs.act("prepareApproval", "approve", "cnom-2", {"excluded": [2]}, batch=batch)
    world.issuer.turn_until_idle()
    first = programs.get("listCertificates", "cnom-1", query={"limit": 1, "status": "issued"})
    second = programs.get("listCertificates", "cnom-1", query={"limit": 1, "status": "issued", "cursor": first["next"]})
    serials = [page["certificates"][0]["serial"] for page in (first, second)]
    assert len(set(serials)) == 2 and second["next"] is None
    assert programs.act("prepareRevocation", "revoke", "cnom-1", {"reason": "superseded"}, serial=serials[0]).status_code == 200
    assert [each["id"] for each in programs.get("listBatches", "cnom-1", query={"limit": 1})["batches"]] == [batch]
    assert programs.call("findRequests", "cnom-1", query={"name": "a\0b"}).status_code == 400
    (token,) = (each for each in programs.office.tokens.list() if str(each.account) == "officer:cnom-1")
    programs.office.tokens.withdraw(token.id, by="test")
    assert programs.call("showMe", "cnom-1").status_code == 401
