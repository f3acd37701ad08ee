"""A loss that is reported while the issuer is at work on what a thief asked: nothing survives it, whoever is first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pki.authenticators.model import Account, Kind
from pki.bootstrap.office import Office
from pki.inventory.model import Reason, State
from pki.issuance.approvals import Act
from pki.registration.grants import GrantApplication
from pki.registration.loss import Ended
from pki.registration.selfservice import Asked
from tests.builders.authenticator import Authenticator
from tests.databases import cluster, world_on  # noqa: F401  # fixtures
from tests.unit.review.test_races import Meanwhile
from tests.world import World, certification_request, nurse
from trust.errors import Alarm, Conflict, Unavailable

ANNE = nurse(1, "MARTIN")
ACCOUNT = Account(Kind.PERSON, ANNE.idnat)


def asked_by_a_thief(world: World, office: Office) -> None:
    """Grant Anne a certificate, and have whoever holds her phone ask for it."""
    world.apply_register([ANNE])
    draft = office.grants.draft("oni-1", [GrantApplication(ANNE.rpps, ("ps-authentification",), "MARTIN", "Camille")])
    batch = office.grants.submit(draft, world.act("oni-1", draft.statement(world.clock.now())))
    world.decisions.approve(world.act("oni-2", world.decisions.approval_statement(batch.id, "oni-2")))
    made = office.entries.invite(ACCOUNT, timedelta(days=1), by="oni-1", with_code=True)
    phone = Authenticator()
    response = phone.make(office.passkeys.registration_options(ACCOUNT, "Anne"))
    office.passkeys.register_by_entry(made.token, made.code, response, "Mon téléphone")
    csr = certification_request(ec.generate_private_key(ec.SECP256R1()))
    asked = office.selfservice.prepare(ANNE.idnat, [Asked("ps-authentification", csr)])
    act = Act.of(asked.statement, phone.sign(asked.statement).pack(), officer=str(ACCOUNT))
    office.selfservice.submit(act, asked.requests, [csr])


@pytest.mark.parametrize("point", ["key.checked", "audit.presign", "intent.committed", "hsm.before", "sig.verified"])
def test_no_certificate_survives_a_loss_that_is_reported_meanwhile(world_on: World, point: str) -> None:  # noqa: F811
    """Refused for the passkey that is gone, or revoked as soon as it was there; on both databases."""
    world = world_on
    office = Office(world.home, "http://localhost:8400")
    asked_by_a_thief(world, office)
    code = office.losses.new_sheet(ACCOUNT)[0]
    world.close()
    reported = list[Ended]()
    fault = Meanwhile(point, lambda: reported.append(office.losses.report(ANNE.rpps, code)))
    issuer = world.open_issuer(fault)
    for _ in range(3):
        try:
            issuer.turn_until_idle()
        except (Alarm, Unavailable, Conflict):  # welcome: the next turn recovers
            issuer.recover_first()
    issuer.close()
    fault.started[0].join()
    assert [each.passkeys for each in reported] == [1]
    with world.store.read() as tx:
        found = tx.certificates.of_holder(ANNE.idnat)
    assert all((each.state, each.reason) == (State.REVOKED, Reason.KEY_COMPROMISE) for each in found), found
    assert office.passkeys.of(ACCOUNT) == []
