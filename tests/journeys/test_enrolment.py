"""From an application to a certificate: who may ask, who may decide, what the issuer refuses all the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from sqlalchemy import text

from pki.inventory.model import State
from pki.registration.applications import LineError
from pki.registration.model import BatchState
from tests.world import World, doctor, nurse
from trust.algorithms import ALGORITHMS, spki
from trust.errors import Conflict, Missing, Refused


def test_a_nurse_of_the_register_gets_the_certificate_that_the_register_describes(world: World) -> None:
    """The subject is the register's; the request gave a key and its proof."""
    someone = nurse(1, "D'EXEMPLE")
    world.apply_register([someone])

    certificate = world.enrol(someone)

    parsed = x509.load_der_x509_certificate(certificate.der)
    assert certificate.state is State.ISSUED
    assert someone.idnat in parsed.subject.rfc4514_string()
    assert "D'EXEMPLE" in parsed.subject.rfc4514_string()
    parsed.verify_directly_issued_by(x509.load_der_x509_certificate(world.home.ca_certificates()["personnes"].der))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"family_name": "AUTRE"}, "family name"),
        ({"family_name": ""}, "family name is needed"),
        ({"given_name": "Dominique"}, "given name"),
        ({"number": "99700000014"}, "key"),
        ({"number": "10101010105"}, "real number"),
        ({"profile": "ps-inconnu"}, "no profile"),
        ({"csr": b"\x30\x03\x02\x01\x00"}, "PKCS#10"),
    ],
)
def test_an_application_that_does_not_hold_is_refused_with_its_line_and_reason(
    world: World, change: dict[str, Any], why: str
) -> None:
    """The dry run says what is wrong with each line, and keeps nothing."""
    someone = nurse(1)
    world.apply_register([someone])

    draft = world.enrolment.draft("oni-1", [replace(world.application(someone), line=7, **change)])

    assert not draft.records
    assert [(error.line, why in error.reason) for error in draft.refused] == [(7, True)]


def test_a_swapped_number_is_caught_by_the_name(world: World) -> None:
    """``99700009014`` and ``99700090014`` both have a right key: Luhn does not see 09 become 90 (CP 3.2.3)."""
    one, other = replace(nurse(1, "PREMIÈRE"), rpps="99700009014"), replace(nurse(2, "SECONDE"), rpps="99700090014")
    world.apply_register([one, other])

    draft = world.enrolment.draft("oni-1", [replace(world.application(one), number=other.rpps)])

    assert not draft.records
    assert "CP 3.2.3" in draft.refused[0].reason


def test_names_are_compared_as_a_clerk_would(world: World) -> None:
    """Case, accents, hyphens and ligatures aside."""
    someone = replace(nurse(1, "LE GOFF-ŒUVRARD"), given_name="MARIE JEANNE")
    world.apply_register([someone])

    claimed = replace(world.application(someone), family_name="Le Goff Oeuvrard", given_name="Marie")

    assert len(world.enrolment.draft("oni-1", [claimed]).records) == 1


def test_an_ordre_does_not_enrol_the_members_of_another(world: World) -> None:
    """A doctor is not the nurses' board's to enrol (CP 3.2.5)."""
    someone = doctor(1)
    world.apply_register([someone])

    draft = world.enrolment.draft("oni-1", [world.application(someone)])

    assert "none of the professions of ONI" in draft.refused[0].reason


def test_a_student_has_no_right_to_practise_yet(world: World) -> None:
    """Category E is in the register, without the right (CP 3.2.5)."""
    someone = replace(nurse(1), category="E")
    world.apply_register([someone])

    assert "student" in world.enrolment.draft("oni-1", [world.application(someone)]).refused[0].reason


def test_nothing_is_decided_on_a_register_that_is_too_old(world: World) -> None:
    """Its age is part of the decision (CP 3.2.3)."""
    someone = nurse(1)
    world.apply_register([someone])
    world.clock.advance(days=8)

    with pytest.raises(Refused, match="8 days old"):
        world.enrolment.draft("oni-1", [world.application(someone)])


def test_a_key_that_is_already_someone_elses_is_refused(world: World) -> None:
    """In the inventory, and within one file (CP 6.1.1)."""
    one, other = nurse(1), nurse(2)
    world.apply_register([one, other])
    key = ALGORITHMS["P-256"].generate()

    together = world.enrolment.draft("oni-1", [world.application(one, key=key), world.application(other, key=key)])
    world.enrol(one, key=key)
    later = world.enrolment.draft("oni-1", [world.application(other, key=key)])

    assert len(together.records) == 1
    assert "CP 6.1.1" in together.refused[0].reason
    assert "CP 6.1.1" in later.refused[0].reason


