"""Any sequence of holds, releases, revocations, strike-offs, publications and crashes: relying parties read what is so.

I7 to I11 above all: lists and answers are read by software that did not write them.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from pki.inventory.model import Certificate, Reason, State
from pki.register.sanctions import DecisionKind
from pki.revocation.service import holder_statement
from tests.properties.machine import STEADY, Authority, indices, officers, others
from trust.algorithms import algorithm_of
from trust.errors import Conflict, Refused

ENDS = [Reason.SUPERSEDED, Reason.KEY_COMPROMISE]
HOLD = Reason.CERTIFICATE_HOLD
CRASHES = "ocsp.signed ocsp.cached outbox.sent crl.read crl.signed crl.recorded crl.renamed".split()


class Status(Authority):
    """Rules of the life of certificates."""

    def _pick(self, which: int, *states: State) -> Certificate:
        mine = sorted((c for c in self.known.values() if c.board and c.state in states), key=lambda c: c.holder + c.profile)
        return mine[which % len(mine)]

    def _any(self, *states: State) -> bool:
        return any(certificate.board and certificate.state in states for certificate in self.known.values())

    @rule(which=indices, reason=st.sampled_from([HOLD, HOLD, *ENDS]), officer=officers)
    def an_officer_revokes_or_holds(self, which: int, reason: Reason, officer: str) -> None:
        """It takes effect at once, from now or from the hold that it ends; what was revoked stays as it was (I7)."""
        self.an_officer_revokes(self._pick(which, State.ISSUED, State.HELD, State.REVOKED), reason, officer)

    def an_officer_revokes(self, before: Certificate, reason: Reason, officer: str) -> None:
        """Have an officer revoke or hold a certificate, and compare with what may come of it."""
        try:
            done = self.world.revoke(before, reason, officer=officer)
        except Conflict:
            assert self.world.certificate(before.serial) == before  # The same act twice in a second.
            return
        self._ended(before, reason)
        if before.state is State.REVOKED:
            upgraded = reason is Reason.KEY_COMPROMISE and before.reason is not Reason.KEY_COMPROMISE
            assert done.already is not upgraded

    def _ended(self, before: Certificate, reason: Reason) -> None:
        after = self.world.certificate(before.serial)
        since = self.world.clock.now() if before.state is State.ISSUED else before.revoked_at
        if before.state is State.REVOKED:
            expected = Reason.KEY_COMPROMISE if reason is Reason.KEY_COMPROMISE else before.reason
            assert (after.state, after.revoked_at, after.reason) == (State.REVOKED, since, expected)
        elif reason is HOLD:
            assert (after.state, after.revoked_at, after.reason) == (State.HELD, since, HOLD)
            assert not after.is_held_by_a_cause, "an officer's hold is the officer's to end"
        else:
            assert (after.state, after.revoked_at, after.reason) == (State.REVOKED, since, reason)

    @precondition(lambda self: self._any(State.HELD))
    @rule(which=indices, officer=officers)
    def an_officer_releases(self, which: int, officer: str) -> None:
        """Only an officer's own hold, and only while neither the register nor the ordre is against it."""
        before = self._pick(which, State.HELD)
        may = not before.is_held_by_a_cause and self.paper.member_of(before.holder).has_right
        try:
            after = self.world.release(before, officer=officer)
        except Conflict:
            return  # The same act twice in a second.
        except Refused:
            after = before
        assert (after.state is State.ISSUED) == may

    @precondition(lambda self: self._any(State.REVOKED))
    @rule(which=indices, officer=officers)
    def a_revocation_turns_out_to_be_a_compromise(self, which: int, officer: str) -> None:
        """Published already, perhaps: the reason changes where it stands, the date does not."""
        self.an_officer_revokes(self._pick(which, State.REVOKED), Reason.KEY_COMPROMISE, officer)

    @rule(which=indices, reason=st.sampled_from(ENDS))
    def a_holder_revokes(self, which: int, reason: Reason) -> None:
        """By the certified key: a compromise takes every certificate of the key with it (I6)."""
        before = self._pick(which, State.ISSUED, State.HELD, State.REVOKED)
        key = self.world.key_of(before)
        algorithm = algorithm_of(key.public_key())
        assert algorithm is not None
        statement = holder_statement(before.serial, reason, self.world.clock.now())
        self.world.revocation.by_holder(statement, algorithm.sign(key, statement.encode()))
        self._ended(before, reason)
        if reason is Reason.KEY_COMPROMISE:
            now = self.world.clock.now()
            same = [c for c in self.certificates_of(self.paper.member_of(before.holder)) if c.spki_hash == before.spki_hash]
            assert all(c.reason is Reason.KEY_COMPROMISE for c in same if c.not_after >= now)

    @rule(who=others, is_there=st.booleans())
    def somebody_leaves_or_comes_back(self, who: int, is_there: bool) -> None:
        """In the next extraction of the register."""
        member = self.paper.members[who]
        if is_there:
            self.register_with(member)
        else:
            self.register_without(member)

    @rule(
        who=others, kind=st.sampled_from([DecisionKind.SUSPENSION, DecisionKind.LEVEE, DecisionKind.OPPOSITION]), officer=officers
    )
    def the_ordre_decides(self, who: int, kind: DecisionKind, officer: str) -> None:
        """A suspension holds, an opposition ends, a levée gives back what was only held."""
        self.decide(self.paper.members[who], kind, officer)

    @rule()
    def the_issuer_publishes(self) -> None:
        """All that waits; then lists and answers say what the database says."""
        self.issuer_works()

    @rule(point=st.sampled_from(CRASHES), nth=st.integers(1, 3))
    def the_issuer_crashes_and_starts_again(self, point: str, nth: int) -> None:
        """Between any two of the things that make a revocation visible."""
        self.issuer_crashes(point, nth)

    @rule(seconds=st.sampled_from([1, 20, 7200]))
    def time_passes(self, seconds: int) -> None:
        """Seconds to hours."""
        self.world.clock.advance(seconds=seconds)

    @rule(days=st.sampled_from([8, 800]))
    def much_time_passes(self, days: int) -> None:
        """Weeks or years, in which the issuer was started again: certificates expire, and leave the lists."""
        self.world.close()
        self.world.clock.advance(days=days)

    @rule()
    def the_night_reconciles(self) -> None:
        """It finds nothing to do: what the register says took effect when it was said. Nothing that matters was in memory."""
        self.world.reopen()
        done = self.world.lifecycle.reconcile()
        assert (done.held, done.released, done.revoked) == (0, 0, 0)


Status.TestCase.settings = settings(STEADY, max_examples=15, stateful_step_count=30)
TestStatus = Status.TestCase
