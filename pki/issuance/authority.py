"""The certification authorities of one home, with their profiles compiled: what issuance signs with and from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from pki.profiles.compiled import CompiledProfile
from pki.profiles.model import IssuerView
from trust.errors import Missing, Refused


@dataclass(frozen=True)
class IssuingCa:
    """One CA that can sign: its view in certificates, its key in custody."""

    id: str
    view: IssuerView
    key: str
    """Label of its key in custody."""
    certificate: bytes
    """Its own certificate, DER."""
    revoked: bool = False


class Authority:
    """The CAs by name, and each profile compiled for each CA that issues it."""

    def __init__(self, cas: dict[str, IssuingCa], compiled: dict[tuple[str, str], CompiledProfile]) -> None:
        self.cas = cas
        self._compiled = compiled

    def ca(self, ca_id: str) -> IssuingCa:
        """Return a CA.

        Raises:
            Missing: no CA of that name.
        """
        try:
            return self.cas[ca_id]
        except KeyError:
            raise Missing(f"no certification authority is called {ca_id!r}") from None

    def note_revoked(self, ca_id: str) -> None:
        """Take note that a CA was revoked since it was opened: from now on it signs no certificate."""
        self.cas[ca_id] = replace(self.ca(ca_id), revoked=True)

    def compiled(self, ca_id: str, profile: str) -> CompiledProfile:
        """Return a profile as a CA issues it.

        Raises:
            Refused: this CA does not issue this profile.
        """
        try:
            return self._compiled[ca_id, profile]
        except KeyError:
            raise Refused(f"{ca_id} does not issue the profile {profile!r}", citation="CP 1.4.1") from None

    def issues(self) -> list[tuple[str, str]]:
        """List what is issued: (CA, profile)."""
        return sorted(self._compiled)


def check_able(ca: IssuingCa, not_before: datetime, not_after: datetime) -> None:
    """Check that a CA may sign a certificate of this validity (failure case I08).

    Raises:
        Refused: the CA is revoked, not yet or no longer valid, or would end before the certificate.
    """
    if ca.revoked:
        raise Refused(f"the certification authority {ca.id} is revoked", citation="CP 5.7.3")
    if not ca.view.not_before <= not_before <= ca.view.not_after:
        raise Refused(f"the certification authority {ca.id} is outside its validity", citation="CP 6.3.2")
    if not_after > ca.view.not_after:
        raise Refused(f"this certificate would outlive its issuer {ca.id}", citation="CP 6.3.2")
