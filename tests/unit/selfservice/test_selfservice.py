"""People obtain and renew their own certificates, under a grant of two officers and by their passkey (CP 4.7, invariant I4)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pki.authenticators.model import Account, Kind
from pki.bootstrap.office import Office
from pki.bootstrap.proof import evidence_of
from pki.bootstrap.registrar import officer_keys
from pki.inventory.model import Reason, State
from pki.issuance.approvals import Act
from pki.issuance.order import OrderState
from pki.register.sanctions import DecisionKind
from pki.registration.evidence import check
from pki.registration.grants import GrantApplication
from pki.registration.selfservice import Asked
from tests.builders.authenticator import Authenticator
from tests.world import World, certification_request, nurse
from trust.errors import Alarm, Conflict, Malformed, Refused

ANNE, BRUNO = nurse(1, "MARTIN"), nurse(2, "PETIT")
AUTHENTICATION, SIGNATURE = "ps-authentification", "ps-signature"


class Somebody:
    """A nurse with a passkey."""

    def __init__(self, world: World, idnat: str, *, credential: bytes = b"credential-1") -> None:
        """Enter by a one-time link."""
        self.world, self.idnat = world, idnat
        self.account = Account(Kind.PERSON, idnat)
        self.office = Office(world.home, "http://localhost:8400")
        self.authenticator = Authenticator(credential_id=credential)
        made = self.office.entries.invite(self.account, timedelta(days=15), by="oni-1", with_code=True)
        options = self.office.passkeys.registration_options(self.account, "Anne")
        response = self.authenticator.make(options)
        self.passkey = self.office.passkeys.register_by_entry(made.token, made.code, response, "Mon téléphone")

    def ask(self, *profiles: str) -> str:
        """Ask for certificates with new keys; return the batch."""
        csrs = [certification_request(ec.generate_private_key(ec.SECP256R1())) for _ in profiles]
        draft = self.office.selfservice.prepare(self.idnat, list(map(Asked, profiles, csrs)))
        return self.office.selfservice.submit(self.act(draft.statement), draft.requests, csrs)

    def act(self, statement: str) -> Act:
        """Sign."""
        return Act.of(statement, self.authenticator.sign(statement).pack(), officer=str(self.account))

    def obtain(self, *profiles: str) -> list[tuple[OrderState, str | None]]:
        """Ask, let the issuer work, and say how each ended."""
        batch = self.ask(*profiles)
        self.world.issuer.turn_until_idle()
        return [(order.state, order.failure) for order in self.office.selfservice.state(batch, self.idnat)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An authority that granted Anne two profiles."""
    world = World(tmp_path / "home")
    world.apply_register([ANNE, BRUNO])
    grant(world, ANNE.rpps, "MARTIN")
    yield world
    world.close()


def grant(world: World, rpps: str, name: str) -> None:
    """Have two officers grant a nurse two profiles."""
    grants = Office(world.home, "http://localhost:8400").grants
    draft = grants.draft("oni-1", [GrantApplication(rpps, (AUTHENTICATION, SIGNATURE), name, "Camille")])
    assert not draft.refused
    batch = grants.submit(draft, world.act("oni-1", draft.statement(world.clock.now())))
    decided = world.decisions.approve(world.act("oni-2", world.decisions.approval_statement(batch.id, "oni-2")))
    assert decided.orders == 1


def test_a_nurse_obtains_what_two_officers_granted_and_the_evidence_shows_both(world: World) -> None:
    """One gesture, two certificates; from each, anybody follows the passkey to the officers."""
    anne = Somebody(world, ANNE.idnat)
    assert anne.obtain(AUTHENTICATION, SIGNATURE) == [(OrderState.DONE, None)] * 2
    for certificate in anne.office.selfservice.credentials(ANNE.idnat):
        steps = check(evidence_of(world.home, certificate.serial)).steps
        assert any("passkey" in step for step in steps)
        assert any("approval/1" in step for step in steps)


