"""Long work behind pages: importing a register, making letters. It runs in a thread of this process and says how far it is.

A page that waits follows it live (`live`), or shows itself again every two seconds; closing the browser changes nothing, and
whoever comes back finds the work where it is. It is kept in memory: a restart of the pages forgets it, and nothing that it did
not finish counts (an import is whole or nothing, a register is applied in one transaction).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Flask

from trust.clock import Clock
from trust.entropy import Entropy
from trust.errors import Conflict, Missing, SceauError

KEPT = 200
"""Pieces of work that are remembered once they are over."""


@dataclass
class Work:
    """One piece of work, as its thread leaves it and pages read it."""

    id: str
    kind: str
    by: str
    """Officer who began it."""
    board: str
    began_at: datetime
    said: str = ""
    """What it is doing, in French."""
    done: int = 0
    total: int | None = None
    over: bool = False
    error: SceauError | None = None
    """Why it failed, when it did. An error that is not of ours is an `Unavailable`."""
    result: Any = None
    finished: threading.Event = field(default_factory=threading.Event, repr=False)

    def tell(self, said: str, done: int = 0, total: int | None = None) -> None:
        """Say how far it is."""
        self.said, self.done, self.total = said, done, total

    @property
    def failed(self) -> bool:
        """Whether it ended without a result."""
        return self.over and self.error is not None


class Workshop:
    """Begins work and finds it again."""

    def __init__(self, app: Flask, time: Clock, entropy: Entropy) -> None:
        """Serve one application."""
        self._app = app
        self._clock = time
        self._entropy = entropy
        self._known: dict[str, Work] = {}
        self._lock = threading.Lock()

    def begin(
        self, kind: str, by: str, board: str, task: Callable[[Work], Any], *, alone: bool = False, patience: float = 0.0
    ) -> Work:
        """Begin a task in a thread; wait for it as long as `patience` (seconds), so that short work needs no page that waits.

        Raises:
            Conflict: work that must be `alone` of its kind is under way already.
        """
        work = Work(self._entropy.octets(16).hex(), kind, by, board, self._clock.now())
        with self._lock:
            if alone:
                self._refuse_busy(kind)
            over = [each for each in self._known.values() if each.over]
            for each in over[: max(0, len(over) - KEPT)]:
                del self._known[each.id]
            self._known[work.id] = work
        threading.Thread(target=self._run, args=(work, task), name=f"work-{kind}", daemon=True).start()
        work.finished.wait(patience)
        return work

    def refuse_busy(self, kind: str) -> None:
        """Stop here while work of a kind is under way: before a long upload, rather than after.

        Raises:
            Conflict: it is.
        """
        with self._lock:
            self._refuse_busy(kind)

    def _refuse_busy(self, kind: str) -> None:
        if any(each.kind == kind and not each.over for each in self._known.values()):
            raise Conflict("work of this kind is under way: wait for its end")

    def find(self, work_id: str, *, board: str, kind: str | None = None) -> Work:
        """Return a piece of work of an ordre, of a kind or of any.

        Raises:
            Missing: there is none such.
        """
        work = self._known.get(work_id)
        if work is None or work.board != board or kind not in (None, work.kind):
            raise Missing("no such work")
        return work

    def forget(self, kind: str, by: str) -> None:
        """Forget what an officer had done of a kind; what is under way goes on, and is forgotten the next time."""
        with self._lock:
            for each in [each for each in self._known.values() if each.over and (each.kind, each.by) == (kind, by)]:
                del self._known[each.id]

    def of(self, kind: str, by: str) -> list[Work]:
        """Return what an officer began of a kind, latest first."""
        with self._lock:
            return [each for each in reversed(self._known.values()) if (each.kind, each.by) == (kind, by)]

    def latest(self, kind: str) -> Work | None:
        """Return the latest work of a kind, whosever it is."""
        with self._lock:
            return next((each for each in reversed(self._known.values()) if each.kind == kind), None)

    def _run(self, work: Work, task: Callable[[Work], Any]) -> None:
        try:
            work.result = task(work)
        except SceauError as error:
            work.error = error
        except Exception as error:  # the thread has nobody above it: the page must be told
            self._app.logger.exception("work failed: %s", work.kind)
            work.error = SceauError(type(error).__name__)
        finally:
            work.over = True
            work.finished.set()
