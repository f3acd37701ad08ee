"""Is this public key acceptable (RFC 3647 §6.1.5, §6.1.6; CP 6.1.5, 6.1.6)?

Reads a SubjectPublicKeyInfo in the one DER form that each algorithm has here, then judges it: exact sizes, named
curves, a point on the curve, exponent 65537, no known weakness. It says nothing of who holds the private half
(`pki.registration.possession`) nor whether the key was compromised since (the inventory's blocked keys). The reading
is our own and costs microseconds: no library touches a stranger's key before it was found acceptable.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from trust import der, oids
from trust.algorithms import PublicKey, algorithm_of, spki
from trust.errors import Malformed, Refused
from trust.known_weak import SHIPPED, KnownWeakModuli
from trust.weakness import close_primes, has_roca_structure, small_factor

RSA_SIZES = (2048, 3072, 4096)
"""Bits; nothing that works makes another size (failure case C02)."""
RSA_EXPONENT = 65537
_LARGEST = 4096
"""Octets of a SubjectPublicKeyInfo; an ML-DSA-87 key has 2614, an RSA key of 16,384 bits 2086."""


def check_public_key(key: bytes | PublicKey, allowed: Collection[str], *, known_weak: KnownWeakModuli = SHIPPED) -> str:
    """Check that a subject's public key may be certified; return the name of its algorithm.

    Args:
        key: a SubjectPublicKeyInfo in DER, or a key of pyca's classes.
        allowed: the names of `trust.algorithms.ALGORITHMS` that the profile accepts.
        known_weak: moduli that everybody knows how to factor.

    Raises:
        Malformed: the octets are not a key in the form that its algorithm has: not DER, octets after the end,
            explicit curve parameters, a compressed point, the point at infinity, a point off the curve.
        Refused: an algorithm, curve or size that is not allowed (CP 6.1.5), or a weak key (CP 6.1.6); the reason
            names the weakness.
    """
    # Octets first, as nearly always: asking pyca's abstract classes is slow.
    if not isinstance(key, bytes) and isinstance(key, EllipticCurvePublicKey):  # its point was checked when the object was made
        algorithm = algorithm_of(key)
        if algorithm is None or algorithm.name not in allowed:
            raise _not_accepted(key.curve.name if algorithm is None else algorithm.name)
        return algorithm.name
    octets = key if isinstance(key, bytes) else spki(key)
    fixed = _FIXED.get(len(octets))
    if fixed is not None and octets.startswith(fixed.prefix):
        if fixed.name not in allowed:
            raise _not_accepted(fixed.name)
        fixed.check(octets[len(fixed.prefix) :])
        return fixed.name
    modulus, exponent = _read_rsa(octets)
    size = modulus.bit_length()
    name = f"RSA-{size}"
    if size not in RSA_SIZES or name not in allowed:
        raise _not_accepted(name)
    _check_rsa(modulus, exponent, known_weak)
    return name


def load_public_key(octets: bytes, allowed: Collection[str], *, known_weak: KnownWeakModuli = SHIPPED) -> PublicKey:
    """Check a SubjectPublicKeyInfo as `check_public_key` does, and return it as a key of pyca's classes.

    Raises:
        Malformed, Refused: as `check_public_key`.
    """
    name = check_public_key(octets, allowed, known_weak=known_weak)
    try:
        return load_der_public_key(octets)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Malformed(f"not a usable {name} key") from None


def _not_accepted(name: str) -> Refused:
    return Refused(f"a key of kind {name} is not accepted here", citation="CP 6.1.5")


def _weak(weakness: str) -> Refused:
    return Refused(f"weak key: {weakness}", citation="CP 6.1.6")


# --- Keys whose encoding has one length: everything before the key itself is known in advance
# -------------------------------------


@dataclass(frozen=True)
class _Curve:
    """The curve y² = x³ - 3x + b modulo p. Its order is prime: a point on it, other than infinity, is a valid key (SP
    800-186 §3.2.1)."""

    prime: int
    b: int
    octets: int

    def check(self, point: bytes) -> None:
        """Check the two coordinates of a point."""
        x, y = int.from_bytes(point[: self.octets]), int.from_bytes(point[self.octets :])
        if x >= self.prime or y >= self.prime or (y * y - (x * x - 3) * x - self.b) % self.prime:
            raise Malformed("the point of this key is not on its curve")


_P256 = _Curve(
    2**256 - 2**224 + 2**192 + 2**96 - 1,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    32,
)
_P384 = _Curve(
    2**384 - 2**128 - 2**96 + 2**32 - 1,
    0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    48,
)

_Q = 2**255 - 19
_D = -121665 * pow(121666, -1, _Q) % _Q
_EIGHTH = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = frozenset({0, 1, _Q - 1, _EIGHTH, _Q - _EIGHTH})
"""The ordinates of the eight points of the Ed25519 curve whose order divides 8: under such a key one signature fits
many messages."""


def _check_ed25519(key: bytes) -> None:
    y = int.from_bytes(key, "little") & (2**255 - 1)
    if y in _SMALL_ORDER:
        raise _weak("an Ed25519 point of small order")
    if y >= _Q or pow((y * y - 1) * (_D * y * y + 1), (_Q - 1) // 2, _Q) != 1:
        raise Malformed("the point of this key is not on its curve")  # no abscissa exists (RFC 8032 §5.1.3)


def _nothing_to_check(_: bytes) -> None:
    """An ML-DSA key of the right length is a key (FIPS 204 §7.2: every encoding decodes)."""


@dataclass(frozen=True)
class _Fixed:
    """An algorithm whose SubjectPublicKeyInfo is `prefix` followed by the key."""

    name: str
    prefix: bytes
    size: int
    check: Callable[[bytes], None]


def _fixed(name: str, size: int, check: Callable[[bytes], None], *identifier: str, before: bytes = b"") -> _Fixed:
    algorithm = der.sequence(*(der.oid(dotted) for dotted in identifier))
    whole = der.sequence(algorithm, der.bit_string(before + bytes(size)))
    return _Fixed(name, whole[: len(whole) - size], size, check)


_UNCOMPRESSED = b"\x04"
_FIXED = {
    len(fixed.prefix) + fixed.size: fixed
    for fixed in (
        _fixed("P-256", 64, _P256.check, oids.KEY_EC, oids.CURVE_P256, before=_UNCOMPRESSED),
        _fixed("P-384", 96, _P384.check, oids.KEY_EC, oids.CURVE_P384, before=_UNCOMPRESSED),
        _fixed("Ed25519", 32, _check_ed25519, oids.ED25519),
        _fixed("ML-DSA-44", 1312, _nothing_to_check, oids.ML_DSA_44),
        _fixed("ML-DSA-65", 1952, _nothing_to_check, oids.ML_DSA_65),
        _fixed("ML-DSA-87", 2592, _nothing_to_check, oids.ML_DSA_87),
    )
}
"""By total length: no two algorithms share one."""


# --- RSA, and the diagnosis of everything else
# ------------------------------------------------------------------------------------

_RSA_IDENTIFIER = der.sequence(der.oid(oids.KEY_RSA), der.null())
_EC = der.oid(oids.KEY_EC)
_CURVES = {der.oid(oids.CURVE_P256), der.oid(oids.CURVE_P384)}
_KNOWN = {der.oid(dotted) for dotted in (oids.KEY_RSA, oids.ED25519, oids.ML_DSA_44, oids.ML_DSA_65, oids.ML_DSA_87)}


def _read_rsa(octets: bytes) -> tuple[int, int]:
    """Return modulus and exponent, or say what this is instead."""
    if len(octets) > _LARGEST:
        raise Malformed(f"a public key of more than {_LARGEST} octets")
    parts = list(der.children(der.whole(octets, der.SEQUENCE)))
    if [tag for tag, _, _ in parts] != [der.SEQUENCE, der.BIT_STRING]:
        raise Malformed("not a SubjectPublicKeyInfo")
    (_, identifier, whole_identifier), (_, bits, _) = parts
    if whole_identifier != _RSA_IDENTIFIER:
        raise _not_rsa(identifier)
    if not bits.startswith(b"\0"):
        raise Malformed("the bits of a public key are whole octets")
    numbers = list(der.children(der.whole(bits[1:], der.SEQUENCE)))
    if [tag for tag, _, _ in numbers] != [der.INTEGER, der.INTEGER]:
        raise Malformed("not an RSAPublicKey")
    return _positive(numbers[0][1]), _positive(numbers[1][1])


def _positive(content: bytes) -> int:
    if not content or content[0] >= 0x80 or (content[0] == 0 and (len(content) == 1 or content[1] < 0x80)):
        raise Malformed("the numbers of an RSA key are positive, in their shortest form")
    return int.from_bytes(content)


def _not_rsa(identifier: bytes) -> Malformed | Refused:
    """Say why a key that is none of the expected forms is not accepted."""
    fields = list(der.children(identifier))
    if not fields or fields[0][0] != der.OID:
        return Malformed("a public key names its algorithm")
    if fields[0][2] == _EC:
        if len(fields) != 2 or fields[1][0] != der.OID:
            return Malformed("a curve is named, not described (RFC 5480 §2.1.1)")
        if fields[1][2] not in _CURVES:
            return Refused("this curve is not accepted here", citation="CP 6.1.5")
        return Malformed("a point is written uncompressed, and is not the point at infinity")
    if fields[0][2] in _KNOWN:
        return Malformed("the parameters or the length of this key are not those of its algorithm")
    return Refused("keys of this algorithm are not accepted here", citation="CP 6.1.5")


def _check_rsa(modulus: int, exponent: int, known_weak: KnownWeakModuli) -> None:
    if exponent != RSA_EXPONENT:
        raise _weak(f"RSA exponent other than {RSA_EXPONENT}")
    if factor := small_factor(modulus):
        raise _weak(f"the RSA modulus has the factor {factor}")
    if close_primes(modulus):
        raise _weak("the primes of the RSA modulus are too close (Fermat)")
    if has_roca_structure(modulus):
        raise _weak("the RSA modulus has the structure of ROCA (CVE-2017-15361)")
    if modulus in known_weak:
        raise _weak("the private half of this RSA key is public knowledge")
