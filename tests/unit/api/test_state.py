"""The state of things over the API: the register, its plan, what ends, who calls."""

from __future__ import annotations

import time

from tests.builders.programs import Programs
from tests.unit.api.conftest import DOCTOR, NEWCOMER, NURSE, STRUCTURE
from tests.world import nurse
from trust import clock


def test_who_calls_is_told_what_is_open(programs: Programs) -> None:
    """An officer by mandate, a structure by its approval."""
    me = programs.get("showMe", "cnom-1")
    assert (me["account"], me["board"], me["scopes"]) == ("officer:cnom-1", "CNOM", ["decide", "read", "request"])
    (token,) = (each for each in programs.office.tokens.list() if me["by"] == f"token {each.id}")
    assert me["ends_at"] == clock.text(token.ends_at)
    assert programs.get("showMe", STRUCTURE)["roles"] == []
    assert "ps-authentification" in {each["id"] for each in programs.get("listProfiles", STRUCTURE)["profiles"]}


def test_the_register_says_its_age_and_what_it_knows_of_a_person(programs: Programs) -> None:
    """By RPPS or by national identifier; entitled in the ordre that asks."""
    assert programs.get("showRegister", "cnom-1")["too_old"] is False
    for number in (DOCTOR.rpps, DOCTOR.idnat):
        said = programs.get("showPerson", "cnom-1", number=number)
        assert (said["family_name"], said["right_to_practise"]) == ("DUPONT", True)
    assert programs.get("showPerson", "oni-1", number=DOCTOR.rpps)["right_to_practise"] is False
    assert programs.call("showPerson", "cnom-1", number="99700000099").status_code in (400, 404)


def test_a_plan_is_read_and_signed(programs: Programs) -> None:
    """What it would do, by two officers of any ordre; a signature over another plan is refused."""
    sha256 = programs.world.import_register([DOCTOR, NURSE, NEWCOMER, nurse(9, "NOUVEAU")])
    answer = programs.call("showPlan", "cnom-1", sha256=sha256)
    while answer.status_code == 503:  # it is being made
        time.sleep(0.05)
        answer = programs.call("showPlan", "cnom-1", sha256=sha256)
    plan = answer.get_json()
    assert (plan["new"], plan["gone"], plan["signed"]) == (1, 0, [])
    statement = programs.get("preparePlanApproval", "cnom-1", sha256=sha256)["statement"]
    edited = programs.signed("cnom-1", statement.replace(plan["hash"], "0" * 64))
    assert programs.call("approvePlan", "cnom-1", edited, sha256=sha256).status_code == 404
    assert programs.get("approvePlan", "cnom-1", programs.signed("cnom-1", statement), sha256=sha256)["signed"] == ["cnom-1"]
    assert programs.call("showPlan", "cnom-1", sha256="0" * 64).status_code == 404


def test_the_figures_are_those_of_the_inventory(programs: Programs) -> None:
    """What ends within 7, 30 and 90 days, what waits, the lists."""
    said = programs.get("showStatus", "cnom-1")
    assert [each["within_days"] for each in said["endings"]] == [7, 30, 90]
    assert said["register"]["max_age_days"] == 7
    assert said["batches_waiting"] == len(programs.get("listBatches", "cnom-1", query={"status": "submitted"})["batches"])
