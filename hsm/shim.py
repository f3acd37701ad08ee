"""Private keys in the shapes that `cryptography` expects, whose `sign` asks a custodian (RFC 3647 §6.2).

The builders of pyca (certificates, requests, CRLs, OCSP responses) want a private key object. These are such objects
for one key and one use: they know the public half, and send what is to be signed to the custodian. They never hold,
export or decrypt anything, and sign with the one hash that the key's algorithm stands for in `trust.algorithms`: a
custodian hashes by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa

from hsm.api import Custodian, KeyRef, KeyUse
from trust.algorithms import CUSTODY_ALGORITHMS, Algorithm, PrivateKey, PublicKey
from trust.errors import Refused

Signer = Callable[[bytes], bytes]


def private_key(custodian: Custodian, ref: KeyRef, use: KeyUse) -> PrivateKey:
    """Return an object of pyca's private-key class for the key `ref`, good for `use` alone.

    Raises:
        Missing: no such key.
        Refused: pyca has no shape for keys of that algorithm here (CP 6.1.5).
    """
    # Read once: the OCSP builder compares the public key at every signature.
    public = custodian.public_key(ref)
    algorithm = CUSTODY_ALGORITHMS.get(custodian.description(ref).algorithm)
    shape = _SHAPES.get(algorithm.name) if algorithm else None
    if algorithm is None or shape is None:
        raise Refused(f"key {ref.label} has no shape in pyca's builders", citation="CP 6.1.5")
    return shape(public, algorithm, lambda data: custodian.sign(ref, use, data))


def _leave(*_: object, **__: object) -> NoReturn:
    raise Refused("a private key does not leave its custodian, and only signs", citation="CP 6.2.6")


class _Shape:
    """What all the shapes share. `copy` gives the same key: there is only one, and it is elsewhere."""

    def __init__(self, public: PublicKey, algorithm: Algorithm, signer: Signer) -> None:
        self._public = public
        self._algorithm = algorithm
        self._signer = signer

    def public_key(self) -> Any:
        """Return the public half."""
        return self._public

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def private_bytes(self, *_: object, **__: object) -> NoReturn:
        """Refuse (CP 6.2.6)."""
        _leave()

    def _demand(self, asked: object) -> None:
        """Refuse a hash that is not the key's: the custodian would sign with another than the certificate says."""
        expected = self._algorithm.digest
        if not isinstance(asked, hashes.HashAlgorithm) or expected is None or asked.name != expected.name:
            name = getattr(asked, "name", type(asked).__name__)
            raise Refused(f"an {self._algorithm.name} key signs with its own hash, not {name}", citation="CP 7.1.3")


class _EcShape(_Shape, ec.EllipticCurvePrivateKey):
    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """Sign with ECDSA and the hash of the curve's size; `Prehashed` is refused."""
        self._demand(signature_algorithm.algorithm)
        return self._signer(bytes(data))

    @property
    def curve(self) -> ec.EllipticCurve:
        """The curve of the key."""
        curve: ec.EllipticCurve = self._public.curve
        return curve

    @property
    def key_size(self) -> int:
        """Bits."""
        return self.curve.key_size

    exchange = _leave
    private_numbers = _leave


class _RsaShape(_Shape, rsa.RSAPrivateKey):
    def sign(self, data: Any, padding: padding.AsymmetricPadding, algorithm: Any) -> bytes:
        """Sign with the padding of the key's algorithm and SHA-256; other paddings and `Prehashed` are refused."""
        if padding.name != self._algorithm.parameters[0].name:
            raise Refused(f"an {self._algorithm.name} key does not sign with {padding.name}", citation="CP 7.1.3")
        self._demand(algorithm)
        return self._signer(bytes(data))

    @property
    def key_size(self) -> int:
        """Bits."""
        size: int = self._public.key_size
        return size

    decrypt = _leave
    private_numbers = _leave


class _Ed25519Shape(_Shape, ed25519.Ed25519PrivateKey):
    def sign(self, data: Any) -> bytes:
        """Sign with Ed25519 (RFC 8032)."""
        return self._signer(bytes(data))

    private_bytes_raw = _leave


class _PureMlDsa(_Shape):
    def sign(self, data: Any, context: Any = None) -> bytes:
        """Sign with ML-DSA and the empty context, the only one in X.509 (RFC 9881 §3)."""
        if context:
            raise Refused("ML-DSA signs with the empty context in X.509", citation="CP 7.1.3")
        return self._signer(bytes(data))

    sign_mu = _leave
    private_bytes_raw = _leave


class _MlDsa44Shape(_PureMlDsa, mldsa.MLDSA44PrivateKey):
    pass


class _MlDsa65Shape(_PureMlDsa, mldsa.MLDSA65PrivateKey):
    pass


class _MlDsa87Shape(_PureMlDsa, mldsa.MLDSA87PrivateKey):
    pass


_SHAPES: dict[str, type[_Shape]] = {
    "P-256": _EcShape,
    "P-384": _EcShape,
    "RSA-2048": _RsaShape,
    "RSA-3072": _RsaShape,
    "RSA-4096": _RsaShape,
    "RSA-3072-PSS": _RsaShape,
    "Ed25519": _Ed25519Shape,
    "ML-DSA-44": _MlDsa44Shape,
    "ML-DSA-65": _MlDsa65Shape,
    "ML-DSA-87": _MlDsa87Shape,
}
