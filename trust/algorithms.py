"""The signature algorithms that Sceau speaks, by configuration name.

One table: name, how to make a key, its AlgorithmIdentifier in certificates, how to sign and to verify. RSA signs with
PKCS#1 v1.5 and SHA-256 (RFC 4055; what French health relying parties accept today) unless its name says PSS (RFC 4055
§3.1), ECDSA with the hash of its curve's size (RFC 5758), Ed25519 per RFC 8410, ML-DSA per RFC 9881 (FIPS 204).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trust import der

# The union of pyca's key classes; its own aliases leave ML-DSA out.
PrivateKey = Any
PublicKey = Any


@dataclass(frozen=True)
class Algorithm:
    """A signature algorithm: what a key of this kind is called, made of, and signs with."""

    name: str
    identifier: bytes
    """AlgorithmIdentifier of its signatures, DER."""
    digest: hashes.HashAlgorithm | None
    generate: Callable[[], PrivateKey]
    parameters: tuple[Any, ...] = ()
    """What pyca is told with each signature: made once, for it has no state and takes a twentieth of a signature to make."""

    def sign(self, key: PrivateKey, data: bytes) -> bytes:
        """Sign `data` with a pyca private key of this algorithm; return the signature's octets."""
        return bytes(key.sign(data, *self.parameters))

    def verifies(self, key: PublicKey, signature: bytes, data: bytes) -> bool:
        """Tell whether `signature` over `data` is by the holder of `key`, a key of this algorithm."""
        try:
            key.verify(signature, data, *self.parameters)
        except InvalidSignature:
            return False
        return True


def _rsa(size: int) -> Algorithm:
    identifier = der.sequence(der.oid("1.2.840.113549.1.1.11"), der.null())
    parameters = padding.PKCS1v15(), hashes.SHA256()
    return Algorithm(f"RSA-{size}", identifier, hashes.SHA256(), lambda: rsa.generate_private_key(65537, size), parameters)


def _rsa_pss(size: int) -> Algorithm:
    digest = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"), der.null())
    mask = der.sequence(der.oid("1.2.840.113549.1.1.8"), digest)
    said = der.sequence(der.tlv(0xA0, digest), der.tlv(0xA1, mask), der.tlv(0xA2, der.tlv(der.INTEGER, b"\x20")))
    identifier = der.sequence(der.oid("1.2.840.113549.1.1.10"), said)
    parameters = padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()
    return Algorithm(f"RSA-{size}-PSS", identifier, hashes.SHA256(), lambda: rsa.generate_private_key(65537, size), parameters)


def _ecdsa(name: str, dotted: str, digest: hashes.HashAlgorithm, curve: ec.EllipticCurve) -> Algorithm:
    identifier = der.sequence(der.oid(dotted))
    return Algorithm(name, identifier, digest, lambda: ec.generate_private_key(curve), (ec.ECDSA(digest),))


def _plain(name: str, dotted: str, generate: Callable[[], PrivateKey]) -> Algorithm:
    return Algorithm(name, der.sequence(der.oid(dotted)), None, generate)


ALGORITHMS: dict[str, Algorithm] = {
    algorithm.name: algorithm
    for algorithm in (
        _ecdsa("P-256", "1.2.840.10045.4.3.2", hashes.SHA256(), ec.SECP256R1()),
        _ecdsa("P-384", "1.2.840.10045.4.3.3", hashes.SHA384(), ec.SECP384R1()),
        _rsa(2048),
        _rsa(3072),
        _rsa(4096),
        _plain("Ed25519", "1.3.101.112", ed25519.Ed25519PrivateKey.generate),
        _plain("ML-DSA-44", "2.16.840.1.101.3.4.3.17", mldsa.MLDSA44PrivateKey.generate),
        _plain("ML-DSA-65", "2.16.840.1.101.3.4.3.18", mldsa.MLDSA65PrivateKey.generate),
        _plain("ML-DSA-87", "2.16.840.1.101.3.4.3.19", mldsa.MLDSA87PrivateKey.generate),
    )
}
"""Every algorithm by its configuration name: what a key may be, of a subscriber or of an authority."""
CUSTODY_ALGORITHMS = ALGORITHMS | {"RSA-3072-PSS": _rsa_pss(3072)}
"""And those that only a custodian knows: its keys remember how they sign, which a public key does not tell."""


def algorithm_of(key: PublicKey) -> Algorithm | None:
    """Return the algorithm that a public key is for, or None when it is none of ours (another curve, another size).

    An RSA key does not say how it signs: the answer is PKCS#1 v1.5.
    """
    if isinstance(key, ec.EllipticCurvePublicKey):
        return ALGORITHMS.get({"secp256r1": "P-256", "secp384r1": "P-384"}.get(key.curve.name, ""))
    if isinstance(key, rsa.RSAPublicKey):
        return ALGORITHMS.get(f"RSA-{key.key_size}")
    if isinstance(key, ed25519.Ed25519PublicKey):
        return ALGORITHMS["Ed25519"]
    for size in (44, 65, 87):
        if isinstance(key, getattr(mldsa, f"MLDSA{size}PublicKey")):
            return ALGORITHMS[f"ML-DSA-{size}"]
    return None


def spki(key: PublicKey) -> bytes:
    """Return the SubjectPublicKeyInfo of a public key, DER."""
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded
