"""Moduli that anybody can factor are recognised, and sound ones are not accused; badkeys gives the second opinion."""

from __future__ import annotations

from math import prod
from typing import Any

import pytest
from badkeys.rsakeys.fermat import fermat
from badkeys.rsakeys.roca import roca as badkeys_roca
from badkeys.rsakeys.smallfactors import smallfactors

from tests.unit.keys import moduli
from trust.weakness import close_primes, has_roca_structure, small_factor

SOUND = [moduli.sound(bits, seed) for bits in (2048, 3072, 4096) for seed in (1, 2, 3)]


def _second_opinion(modulus: int) -> tuple[bool, bool, bool]:
    opinions: list[Any] = [smallfactors(modulus), fermat(modulus), badkeys_roca(modulus)]
    return opinions[0] is not False, opinions[1] is not False, opinions[2] is not False


def _ours(modulus: int) -> tuple[bool, bool, bool]:
    return small_factor(modulus) is not None, close_primes(modulus) is not None, has_roca_structure(modulus)


def test_sound_moduli_are_not_accused() -> None:
    """Of every size, by us or by badkeys."""
    for modulus in SOUND:
        assert _ours(modulus) == _second_opinion(modulus) == (False, False, False)


@pytest.mark.parametrize("factor", [2, 3, 5, 251, 509, 743, 751])
def test_a_small_factor_is_found(factor: int) -> None:
    """Up to 751, the last prime below 752 (failure case C03)."""
    modulus = moduli.with_factor(2048, factor)
    assert small_factor(modulus) == factor
    assert _second_opinion(modulus)[0]


def test_the_first_prime_beyond_is_not_searched() -> None:
    """757 is another test's business: the bound is a promise, not an accident."""
    assert small_factor(moduli.with_factor(2048, 757)) is None


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_close_primes_are_found(bits: int) -> None:
    """Primes that differ by 2^(bits/4 + 4): some tens of Fermat's steps; the factors come out."""
    modulus = moduli.close(bits, bits // 4 + 4)
    found = close_primes(modulus)
    assert found is not None
    assert found[0] * found[1] == modulus
    assert found[0] != 1
    assert _second_opinion(modulus)[1]


def test_the_square_of_a_prime_is_found() -> None:
    """The closest two primes can be."""
    twins = close_primes(moduli.close(2048, 0))
    assert twins is not None
    assert close_primes(twins[0] ** 2) == (twins[0], twins[0])


def test_primes_that_are_far_enough_pass() -> None:
    """A distance of 2^(bits/4 + 12) takes thousands of steps: beyond what is asked of us and of badkeys."""
    modulus = moduli.close(2048, 512 + 12)
    assert close_primes(modulus) is None
    assert not _second_opinion(modulus)[1]


@pytest.mark.parametrize(("bits", "primes"), [(2048, 39), (2048, 126), (3072, 126), (4096, 225)])
def test_the_roca_structure_is_recognised(bits: int, primes: int) -> None:
    """For the products of primes that the faulty library used with each size."""
    modulus = moduli.roca(bits, primes)
    assert has_roca_structure(modulus)
    assert _second_opinion(modulus) == (False, False, True)


def test_a_published_roca_key_is_recognised() -> None:
    """A key that a faulty chip really made."""
    assert has_roca_structure(moduli.PUBLISHED_ROCA)
    assert _second_opinion(moduli.PUBLISHED_ROCA)[2]


def test_a_power_modulo_each_prime_is_not_enough() -> None:
    """The exponents must be remainders of one: powers of 65537 that contradict each other are no ROCA structure."""
    modulus = moduli.roca(2048, 39)
    step = prod(prime for prime in range(2, 168) if prime != 5 and all(prime % factor for factor in range(2, prime)))
    # Adding multiples of `step` changes the remainder modulo 5 and no other; 65537 generates every remainder modulo 5 but zero.
    others = [modulus + step * times for times in range(1, 5)]
    assert [has_roca_structure(other) for other in others] == [False] * 4
    assert [badkeys_roca(other) for other in others] == [False] * 4
