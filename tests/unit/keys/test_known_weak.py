"""The list of moduli that everybody can factor: what it holds, how it is compiled, what a damaged one says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.unit.keys import moduli
from trust.errors import Malformed, Missing
from trust.known_weak import SHIPPED, KnownWeakModuli, compile_list, digest


def test_every_shipped_entry_comes_with_its_modulus() -> None:
    """Two entries, two published moduli: nothing is in the list on hearsay."""
    assert len(SHIPPED) == 2
    assert moduli.PUBLISHED_DEBIAN in SHIPPED
    assert moduli.PUBLISHED_RFC7517 in SHIPPED


def test_a_sound_modulus_is_in_no_list() -> None:
    """The search by halves ends on a neighbour, and says so."""
    assert moduli.sound(2048) not in SHIPPED
    assert moduli.sound(2048) not in KnownWeakModuli(compile_list([]))


def test_the_entry_is_the_one_of_debians_package(tmp_path: Path) -> None:
    """The openssl command and sha1sum, as that package documents them, give the same twenty digits."""
    key = RSAPublicNumbers(65537, moduli.PUBLISHED_DEBIAN).public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    command = "openssl rsa -RSAPublicKey_in -noout -modulus | sha1sum | cut -c 21-40"
    told = subprocess.run(command, shell=True, input=key, capture_output=True, check=True).stdout
    assert told.decode().strip() == digest(moduli.PUBLISHED_DEBIAN).hex()


def test_a_list_is_found_whole_by_halves(tmp_path: Path) -> None:
    """Every entry of a list of 1,000 is found, from a file too."""
    numbers = range(10**6, 10**6 + 1000)
    content = compile_list(["# Debian's files start with comments", "", *(digest(number).hex() for number in numbers)])
    (tmp_path / "list").write_bytes(content)
    known = KnownWeakModuli.from_file(tmp_path / "list")
    assert len(known) == 1000
    assert all(number in known for number in numbers)
    assert not any(number in known for number in range(1000))


def test_an_entry_named_twice_is_kept_once() -> None:
    """Debian's files overlap."""
    line = digest(7).hex()
    assert len(KnownWeakModuli(compile_list([line, line + "  # again"]))) == 1


@pytest.mark.parametrize("line", ["xyz", "00" * 9, "00" * 11, "00 " * 10, "-----BEGIN PUBLIC KEY-----"])
def test_a_line_that_is_not_an_entry_is_malformed(line: str) -> None:
    """The line's number is told."""
    with pytest.raises(Malformed, match="line 2"):
        compile_list(["", line])


@pytest.mark.parametrize(
    "damage", [lambda c: c[:-1], lambda c: c + b"0", lambda c: b"x" + c, lambda c: c[:-20] + c[-10:] + c[-20:-10]]
)
def test_a_damaged_list_is_malformed(damage: object) -> None:
    """A truncated or unsorted list would miss keys in silence."""
    assert callable(damage)
    with pytest.raises(Malformed):
        KnownWeakModuli(damage(compile_list([digest(1).hex(), digest(2).hex()])))


def test_a_list_that_is_not_there_is_missing(tmp_path: Path) -> None:
    """The configuration named a file: its absence is not an empty list."""
    with pytest.raises(Missing):
        KnownWeakModuli.from_file(tmp_path / "list")


def test_a_list_in_lines_is_read_from_a_file_too(tmp_path: Path) -> None:
    """Debian's files as they are; what is neither that nor compiled is malformed, and named."""
    (tmp_path / "blacklist.RSA-2048").write_text(f"# comment\n{digest(7).hex()}\n{digest(8).hex()}\n")
    (tmp_path / "noise").write_bytes(b"\xff\xfe")

    assert len(KnownWeakModuli.from_file(tmp_path / "blacklist.RSA-2048")) == 2
    with pytest.raises(Malformed, match="noise"):
        KnownWeakModuli.from_file(tmp_path / "noise")


def test_two_lists_joined_know_what_each_knew() -> None:
    """Each entry once."""
    one, other = (KnownWeakModuli(compile_list(digest(n).hex() for n in numbers)) for numbers in (range(5), range(3, 9)))
    both = one.joined(other)

    assert len(both) == 9
    assert all(number in both for number in range(9)) and 9 not in both
