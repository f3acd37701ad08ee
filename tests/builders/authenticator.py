"""An authenticator in a few lines: it makes passkeys and shows them, as the W3C's Web Authentication says, and lies on demand.

For tests of rules, where a browser would be slow; journeys use Chromium's (`tests.builders.browser`). python-fido2, which the
product verifies with, is the second opinion on what is made here.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256

from trust.assertion import Assertion

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def websafe(octets: bytes) -> str:
    """Encode as browsers do."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


@dataclass
class Authenticator:
    """One passkey, in somebody's hand."""

    origin: str = "http://localhost:8400"
    rp_id: str = "localhost"
    flags: int = PRESENT | VERIFIED
    counter: int = 0
    credential_id: bytes = b"credential-1"
    cross_origin: bool = False
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer a registration (``navigator.credentials.create``)."""
        public = options["publicKey"]
        cose = ES256.from_cryptography_key(self.key.public_key())  # type: ignore[no-untyped-call]
        credential = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cbor.encode(dict(cose))
        data = self._data(self.flags | ATTESTED) + credential
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", public["challenge"])
        return self._answer({"clientDataJSON": websafe(client), "attestationObject": websafe(attestation)})

    def show(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer a sign-in, or sign what the challenge is the hash of (``navigator.credentials.get``)."""
        given = self._assertion(options["publicKey"]["challenge"])
        response = {
            "clientDataJSON": websafe(given.client_data),
            "authenticatorData": websafe(given.authenticator_data),
            "signature": websafe(given.signature),
        }
        return self._answer(response)

    def sign(self, statement: str) -> Assertion:
        """Sign a statement, as a page has it signed."""
        return self._assertion(websafe(hashlib.sha256(statement.encode()).digest()))

    def _assertion(self, challenge: str) -> Assertion:
        data, client = self._data(self.flags), self._client("webauthn.get", challenge)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return Assertion(data, client, signature)

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes((flags,)) + self.counter.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": self.cross_origin}
        return json.dumps(said).encode()

    def _answer(self, response: dict[str, str]) -> dict[str, Any]:
        name = websafe(self.credential_id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}
