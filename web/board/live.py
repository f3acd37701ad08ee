"""Long work followed as it goes: a stream of server-sent events (HTML Standard §9.2), beside pages that also work by reload.

A stream keeps a thread of the server for itself. So there are few of them, each is short (the browser comes back by itself), and
the server has as many threads more (`web.authority`): whoever follows work never makes a page wait. Whoever finds no place, or a
proxy that lets no stream through, sees the page shown again every two seconds, as without script.
"""

from __future__ import annotations

import atexit
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import Blueprint, Response

from pki.bootstrap.office import Office
from pki.issuance.order import OrderState
from trust.errors import Missing
from web.board import register
from web.board.frame import officer_of, own_batch
from web.board.work import Work, Workshop
from web.kit.language import N_, _, ngettext
from web.kit.safety import account, signed_in
from web.kit.writing import number

MOST = 4
"""Streams at once, of everybody."""
EACH = 2
"""Of one officer."""
LASTS = 15.0
"""Seconds that a stream lasts at most."""
EVERY = 0.5
"""Seconds between two looks."""
PATIENCE = 2.0
"""Seconds that the end of the process waits for streams."""
BACK = 1000
"""Milliseconds after which the browser comes back."""


@dataclass(frozen=True, slots=True)
class State:
    """How far something is."""

    said: str
    count: str
    """In words, or empty."""
    done: int = 0
    total: int | None = None
    over: bool = False

    def event(self) -> str:
        """Write it as an event; the last one tells the page to show itself again."""
        said = {"said": self.said, "count": self.count, "done": self.done, "total": self.total}
        return f"event: {'over' if self.over else 'told'}\ndata: {json.dumps(said, ensure_ascii=False)}\n\n"


class Seats:
    """Who follows something now. A seat that is never given back, for its browser left at a bad moment, is free after a time."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """Count with a clock in seconds."""
        self._now = now
        self._taken: dict[object, tuple[str, float]] = {}
        self._lock = threading.Lock()
        self.closing = threading.Event()
        """Set when the process is about to end: streams end first."""

    def take(self, who: str) -> object | None:
        """Take a seat for somebody; None when all are taken, or theirs are."""
        with self._lock:
            now = self._now()
            self._taken = {seat: (by, until) for seat, (by, until) in self._taken.items() if until > now}
            theirs = sum(by == who for by, _ in self._taken.values())
            if len(self._taken) >= MOST or theirs >= EACH:
                return None
            seat = object()
            self._taken[seat] = (who, now + 2 * LASTS)
            return seat

    def leave(self, seat: object) -> None:
        """Give a seat back; twice is once."""
        with self._lock:
            self._taken.pop(seat, None)

    def close(self) -> None:
        """Have all streams end, and wait for them: a thread of the server in the midst of one would abort the process."""
        self.closing.set()
        ends = time.monotonic() + PATIENCE
        while self._taken and time.monotonic() < ends:
            time.sleep(0.05)


def events(look: Callable[[], State], pause: Callable[[float], object], lasts: float = LASTS) -> Iterator[str]:
    """Yield what changes, until it is over or the time is, or a pause says so.

    Where nothing changes, a comment finds out whether anybody still listens.
    """
    yield f"retry: {BACK}\n\n"
    ends, last = time.monotonic() + lasts, None
    while True:
        state = look()
        yield ":\n\n" if state == last else state.event()
        if state.over or time.monotonic() >= ends:
            return
        last = state
        if pause(EVERY):
            return


def views(office: Office, workshop: Workshop) -> Blueprint:
    """Return the views."""
    pages = Blueprint("live", __name__)
    seats = Seats()
    atexit.register(seats.close)

    def stream(look: Callable[[], State]) -> Response:
        seat = seats.take(str(account()))
        if seat is None:
            return Response(status=204)  # the browser does not come back; the page shows itself again instead
        answer = Response(events(look, seats.closing.wait), mimetype="text/event-stream")
        answer.headers["X-Accel-Buffering"] = "no"  # nginx hands it on as it comes
        answer.call_on_close(lambda: seats.leave(seat))
        return answer

    @pages.get("/travaux/<work_id>/suite")
    @signed_in
    def work(work_id: str) -> Response:
        found = workshop.find(work_id, board=officer_of(office)[1].code)
        if found.kind != register.KIND and found.by != account().id:
            raise Missing("no such work")
        return stream(lambda: state_of(found))

    @pages.get("/lots/<batch_id>/suite")
    @signed_in
    def batch(batch_id: str) -> Response:
        with office.home.store.read() as tx:
            own_batch(tx, batch_id, officer_of(office)[1])
        return stream(lambda: made_of(office, batch_id))

    return pages


def state_of(work: Work) -> State:
    """Return how far a piece of work is."""
    over = work.over  # first: what is told afterwards is not lost
    return State(_("%(what)s…", what=_(work.said or N_("C'est commencé"))), counted(work), work.done, work.total, over)


def counted(work: Work) -> str:
    """Say how far it is: as a share where the whole is known."""
    if work.total:
        return f"{100 * work.done // work.total}\u202f%"
    return number(work.done) if work.done else ""


def made_of(office: Office, batch_id: str) -> State:
    """Return how many certificates of an approved batch are made."""
    with office.home.store.read() as tx:
        counts = tx.orders.states_of(batch_id)
    total, done = sum(counts.values()), counts.get(OrderState.DONE, 0)
    failed = counts.get(OrderState.FAILED, 0)
    count = _("%(done)s sur %(total)s", done=number(done), total=number(total))
    if failed:
        count += ngettext(", %(count)s refusé", ", %(count)s refusés", failed, count=number(failed))
    return State(_("Les certificats sont fabriqués…"), count, done + failed, total, done + failed == total)