def test_the_same_file_submitted_twice_makes_one_request(world: World) -> None:
    """The idempotency key is board, profile, holder and public key (invariant I3)."""
    someone = nurse(1)
    world.apply_register([someone])
    application = world.application(someone)
    world.order([application])

    again = world.enrolment.draft("oni-1", [application, replace(application, line=3)])

    assert not again.records
    assert len(again.known) == 2


def test_two_lines_with_the_same_request_are_one(world: World) -> None:
    """The second says which line it repeats."""
    someone = nurse(1)
    world.apply_register([someone])
    application = world.application(someone)

    draft = world.enrolment.draft("oni-1", [replace(application, line=2), replace(application, line=3)])

    assert len(draft.records) == 1
    assert draft.refused == [LineError(3, someone.rpps, "same request as line 2")]


def test_who_asks_does_not_approve(world: World) -> None:
    """Two people stand behind every certificate (CP 5.2.2)."""
    someone = nurse(1)
    world.apply_register([someone])
    draft = world.enrolment.draft("oni-1", [world.application(someone)])
    batch = world.enrolment.submit(draft, world.act("oni-1", draft.statement(world.clock.now())))

    with pytest.raises(Refused, match="who asks does not approve"):
        world.decisions.approve(world.act("oni-1", world.decisions.approval_statement(batch.id, "oni-1")))


def test_another_boards_batch_does_not_exist(world: World) -> None:
    """The same words as for a batch that was never there (failure case W02)."""
    someone = nurse(1)
    world.apply_register([someone])
    draft = world.enrolment.draft("oni-1", [world.application(someone)])
    batch = world.enrolment.submit(draft, world.act("oni-1", draft.statement(world.clock.now())))

    with pytest.raises(Missing, match=f"no batch of requests is called {batch.id}"):
        world.decisions.approval_statement(batch.id, "cnom-2")


def test_a_board_may_ask_for_two_approvals_of_a_large_batch(world: World) -> None:
    """CNOM asks for two from ten requests on: the first approval writes no order."""
    people = [doctor(rank) for rank in range(1, 11)]
    world.apply_register(people)
    draft = world.enrolment.draft("cnom-1", [world.application(person) for person in people])
    batch = world.enrolment.submit(draft, world.act("cnom-1", draft.statement(world.clock.now())))

    first = world.decisions.approve(world.act("cnom-2", world.decisions.approval_statement(batch.id, "cnom-2")))
    same_again = world.decisions.approve(world.act("cnom-2", world.decisions.approval_statement(batch.id, "cnom-2")))
    second = world.decisions.approve(world.act("cnom-3", world.decisions.approval_statement(batch.id, "cnom-3")))

    assert (first.approvals, first.orders) == (1, 0)
    assert (same_again.approvals, same_again.orders) == (1, 0)
    assert (second.approvals, second.orders) == (2, 10)


def test_a_request_set_aside_is_not_issued_and_a_refused_batch_is_over(world: World) -> None:
    """An officer may set one aside and approve the rest; a refusal ends the batch."""
    people = [nurse(rank) for rank in range(1, 4)]
    world.apply_register(people)
    draft = world.enrolment.draft("oni-1", [world.application(person) for person in people])
    batch = world.enrolment.submit(draft, world.act("oni-1", draft.statement(world.clock.now())))
    decided = world.decisions.approve(world.act("oni-2", world.decisions.approval_statement(batch.id, "oni-2", [1])))
    other = world.enrolment.draft("oni-1", [world.application(people[1])])
    refused = world.enrolment.submit(other, world.act("oni-1", other.statement(world.clock.now())))
    world.decisions.refuse(world.act("oni-2", world.decisions.refusal_statement(refused.id, "oni-2", "dossier incomplet")))

    assert decided.orders == 2
    with pytest.raises(Conflict, match="already refused"):
        world.decisions.approve(world.act("oni-2", world.decisions.approval_statement(refused.id, "oni-2")))
    with world.store.read() as tx:
        assert tx.requests.batch(refused.id).state is BatchState.REFUSED


