"""The CAs of a new home: each key, and its certificate or the request for one (RFC 3647 §6.1.1; CP 6.1.1).

A root certifies itself and what is below it. Below an offline root, a CA gets a key and a request to carry there; its
certificate comes back by file (`imports`).
"""

from __future__ import annotations

from pathlib import Path

from hsm.api import Custodian, KeyUse
from pki.bootstrap import certification
from pki.bootstrap.certification import Tell, Wanted
from pki.bootstrap.home import Home
from pki.bootstrap.keys import make_key
from pki.settings import CaSettings
from trust.algorithms import spki
from trust.errors import Refused

BY = "init"
REQUESTS = "requests"
"""Below the home: the requests to be certified by an offline root."""


def create_ca(home: Home, custodian: Custodian, ca: CaSettings, *, by: str, tell: Tell) -> None:
    """Make what a CA lacks: key, certificate; or key and request, when its issuer is offline.

    Raises:
        Refused: profile, key, validity or a lint say no.
    """
    if ca.offline or ca.id in home.ca_certificates():
        return
    issuer = None if ca.issuer is None else home.settings.ca(ca.issuer)
    if issuer is not None and not issuer.offline and issuer.id not in home.ca_certificates():
        return  # Its issuer waits for a certificate itself.
    public = make_key(home, custodian, ca.key, ca.algorithm, KeyUse.CERTIFICATE, KeyUse.CRL, by=by)
    days = ca.years * 365
    if issuer is None:
        certificate = certification.self_sign(home, custodian, ca, public, days=days, by=by, tell=tell)
    elif issuer.offline:
        path = write_request(home, custodian, ca)
        tell(f"{ca.common_name}: {ca.algorithm}, to be certified by {issuer.id}: {path}")
        return
    else:
        wanted = Wanted(ca.profile, certification.subject_of(home, ca.common_name), f"ca:{ca.id}", spki(public), days)
        certificate = certification.certify(home, custodian, issuer, wanted, by=by, tell=tell)
    tell(f"{ca.common_name}: {ca.algorithm}, until {certificate.not_after:%Y-%m-%d}")


def write_request(home: Home, custodian: Custodian, ca: CaSettings) -> Path:
    """Write the request of a CA for its offline issuer into the home, if it is not there yet; return where."""
    path = home.settings.home / REQUESTS / f"{ca.id}.csr"
    if not path.exists():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_bytes(make_request(home, custodian, ca, by=BY))
    return path


def make_request(home: Home, custodian: Custodian, ca: CaSettings, *, by: str) -> bytes:
    """Return the request of a CA of this home, PEM; its key is made first when there is none.

    Raises:
        Refused: its key is elsewhere (CP 6.1.1).
    """
    if ca.offline:
        raise Refused(f"{ca.id} is offline: its key is not here", citation="CP 6.1.1")
    make_key(home, custodian, ca.key, ca.algorithm, KeyUse.CERTIFICATE, KeyUse.CRL, by=by)
    return certification.pem(certification.request(custodian, ca.key, certification.subject_of(home, ca.common_name)))


def waiting(home: Home) -> list[CaSettings]:
    """Return the CAs whose certificate is to come by file: the offline ones, and those that they certify."""
    known, settings = home.ca_certificates(), home.settings
    return [
        ca
        for ca in settings.cas
        if ca.id not in known and (ca.offline or (ca.issuer is not None and settings.ca(ca.issuer).offline))
    ]
