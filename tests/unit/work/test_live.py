"""Work followed live: few streams, short ones, and what they tell."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime

from trust.errors import Malformed
from web.board.live import EACH, LASTS, MOST, Seats, State, events, state_of
from web.board.work import Work


def told(stream: list[str]) -> list[tuple[str, int]]:
    """Return the events of a stream: kind, and how much was done."""
    lines = [each.split("\n") for each in stream if each.startswith("event: ")]
    return [(kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))["done"]) for kind, data, *_ in lines]


def test_a_stream_tells_what_changes_and_ends_with_the_work() -> None:
    """Nothing twice; a comment where nothing changed, by which the server learns that the browser has left."""
    steps = [State("lu", "", done, 3, over=done == 3) for done in (1, 1, 2, 3)]
    stream = list(events(lambda: steps.pop(0), lambda seconds: None))
    assert told(stream) == [("told", 1), ("told", 2), ("over", 3)]
    assert stream[0].startswith("retry: ") and ":\n\n" in stream


def test_a_stream_does_not_last() -> None:
    """The thread is given back; the browser comes again by itself."""
    stream = list(events(lambda: State("lu", ""), lambda seconds: None, lasts=0.0))
    assert told(stream) == [("told", 0)]


def test_streams_end_before_the_process_does() -> None:
    """Whatever is left to tell."""
    seats = Seats()
    seats.closing.set()
    assert told(list(events(lambda: State("lu", ""), seats.closing.wait))) == [("told", 0)]
    seats.close()


def test_nobody_takes_all_the_seats_and_a_lost_one_comes_back() -> None:
    """So many for an officer, so many for everybody; a seat that was not given back is free after its time."""
    now = [0.0]
    seats = Seats(lambda: now[0])
    taken = [seats.take("officer:cnom-1") for _ in range(EACH)]
    assert all(taken) and seats.take("officer:cnom-1") is None
    others = [seats.take(f"officer:oni-{number}") for number in range(MOST - EACH)]
    assert all(others) and seats.take("officer:oni-9") is None
    seats.leave(taken[0])
    seats.leave(taken[0])
    assert seats.take("officer:cnom-1") is not None and seats.take("officer:cnom-1") is None
    now[0] = 2 * LASTS
    assert seats.take("officer:oni-9") is not None


def test_work_says_a_share_where_the_whole_is_known() -> None:
    """And a number otherwise; work that failed is over."""
    work = Work("0", "list", "cnom-1", "CNOM", datetime(2026, 11, 22, tzinfo=UTC), finished=threading.Event())
    work.tell("Le fichier est lu", 5, 20)
    assert (state_of(work).said, state_of(work).count) == ("Le fichier est lu…", "25\u202f%")
    work.tell("Les personnes sont rangées", 1200)
    assert state_of(work).count == "1\u202f200" and not state_of(work).over
    work.over, work.error = True, Malformed("the file is empty")
    assert state_of(work).over
