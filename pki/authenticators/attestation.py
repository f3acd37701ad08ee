"""Which authenticators are accepted, where the operator says (W3C Web Authentication §6.5, §7.1 steps 19 to 24; CP 5.2.3).

An attestation is an authenticator's word on its own model, signed with a key that its maker put there and vouches for. It is
believed under two conditions: the operator keeps the roots of the maker for this very model, for one maker's root says nothing of
another's models; and the statement verifies. A model that signs for itself proves nothing, and neither does one that a browser
made anonymous. The clauses are python-fido2's; what it leaves open (the dates, who may be an issuer) is checked here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fido2.attestation.apple import AppleAttestation
from fido2.attestation.base import AttestationResult, AttestationVerifier, InvalidAttestation
from fido2.attestation.packed import PackedAttestation
from fido2.attestation.tpm import TpmAttestation
from fido2.webauthn import Aaguid, AttestationObject, AuthenticatorData

from pki.settings import PasskeySettings
from trust.errors import Refused

CITATION = "CP 6.2.1"
LONGEST_NAME = 80
_FAULTS = (
    *(InvalidAttestation, ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError),
    *(AssertionError, NotImplementedError, x509.ExtensionNotFound, x509.DuplicateExtension),
)
"""What the library raises on a statement that is none, or that is false."""


class Models:
    """The models that one home accepts."""

    def __init__(self, settings: PasskeySettings) -> None:
        """Judge by these settings."""
        self.asked = settings.attestation == "direct"
        self._allowed = settings.aaguids
        self._makers = settings.makers

    def judge(self, attestation: AttestationObject, client_data_hash: bytes, now: datetime) -> str | None:
        """Return who vouches for the model of a new passkey, and how; None when nobody is asked, or nobody known does.

        Raises:
            Refused: only some models are accepted here, and this is none of them, or nobody vouches that it is.
        """
        data = attestation.auth_data.credential_data
        if not self.asked or data is None:
            return None
        model = str(Aaguid(data.aaguid))
        if self._allowed and model not in self._allowed:
            raise Refused(f"authenticators of the model {model} are not accepted here", citation=CITATION)
        try:
            verifier = _Verifier(self._makers.get(model, ()), now)
            verifier.verify_attestation(attestation, client_data_hash)
            return verifier.vouched
        except _FAULTS as error:
            if not self._allowed:
                return None
            why = str(error)[:100] or type(error).__name__
            raise Refused(f"nobody vouches that this authenticator is of the model {model}: {why}", citation=CITATION) from None


class _Verifier(AttestationVerifier):
    """The library's verification, under the roots of one model."""

    def __init__(self, roots: tuple[bytes, ...], now: datetime) -> None:
        kinds: list[Any] = [PackedAttestation(), TpmAttestation(), AppleAttestation()]
        super().__init__(kinds)
        self._roots = [x509.load_der_x509_certificate(each) for each in roots]
        self._now = now
        self.vouched: str | None = None

    def ca_lookup(self, attestation_result: AttestationResult, auth_data: AuthenticatorData) -> bytes | None:
        """Return the root that the statement's certificates lead to, by name: the caller verifies the signatures."""
        path = [x509.load_der_x509_certificate(each) for each in attestation_result.trust_path]
        if not path:
            return None
        root = next((each for each in self._roots if each.subject == path[-1].issuer), None)
        if root is None:
            return None
        for each in [*path, root]:
            if not each.not_valid_before_utc <= self._now <= each.not_valid_after_utc:
                raise ValueError("a certificate of its attestation is not of this time")
        for each in [*path[1:], root]:
            if not each.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
                raise ValueError("a certificate of its attestation is issued by one that may not")
        self.vouched = f"{_maker(path[0])} ({attestation_result.attestation_type.name.lower()})"
        return root.public_bytes(Encoding.DER)


def _maker(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
    names = names or certificate.issuer.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
    said = "".join(letter for letter in str(names[0].value) if letter.isprintable()) if names else ""
    return said[:LONGEST_NAME] or "?"
