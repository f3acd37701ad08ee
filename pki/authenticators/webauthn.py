"""The two ceremonies of W3C Web Authentication, on python-fido2: a passkey is registered (§7.1), a passkey is shown (§7.2).

User verification and a discoverable credential are always asked for: the passkey alone is two factors, and nobody types a name.
Attestation is not asked for, unless the operator says which models are accepted (`attestation`): it tells what people chose.
Nothing is stored here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_der_public_key
from fido2.cose import ES256, ES384, CoseKey, EdDSA
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationConveyancePreference,
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialParameters,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from pki.authenticators.attestation import Models
from pki.authenticators.model import Passkey
from pki.settings import PasskeySettings
from trust.algorithms import PublicKey, spki
from trust.assertion import Assertion, is_origin_of
from trust.errors import Malformed, Refused

CITATION = "CP 5.2.3"
_CURVES: dict[int, ec.EllipticCurve] = {1: ec.SECP256R1(), 2: ec.SECP384R1()}
_ALGORITHMS = (-7, -8, -35)
"""ES256, EdDSA, ES384 (IANA COSE registry): what `trust.algorithms` verifies, at the strength that the CP asks for."""
_REQUIRED = UserVerificationRequirement.REQUIRED
_FAULTS = (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, OverflowError, UnsupportedAlgorithm)
"""What the library raises on a response that is none, or that is false."""


@dataclass(frozen=True, slots=True)
class Registered:
    """What an authenticator said when a passkey was made."""

    id: bytes
    spki: bytes
    aaguid: str
    backed_up: bool
    counter: int
    vouched: str | None
    """Who vouches for the model, and how; None when nobody was asked."""


class Ceremonies:
    """The ceremonies of one relying party."""

    def __init__(self, rp_id: str, name: str, settings: PasskeySettings = PasskeySettings()) -> None:  # noqa: B008 - frozen
        """`rp_id` is the host of the pages: passkeys work there and nowhere else."""
        self.rp_id = rp_id
        self._models = Models(settings)
        wish = AttestationConveyancePreference.DIRECT if self._models.asked else None
        party = PublicKeyCredentialRpEntity(name=name, id=rp_id)
        self._server = Fido2Server(party, wish, verify_origin=lambda origin: is_origin_of(origin, rp_id))
        self._server.allowed_algorithms = [
            PublicKeyCredentialParameters(type=PublicKeyCredentialType.PUBLIC_KEY, alg=number) for number in _ALGORITHMS
        ]

    def creation_options(self, challenge: bytes, handle: bytes, name: str, existing: Sequence[Passkey]) -> dict[str, Any]:
        """Return what the page gives to ``navigator.credentials.create``, for JSON; `handle` names the account to the device."""
        options, _ = self._server.register_begin(
            PublicKeyCredentialUserEntity(name=name, id=handle, display_name=name),
            credentials=[_descriptor(each) for each in existing],
            resident_key_requirement=ResidentKeyRequirement.REQUIRED,
            user_verification=_REQUIRED,
            challenge=challenge,
        )
        return dict(options)

    def request_options(self, challenge: bytes, allowed: Sequence[Passkey] = ()) -> dict[str, Any]:
        """Return what the page gives to ``navigator.credentials.get``, for JSON: any passkey of ours, or one of these."""
        some = [_descriptor(each) for each in allowed] or None
        options, _ = self._server.authenticate_begin(some, user_verification=_REQUIRED, challenge=challenge)
        return dict(options)

    def registered(self, response: Any, challenge: bytes, now: datetime) -> Registered:
        """Verify a registration response.

        Raises:
            Malformed: it is not one.
            Refused: it is for another challenge, page or relying party, nobody was verified, or this model is not accepted.
        """
        try:
            parsed = RegistrationResponse.from_dict(response)
        except _FAULTS:
            raise Malformed("this is not the answer of an authenticator to a registration") from None
        try:
            if parsed.response.client_data.cross_origin:
                raise ValueError("asked from inside another site")
            data = self._server.register_complete(_state(challenge), response)
            credential = data.credential_data
            if credential is None or credential.credential_id != parsed.raw_id:
                raise ValueError("names another credential")
            key = spki(_public_key(credential.public_key))
        except _FAULTS as error:
            raise Refused(f"the authenticator's answer was not accepted: {str(error)[:100]}", citation=CITATION) from None
        collected = hashlib.sha256(parsed.response.client_data).digest()
        return Registered(
            id=bytes(credential.credential_id),
            spki=key,
            aaguid=str(Aaguid(credential.aaguid)),
            backed_up=data.is_backed_up(),
            counter=data.counter,
            vouched=self._models.judge(parsed.response.attestation_object, collected, now),
        )

    def shown(self, response: Any, challenge: bytes, passkey: Passkey) -> Assertion:
        """Verify that a passkey was shown for this challenge.

        Raises:
            Malformed: it is not such a response.
            Refused: it is for another challenge, page, relying party or key, or nobody was verified.
        """
        assertion = read_assertion(response)[1]
        try:
            parsed = AuthenticationResponse.from_dict(response)
            if parsed.response.client_data.cross_origin:
                raise ValueError("asked from inside another site")
            key = _cose(load_der_public_key(passkey.spki))
            credential = AttestedCredentialData.create(bytes(16), passkey.id, key)
            self._server.authenticate_complete(_state(challenge), [credential], response)
        except _FAULTS as error:
            raise Refused(f"the authenticator's answer was not accepted: {str(error)[:100]}", citation=CITATION) from None
        return assertion


def read_challenge(response: Any) -> bytes:
    """Return the challenge that a response claims to answer.

    Raises:
        Malformed: it is no response.
    """
    try:
        kind = RegistrationResponse if "attestationObject" in response["response"] else AuthenticationResponse
        return bytes(kind.from_dict(response).response.client_data.challenge)
    except _FAULTS:
        raise Malformed("this is not the answer of an authenticator") from None


def read_assertion(response: Any) -> tuple[bytes, Assertion]:
    """Return the identifier of the passkey that was shown, and what it gave: nothing is verified.

    Raises:
        Malformed: it is no response of that kind.
    """
    try:
        parsed = AuthenticationResponse.from_dict(response)
        given = parsed.response
        return bytes(parsed.raw_id), Assertion(bytes(given.authenticator_data), bytes(given.client_data), bytes(given.signature))
    except _FAULTS:
        raise Malformed("this is not the answer of an authenticator to a challenge") from None


def _state(challenge: bytes) -> Mapping[str, Any]:
    return {"challenge": websafe_encode(challenge), "user_verification": _REQUIRED}


def _descriptor(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(type=PublicKeyCredentialType.PUBLIC_KEY, id=passkey.id)


def _cose(key: Any) -> CoseKey:
    kind: type[CoseKey] = EdDSA
    if isinstance(key, ec.EllipticCurvePublicKey):
        kind = ES384 if key.curve.name == "secp384r1" else ES256
    return kind.from_cryptography_key(key)


def _public_key(key: CoseKey) -> PublicKey:
    """Read a COSE key (RFC 9053 §2, §7.1, §7.2): 1 is its type, 3 its algorithm, -1 its curve, -2 and -3 its coordinates."""
    if key.get(3) not in _ALGORITHMS:
        raise ValueError("its algorithm was not offered")
    if key[1] == 2:
        x, y = (int.from_bytes(key[coordinate], "big") for coordinate in (-2, -3))
        return ec.EllipticCurvePublicNumbers(x, y, _CURVES[key[-1]]).public_key()
    if key[1] == 1 and key[-1] == 6:
        return ed25519.Ed25519PublicKey.from_public_bytes(key[-2])
    raise ValueError("its key is of an unknown type")
