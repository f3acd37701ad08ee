"""RSA moduli whose private key is known to everybody (CP 6.1.6), in a list small enough to ship.

An entry is the last ten octets of SHA-1(``Modulus=HEX\\n``): the form of Debian's `openssl-blacklist` package for the
keys of its broken generator (CVE-2008-0166), so that its files can be compiled as they are. Limit, stated: the
complete lists weigh gigabytes and are not shipped. `SHIPPED` holds the moduli below, which we could check; an
operator adds others from a file. SHA-1 is a name here, not a defence: 80 bits of it make a sound key look
listed once in 2^60.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from trust.errors import Malformed, Missing, Unavailable

_MAGIC = b"sceau-weak-moduli-1\n"
_ENTRY = 10


def digest(modulus: int) -> bytes:
    """Return the entry of a modulus (ten octets)."""
    return hashlib.sha1(b"Modulus=%X\n" % modulus).digest()[-_ENTRY:]


class KnownWeakModuli:
    """A sorted list of entries, searched by halves. Immutable."""

    def __init__(self, content: bytes) -> None:
        """Take the content of a compiled list.

        Raises:
            Malformed: it is not one, is truncated, or is not sorted.
        """
        if not content.startswith(_MAGIC) or (len(content) - len(_MAGIC)) % _ENTRY:
            raise Malformed("not a whole list of weak moduli")
        entries = [content[start : start + _ENTRY] for start in range(len(_MAGIC), len(content), _ENTRY)]
        if any(one >= next_one for one, next_one in pairwise(entries)):
            raise Malformed("a list of weak moduli is sorted, and names each once")
        self._content = content
        self._count = len(entries)

    @classmethod
    def from_file(cls, path: Path) -> KnownWeakModuli:
        """Read a list: compiled, or in the lines that `compile_list` takes.

        Raises:
            Missing: there is no such file.
            Malformed: it is neither.
            Unavailable: it cannot be read.
        """
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise Missing(f"there is no list of weak moduli {path}") from None
        except OSError as error:
            raise Unavailable(f"cannot read {path}: {error.strerror}") from error
        try:
            return cls(content if content.startswith(_MAGIC) else compile_list(content.decode("ascii").splitlines()))
        except (Malformed, UnicodeDecodeError) as error:
            raise Malformed(f"{path.name} is not a list of weak moduli: {error}") from None

    def joined(self, other: KnownWeakModuli) -> KnownWeakModuli:
        """Return the entries of both lists as one."""
        entries = {each._entry(index) for each in (self, other) for index in range(len(each))}
        return KnownWeakModuli(_MAGIC + b"".join(sorted(entries)))

    def __len__(self) -> int:
        return self._count

    def __contains__(self, modulus: int) -> bool:
        wanted = digest(modulus)
        return self._entry(bisect_left(range(self._count), wanted, key=self._entry)) == wanted

    def _entry(self, index: int) -> bytes:
        start = len(_MAGIC) + index * _ENTRY
        return self._content[start : start + _ENTRY]


def compile_list(lines: Iterable[str]) -> bytes:
    """Compile lines of twenty hexadecimal digits (comments and blank lines pass) into a list.

    Raises:
        Malformed: a line is something else.
    """
    entries = set()
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            entry = bytes.fromhex(text)
        except ValueError:
            entry = b""
        if len(entry) != _ENTRY or len(text) != 2 * _ENTRY:
            raise Malformed(f"line {number} is not an entry of twenty hexadecimal digits")
        entries.add(entry)
    return _MAGIC + b"".join(sorted(entries))


SHIPPED = KnownWeakModuli(
    compile_list(
        """
        b7ead9492dfd921fc4f9  # 2048 bits, made by the broken generator of Debian (CVE-2008-0166)
        d83f6debdf5762444bd1  # 2048 bits, the example of RFC 7517 appendix A.2, private key printed
        """.splitlines()
    )
)
"""The entries that we could check: each comes with its modulus in the tests."""