def test_a_signature_by_an_unregistered_key_decides_nothing(world: World) -> None:
    """The mandate is in the configuration, the key in the register of officers; both are needed (CP 5.2.3)."""
    someone = nurse(1)
    world.apply_register([someone])
    draft = world.enrolment.draft("oni-1", [world.application(someone)])
    batch = world.enrolment.submit(draft, world.act("oni-1", draft.statement(world.clock.now())))
    world.officer_keys["oni-2"] = world.officer_keys["cnom-1"]

    with pytest.raises(Refused, match="no registered key of oni-2"):
        world.decisions.approve(world.act("oni-2", world.decisions.approval_statement(batch.id, "oni-2")))


def test_the_issuer_does_not_believe_what_registration_wrote(world: World) -> None:
    """An order whose statement is not the one approved, or whose key is another, is refused by the issuer itself (CP 4.2.2)."""
    one, other, third = nurse(1), nurse(2), nurse(3)
    world.apply_register([one, other, third])
    world.order([world.application(one), world.application(other), world.application(third)])
    stranger = spki(ALGORITHMS["P-256"].generate().public_key())
    with world.store.write() as tx:
        rows = tx.connection.exec_driver_sql("SELECT id, statement FROM orders ORDER BY id").all()
        forged = rows[0][1].replace("EXEMPLE", "INTRUS")
        tx.connection.execute(text("UPDATE orders SET statement = :forged WHERE id = :id"), {"forged": forged, "id": rows[0][0]})
        tx.connection.execute(text("UPDATE orders SET spki = :spki WHERE id = :id"), {"spki": stranger, "id": rows[1][0]})

    world.issuer.turn_until_idle()

    with world.store.read() as tx:
        outcomes = [tx.orders.get(row[0]) for row in rows]
    assert outcomes[0].failure == "the approvals are not about this request [CP 4.2.2]"
    assert outcomes[1].failure == "the approvals are about another public key [CP 3.2.1]"
    assert outcomes[2].serial is not None


def test_a_strike_off_between_approval_and_signature_stops_the_certificate(world: World) -> None:
    """The register is asked again at the moment of issuance (invariant I4)."""
    stays, leaves = nurse(1), nurse(2)
    world.apply_register([stays, leaves])
    batch = world.order([world.application(leaves)])
    world.apply_register([stays])

    world.issuer.turn_until_idle()

    with world.store.read() as tx:
        order = tx.orders.of_batch(batch)[0]
    assert order.failure == "no longer in the register [CP 3.2.5]"
    assert order.serial is None


def test_an_officer_whose_key_was_withdrawn_no_longer_counts(world: World) -> None:
    """Even for approvals given before and not yet issued: the mandate must stand at signing (invariant I4)."""
    someone = nurse(1)
    world.apply_register([someone])
    batch = world.order([world.application(someone)])
    with world.store.write() as tx:
        tx.acts.withdraw_keys("oni-2", world.clock.now())

    world.issuer.turn_until_idle()

    with world.store.read() as tx:
        assert "no registered key of oni-2" in str(tx.orders.of_batch(batch)[0].failure)


def test_a_request_that_ended_without_a_certificate_may_be_made_again(world: World) -> None:
    """Refused, set aside or failed at the issuer: the same person and key may ask anew; one that lives may not (invariant I3)."""
    refused, aside, failed, lives = (nurse(rank) for rank in range(1, 5))
    world.apply_register([refused, aside, failed, lives])
    applications = [world.application(person) for person in (refused, aside, failed, lives)]
    first = world.enrolment.draft("oni-1", applications[:1])
    batch = world.enrolment.submit(first, world.act("oni-1", first.statement(world.clock.now())))
    world.decisions.refuse(world.act("oni-2", world.decisions.refusal_statement(batch.id, "oni-2", "dossier incomplet")))
    second = world.enrolment.draft("oni-1", applications[1:])
    batch = world.enrolment.submit(second, world.act("oni-1", second.statement(world.clock.now())))
    world.decisions.approve(world.act("oni-2", world.decisions.approval_statement(batch.id, "oni-2", [0])))
    world.apply_register([refused, aside, lives])
    world.issuer.turn_until_idle()
    world.clock.advance(days=1)
    world.apply_register([refused, aside, failed, lives])

    again = world.enrolment.draft("oni-1", applications)

    assert [record.holder for record in again.records] == [refused.idnat, aside.idnat, failed.idnat]
    assert [record.holder for _, record in again.known] == [lives.idnat]
    world.order(applications[:3])
    once_more = world.enrolment.draft("oni-1", applications)
    assert not once_more.records
    assert len(once_more.known) == 4
