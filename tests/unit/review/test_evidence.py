"""Evidence shows both people: an approval without the demand that it approves proves nothing (CP 4.2.2)."""

from __future__ import annotations

import pytest

from pki.issuance.approvals import APPROVAL, SUBMISSION
from pki.registration.evidence import check, gather
from tests.unit.review.conftest import ANNE
from tests.world import World
from trust.errors import Refused


def test_evidence_without_the_requesters_signature_is_refused(world: World) -> None:
    """Whoever hands in evidence could leave the signature of the requester out."""
    certificate = world.enrol(ANNE)
    with world.store.read() as tx:
        order = tx.orders.get(certificate.order_id)
        batch = tx.requests.batch(order.batch)
        acts = [act for kind in (SUBMISSION, APPROVAL) for act in tx.acts.of_target(kind, batch.id)]
        keys = [key for act in acts for key in tx.acts.keys(act.officer)]
    cas = world.home.ca_certificates()
    chain = [certificate.der, cas["personnes"].der, cas["racine"].der]
    board = world.home.settings.board("ONI")
    assert check(gather(chain, order, batch, acts, board, keys)).serial == certificate.serial.hex()
    with pytest.raises(Refused, match="asked"):
        check(gather(chain, order, batch, acts[1:], board, keys))
