"""Ending a certificate: by an officer, by its holder, by the register, by an ordre's decision (RFC 3647 §4.9)."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from cryptography import x509

from pki.inventory.model import Certificate, Reason, State
from pki.register.sanctions import DecisionKind
from pki.revocation.service import holder_statement
from tests.world import World, nurse
from trust.algorithms import algorithm_of
from trust.errors import Missing, Refused


def held_and_revoked(world: World, *, shard: int | None = None) -> dict[int, str]:
    """Return serial → reason of what the published CRLs list: the full one, or a shard."""
    name = "personnes.crl" if shard is None else f"personnes/{shard}.crl"
    crl = x509.load_der_x509_crl((world.directory / "publication" / "www" / "crl" / name).read_bytes())
    listed = {}
    for entry in crl:
        try:
            listed[entry.serial_number] = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
        except x509.ExtensionNotFound:
            listed[entry.serial_number] = "unspecified"
    return listed


def number(certificate: Certificate) -> int:
    """Return the serial as a number."""
    return int.from_bytes(certificate.serial, "big")


def by_holder(world: World, certificate: Certificate, reason: Reason = Reason.KEY_COMPROMISE) -> tuple[str, bytes]:
    """Return a holder's demand, signed with the certified key."""
    key = world.key_of(certificate)
    algorithm = algorithm_of(key.public_key())
    assert algorithm is not None
    statement = holder_statement(certificate.serial, reason, world.clock.now())
    return statement, algorithm.sign(key, statement.encode())


def test_an_officer_revokes_and_the_lists_say_so(world: World) -> None:
    """The full list and the shard that the certificate names, with the reason."""
    someone = nurse(1)
    world.apply_register([someone])
    certificate = world.enrol(someone)

    world.revoke(certificate, Reason.SUPERSEDED)
    world.issuer.turn_until_idle()

    assert held_and_revoked(world)[number(certificate)] == "superseded"
    assert held_and_revoked(world, shard=certificate.shard)[number(certificate)] == "superseded"


def test_a_revocation_is_for_ever_and_its_date_stands(world: World) -> None:
    """Revoking again changes nothing; a proven compromise changes the reason, not the date (invariant I7, R01, R02)."""
    someone = nurse(1)
    world.apply_register([someone])
    certificate = world.enrol(someone)
    world.revoke(certificate, Reason.SUPERSEDED)
    first = world.certificate(certificate.serial)
    world.clock.advance(hours=1)

    again = world.revoke(certificate, Reason.CESSATION_OF_OPERATION)
    proven = world.revocation.by_holder(*by_holder(world, certificate))
    last = world.certificate(certificate.serial)

    assert again.already
    assert not proven.already
    with world.store.read() as tx:
        (kept,) = tx.acts.of_target("holder-revocation/1", certificate.serial.hex())
    assert kept.signature and kept.officer == f"holder:{certificate.holder}"  # what was signed is there for who asks why
    assert (last.revoked_at, last.reason) == (first.revoked_at, Reason.KEY_COMPROMISE)
    with pytest.raises(Refused, match="only a certificate on hold"):
        world.release(certificate)


def test_a_hold_is_released_and_a_hold_that_becomes_final_keeps_its_date(world: World) -> None:
    """Hold, release, hold again, revoke: the last date is that of the last hold (CP 4.9.13)."""
    someone = nurse(1)
    world.apply_register([someone])
    certificate = world.enrol(someone)

    world.revoke(certificate, Reason.CERTIFICATE_HOLD)
    world.issuer.turn_until_idle()
    listed = held_and_revoked(world)
    world.clock.advance(minutes=1)
    world.release(certificate)
    world.clock.advance(minutes=1)
    world.issuer.turn_until_idle()
    cleared = held_and_revoked(world)
    world.revoke(certificate, Reason.CERTIFICATE_HOLD)
    held_at = world.clock.now()
    world.clock.advance(hours=2)
    world.revoke(certificate, Reason.PRIVILEGE_WITHDRAWN)

    assert listed[number(certificate)] == "certificateHold"
    assert number(certificate) not in cleared
    final = world.certificate(certificate.serial)
    assert (final.state, final.revoked_at, final.reason) == (State.REVOKED, held_at, Reason.PRIVILEGE_WITHDRAWN)


