"""A publication worker over a toy authority's store, on a port of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from pki.status.answer import Policy
from tests.unit.publication.client import Line, Response, ask, post
from tests.unit.status import toy
from trust.testing import FixedClock
from web.publication.counters import Board
from web.publication.ports import Answering, Signer
from web.publication.settings import Limits, Settings
from web.publication.status import StoredStatus
from web.publication.testing import running
from web.publication.worker import Worker


@dataclass
class Town:
    """One home, its issuer's side of the status store, and its publication worker."""

    home: Path
    clock: FixedClock = field(default_factory=lambda: FixedClock(toy.NOON + timedelta(minutes=5)))
    limits: Limits = field(default_factory=Limits)
    stack: ExitStack = field(default_factory=ExitStack)
    board: Board = field(default_factory=lambda: Board(1))
    port: int = 0

    def __post_init__(self) -> None:
        self.www = self.home / "publication" / "www"
        self.www.mkdir(parents=True)
        self.shop = toy.Shop(self.home / "publication" / "status")

    @property
    def settings(self) -> Settings:
        """The settings of its worker."""
        return Settings(self.home, port=0, workers=1, limits=self.limits)

    def opens(self, answering: Answering | None = None, signer: Signer | None = None, **limits: float) -> int:
        """Start the worker; return its port."""
        self.limits = replace(self.limits, **limits)  # type: ignore[arg-type]
        settings = self.settings
        answering = answering or StoredStatus(settings.store, signer, Policy())
        worker = Worker(settings, answering, self.clock, signer=signer, board=self.board)
        self.port = self.stack.enter_context(running(worker, settings))
        return self.port

    def ask(self, request: bytes) -> Response:
        """Ask the worker one thing."""
        return ask(self.port, request)

    def line(self, *, receive_buffer: int = 0) -> Line:
        """Connect to the worker."""
        return self.stack.enter_context(Line(self.port, receive_buffer=receive_buffer))

    def publishes(self, name: str, content: bytes) -> Path:
        """Write a file as the issuer does: by a rename."""
        path = self.www / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(".draft")
        draft.write_bytes(content)
        return draft.rename(path)

    def counts(self, word: str) -> int:
        """Read one of the worker's counters, as last posted."""
        return self.board.row(0)[word]

    def wait(self, until: Callable[[], bool], seconds: float = 5.0) -> bool:
        """Wait for something that the worker does at its next pulse."""
        deadline = time.monotonic() + seconds
        while not until() and time.monotonic() < deadline:
            time.sleep(0.02)
        return until()


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """A home with an empty store; `opens` starts its worker."""
    made = Town(tmp_path / "home")
    with made.stack:
        yield made
    made.shop.writer.close()


@pytest.fixture
def good(town: Town) -> bytes:
    """The serial of a good certificate in an open town."""
    serial = toy.serials(1)[0]
    town.shop.publish(toy.good(serial))
    town.opens()
    assert town.ask(post(toy.request(serial))).status == 200
    return serial
