"""Long work behind pages: begun, watched, found again by its own ordre, forgotten."""

from __future__ import annotations

import threading

import pytest
from flask import Flask

from trust.errors import Conflict, Malformed, Missing, SceauError
from trust.testing import CountingEntropy, FixedClock
from web.board.work import KEPT, Work, Workshop


@pytest.fixture
def workshop() -> Workshop:
    """A workshop where nothing was begun."""
    return Workshop(Flask("test"), FixedClock(), CountingEntropy())


def test_short_work_is_over_when_its_page_is_answered(workshop: Workshop) -> None:
    """Nobody waits two seconds for what takes one."""
    work = workshop.begin("list", "cnom-1", "CNOM", lambda work: 42, patience=5.0)
    assert work.over and work.result == 42 and not work.failed


def test_long_work_goes_on_and_says_how_far_it_is(workshop: Workshop) -> None:
    """The page that began it is answered at once; whoever comes back finds it."""
    told, go = threading.Event(), threading.Event()

    def task(work: Work) -> str:
        work.tell("C'est lu", 3, 10)
        told.set()
        assert go.wait(5)
        return "lu"

    begun = workshop.begin("list", "cnom-1", "CNOM", task)
    assert told.wait(5)
    found = workshop.find(begun.id, kind="list", board="CNOM")
    assert (found.said, found.done, found.total, found.over) == ("C'est lu", 3, 10, False)
    go.set()
    assert found.finished.wait(5) and found.result == "lu"


def test_work_of_another_ordre_or_kind_does_not_exist(workshop: Workshop) -> None:
    """Nor does what was never begun."""
    work = workshop.begin("list", "cnom-1", "CNOM", lambda work: 1, patience=5.0)
    for work_id, kind, board in ((work.id, "list", "ONI"), (work.id, "letters", "CNOM"), ("0" * 32, "list", "CNOM")):
        with pytest.raises(Missing):
            workshop.find(work_id, kind=kind, board=board)


def test_work_that_must_be_alone_waits_for_its_turn(workshop: Workshop) -> None:
    """Another kind goes on beside it; the next one begins when it is over."""
    go = threading.Event()
    first = workshop.begin("register", "cnom-1", "CNOM", lambda work: go.wait(5), alone=True)
    with pytest.raises(Conflict):
        workshop.refuse_busy("register")
    with pytest.raises(Conflict):
        workshop.begin("register", "oni-1", "ONI", lambda work: 1, alone=True)
    assert workshop.begin("list", "oni-1", "ONI", lambda work: 1, patience=5.0).over
    go.set()
    assert first.finished.wait(5)
    assert workshop.begin("register", "oni-1", "ONI", lambda work: 2, alone=True, patience=5.0).result == 2


def test_an_error_is_kept_for_the_page_and_one_of_ours_says_more(workshop: Workshop) -> None:
    """A fault of the program is named by its kind alone: what it says may be somebody's data."""

    def malformed(work: Work) -> None:
        raise Malformed("the file is empty")

    def broken(work: Work) -> None:
        raise ZeroDivisionError("a name")

    ours = workshop.begin("list", "cnom-1", "CNOM", malformed, patience=5.0)
    theirs = workshop.begin("list", "cnom-1", "CNOM", broken, patience=5.0)
    assert ours.failed and isinstance(ours.error, Malformed)
    assert theirs.failed and type(theirs.error) is SceauError and "a name" not in str(theirs.error)


def test_what_is_over_is_forgotten_when_asked_and_when_there_is_too_much(workshop: Workshop) -> None:
    """An officer's list is large: the next one takes its place."""
    for number in range(KEPT + 20):
        workshop.begin("list", f"officer-{number}", "CNOM", lambda work: 1, patience=5.0)
    assert workshop.of("list", "officer-0") == []
    last = f"officer-{KEPT + 19}"
    assert len(workshop.of("list", last)) == 1
    workshop.forget("list", last)
    assert workshop.of("list", last) == []
