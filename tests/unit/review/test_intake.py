"""Tables of applications and drafts: nothing that a sender writes ends in a surprise (CP 4.1.2)."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path

import pytest

from pki.cli.work.enrol import _beside
from pki.registration.applications import Application, LineError, read_csv
from tests.unit.review.conftest import ANNE
from tests.world import World, certification_request
from trust.algorithms import ALGORITHMS
from trust.errors import Conflict, Malformed


def refuse(name: str) -> bytes:
    """Open no file."""
    raise Malformed(f"no file {name}")


def test_a_table_may_have_a_column_for_people_and_one_for_structures() -> None:
    """The empty cell of one does not empty the other; both filled is a contradiction."""
    csr = base64.b64encode(certification_request(ALGORITHMS["P-256"].generate())).decode()
    table = f"rpps;structure;csr\n99700000013;;{csr}\n;1990000010;{csr}\n99700000013;1990000010;{csr}\n"
    first, second, third = read_csv(table.encode(), "ps-authentification", refuse)
    assert isinstance(first, Application) and first.number == "99700000013"
    assert isinstance(second, Application) and second.number == "1990000010"
    assert isinstance(third, LineError) and "twice" in third.reason


@pytest.mark.parametrize(
    "name", ["a\x00b.csr", "../secret", "/etc/hostname", "sub/../../secret", "x" * 5000, ".", "link", "~root"]
)
def test_a_table_opens_no_file_but_those_beside_it(tmp_path: Path, name: str) -> None:
    """Neither by a path nor by a link; and a name that no file can bear is an error of the line."""
    (tmp_path / "secret").write_bytes(b"x")
    folder = tmp_path / "table"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(Malformed):
        _beside(folder)(name)


def test_a_draft_that_is_submitted_twice_is_a_conflict(world: World) -> None:
    """And not a database that fails: whoever retries after a broken connection learns that it was recorded."""
    draft = world.enrolment.draft("oni-1", [world.application(ANNE)])
    act = world.act("oni-1", draft.statement(world.clock.now()))
    world.enrolment.submit(draft, act)
    with pytest.raises(Conflict):
        world.enrolment.submit(draft, act)


def test_an_extraction_dated_in_the_future_leaves_nothing_behind(world: World) -> None:
    """A snapshot that was refused is no file that a later one could be compared with."""
    before = sorted(world.home.settings.snapshots.iterdir())
    with pytest.raises(Malformed, match="future"):
        world.import_register([ANNE], date=world.clock.now() + timedelta(days=2))
    assert sorted(world.home.settings.snapshots.iterdir()) == before
