"""The evidence of an issuance, gathered from a home (CP 4.2.2): for the command, and for the pages."""

from __future__ import annotations

from typing import Any

from pki.bootstrap.home import Home
from pki.inventory.model import Certificate
from pki.issuance.approvals import APPROVAL, SUBMISSION
from pki.registration.evidence import gather
from trust.errors import Missing


def evidence_of(home: Home, serial: bytes) -> dict[str, Any]:
    """Gather the evidence of a certificate.

    Raises:
        Missing: there is no such certificate, or the authority issued it for itself.
    """
    with home.store.read() as tx:
        certificate = tx.certificates.get(serial)
        if certificate.order_id.startswith("own:"):
            raise Missing("the authority issued this certificate for itself: no officer asked for it")
        order = tx.orders.get(certificate.order_id)
        batch = tx.requests.batch(order.batch)
        acts = [act for act_type in (SUBMISSION, APPROVAL) for act in tx.acts.of_target(act_type, batch.id)]
        keys = [key for officer in sorted({act.officer for act in acts}) for key in tx.acts.keys(officer)]
    return gather(_chain(home, certificate), order, batch, acts, home.settings.board(batch.board), keys)


def _chain(home: Home, certificate: Certificate) -> list[bytes]:
    chain, ca_id, known = [certificate.der], certificate.ca, home.ca_certificates()
    while True:
        chain.append(known[ca_id].der)
        issuer = home.settings.ca(ca_id).issuer
        if issuer is None:
            return chain
        ca_id = issuer
