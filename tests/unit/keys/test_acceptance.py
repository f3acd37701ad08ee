"""Which public keys may be certified: one form, exact kinds, no known weakness."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, x25519
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.keys import moduli
from trust import der, oids
from trust.algorithms import ALGORITHMS, PublicKey, spki
from trust.errors import Malformed, Refused
from trust.keys import check_public_key, load_public_key
from trust.known_weak import KnownWeakModuli, compile_list, digest

ALL = frozenset(ALGORITHMS)
P256 = spki(ec.derive_private_key(7, ec.SECP256R1()).public_key())
P384 = spki(ec.derive_private_key(7, ec.SECP384R1()).public_key())
RSA_IDENTIFIER = der.sequence(der.oid(oids.KEY_RSA), der.null())


def _rsa(modulus: int, exponent: int = 65537) -> bytes:
    key = der.sequence(der.integer(modulus), der.integer(exponent))
    return der.sequence(RSA_IDENTIFIER, der.bit_string(key))


def _ec(curve: str, point: bytes) -> bytes:
    return der.sequence(der.sequence(der.oid(oids.KEY_EC), der.oid(curve)), der.bit_string(point))


def _ed25519(y: int, sign: int = 0) -> bytes:
    key = (y | sign << 255).to_bytes(32, "little")
    return der.sequence(der.sequence(der.oid(oids.ED25519)), der.bit_string(key))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_kind_of_key_is_accepted_where_it_is_allowed(name: str) -> None:
    """From its octets or as an object; the name comes back, and the loaded key is the same key."""
    key: PublicKey = ALGORITHMS[name].generate().public_key()
    octets = spki(key)
    assert check_public_key(octets, {name}) == check_public_key(key, {name}) == name
    assert spki(load_public_key(octets, {name})) == octets


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_kind_of_key_is_refused_where_it_is_not_allowed(name: str) -> None:
    """The profile lists what it accepts; CP 6.1.5 is cited."""
    key: PublicKey = ALGORITHMS[name].generate().public_key()
    for form in (key, spki(key)):
        with pytest.raises(Refused) as refusal:
            check_public_key(form, ALL - {name})
        assert refusal.value.citation == "CP 6.1.5"


@pytest.mark.parametrize("bits", [1024, 2040, 2047, 2049, 2056, 3071, 4095, 8192])
def test_rsa_sizes_are_exact(bits: int) -> None:
    """A size off the list is refused even when nothing else is wrong (failure case C02)."""
    with pytest.raises(Refused, match=f"RSA-{bits}") as refusal:
        check_public_key(_rsa(1 << (bits - 1) | 1), ALL)
    assert refusal.value.citation == "CP 6.1.5"


@pytest.mark.parametrize(
    "other",
    [
        lambda: ec.derive_private_key(7, ec.SECP521R1()).public_key(),
        lambda: ec.derive_private_key(7, ec.SECP256K1()).public_key(),
        lambda: ec.derive_private_key(7, ec.BrainpoolP256R1()).public_key(),
        lambda: dsa.generate_private_key(2048).public_key(),
        lambda: ed448.Ed448PrivateKey.generate().public_key(),
        lambda: x25519.X25519PrivateKey.generate().public_key(),
    ],
    ids=["P-521", "secp256k1", "brainpool", "DSA", "Ed448", "X25519"],
)
def test_other_algorithms_and_curves_are_refused(other: Callable[[], PublicKey]) -> None:
    """They are well formed: policy says no, and cites CP 6.1.5."""
    with pytest.raises(Refused) as refusal:
        check_public_key(spki(other()), ALL)
    assert refusal.value.citation == "CP 6.1.5"


@pytest.mark.parametrize(
    ("modulus", "weakness"),
    [
        (moduli.with_factor(2048, 751), "factor 751"),
        (moduli.with_factor(3072, 3), "factor 3"),
        (moduli.sound(2048) ^ 1, "factor 2"),
        (moduli.close(2048, 512 + 4), "Fermat"),
        (moduli.close(4096, 1024 + 4), "Fermat"),
        (moduli.roca(2048, 126), "ROCA"),
        (moduli.PUBLISHED_ROCA, "ROCA"),
        (moduli.PUBLISHED_DEBIAN, "public knowledge"),
        (moduli.PUBLISHED_RFC7517, "public knowledge"),
    ],
    ids=["751", "3", "even", "close-2048", "close-4096", "roca", "roca-published", "debian", "rfc7517"],
)
def test_a_weak_rsa_key_is_refused_and_the_weakness_named(modulus: int, weakness: str) -> None:
    """CP 6.1.6 (failure case C03)."""
    with pytest.raises(Refused, match=weakness) as refusal:
        check_public_key(_rsa(modulus), ALL)
    assert refusal.value.citation == "CP 6.1.6"


@pytest.mark.parametrize("exponent", [1, 3, 17, 65535, 65539, 2**32 + 1])
def test_the_rsa_exponent_is_65537(exponent: int) -> None:
    """What everybody uses; anything else is a home-made generator."""
    with pytest.raises(Refused, match="65537") as refusal:
        check_public_key(_rsa(moduli.sound(2048), exponent), ALL)
    assert refusal.value.citation == "CP 6.1.6"


def test_an_operator_adds_known_weak_moduli() -> None:
    """A list of one's own replaces the shipped one."""
    mine = KnownWeakModuli(compile_list([digest(moduli.sound(2048)).hex()]))
    assert check_public_key(_rsa(moduli.sound(2048)), ALL) == "RSA-2048"
    with pytest.raises(Refused, match="public knowledge"):
        check_public_key(_rsa(moduli.sound(2048)), ALL, known_weak=mine)