def test_the_holders_key_proves_compromise_and_takes_every_certificate_with_it(world: World) -> None:
    """The key is blocked, its other certificates end, and no application with it passes again (invariant I6)."""
    someone = nurse(1)
    world.apply_register([someone])
    first = world.enrol(someone)
    key = world.key_of(first)
    second = world.enrol(someone, "ps-signature", key=key)

    done = world.revocation.by_holder(*by_holder(world, first))
    draft = world.enrolment.draft("oni-1", [world.application(someone, key=key)])

    assert done.cascade == 1
    assert world.certificate(second.serial).reason is Reason.KEY_COMPROMISE
    assert "CP 4.9.12" in draft.refused[0].reason


def test_a_claimed_compromise_blocks_the_key_but_does_not_take_other_certificates(world: World) -> None:
    """An officer's word is a claim; only the key itself is proof."""
    someone = nurse(1)
    world.apply_register([someone])
    first = world.enrol(someone)
    second = world.enrol(someone, "ps-signature", key=world.key_of(first))

    world.revoke(first, Reason.KEY_COMPROMISE)

    assert world.certificate(second.serial).state is State.ISSUED
    with world.store.read() as tx:
        assert tx.blocked_keys.blocked([first.spki_hash]) == {first.spki_hash}


def test_a_key_blocked_after_the_approval_is_not_certified(world: World) -> None:
    """The issuer asks again, on every path (invariant I6)."""
    someone = nurse(1)
    world.apply_register([someone])
    first = world.enrol(someone)
    batch = world.order([world.application(someone, "ps-signature", key=world.key_of(first))])
    world.revocation.by_holder(*by_holder(world, first))

    world.issuer.turn_until_idle()

    with world.store.read() as tx:
        assert "CP 4.9.12" in str(tx.orders.of_batch(batch)[0].failure)


def test_a_demand_that_the_certified_key_did_not_sign_is_refused(world: World) -> None:
    """Another's key, a changed statement, a hold: none is the holder's to ask so."""
    one, other = nurse(1), nurse(2)
    world.apply_register([one, other])
    mine, theirs = world.enrol(one), world.enrol(other)
    statement, signature = by_holder(world, mine)

    with pytest.raises(Refused, match="not made with the certified key"):
        world.revocation.by_holder(statement.replace(mine.serial.hex(), theirs.serial.hex()), signature)
    with pytest.raises(Refused, match="asked of the ordre"):
        world.revocation.by_holder(*by_holder(world, mine, Reason.CERTIFICATE_HOLD))
    assert world.certificate(theirs.serial).state is State.ISSUED


def test_a_reason_that_the_policy_does_not_allow_is_refused(world: World) -> None:
    """An allow-list per profile (CP 4.9.1, failure case R04)."""
    someone = nurse(1)
    world.apply_register([someone])
    certificate = world.enrol(someone)

    with pytest.raises(Refused, match=r"cACompromise is not a reason.*CP 4\.9\.1"):
        world.revoke(certificate, Reason.CA_COMPROMISE)


def test_another_boards_certificate_does_not_exist(world: World) -> None:
    """For an officer of the doctors, a nurse's serial is the same as none."""
    someone = nurse(1)
    world.apply_register([someone])
    certificate = world.enrol(someone)

    with pytest.raises(Missing, match="no certificate has the serial number"):
        world.revoke(certificate, officer="cnom-1")


def test_who_disappears_from_the_register_goes_on_hold_and_comes_back(world: World) -> None:
    """Gone: held by the register. Back: released, and only by the register (CP 4.9.13, CP 4.9.16)."""
    stays, leaves = nurse(1), nurse(2)
    world.apply_register([stays, leaves])
    kept, lost = world.enrol(stays), world.enrol(leaves)

    gone = world.apply_register([stays])
    during = world.certificate(lost.serial)
    with pytest.raises(Refused, match="only its end releases it"):
        world.release(lost)
    world.clock.advance(days=1)
    back = world.apply_register([stays, leaves])

    assert (gone.held, back.released) == (1, 1)
    assert (during.state, during.held_by) == (State.HELD, "register")
    assert world.certificate(lost.serial).state is State.ISSUED
    assert world.certificate(kept.serial).state is State.ISSUED


