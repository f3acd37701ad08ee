"""How each algorithm is asked of a token (PKCS#11 v2.40 mechanisms §2.1, §2.3; v3.0 §2.3.14 for Ed25519).

The digest is computed here, so that a list of ten megabytes never crosses to the module, and the token's octets are put into the
form that certificates carry: ECDSA's r and s as a DER sequence, RSA's padding from a DigestInfo.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11 import MGF, Attribute, KeyType, Mechanism, MechanismFlag
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters
from pkcs11.util.rsa import encode_rsa_public_key

from trust import der
from trust.algorithms import Algorithm, PublicKey
from trust.errors import Alarm, Malformed, Refused

_EDWARDS25519 = der.tlv(0x13, b"edwards25519")
"""PrintableString: how PKCS#11 v3.0 names the curve, and the only way that SoftHSM 2 reads."""
_SIGN = {"capabilities": MechanismFlag.SIGN | MechanismFlag.VERIFY, "store": True}
_PRIVATE = {
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.PRIVATE: True,
    Attribute.DECRYPT: False,
    Attribute.UNWRAP: False,
    Attribute.DERIVE: False,
    Attribute.MODIFIABLE: False,
}
"""A key that signs, never leaves, and never becomes anything else."""


@dataclass(frozen=True)
class TokenAlgorithm:
    """One algorithm on a token."""

    key_type: KeyType
    generate: Callable[[Any, bytes, str], None]
    """Makes a pair in a read-write session, under an identifier and a label."""
    sign: Callable[[Any, bytes], bytes]
    """Signs data with a private key object; returns the signature as certificates carry it."""


def of(algorithm: Algorithm) -> TokenAlgorithm:
    """Return how a token is asked for an algorithm.

    Raises:
        Refused: tokens are not asked for that one here (CP 6.1.5).
    """
    try:
        return _ALGORITHMS[algorithm.name]
    except KeyError:
        raise Refused(f"{algorithm.name} keys are not made in a PKCS#11 token", citation="CP 6.1.5") from None


def public_key(found: Any) -> PublicKey:
    """Return the public key that a public-key object of a token holds.

    Raises:
        Alarm: the object is not a key of ours: somebody changed the token.
    """
    try:
        if found.key_type is KeyType.EC:
            return load_der_public_key(encode_ec_public_key(found))
        if found.key_type is KeyType.RSA:
            # PKCS#1 RSAPublicKey: pyca reads it as well as a SubjectPublicKeyInfo.
            return load_der_public_key(encode_rsa_public_key(found))
        if found.key_type is KeyType.EC_EDWARDS and found[Attribute.EC_PARAMS] == _EDWARDS25519:
            tag, start, end = der.header(found[Attribute.EC_POINT])
            return Ed25519PublicKey.from_public_bytes(found[Attribute.EC_POINT][start:end] if tag == 0x04 else b"")
    except (ValueError, TypeError, KeyError, Malformed):
        pass
    raise Alarm(f"the public half of key {found.label} in the token cannot be read: the token was changed by another program")


def _ec(curve: str, digest: str, size: int) -> TokenAlgorithm:
    parameters = encode_named_curve_parameters(curve)

    def generate(session: Any, key_id: bytes, label: str) -> None:
        domain = session.create_domain_parameters(KeyType.EC, {Attribute.EC_PARAMS: parameters}, local=True)
        domain.generate_keypair(id=key_id, label=label, private_template=_PRIVATE, **_SIGN)

    def sign(key: Any, data: bytes) -> bytes:
        raw = key.sign(hashlib.new(digest, data).digest(), mechanism=Mechanism.ECDSA)
        if len(raw) != 2 * size:
            raise Alarm(f"the token returned a signature of {len(raw)} octets where {2 * size} were due")
        return encode_dss_signature(int.from_bytes(raw[:size], "big"), int.from_bytes(raw[size:], "big"))

    return TokenAlgorithm(KeyType.EC, generate, sign)


def _rsa(bits: int, *, pss: bool = False) -> TokenAlgorithm:
    digest_info = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017 §9.2, note 1: SHA-256

    def generate(session: Any, key_id: bytes, label: str) -> None:
        template = {Attribute.PUBLIC_EXPONENT: b"\x01\x00\x01", Attribute.ENCRYPT: False, Attribute.WRAP: False}
        session.generate_keypair(
            KeyType.RSA, bits, id=key_id, label=label, public_template=template, private_template=_PRIVATE, **_SIGN
        )

    def sign(key: Any, data: bytes) -> bytes:
        digest = hashlib.sha256(data).digest()
        if pss:
            parameters = (Mechanism.SHA256, MGF.SHA256, len(digest))
            return bytes(key.sign(digest, mechanism=Mechanism.RSA_PKCS_PSS, mechanism_param=parameters))
        return bytes(key.sign(digest_info + digest, mechanism=Mechanism.RSA_PKCS))

    return TokenAlgorithm(KeyType.RSA, generate, sign)


def _ed25519() -> TokenAlgorithm:
    def generate(session: Any, key_id: bytes, label: str) -> None:
        domain = session.create_domain_parameters(KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: _EDWARDS25519}, local=True)
        domain.generate_keypair(id=key_id, label=label, private_template=_PRIVATE, **_SIGN)

    return TokenAlgorithm(KeyType.EC_EDWARDS, generate, lambda key, data: bytes(key.sign(data, mechanism=Mechanism.EDDSA)))


_ALGORITHMS = {
    "P-256": _ec("secp256r1", "sha256", 32),
    "P-384": _ec("secp384r1", "sha384", 48),
    "RSA-2048": _rsa(2048),
    "RSA-3072": _rsa(3072),
    "RSA-4096": _rsa(4096),
    "RSA-3072-PSS": _rsa(3072, pss=True),
    "Ed25519": _ed25519(),
}
NAMES = tuple(_ALGORITHMS)
"""The algorithms that a token may be asked for."""