@pytest.mark.parametrize(
    "point",
    [
        b"\0",
        b"\x02" + P256[27:59],
        P256[26:59] + bytes(32),
        P256[26:90],
        P256[26:] + b"\0",
        b"\x04" + (2**256 - 2**224 + 2**192 + 2**96 - 1).to_bytes(32) + P256[59:],
        b"\x06" + P256[27:],
        b"",
    ],
    ids=["infinity", "compressed", "off-the-curve", "short", "long", "unreduced", "hybrid", "empty"],
)
def test_a_point_is_uncompressed_reduced_and_on_its_curve(point: bytes) -> None:
    """Anything else is malformed (failure case C06); pyca agrees, except that it reads the compressed and hybrid forms."""
    octets = _ec(oids.CURVE_P256, point)
    with pytest.raises(Malformed):
        check_public_key(octets, ALL)
    if point[:1] not in (b"\x02", b"\x06"):
        with pytest.raises(ValueError):
            load_der_public_key(octets)


def test_explicit_curve_parameters_are_malformed() -> None:
    """The same curve, described instead of named, would let a stranger describe another (CVE-2020-0601)."""
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    field = der.sequence(der.oid("1.2.840.10045.1.1"), der.integer(prime))
    curve = der.sequence(der.octet_string(bytes(32)), der.octet_string(bytes(32)))
    described = der.sequence(der.integer(1), field, curve, der.octet_string(P256[26:]), der.integer(prime), der.integer(1))
    for parameters in (described, der.null(), b""):
        octets = der.sequence(der.sequence(der.oid(oids.KEY_EC), parameters), der.bit_string(P256[26:]))
        with pytest.raises(Malformed, match="named, not described"):
            check_public_key(octets, ALL)


@given(st.integers(1, 2**64), st.booleans())
def test_our_curve_equation_agrees_with_pyca(scalar: int, large: bool) -> None:
    """Every real point passes, and none of them with one bit changed."""
    curve: ec.EllipticCurve = ec.SECP384R1() if large else ec.SECP256R1()
    octets = spki(ec.derive_private_key(scalar, curve).public_key())
    assert check_public_key(octets, ALL) == ("P-384" if large else "P-256")
    changed = octets[:-1] + bytes([octets[-1] ^ 1])
    with pytest.raises(Malformed):
        check_public_key(changed, ALL)


