"""RSA moduli that anybody can factor (CP 6.1.6; CA/Browser Forum Baseline Requirements §6.1.1.3).

Three known failures of key generation, recognised from the modulus alone: a small prime factor, two primes too close
to each other (Fermat's method), and the structure of the ROCA primes (CVE-2017-15361). A modulus found sound here is
not proven good: primes shared with another key, or drawn from a broken generator, show in no single modulus. Those
that are known are `trust.known_weak`'s list.
"""

from __future__ import annotations

from math import gcd, isqrt, lcm, prod

_PRIMES = [n for n in range(2, 752) if all(n % p for p in range(2, isqrt(n) + 1))]
"""751 is the last prime tried (failure case C03)."""
_ALL_PRIMES = prod(_PRIMES)


def small_factor(modulus: int) -> int | None:
    """Return the smallest prime factor below 752, or None."""
    shared = gcd(_ALL_PRIMES, modulus % _ALL_PRIMES)
    return None if shared == 1 else next(p for p in _PRIMES if shared % p == 0)


# --- Two primes too close (Fermat)
# -----------------------------------------------------------------------------------------------

FERMAT_ROUNDS = 110
"""Steps of Fermat's method that a modulus must withstand: the Baseline Requirements ask for 100."""


def _squares_modulo(modulus: int) -> bytes:
    """Return a table: 1 where the index is a square modulo `modulus`."""
    table = bytearray(modulus)
    for root in range(modulus // 2 + 1):
        table[root * root % modulus] = 1
    return bytes(table)


_EVEN, _ODD = 256, 3 * 5 * 7 * 11 * 13
_EVEN_SQUARES, _ODD_SQUARES = _squares_modulo(_EVEN), _squares_modulo(_ODD)


def close_primes(modulus: int) -> tuple[int, int] | None:
    """Return the two factors of a modulus that Fermat's method splits in `FERMAT_ROUNDS` steps, or None.

    A step asks whether a² - n is a square, for a just above the root of n. Both are followed modulo two small
    numbers, where 99 steps in 100 show at once that it is not: the large numbers are touched about once per modulus.
    """
    root = isqrt(modulus)
    if root * root == modulus:
        return root, root
    first = root + 1
    even, odd, even_modulus, odd_modulus = first % _EVEN, first % _ODD, modulus % _EVEN, modulus % _ODD
    for step in range(FERMAT_ROUNDS):
        if _EVEN_SQUARES[(even * even - even_modulus) % _EVEN] and _ODD_SQUARES[(odd * odd - odd_modulus) % _ODD]:
            square = (first + step) ** 2 - modulus
            half = isqrt(square)
            if half * half == square:
                return first + step - half, first + step + half
        even += 1
        odd += 1
    return None


# --- The structure of the ROCA primes
# --------------------------------------------------------------------------------------------

_ROCA_GENERATOR = 65537
_ROCA_PRIMES = [p for p in _PRIMES if 2 < p <= 167]
"""The primes whose product is the modulus M of the 512-bit keys; those of larger keys are multiples of it, so it
serves for all."""
_ROCA_PRODUCT = prod(_ROCA_PRIMES)


def _logarithms(prime: int) -> dict[int, int]:
    """Return, for every power of the generator modulo `prime`, its exponent; their number is the generator's order."""
    logarithms: dict[int, int] = {}
    power = 1
    while power not in logarithms:
        logarithms[power] = len(logarithms)
        power = power * _ROCA_GENERATOR % prime
    return logarithms


_ROCA_LOGARITHMS = [(prime, _logarithms(prime)) for prime in _ROCA_PRIMES]


def has_roca_structure(modulus: int) -> bool:
    """Tell whether the modulus is a power of 65537 modulo the primes up to 167 multiplied together.

    The faulty library drew primes of the form k·M + (65537^a mod M): their product is a power of 65537 modulo M too.
    A modulus drawn at random passes for one with probability below 2^-150: its logarithm must exist modulo every
    prime, and these must be remainders of one exponent.
    """
    remainder = modulus % _ROCA_PRODUCT
    exponent, period = 0, 1
    for prime, logarithms in _ROCA_LOGARITHMS:
        logarithm = logarithms.get(remainder % prime)
        if logarithm is None:
            return False
        order = len(logarithms)
        shared = gcd(period, order)
        step, misfit = divmod(logarithm - exponent, shared)
        if misfit:
            return False
        exponent += period * (step * pow(period // shared, -1, order // shared) % (order // shared))
        period = lcm(period, order)
    return True