def test_nothing_is_obtained_without_a_grant(world: World) -> None:
    """Bruno has a passkey, and nobody granted him anything."""
    bruno = Somebody(world, BRUNO.idnat)
    with pytest.raises(Refused, match="granted"):
        bruno.ask(AUTHENTICATION)


def test_a_profile_that_was_not_granted_is_refused(world: World) -> None:
    """Officers granted two."""
    with pytest.raises(Refused, match="granted"):
        Somebody(world, ANNE.idnat).ask("ps-chiffrement")


def test_somebody_else_s_passkey_signs_nothing_for_anne(world: World) -> None:
    """Registration refuses it; and the issuer does, had registration been deceived."""
    bruno, anne = Somebody(world, BRUNO.idnat, credential=b"credential-2"), Somebody(world, ANNE.idnat)
    csr = certification_request(ec.generate_private_key(ec.SECP256R1()))
    draft = anne.office.selfservice.prepare(ANNE.idnat, [Asked(AUTHENTICATION, csr)])
    forged = Act.of(draft.statement, bruno.authenticator.sign(draft.statement).pack(), officer=str(anne.account))
    with pytest.raises(Refused, match="passkey"):
        anne.office.selfservice.submit(forged, draft.requests, [csr])
    batch = anne.ask(AUTHENTICATION)
    with world.store.write() as tx:
        tx.authenticators.withdraw(anne.passkey.id, world.clock.now())
    world.issuer.turn_until_idle()
    ((order),) = anne.office.selfservice.state(batch, ANNE.idnat)
    assert order.state is OrderState.FAILED and "passkey" in (order.failure or "")


def test_what_comes_back_is_what_went_out(world: World) -> None:
    """Another key, another statement, an old signature, a second time: nothing is ordered."""
    anne = Somebody(world, ANNE.idnat)
    service = anne.office.selfservice
    csr, other = (certification_request(ec.generate_private_key(ec.SECP256R1())) for _ in range(2))
    draft = service.prepare(ANNE.idnat, [Asked(AUTHENTICATION, csr)])
    act = anne.act(draft.statement)
    with pytest.raises(Conflict):
        service.submit(act, draft.requests, [other])
    changed = draft.requests[0].replace(AUTHENTICATION, SIGNATURE)
    with pytest.raises(Refused):
        service.submit(act, [changed], [csr])
    with pytest.raises(Malformed):
        service.submit(replace(act, target="self-0"), draft.requests, [csr])
    world.clock.advance(minutes=11)
    with pytest.raises(Refused, match="too long ago"):
        service.submit(act, draft.requests, [csr])
    world.clock.advance(minutes=-11)
    service.submit(act, draft.requests, [csr])
    with pytest.raises(Conflict):
        service.submit(act, draft.requests, [csr])


def test_a_certificate_is_renewed_in_the_last_third_of_its_life_even_when_the_officers_have_left(world: World) -> None:
    """What two officers granted outlives their keys, as long as the authority's own signature on a certificate says so."""
    anne = Somebody(world, ANNE.idnat)
    anne.obtain(AUTHENTICATION)
    (certificate,) = anne.office.selfservice.credentials(ANNE.idnat)
    with pytest.raises(Refused, match="too young"):
        anne.ask(AUTHENTICATION)
    life = certificate.not_after - certificate.not_before
    world.clock.advance(seconds=int(life.total_seconds() * 0.7))
    world.reopen()
    world.apply_register([ANNE, BRUNO])
    for officer in ("oni-1", "oni-2"):
        officer_keys(world.home).withdraw(officer, "left", by="test")
    assert anne.office.selfservice.renewable(certificate, world.clock.now())
    assert anne.obtain(AUTHENTICATION) == [(OrderState.DONE, None)]


