"""Any sequence of register changes, decisions, applications, approvals and crashes: each request comes to one right end.

I1 to I6 above all: against the witness file, by asking again, and against the paper.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from pki.inventory.model import Reason
from pki.register.sanctions import DecisionKind
from pki.registration.applications import Application
from tests.properties.machine import PEOPLE, STEADY, Authority, indices, officers, others
from tests.properties.ordre import Asked, Batch, Member
from trust.algorithms import ALGORITHMS, spki
from trust.errors import Refused

CRASHES = "authz.checked serial.drawn audit.presign intent.committed hsm.before hsm.after sig.verified issued.committed".split()


class Enrolment(Authority):
    """Rules of registration and issuance."""

    @rule(who=others, what=st.sampled_from(["gone", "back", "name", "name", "student", "graduate"]))
    def the_register_changes(self, who: int, what: str) -> None:
        """One person is gone, back, renamed, a student, or has the right again."""
        member = self._concerned(who)
        if what == "gone":
            self.register_without(member)
        elif what == "back":
            self.register_with(member)
        else:
            self._changes(member, what)
            self.apply_register([m.person for m in self.paper.members if m.is_present])

    def _changes(self, member: Member, what: str) -> None:
        if what == "name":
            member.person = replace(member.person, family_name=member.person.family_name + "E")
        else:
            member.person = replace(member.person, category="E" if what == "student" else "C")

    @rule(
        who=others, kind=st.sampled_from([DecisionKind.SUSPENSION, DecisionKind.LEVEE, DecisionKind.RADIATION]), officer=officers
    )
    def the_ordre_decides(self, who: int, kind: DecisionKind, officer: str) -> None:
        """Somebody is suspended, struck off, or forgiven."""
        self.decide(self._concerned(who), kind, officer)

    def _concerned(self, who: int) -> Member:
        """Return somebody, but the first nurse: of those who wait for a certificate, if anybody does."""
        waiting = [one.member for one in self.paper.pending() if one.member is not self.paper.members[0]]
        return waiting[who % len(waiting)] if waiting else self.paper.members[who]

    @rule(
        who=st.lists(st.integers(0, PEOPLE - 1), min_size=1, max_size=PEOPLE, unique=True),
        how=st.sampled_from(["new key", "new key", "same key", "again"]),
        what=st.sampled_from(["nothing", "approve", "approve", "approve", "set aside"]),
    )
    def people_apply(self, who: list[int], how: str, what: str) -> None:
        """Some people apply, with a new key, for another profile with one that they have, or again; and are decided on."""
        asked = [self._application(self.paper.members[index], how) for index in who]
        applications = [one.application for one in asked]
        if not self.paper.register_is_fresh(self.world.clock.now()):
            with pytest.raises(Refused, match="days old"):
                self.world.enrolment.draft("oni-1", applications)
            return
        draft = self.world.enrolment.draft("oni-1", applications)
        able = [one for one in asked if one.member.has_right and one.key not in self.paper.blocked]
        fresh = [one for one in able if not self.paper.stands(one.key, one.application.profile)]
        assert [len(draft.refused), len(draft.known), len(draft.records)] == [
            len(asked) - len(able),
            len(able) - len(fresh),
            len(fresh),
        ], draft.refused
        if fresh:
            batch = self.world.enrolment.submit(draft, self.world.act("oni-1", draft.statement(self.world.clock.now())))
            self.paper.batches.append(Batch(batch.id, fresh))
            if what != "nothing":
                self._decide_on(self.paper.batches[-1], what)

    def _application(self, member: Member, how: str) -> Asked:
        last = [one for batch in self.paper.batches for one in batch.asked if one.member is member][-1]
        if how != "new key":
            profile = "ps-signature" if how == "same key" else last.application.profile
            again: Application = replace(last.application, family_name=member.person.family_name, profile=profile)
            return Asked(member, again, last.key, member.line)
        key = ALGORITHMS["P-256"].generate()
        digest = hashlib.sha256(spki(key.public_key())).digest()
        return Asked(member, self.world.application(member.person, key=key), digest, member.line)

    @precondition(lambda self: any(batch.is_waiting for batch in self.paper.batches))
    @rule(which=indices, what=st.sampled_from(["approve", "refuse", "set aside"]))
    def an_officer_decides_on_a_batch(self, which: int, what: str) -> None:
        """Days after it was submitted, perhaps, when much has changed."""
        waiting = [batch for batch in self.paper.batches if batch.is_waiting]
        self._decide_on(waiting[which % len(waiting)], what)

    def _decide_on(self, batch: Batch, what: str) -> None:
        decisions = self.world.decisions
        if what == "refuse":
            decisions.refuse(self.world.act("oni-2", decisions.refusal_statement(batch.id, "oni-2", "dossier incomplet")))
            batch.refused = True
            for one in batch.asked:
                one.ended = True
            return
        batch.set_aside = frozenset({0}) if what == "set aside" else frozenset()
        act = self.world.act("oni-2", decisions.approval_statement(batch.id, "oni-2", sorted(batch.set_aside)))
        assert decisions.approve(act).orders == len(batch.asked) - len(batch.set_aside)
        batch.approved = True
        for place in batch.set_aside:
            batch.asked[place].ended = True

    @rule(who=others)
    def a_key_is_said_to_be_compromised(self, who: int) -> None:
        """By an officer: it is refused from then on, also for what was approved before."""
        signed = [c for c in self.known.values() if c.holder == self._concerned(who).person.idnat and c.signature]
        wanted = {one.key for one in self.paper.pending()}
        certificate = max(signed, key=lambda c: (c.spki_hash in wanted, c.serial))
        self.paper.blocked.add(certificate.spki_hash)
        self.world.clock.advance(seconds=1)
        self.world.revoke(certificate, Reason.KEY_COMPROMISE)

    @rule()
    def the_issuer_works(self) -> None:
        """Until nothing waits."""
        self.issuer_works()

    @rule(point=st.sampled_from(CRASHES), nth=st.integers(1, 2))
    def the_issuer_crashes_and_starts_again(self, point: str, nth: int) -> None:
        """With orders in its hands, perhaps."""
        self.issuer_crashes(point, nth)

    @rule(days=st.sampled_from([1, 8]), is_read=st.sampled_from([True, True, False]))
    def days_pass(self, days: int, is_read: bool) -> None:
        """The register grows old, unless a newer extraction is read."""
        self.world.close()
        self.world.clock.advance(days=days)
        if is_read:
            self.apply_register([member.person for member in self.paper.members if member.is_present])


Enrolment.TestCase.settings = settings(STEADY, max_examples=15, stateful_step_count=30)
TestEnrolment = Enrolment.TestCase
