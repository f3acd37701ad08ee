"""Whether a certificate is good, as the authority itself knows: path to its root, dates, status in its inventory (CP 4.9.6).

The inventory is what lists and OCSP answers are made from: it knows a revocation before they do. It answers for the very
certificate that it holds, to the octet; for another of the same number it answers nothing, and the verdict is not *valid*.
"""

from __future__ import annotations

from datetime import datetime

from pki.bootstrap.home import Home
from pki.inventory import model as inventory
from pki.inventory.model import State
from trust.validation.certificate import Certificate
from trust.validation.chain import Validator
from trust.validation.check import Checker
from trust.validation.findings import Finding
from trust.validation.purpose import ANYTHING, Wanted
from trust.validation.status import CertificateStatus, StatusAnswer, revoked, unknown
from trust.validation.verdict import Verdict

SOURCE = "the inventory of the authority"


class Inventory:
    """A source of status: the inventory of this authority."""

    def __init__(self, home: Home) -> None:
        """Ask this home's."""
        self._home = home

    def status(self, certificate: Certificate, issuer: Certificate, at: datetime) -> StatusAnswer:
        """Return what the inventory says of this very certificate. Never raises."""
        found = self.find(certificate)
        if found is None:
            return unknown(Finding.STATUS_UNKNOWN, certificate, SOURCE, "it does not hold this certificate")
        if found.state in (State.REVOKED, State.HELD) and found.revoked_at is not None:
            name = None if found.reason is None else found.reason.standard_name
            return revoked(certificate, SOURCE, (at, None), found.revoked_at, name)
        return StatusAnswer(CertificateStatus.GOOD, SOURCE, at)

    def find(self, certificate: Certificate) -> inventory.Certificate | None:
        """Return the record of this very certificate, to the octet."""
        number = certificate.serial
        found = of_serial(self._home, number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big"))
        return found if found is not None and found.der == certificate.der else None


def of_serial(home: Home, serial: bytes) -> inventory.Certificate | None:
    """Return a certificate of the inventory that was surely signed."""
    with home.store.read() as tx:
        found = tx.certificates.of_serials([serial])
    return found[0] if found and found[0].signature is not None and found[0].state is not State.PREPARED else None


def judge(home: Home, certificate: Certificate, wanted: Wanted = ANYTHING) -> Verdict:
    """Return the verdict on a certificate now, under the roots of this authority.

    Raises:
        Malformed: it cannot be read.
    """
    known = {name: Certificate.read(each.der) for name, each in home.ca_certificates().items()}
    roots = {ca.id for ca in home.settings.cas if ca.issuer is None}
    anchors = [each for name, each in known.items() if name in roots]
    validator = Validator(anchors, [each for name, each in known.items() if name not in roots])
    return Checker(validator, Inventory(home)).check(certificate, home.clock.now(), wanted)
