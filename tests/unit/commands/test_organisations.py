"""Structures: declared by one officer, approved by another, withdrawn with their certificates (CP 3.2.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pki.bootstrap.registrar import organisations
from pki.inventory.model import Certificate, State
from pki.register.invented import finess_of
from pki.registration.applications import Application
from pki.registration.model import Organisation
from pki.registration.organisations import Organisations
from tests.world import World, certification_request
from trust.algorithms import ALGORITHMS
from trust.errors import Conflict, Malformed, Missing, Refused
from trust.identity import luhn_key

DOMAINS = ["hopital-fictif.example", "localhost"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An authority; each test takes a structure of its own."""
    made = World(tmp_path_factory.mktemp("structures") / "home")
    yield made
    made.close()


@pytest.fixture
def service(world: World) -> Organisations:
    """The service that receives structures."""
    return organisations(world.home)


def declared(world: World, service: Organisations, number: str, officer: str = "cnom-1") -> Organisation:
    """Have a structure declared."""
    draft = service.draft(officer, number, "HÔPITAL FICTIF", "Essai (99)", DOMAINS)
    return service.declare(draft, world.act(officer, service.declaration_statement(draft)))


def approved(world: World, service: Organisations, number: str) -> Organisation:
    """Have a structure declared and approved."""
    declaration = declared(world, service, number)
    return service.approve(world.act("cnom-2", service.approval_statement(declaration.id, "cnom-2")))


def server(number: str, *names: str) -> Application:
    """Return an application for a server of a structure."""
    return Application(number, "serveur-tls-ec", certification_request(ALGORITHMS["P-256"].generate()), dns_names=names)


def issued(world: World, application: Application) -> Certificate:
    """Bring an application to a certificate."""
    batch = world.order([application], board="cnom")
    world.issuer.turn_until_idle()
    return world.certificates_of_batch(batch)[0]


def types(world: World) -> list[str]:
    """Return the types of the journal's entries."""
    with world.store.read() as tx:
        return [line.rsplit('"type":"', 1)[1].rstrip('"}') for _, line in tx.journal_table.entries()]


def test_a_structure_declared_by_one_officer_and_approved_by_another_gets_certificates(
    world: World, service: Organisations
) -> None:
    """The journal knows both, and the server's names are those of the declaration."""
    organisation = approved(world, service, finess_of(1))
    certificate = issued(world, server(organisation.id, "www.hopital-fictif.example", "localhost"))
    assert certificate.holder == organisation.id
    assert types(world).count("organisation.declared") == types(world).count("organisation.approved") == 1


def test_nothing_is_asked_for_a_structure_that_nobody_approved(world: World, service: Organisations) -> None:
    """Nor for a host outside its domains."""
    waiting = declared(world, service, finess_of(2))
    draft = world.enrolment.draft("cnom-1", [server(waiting.id, "localhost")])
    assert "declared but not approved" in draft.refused[0].reason
    ready = approved(world, service, finess_of(3))
    draft = world.enrolment.draft("cnom-1", [server(ready.id, "www.autre.example")])
    assert "[CP 3.2.2]" in draft.refused[0].reason


def test_who_declares_does_not_approve(world: World, service: Organisations) -> None:
    """Two officers stand behind a structure."""
    declaration = declared(world, service, finess_of(4))
    with pytest.raises(Refused, match="another officer must") as refusal:
        service.approve(world.act("cnom-1", service.approval_statement(declaration.id, "cnom-1")))
    assert refusal.value.citation == "CP 5.2.2"


def test_an_officer_without_the_role_declares_nothing(world: World, service: Organisations) -> None:
    """The third officer of the doctors decides and does not ask."""
    with pytest.raises(Refused, match="role 'register'"):
        declared(world, service, finess_of(5), officer="cnom-3")


def test_another_board_does_not_see_it(world: World, service: Organisations) -> None:
    """It reads the same words as for a structure that does not exist, and cannot take its number."""
    declaration = declared(world, service, finess_of(6))
    with pytest.raises(Missing) as hidden:
        service.approval_statement(declaration.id, "oni-1")
    with pytest.raises(Missing) as absent:
        service.approval_statement(finess_of(7), "oni-1")
    assert str(hidden.value).replace(declaration.id, "") == str(absent.value).replace("1" + finess_of(7), "")
    with pytest.raises(Conflict):
        declared(world, service, finess_of(6), officer="oni-1")