def test_what_was_renewed_ends_a_day_after_its_successor(world: World) -> None:
    """Superseded, not before, and only what its holder renewed."""
    anne = Somebody(world, ANNE.idnat)
    anne.obtain(AUTHENTICATION, SIGNATURE)
    (old,) = (each for each in anne.office.selfservice.credentials(ANNE.idnat) if each.profile == AUTHENTICATION)
    world.clock.advance(seconds=int((old.not_after - old.not_before).total_seconds() * 0.7))
    world.reopen()
    world.apply_register([ANNE, BRUNO])
    anne.obtain(AUTHENTICATION)
    world.clock.advance(hours=23)
    world.reopen()
    world.issuer.turn_until_idle()
    assert world.certificate(old.serial).state is State.ISSUED
    world.clock.advance(hours=2)
    world.reopen()
    world.issuer.turn_until_idle()
    assert (world.certificate(old.serial).state, world.certificate(old.serial).reason) == (State.REVOKED, Reason.SUPERSEDED)
    live = [each.profile for each in anne.office.selfservice.credentials(ANNE.idnat) if each.state is State.ISSUED]
    assert sorted(live) == [AUTHENTICATION, SIGNATURE]


def test_before_a_first_certificate_the_officers_approvals_must_stand(world: World) -> None:
    """A grant whose approver's key was stolen gives nothing."""
    anne = Somebody(world, ANNE.idnat)
    officer_keys(world.home).withdraw("oni-2", "compromised", by="test")
    ((state, failure),) = anne.obtain(AUTHENTICATION)
    assert state is OrderState.FAILED and failure


def test_who_is_struck_off_obtains_nothing(world: World) -> None:
    """The register at this moment decides, not the grant."""
    anne = Somebody(world, ANNE.idnat)
    anne.obtain(AUTHENTICATION)
    world.apply_register([BRUNO])
    with pytest.raises(Refused):
        anne.ask(SIGNATURE)


def test_a_held_certificate_is_not_replaced_by_another(world: World) -> None:
    """A hold would mean nothing."""
    anne = Somebody(world, ANNE.idnat)
    anne.obtain(AUTHENTICATION)
    (certificate,) = anne.office.selfservice.credentials(ANNE.idnat)
    world.revoke(certificate, Reason.CERTIFICATE_HOLD)
    with pytest.raises(Refused, match="hold"):
        anne.ask(AUTHENTICATION)


def test_the_evidence_of_a_holder_s_request_is_checked_like_the_rest(world: World) -> None:
    """A signature by another key, another grant, a missing approval: each is found."""
    anne = Somebody(world, ANNE.idnat)
    anne.obtain(AUTHENTICATION)
    (certificate,) = anne.office.selfservice.credentials(ANNE.idnat)
    evidence = evidence_of(world.home, certificate.serial)
    check(json.loads(json.dumps(evidence)))
    spoilings: tuple[Callable[[dict[str, Any]], object], ...] = (
        lambda e: e["grant"]["acts"].pop(),
        lambda e: e["holder_keys"].clear(),
        lambda e: e["acts"].clear(),
        lambda e: e["grant"].update(request=e["request"]),
    )
    for spoil in spoilings:
        other = json.loads(json.dumps(evidence))
        spoil(other)
        with pytest.raises((Refused, Malformed, Alarm)):
            check(other)


def test_who_is_struck_off_is_out_at_the_next_click(world: World) -> None:
    """The session ends; a suspended person keeps theirs, to see why (W06)."""
    anne = Somebody(world, ANNE.idnat)
    token = anne.office.sessions.open(anne.passkey)
    world.sanction(ANNE, DecisionKind.SUSPENSION)
    assert anne.office.sessions.find(token) is not None
    world.sanction(ANNE, DecisionKind.RADIATION, reference="D-2")
    assert anne.office.sessions.find(token) is None


def test_a_search_finds_names_and_not_the_words_of_a_statement(world: World) -> None:
    """`person`, a hash, an underscore: they stand in every request, and are nobody's name."""
    with world.store.read() as tx:
        for text in ("martin", "Camille MARTIN", "MART"):
            assert [record.holder for record, _ in tx.requests.search("ONI", None, text, limit=10)] == [ANNE.idnat]
        for text in ("person", "_", "1e9", "enrolment", '"', "%"):
            assert tx.requests.search("ONI", None, text, limit=10) == []
        assert tx.requests.search("CNOM", None, "martin", limit=10) == []
