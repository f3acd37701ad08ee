"""An authenticator in a few lines: it makes passkeys and shows them, as the W3C's Web Authentication says, and lies on demand.

For tests of rules, where a browser would be slow; journeys use Chromium's (`tests.builders.browser`). python-fido2, which the
product verifies with, is the second opinion on what is made here.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from fido2 import cbor
from fido2.cose import ES256

from trust.assertion import Assertion

AAGUID = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
"""Extension of a certificate that names the model of authenticator that carries it (Web Authentication §8.2.1)."""
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def websafe(octets: bytes) -> str:
    """Encode as browsers do."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


@dataclass
class Maker:
    """A maker of authenticators: its root, and the key that it puts into devices (Web Authentication §8.2, §8.2.1)."""

    name: str = "FABRIQUE D'ESSAI"
    begins: datetime = datetime(2020, 1, 1, tzinfo=UTC)
    ends: datetime = datetime(2050, 1, 1, tzinfo=UTC)
    certified_model: bytes | None = None
    """The model that its certificates name, when it is not the device's."""
    says_model: bool = True
    issues_through: str = ""
    """``authority`` or ``device``: there is a certificate between the device's and the root, of that kind."""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    device_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def root(self) -> x509.Certificate:
        """Return its root certificate."""
        return self._certificate(_named("Racine", self.name), _named("Racine", self.name), self.key, self.key, ca=True)

    def path(self, model: bytes) -> list[bytes]:
        """Return the certificate that devices of a model carry, and those above it but the root."""
        leaf, root = _named("Authenticator Attestation", self.name), _named("Racine", self.name)
        extra = x509.UnrecognizedExtension(AAGUID, b"\x04\x10" + (self.certified_model or model)) if self.says_model else None
        if not self.issues_through:
            found = [self._certificate(leaf, root, self.device_key, self.key, extra=extra)]
        else:
            key, between = ec.generate_private_key(ec.SECP256R1()), _named("Entre deux", self.name)
            above = self._certificate(between, root, key, self.key, ca=self.issues_through == "authority")
            found = [self._certificate(leaf, between, self.device_key, key, extra=extra), above]
        return [each.public_bytes(Encoding.DER) for each in found]

    def _certificate(
        self,
        subject: x509.Name,
        issuer: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        signer: ec.EllipticCurvePrivateKey,
        *,
        ca: bool = False,
        extra: x509.UnrecognizedExtension | None = None,
    ) -> x509.Certificate:
        builder = x509.CertificateBuilder(issuer, subject, key.public_key(), 1, self.begins, self.ends)
        builder = builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
        if extra is not None:
            builder = builder.add_extension(extra, critical=False)
        return builder.sign(signer, hashes.SHA256())


def _named(unit: str, maker: str) -> x509.Name:
    oids = x509.NameOID
    texts = (
        (oids.COUNTRY_NAME, "FR"),
        (oids.ORGANIZATION_NAME, maker),
        (oids.ORGANIZATIONAL_UNIT_NAME, unit),
        (oids.COMMON_NAME, unit),
    )
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in texts])


@dataclass
class Authenticator:
    """One passkey, in somebody's hand."""

    origin: str = "http://localhost:8400"
    rp_id: str = "localhost"
    flags: int = PRESENT | VERIFIED
    counter: int = 0
    credential_id: bytes = b"credential-1"
    cross_origin: bool = False
    model: bytes = bytes(16)
    """AAGUID."""
    maker: Maker | None = None
    """Who vouches for it; None is nobody."""
    signs_for_itself: bool = False
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer a registration (``navigator.credentials.create``)."""
        public = options["publicKey"]
        cose = ES256.from_cryptography_key(self.key.public_key())  # type: ignore[no-untyped-call]
        credential = self.model + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cbor.encode(dict(cose))
        data = self._data(self.flags | ATTESTED) + credential
        client = self._client("webauthn.create", public["challenge"])
        attestation = cbor.encode(self._attested(data, hashlib.sha256(client).digest(), public.get("attestation")))
        return self._answer({"clientDataJSON": websafe(client), "attestationObject": websafe(attestation)})

    def _attested(self, data: bytes, client_hash: bytes, asked: str | None) -> dict[str, Any]:
        if asked != "direct" or (self.maker is None and not self.signs_for_itself):
            return {"fmt": "none", "attStmt": {}, "authData": data}
        key = self.key if self.maker is None else self.maker.device_key
        statement: dict[str, Any] = {"alg": -7, "sig": key.sign(data + client_hash, ec.ECDSA(hashes.SHA256()))}
        if self.maker is not None:
            statement["x5c"] = self.maker.path(self.model)
        return {"fmt": "packed", "attStmt": statement, "authData": data}

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
