"""The evidence of an issuance, gathered from a home (CP 4.2.2): for the command, and for the pages."""

from __future__ import annotations

from typing import Any

from pki.bootstrap.home import Home
from pki.inventory.model import Certificate
from pki.issuance.approvals import APPROVAL, SUBMISSION
from pki.issuance.order import HOLDER_TYPE, read_request
from pki.registration.evidence import gather, gather_of_holder
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
        batch, request = tx.requests.batch(order.batch), read_request(order.statement)
        granted = tx.grants.get(request.grant) if request.grant else None
        decided = batch if granted is None else tx.requests.batch(granted.batch)
        acts = [act for act_type in (SUBMISSION, APPROVAL) for act in tx.acts.of_target(act_type, decided.id)]
        keys = [key for officer in sorted({act.officer for act in acts}) for key in tx.acts.keys(officer)]
        asked, holder_keys = tx.acts.of_target(HOLDER_TYPE, batch.id), tx.authenticators.keys_of(request.requester)
    board, chain = home.settings.board(batch.board), _chain(home, certificate)
    if granted is None:
        return gather(chain, order, batch, acts, board, keys)
    return gather_of_holder(chain, order, batch, asked, holder_keys, granted, (decided, acts), board, keys)


def _chain(home: Home, certificate: Certificate) -> list[bytes]:
    chain, ca_id, known = [certificate.der], certificate.ca, home.ca_certificates()
    while True:
        chain.append(known[ca_id].der)
        issuer = home.settings.ca(ca_id).issuer
        if issuer is None:
            return chain
        ca_id = issuer
