"""RSA moduli with a known fault, made here: nobody's keys.

Everything is drawn from a seeded generator, so that a failure is the same tomorrow.
"""

from __future__ import annotations

from functools import cache
from math import prod
from random import Random
from typing import Any

import gmpy2  # type: ignore[import-untyped]  # comes with badkeys

PUBLISHED_DEBIAN = int(
    "c096530c4c4a343fc388ff8b6e14c88b617485966dd0f757f3decb2f03dfdfe6f518e0948f5387059bd5aa124f26d38f139dd6ebc234360561689758e9b14e03"
    "f714508167374cbf64e24e26c3cd95ed5a5d04e3c404be157bb8090e9ada9cdc53ef7e806c1e77b5f10242150a24e9adf991088daf20a75beb54bc91fe43dd87"
    "55447fd3abdefb9f1c987a8b0419824504e213f8dd26a9c6b7ed2f2103d8422720f7a7400ce34743e4ce40440c69013efea2a39790fcdfccbb424da1d824adfe"
    "58071ed76d41af836e4093ea60f5719e250fa214f8631153a81eefc17d82e3f819da57691ed9602550074fdea73ac9e5cfe10f6b91adc31b402c3e370b03a559",
    16,
)
"""2048 bits, made by the broken generator of Debian (CVE-2008-0166); published with badkeys' tests."""
PUBLISHED_RFC7517 = int(
    "d2fc7b6a0a1e6c67104aeb8f88b257669b4df679ddad099b5c4a6cd9a88015b5a133bf0b856c7871b6df000b554fceb3c2ed512bb68f145c6e8434752fab52a1"
    "cfc124408f79b58a4578c16428855789f7a249e384cb2d9fae2d67fd96fb926c198e077399fdc815c0af097dde5aadeff44de70e827f4878432439bfeeb96068"
    "d0474fc50d6d90bf3a98dfaf1040c89c02d692ab3b3c2896609d86fd73b774ce0740647ceeeaa310bd12f985a8eb9f59fdd426cea5b2120f4f2a34bcab764b7e"
    "6c54d6840238bcc40587a59e66ed1f33894577635c470af75cf92c20d1da43e1bfc419e222a6f0d0bb358c5e38f9cb050aeafe904814f1ac1aa49cca9ea0ca83",
    16,
)
"""2048 bits, the example of RFC 7517 appendix A.2."""
PUBLISHED_ROCA = int(
    "9132ad211fcc0dfb4dae48326ac864c227e4b394b09bd1c4930e197028a3c907694d2b489e4f69754aeae338c6ead939c57f406985cbbb8edf9a2055cc2946bc"
    "05d365ba67e896c6d4811152cfa2d290514f90b352eeef27feb72fbd8dcd5bc915a4f4494139cc1ca10a3244fa97e53275f57b5529b4e767379007798e112a4b"
    "a056c7b75cedb132cdf21f7bd3c9976d9da38815153477a13b3ebb2046d100a851dc00698f530d19396f00fbef2c4bf1659ebc4c7fd9556b5ffc93f03ca2d3df"
    "acd222a5f028ab430a27ea31136c0c2f50c3c481931a635a37780f00d2727ae71aee9b40f8d1aae68535c77a56317812beb5525d4a28364f31224acac52cf72d",
    16,
)
"""2048 bits, from an affected chip; published with badkeys' tests."""


@cache
def sound_primes(bits: int, seed: int = 1) -> tuple[int, int]:
    """Two primes with nothing wrong, whose product has exactly `bits` bits."""
    draw = Random(f"sound {bits} {seed}")
    # The two high bits of each prime are set, so that the product has exactly the size asked.
    first, second = bits // 2, bits - bits // 2
    return _next_prime(draw.getrandbits(first) | 3 << (first - 2)), _next_prime(draw.getrandbits(second) | 3 << (second - 2))


def sound(bits: int, seed: int = 1) -> int:
    """A modulus of exactly `bits` bits with nothing wrong."""
    return prod(sound_primes(bits, seed))


@cache
def close_primes(bits: int, distance: int) -> tuple[int, int]:
    """Two primes that differ by about 2^distance."""
    half = bits // 2
    p = _next_prime(Random(f"close {bits}").getrandbits(half) | 3 << (half - 2))
    return p, _next_prime(p + (1 << distance))


def close(bits: int, distance: int) -> int:
    """The product of two primes that differ by about 2^distance."""
    return prod(close_primes(bits, distance))


@cache
def primes_with_factor(bits: int, factor: int) -> tuple[int, int]:
    """`factor`, and a prime such that the product has exactly `bits` bits."""
    low = -(-(1 << (bits - 1)) // factor)
    return factor, _next_prime(low + Random(factor).getrandbits(bits - 40))


def with_factor(bits: int, factor: int) -> int:
    """A number of exactly `bits` bits that `factor` divides, the rest prime."""
    return prod(primes_with_factor(bits, factor))


@cache
def roca_primes(bits: int, primes: int, seed: int = 1) -> tuple[int, int]:
    """Two primes of the form k·M + (65537^a mod M), M being the product of the first `primes` primes (126 in 2048-bit keys)."""
    draw = Random(f"roca {bits} {primes} {seed}")
    product, found = 1, 2
    for _ in range(primes):
        product, found = product * found, _next_prime(found)
    half = bits // 2
    while True:
        pair = [_roca_prime(draw, half, product) for _ in range(2)]
        if pair[0] != pair[1]:
            return pair[0], pair[1]


def roca(bits: int, primes: int, seed: int = 1) -> int:
    """The product of two such primes."""
    return prod(roca_primes(bits, primes, seed))


def _roca_prime(draw: Random, bits: int, product: int) -> int:
    while True:
        k = ((3 << (bits - 2)) + draw.getrandbits(bits - 3)) // product
        candidate = k * product + pow(65537, draw.getrandbits(200), product)
        if candidate.bit_length() == bits and gmpy2.is_prime(candidate):
            return candidate


def _next_prime(number: int) -> int:
    found: Any = gmpy2.next_prime(number)
    return int(found)