def test_a_hold_placed_by_an_officer_is_not_ended_by_the_register(world: World) -> None:
    """What placed a hold ends it: a clean register does not undo a person's decision."""
    someone = nurse(1)
    world.apply_register([someone])
    certificate = world.enrol(someone)
    world.revoke(certificate, Reason.CERTIFICATE_HOLD)

    assert world.lifecycle.reconcile().released == 0
    assert world.certificate(certificate.serial).state is State.HELD


@pytest.mark.parametrize(
    ("kind", "state", "reason"),
    [
        (DecisionKind.RADIATION, State.REVOKED, Reason.PRIVILEGE_WITHDRAWN),
        (DecisionKind.OPPOSITION, State.REVOKED, Reason.PRIVILEGE_WITHDRAWN),
        (DecisionKind.SUSPENSION, State.HELD, Reason.CERTIFICATE_HOLD),
    ],
)
def test_an_ordres_decision_takes_effect_at_once(world: World, kind: DecisionKind, state: State, reason: Reason) -> None:
    """Radiation and opposition revoke, suspension holds; and nothing new is issued (CP 4.9.1)."""
    someone = nurse(1)
    world.apply_register([someone])
    certificate = world.enrol(someone)

    world.sanction(someone, kind)

    ended = world.certificate(certificate.serial)
    assert (ended.state, ended.reason) == (state, reason)
    assert "by ONI" in world.enrolment.draft("oni-1", [world.application(someone)]).refused[0].reason


def test_lifting_a_suspension_releases_what_it_held(world: World) -> None:
    """A levée ends the hold; it never gives back what was revoked."""
    someone = nurse(1)
    world.apply_register([someone])
    certificate = world.enrol(someone)
    world.sanction(someone, DecisionKind.SUSPENSION)

    lifted = world.sanction(someone, DecisionKind.LEVEE, reference="D-2")

    assert lifted.released == 1
    assert world.certificate(certificate.serial).state is State.ISSUED


def test_an_ordre_does_not_sanction_the_members_of_another(world: World) -> None:
    """The whole file is refused, and nothing of it is kept."""
    someone = nurse(1)
    world.apply_register([someone])

    with pytest.raises(Missing, match="not a member of CNOM"):
        world.sanction(someone, DecisionKind.RADIATION, officer="cnom-1")
    with world.store.read() as tx:
        assert tx.register.sanctions_of(someone.idnat) == []


def test_a_plan_that_takes_the_right_of_many_needs_two_officers(world: World) -> None:
    """Fifty-one at once is a large plan (CP 4.9.3)."""
    people = [nurse(rank) for rank in range(1, 60)]
    world.apply_register(people)
    plan = world.lifecycle.plan(world.import_register(people[52:]))
    world.lifecycle.sign(plan, world.act("oni-1", world.lifecycle.plan_statement(plan, "oni-1")))

    with pytest.raises(Refused, match="1 of 2 officers"):
        world.lifecycle.apply(plan)
    world.lifecycle.sign(plan, world.act("cnop-1", world.lifecycle.plan_statement(plan, "cnop-1")))
    world.lifecycle.apply(plan)

    with world.store.read() as tx:
        assert tx.register.people() == 7


def test_an_older_register_never_replaces_a_newer_one(world: World) -> None:
    """It would bring back people struck off since."""
    world.apply_register([nurse(1)])
    older = world.import_register([nurse(1), nurse(2)], date=world.clock.now() - timedelta(days=1))

    with pytest.raises(Exception, match="older"):
        world.lifecycle.plan(older)


def test_a_delta_lists_what_changed_since_the_full_list(world: World) -> None:
    """Entries revoked since, removals for those released since; it names its base (RFC 5280 §5.2.4)."""
    people = [nurse(rank) for rank in range(1, 4)]
    world.apply_register(people)
    certificates = [world.enrol(person) for person in people]
    world.revoke(certificates[0], Reason.CERTIFICATE_HOLD)
    world.issuer.turn_until_idle()

    www = world.directory / "publication" / "www" / "crl"
    full = x509.load_der_x509_crl((www / "personnes.crl").read_bytes())
    delta = x509.load_der_x509_crl((www / "personnes-delta.crl").read_bytes())

    base = delta.extensions.get_extension_for_class(x509.DeltaCRLIndicator).value.crl_number
    assert base == full.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    assert hashlib.sha256(full.tbs_certlist_bytes).digest() != hashlib.sha256(delta.tbs_certlist_bytes).digest()
