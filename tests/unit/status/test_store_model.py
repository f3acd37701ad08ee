"""The status store against a dictionary, with restarts, rebuilds that read stale pages, and a reader that watches (stateful)."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pki.status.answer import Answerer, Kind
from pki.status.model import StatusFact
from pki.status.reader import StatusReader
from tests.unit.status import toy

POPULATION = toy.serials(6, seed=77)
PAGE = 3
KINDS = {"good": Kind.GOOD, "revoked": Kind.REVOKED}


class StatusStoreMachine(RuleBasedStateMachine):
    """Puts, rebuilds by pages that may be read early and appended late, aborted rebuilds, and restarts."""

    @initialize()
    def begin(self) -> None:
        """Open an empty store and a reader of it."""
        self.folder = Path(tempfile.mkdtemp(prefix="status-model-"))
        self.shop = toy.Shop(self.folder)
        self.answerer: Answerer = self.shop.answerer()
        self.truth: dict[bytes, StatusFact] = {}
        self.rebuilding = False
        self.read = 0
        self.page: list[StatusFact] | None = None

    def teardown(self) -> None:
        """Remove it."""
        if hasattr(self, "shop"):
            self.answerer.close()
            self.shop.writer.close()
            shutil.rmtree(self.folder)

    @rule(
        serial=st.sampled_from(POPULATION),
        reason=st.sampled_from([None, 1, 6]),
        revoke=st.booleans(),
        index=st.sampled_from([1, 2]),
    )
    def change(self, serial: bytes, reason: int | None, revoke: bool, index: int) -> None:
        """The database changes, and the outbox brings it to the store."""
        self.truth[serial] = toy.revoked(serial, reason) if revoke else toy.good(serial)
        self.shop.publish(self.truth[serial], index=index)

    @precondition(lambda self: not self.rebuilding)
    @rule()
    def begin_rebuild(self) -> None:
        """The population is to be signed anew."""
        self.shop.writer.begin_rebuild()
        self.rebuilding, self.read = True, 0

    @precondition(lambda self: self.rebuilding and self.page is None and self.read < len(POPULATION))
    @rule()
    def read_page(self) -> None:
        """The scan reads its next page; changes may come before it is appended."""
        self.page = [self.truth[serial] for serial in POPULATION[self.read : self.read + PAGE] if serial in self.truth]
        self.read += PAGE

    @precondition(lambda self: self.page is not None)
    @rule()
    def append_page(self) -> None:
        """The page, as it was read, is signed and appended."""
        signer, batch = self.shop.batch()
        self.shop.writer.append("personnes", signer.presign(self.page or [], batch), batch)
        self.page = None

    @precondition(lambda self: self.rebuilding)
    @rule()
    def finish(self) -> None:
        """What is still to be read is read, and the generation changes."""
        self.append_page()
        while self.read < len(POPULATION):
            self.read_page()
            self.append_page()
        self.shop.writer.commit_rebuild()
        self.rebuilding = False

    @rule(chance=st.integers(0, 9))
    def restart(self, chance: int) -> None:
        """Seldom, issuer and publication stop and start again: a rebuild under way is given up."""
        if chance:
            return
        self.answerer.close()
        self.shop.writer.close()
        self.shop.open()
        self.answerer = self.shop.answerer()
        self.rebuilding, self.page = False, None

    @invariant()
    def publication_says_what_the_database_says(self) -> None:
        """Every serial, by the answerer that has been open all along."""
        if not hasattr(self, "answerer"):
            return
        self.answerer.look()
        for serial in POPULATION:
            fact = self.truth.get(serial)
            kind = self.answerer.answer(toy.request(serial), toy.NOON).kind
            assert kind is (Kind.MISSING if fact is None else KINDS[fact.status.value])

    @invariant()
    def nothing_else_is_stored(self) -> None:
        """A scan finds the population and no more."""
        if hasattr(self, "shop"):
            reader = StatusReader(self.folder)
            reader.refresh()
            assert {serial for _, serial, _ in reader.scan()} == set(self.truth)
            reader.close()


StatusStoreMachine.TestCase.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
TestStatusStore = StatusStoreMachine.TestCase