def test_the_approval_is_of_the_record_as_it_stands(world: World, service: Organisations) -> None:
    """A declaration replaced after the approval was written is not what the officer saw."""
    declaration = declared(world, service, finess_of(8))
    act = world.act("cnom-2", service.approval_statement(declaration.id, "cnom-2"))
    draft = replace(declaration, domains=("autre.example",))
    service.declare(draft, world.act("cnom-1", service.declaration_statement(draft)))
    with pytest.raises(Refused, match="something else"):
        service.approve(act)


def test_a_withdrawn_structure_loses_its_certificates_and_asks_for_none(world: World, service: Organisations) -> None:
    """In the same transaction, for cessationOfOperation; and its number may be declared anew."""
    organisation = approved(world, service, finess_of(9))
    certificate = issued(world, server(organisation.id, "localhost"))
    done = service.withdraw(world.act("cnom-3", service.withdrawal_statement(organisation.id, "cnom-3", "Fermeture")))
    after = world.certificate(certificate.serial)
    assert (done.certificates, after.state, after.reason and after.reason.standard_name) == (
        1,
        State.REVOKED,
        "cessationOfOperation",
    )
    draft = world.enrolment.draft("cnom-1", [server(organisation.id, "localhost")])
    assert "no longer answers" in draft.refused[0].reason
    with pytest.raises(Conflict, match="already withdrawn"):
        service.withdraw(world.act("cnom-2", service.withdrawal_statement(organisation.id, "cnom-2", "Fermeture")))
    world.clock.advance(seconds=1)
    assert declared(world, service, finess_of(9)).withdrawn_at is None


def test_an_old_approval_does_not_serve_a_new_declaration(world: World, service: Organisations) -> None:
    """Declared, approved, withdrawn, declared again: the signature of the first time was used."""
    declaration = declared(world, service, finess_of(10))
    approval = world.act("cnom-2", service.approval_statement(declaration.id, "cnom-2"))
    service.approve(approval)
    withdrawal = world.act("cnom-2", service.withdrawal_statement(declaration.id, "cnom-2", "Fermeture"))
    service.withdraw(withdrawal)
    world.clock.advance(minutes=1)
    declared(world, service, finess_of(10))
    for act, door in ((approval, service.approve), (withdrawal, service.withdraw)):
        with pytest.raises(Refused):
            door(act)


def test_what_was_being_signed_during_a_withdrawal_is_ended_by_reconciliation(world: World, service: Organisations) -> None:
    """The order was prepared before, the certificate recorded after."""
    organisation = approved(world, service, finess_of(11))
    certificate = issued(world, server(organisation.id, "localhost"))
    with world.store.write() as tx:
        tx.organisations.set_withdrawn(organisation.id, world.clock.now())
    assert service.reconcile() == 1
    assert world.certificate(certificate.serial).state is State.REVOKED
    assert service.reconcile() == 0


@pytest.mark.parametrize(
    ("number", "name", "department", "domains", "family"),
    [
        ("123", "X", "Essai (99)", [], Malformed),
        (finess_of(20)[:-1] + "x", "X", "Essai (99)", [], Malformed),
        ("00000001" + luhn_key("00000001"), "X", "Essai (99)", [], Refused),
        (finess_of(20), "", "Essai (99)", [], Malformed),
        (finess_of(20), "X\x1b[2J", "Essai (99)", [], Malformed),
        (finess_of(20), "X", "", [], Malformed),
        (finess_of(20), "X", "Essai (99)", ["*.example"], Malformed),
        (finess_of(20), "X", "Essai (99)", ["192.0.2.1"], Malformed),
        (finess_of(20), "X", "Essai (99)", ["a b"], Malformed),
        (finess_of(20), "X", "Essai (99)", [f"d{n}.example" for n in range(51)], Malformed),
    ],
)
def test_what_no_certificate_can_hold_is_not_declared(
    service: Organisations, number: str, name: str, department: str, domains: list[str], family: type[Exception]
) -> None:
    """Numbers, names, départements and domains are judged when they are given."""
    with pytest.raises(family):
        service.draft("cnom-1", number, name, department, domains)