def _roots(square: int) -> list[int]:
    """Square roots modulo 2^255 - 19, if any."""
    q = 2**255 - 19
    root = pow(square, (q + 3) // 8, q)
    candidates = (root, root * pow(2, (q - 1) // 4, q) % q)
    return [sign * one % q for one in candidates if (one * one - square) % q == 0 for sign in (1, -1)]


def test_ed25519_points_of_small_order_are_refused() -> None:
    """The ordinates of the eight points whose order divides 8, computed here from the curve's equation."""
    q = 2**255 - 19
    d = -121665 * pow(121666, -1, q) % q
    # Twice a point of order 8 has ordinate 0: d·y⁴ + 2y² - 1 = 0, so y² = (-1 ± √(1 + d)) / d.
    eighth = [y for root in _roots((1 + d) % q) for y in _roots((root - 1) * pow(d, -1, q) % q)]
    assert len(eighth) == 2
    for y in (0, 1, q - 1, *eighth):
        for sign in (0, 1):
            with pytest.raises(Refused, match="small order") as refusal:
                check_public_key(_ed25519(y, sign), ALL)
            assert refusal.value.citation == "CP 6.1.6"


def test_ed25519_octets_that_are_no_point_are_malformed() -> None:
    """An ordinate beyond the field, or one without abscissa; about half of all numbers have none."""
    with pytest.raises(Malformed):
        check_public_key(_ed25519(2**255 - 19 + 2), ALL)
    draw = Random(1)
    refused = 0
    for _ in range(100):
        try:
            check_public_key(_ed25519(draw.getrandbits(254)), ALL)
        except Malformed:
            refused += 1
    assert 30 < refused < 70


@pytest.mark.parametrize("octets", [P256, P384, _rsa(moduli.sound(2048)), _ed25519(4)], ids=["P-256", "P-384", "RSA", "Ed25519"])
def test_a_key_has_one_encoding(octets: bytes) -> None:
    """Octets after the end, long-form lengths, indefinite lengths, unused bits, other parameters: malformed (failure
    case C08)."""
    start = der.header(octets)[1]
    content = octets[start:]
    (_, _, identifier), (_, bits, _) = der.children(content)
    variants = [
        octets + b"\0",
        octets[:-1],
        b"\x30\x80" + content + b"\0\0",
        b"\x30\x83" + len(content).to_bytes(3) + content,
        der.sequence(identifier, der.tlv(der.BIT_STRING, b"\x01" + bits[1:])),
        der.sequence(identifier, der.octet_string(bits)),
        der.sequence(identifier, der.bit_string(bits[1:]), der.null()),
        der.sequence(der.bit_string(bits[1:]), identifier),
        der.sequence(identifier),
        der.tlv(der.SET, content),
    ]
    for variant in variants:
        with pytest.raises(Malformed):
            check_public_key(variant, ALL)


def test_rsa_parameters_and_numbers_have_one_form() -> None:
    """NULL parameters present, exactly two positive numbers without leading zeros."""
    modulus, exponent = der.integer(moduli.sound(2048)), der.integer(65537)
    absent = der.sequence(der.oid(oids.KEY_RSA))
    keys = [
        der.sequence(absent, der.bit_string(der.sequence(modulus, exponent))),
        der.sequence(RSA_IDENTIFIER, der.bit_string(der.sequence(modulus))),
        der.sequence(RSA_IDENTIFIER, der.bit_string(der.sequence(modulus, exponent, exponent))),
        der.sequence(RSA_IDENTIFIER, der.bit_string(der.sequence(modulus, exponent) + b"\0")),
        der.sequence(RSA_IDENTIFIER, der.bit_string(der.sequence(der.integer(-moduli.sound(2048)), exponent))),
        der.sequence(RSA_IDENTIFIER, der.bit_string(der.sequence(der.tlv(2, b"\0\0" + b"\x80" * 256), exponent))),
        der.sequence(RSA_IDENTIFIER, der.bit_string(der.sequence(der.tlv(2, b""), exponent))),
        der.sequence(RSA_IDENTIFIER, der.bit_string(der.sequence(modulus, der.tlv(2, b"\0")))),
        _rsa(1 << 40_000 | 1),
    ]
    for octets in keys:
        with pytest.raises(Malformed):
            check_public_key(octets, ALL)


@given(st.binary(max_size=200))
def test_octets_that_are_no_key_are_malformed_or_refused(octets: bytes) -> None:
    """Never anything else."""
    with pytest.raises((Malformed, Refused)):
        check_public_key(octets, ALL)


@given(st.sampled_from([P256, P384, _rsa(moduli.sound(2048))]), st.data())
def test_a_damaged_key_is_malformed_or_refused_or_another_key(octets: bytes, data: st.DataObject) -> None:
    """One octet changed anywhere: our families of errors or, in a modulus, another number; what passes, pyca reads."""
    position = data.draw(st.integers(0, len(octets) - 1))
    changed = bytearray(octets)
    changed[position] ^= data.draw(st.integers(1, 255))
    try:
        check_public_key(bytes(changed), ALL)
    except (Malformed, Refused):
        return
    load_der_public_key(bytes(changed))


def test_pyca_reads_what_we_accept() -> None:
    """Our RSA encoding is pyca's."""
    numbers = RSAPublicNumbers(65537, moduli.sound(2048))
    assert numbers.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == _rsa(moduli.sound(2048))
