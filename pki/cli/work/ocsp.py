"""What `sceau ocsp show` does: ask the published status as publication does, and compare it with the inventory (CP 4.9.10)."""

from __future__ import annotations

import argparse
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from pki.bootstrap.home import Home, open_home
from pki.cli._files import write
from pki.cli._output import emit
from pki.cli._text import at, fields, short_name
from pki.inventory import serials
from pki.inventory.model import Certificate, State
from pki.protocols.ocsp import read_request
from pki.status.answer import Answer, Answerer, Policy
from pki.status.model import Authority

_RECORDED = {State.ISSUED: "good", State.HELD: "revoked", State.REVOKED: "revoked", State.PREPARED: "nothing"}


def _show(args: argparse.Namespace) -> int:
    home, serial = open_home(args.home), serials.parse(args.serial)
    with home.store.read() as tx:
        certificate = tx.certificates.get(serial)
    answer = _ask(home, certificate)
    published = _read(answer)
    recorded = _RECORDED[certificate.state]
    agree = published["status"] == recorded
    if args.out is not None:
        write(args.out, answer.body)
    data = {"serial": serial.hex(), "ca": certificate.ca, "recorded": recorded, "agree": agree, **published}
    since = f"{published['revoked_at']} ({published['reason'] or 'no reason given'})" if published["revoked_at"] else None
    pairs = [
        ("serial", serial.hex()),
        ("names", short_name(certificate.subject)),
        ("published", published["status"]),
        ("since", since),
        ("recorded", f"{recorded} ({certificate.state.name.lower()})"),
        ("true at", published["this_update"]),
        ("until", published["next_update"]),
        ("signed by", f"{published['responder']} ({published['algorithm']})" if published["responder"] else None),
    ]
    text = fields(pairs)
    emit(
        args,
        data,
        text if agree else f"{text}\nPublished and recorded differ: does the issuer run? (`sceau urls`, `sceau doctor`)",
    )
    return 0 if agree else 1


def _ask(home: Home, certificate: Certificate) -> Answer:
    """Put the question that most clients put to the store that publication serves from."""
    authority = Authority.of(certificate.ca, home.ca_certificates()[certificate.ca].der)
    number = int.from_bytes(certificate.serial, "big")
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(authority.name_sha1, authority.key_sha1, number, hashes.SHA1())
    answerer = Answerer(home.settings.publication / "status", None, Policy(), read_request)
    try:
        return answerer.answer(builder.build().public_bytes(Encoding.DER), home.clock.now())
    finally:
        answerer.close()


def _read(answer: Answer) -> dict[str, Any]:
    """Read the response as a relying party does."""
    response = ocsp.load_der_ocsp_response(answer.body)
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        status = response.response_status.name.lower()
        nothing = dict.fromkeys(("revoked_at", "reason", "this_update", "next_update", "produced_at", "responder", "algorithm"))
        return {"status": "nothing", "response_status": status, **nothing}
    reason = response.revocation_reason
    signers = response.certificates
    return {
        "status": response.certificate_status.name.lower(),
        "response_status": "successful",
        "revoked_at": at(response.revocation_time_utc),
        "reason": reason.value if reason is not None else None,
        "this_update": at(response.this_update_utc),
        "next_update": at(response.next_update_utc),
        "produced_at": at(response.produced_at_utc),
        "responder": signers[0].subject.rfc4514_string() if signers else None,
        "algorithm": response.signature_algorithm_oid._name if response.signature_algorithm_oid._name != "Unknown OID" else None,
    }


VERBS = {"show": _show}
