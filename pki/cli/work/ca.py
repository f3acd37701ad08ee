"""What `sceau ca` does: the authorities of a home, as their certificates and the inventory have them (CP 1.3.1)."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pki.adapters.publication_files import fingerprint, pem
from pki.bootstrap.home import Home, open_home
from pki.cli._output import emit
from pki.cli._text import at, day, fields, table
from pki.cli.work import exchange
from pki.cli.work.certificates import decoded
from pki.inventory.model import Certificate, State
from pki.settings import CaSettings
from trust.errors import Missing


def _list(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    known, now = home.ca_certificates(), home.clock.now()
    with home.store.read() as tx:
        counts = tx.certificates.counts()
    data = [_data(home, ca, known[ca.id], counts, now) for ca in home.settings.cas if ca.id in known]
    rows = [
        (each["id"], each["issuer"] or "itself", each["algorithm"], each["status"], each["certificates"]["issued"],
         each["certificates"]["held"], each["certificates"]["revoked"], each["not_after"][:10], each["common_name"])
        for each in data
    ]  # fmt: skip
    head = ("AUTHORITY", "ISSUED BY", "ALGORITHM", "STATUS", "GOOD", "HELD", "REVOKED", "UNTIL", "NAME")
    emit(args, data, table(head, rows, numbers=(4, 5, 6)) if rows else "No authority has a certificate yet: `sceau init`.")
    return 0


def _show(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    ca, known, now = home.settings.ca(args.ca), home.ca_certificates(), home.clock.now()
    if ca.id not in known:
        raise Missing(f"{ca.id} has no certificate yet: `sceau init` finishes what was begun, or `sceau ca import`")
    certificate = known[ca.id]
    chain = [pem(each.der) for each in _chain(home, ca, known)]
    with home.store.read() as tx:
        data = _data(home, ca, certificate, tx.certificates.counts(), now) | {"pem": chain[0], "chain": chain}
    if args.pem or args.chain:
        text = "".join(chain if args.chain else chain[:1]).rstrip()
    else:
        text = fields(decoded(certificate.der) if args.text else _pairs(home, ca, certificate, now))
    emit(args, data, text)
    return 0


def _pairs(home: Home, ca: CaSettings, certificate: Certificate, now: datetime) -> list[tuple[str, object]]:
    base = home.settings.base_url
    delta = [("delta", f"{base}/crl/{ca.id}-delta.crl")] if ca.delta else []
    return [
        ("authority", ca.id),
        ("name", ca.common_name),
        ("issued by", ca.issuer or "itself: compare its SHA-256 by another channel before you trust it"),
        ("algorithm", ca.algorithm),
        ("status", certificate.status_at(now)),
        ("serial", certificate.serial.hex()),
        ("from", day(certificate.not_before)),
        ("until", day(certificate.not_after)),
        ("SHA-256", fingerprint(certificate.der)),
        ("issues", ", ".join(ca.issues) or "issuing authorities"),
        ("certificate", f"{base}/aia/{ca.id}.cer"),
        ("chain", f"{base}/chain/{ca.id}.pem"),
        ("CRL", f"{base}/crl/{ca.id}.crl"),
        *delta,
        ("OCSP", f"{base}/ocsp"),
    ]


def _data(
    home: Home, ca: CaSettings, certificate: Certificate, counts: Mapping[tuple[str, State], int], now: datetime
) -> dict[str, Any]:
    return {
        "id": ca.id,
        "common_name": ca.common_name,
        "issuer": ca.issuer,
        "algorithm": ca.algorithm,
        "profile": ca.profile,
        "issues": list(ca.issues),
        "shards": ca.shards,
        "delta": ca.delta,
        "status": certificate.status_at(now),
        "serial": certificate.serial.hex(),
        "not_before": at(certificate.not_before),
        "not_after": at(certificate.not_after),
        "sha256": hashlib.sha256(certificate.der).hexdigest(),
        "certificates": {
            state.name.lower(): counts.get((ca.id, state), 0) for state in (State.ISSUED, State.HELD, State.REVOKED)
        },
        "crl": f"{home.settings.base_url}/crl/{ca.id}.crl",
    }


def _chain(home: Home, ca: CaSettings, known: Mapping[str, Certificate]) -> list[Certificate]:
    chain = [known[ca.id]]
    while ca.issuer is not None:
        ca = home.settings.ca(ca.issuer)
        chain.append(known[ca.id])
    return chain


VERBS = {
    "list": _list,
    "show": _show,
    "request": exchange.request,
    "sign-csr": exchange.sign,
    "import": exchange.take_in,
}
