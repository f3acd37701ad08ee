"""The table of the API: for each route, what everybody is answered, on what is theirs and on what is not.

A route that has no row fails the suite, and so does a row whose route is gone. Who may call at all is in the table that serves
(`web.api.table`); here is what each then gets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ROLES = ("nobody", "officer", "stranger", "structure", "neighbour", "reader", "gone", "withdrawn")
"""Nobody; officers of two ordres; the structures that they answer for; an officer's token that only reads; an officer whose
mandate is gone; a token that was withdrawn."""
OFFICERS, STRUCTURES = ("officer", "stranger"), ("structure", "neighbour")
UNKNOWN = {
    "certificate": "40" + 30 * "a",
    "batch": "0" * 32,
    "request": "0" * 32,
    "grant": "0" * 32,
    "structure": "1990000099",
    "plan": "0" * 64,
}


@dataclass(frozen=True)
class Row:
    """One route."""

    thing: str = ""
    """What its address names: of an officer's ordre, unless the structure's own is named."""
    mine: int = 200
    """For who asks for what is theirs."""
    others: int = 404
    """For officers who ask for what is another ordre's, and structures for what is not their own."""
    send: dict[str, Any] = field(default_factory=dict)


SIGNED = {"statement": "{}", "signature": "AAAA"}
"""No act: who comes so far is told that it cannot be read."""

TABLE: dict[str, Row] = {
    "showMe": Row(),
    "listProfiles": Row(),
    "listGrants": Row(),
    "showStatus": Row(),
    "listCertificates": Row(),
    "showCertificate": Row("certificate"),
    "showChain": Row("certificate"),
    "showProof": Row("certificate"),
    "prepareRevocation": Row("certificate", send={"reason": "superseded"}),
    "revoke": Row("certificate", 400, send=SIGNED),
    "prepareHold": Row("certificate"),
    "hold": Row("certificate", 400, send=SIGNED),
    "prepareRelease": Row("certificate"),
    "release": Row("certificate", 400, send=SIGNED),
    "prepareRequests": Row(mine=400),
    "prepareEnrolments": Row(mine=400),
    "handIn": Row(mine=400, send=SIGNED),
    "findRequests": Row(),
    "showRequest": Row("request"),
    "listBatches": Row(),
    "showBatch": Row("batch"),
    "listRequestsOfBatch": Row("batch"),
    "prepareApproval": Row("batch"),
    "approve": Row("batch", 400, send=SIGNED),
    "prepareRefusal": Row("batch", send={"reason": "Non."}),
    "refuse": Row("batch", 400, send=SIGNED),
    "listStructures": Row(),
    "showStructure": Row("structure"),
    "prepareDeclaration": Row(mine=400),
    "declare": Row(mine=400, send=SIGNED),
    "prepareStructureApproval": Row("structure"),
    "approveStructure": Row("structure", 400, send=SIGNED),
    "prepareWithdrawal": Row("structure", send={"reason": "Fermée."}),
    "withdraw": Row("structure", 400, send=SIGNED),
    "prepareServerRequest": Row("structure", 400, send={"csr": "x"}),
    "prepareAdministrator": Row("structure"),
    "showGrant": Row("grant"),
    "prepareGrantWithdrawal": Row("grant", send={"reason": "Fin."}),
    "withdrawGrant": Row("grant", 400, send=SIGNED),
    "showDomains": Row("structure"),
    "prepareDomains": Row("structure", send={"domains": ["autre.example"]}),
    "proposeDomains": Row("structure", 400, send=SIGNED),
    "prepareDomainsApproval": Row("structure"),
    "approveDomains": Row("structure", 400, send=SIGNED),
    "prepareDomainsRefusal": Row("structure", send={"reason": "Non."}),
    "refuseDomains": Row("structure", 400, send=SIGNED),
    "showRegister": Row(),
    "showPerson": Row("person", others=200),
    "showPlan": Row("plan", others=200),
    "preparePlanApproval": Row("plan", others=200),
    "approvePlan": Row("plan", 400, 400, SIGNED),
    "applyPlan": Row("plan", 403, 403),
    "receiveExtraction": Row(mine=415),
    "checkNumber": Row("certificate", others=200),
    "checkCertificate": Row(mine=400),
    "prepareHolderRevocation": Row(mine=400),
    "revokeAsHolder": Row(mine=400, send=SIGNED),
    "explainProblem": Row("kind", others=200),
    "showDescription": Row(),
}
"""The register is one for all ordres: so are its people and its plan. What needs no account is the same for everybody."""
PARAMETER = {
    "certificate": "serial",
    "batch": "batch",
    "request": "request",
    "grant": "request",
    "structure": "number",
    "person": "number",
    "plan": "sha256",
    "kind": "kind",
}
"""What a thing is called in an address."""
