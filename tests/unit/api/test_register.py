"""A register comes in, is approved and put in force, by programs alone (CP 4.9.3)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from pki.authenticators.tokens import Scope
from tests.builders.programs import Programs
from tests.world import World, doctor, extraction, nurse

SOME, MORE = [doctor(1), nurse(2)], [doctor(1), nurse(2), nurse(3)]


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    """Two people in force since yesterday."""
    world = World(tmp_path / "home")
    world.apply_register(SOME)
    world.clock.advance(days=1)
    yield Programs(world)
    world.close()


def receive(programs: Programs, octets: bytes, who: str = "cnom-1", **query: Any) -> TestResponse:
    """Send an extraction, of today unless something else is said."""
    today = f"{programs.world.clock.now():%Y-%m-%d}"
    return programs.call("receiveExtraction", who, octets, query={"date": today} | query)


def plan(programs: Programs, sha256: str) -> dict[str, Any]:
    """Read a plan, once it is made."""
    while (answer := programs.call("showPlan", "cnom-1", sha256=sha256)).status_code == 503:
        time.sleep(0.05)
    found: dict[str, Any] = answer.get_json()
    return found


def test_an_extraction_is_received_approved_and_put_in_force(programs: Programs) -> None:
    """Not before as many officers signed as the plan needs; then once, and the register says so."""
    answer = receive(programs, extraction(MORE).encode())
    snapshot = answer.get_json()["snapshot"]
    assert (answer.status_code, snapshot["people"], snapshot["applied_at"]) == (201, 3, None)
    assert answer.headers["Location"].endswith(f"/register/plans/{snapshot['sha256']}")
    found = plan(programs, snapshot["sha256"])
    assert (found["new"], found["gone"]) == (1, 0)
    assert programs.call("applyPlan", "cnom-1", sha256=snapshot["sha256"]).status_code == 403
    for officer in ("cnom-1", "oni-1")[: found["needed"]]:
        programs.act("preparePlanApproval", "approvePlan", officer, sha256=snapshot["sha256"])
    plan(programs, snapshot["sha256"])
    done = programs.get("applyPlan", "oni-2", sha256=snapshot["sha256"])
    assert done == {"held": 0, "released": 0, "revoked": 0}
    assert programs.get("showRegister", "cnom-1")["in_force"]["sha256"] == snapshot["sha256"]
    assert programs.call("showPlan", "cnom-1", sha256=snapshot["sha256"]).status_code == 409


def test_lines_that_cannot_be_read_are_named(programs: Programs) -> None:
    """With their number and the reason; the others are kept."""
    people = [doctor(rank) for rank in range(1, 400)]
    lines = extraction(people).replace(f"|{people[3].idnat}|", "|123|", 1)
    said = receive(programs, lines.encode()).get_json()
    assert [each["line"] for each in said["refused"]] == [5]
    assert said["snapshot"]["people"] == 398


@pytest.mark.parametrize(
    ("octets", "query", "status"),
    [
        (b"", {}, 400),
        (b"rien|du tout|\n", {}, 400),
        (extraction(MORE).encode(), {"date": "2026-02-31"}, 400),
        (extraction(MORE).encode(), {"name": "../../etc/passwd"}, 400),
    ],
)
def test_what_is_no_extraction_leaves_nothing(programs: Programs, octets: bytes, query: dict[str, str], status: int) -> None:
    """Neither a snapshot nor a file."""
    before = programs.get("showRegister", "cnom-1")["latest"]
    assert receive(programs, octets, **query).status_code == status
    assert programs.get("showRegister", "cnom-1")["latest"] == before
    assert not list((programs.world.home.settings.home / "run").glob("extraction-*"))


def test_a_token_that_only_reads_sends_nothing(programs: Programs) -> None:
    """Nor a body that is announced as something else."""
    headers = {"Authorization": f"Bearer {programs.token('cnom-1', [Scope.READ])}"}
    assert programs.call("receiveExtraction", None, b"x", headers=headers).status_code == 403
    assert programs.call("receiveExtraction", "cnom-1").status_code == 415
