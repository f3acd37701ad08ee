"""A secret in m of n hands: split, joined, and looked at one share at a time (RFC 3647 §6.2.2; SLIP-39; CP 6.2.2).

A share is 33 words that a person can write, read aloud and type. Fewer than the threshold say nothing of the secret. Each share
says which set it is of, which number it is and how many are needed, and its checksum tells a slip of the pen: all that is known
without joining anything. One group, no passphrase. Octets and words in, octets and words out: who holds which share, and what
the secret opens, is not known here. The words and the arithmetic are those of SLIP-39 (shamir-mnemonic), so that any other
program of that standard joins the same secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from shamir_mnemonic import EncryptedMasterSecret, MnemonicError, Share, recover_ems, rs1024, shamir, split_ems
from shamir_mnemonic.shamir import ShareGroup
from shamir_mnemonic.share import ShareCommonParameters
from shamir_mnemonic.wordlist import WORD_INDEX_MAP, WORDLIST

from trust.entropy import Entropy
from trust.errors import Conflict, Malformed, Missing, Refused, shown

SECRET_OCTETS = 32
WORDS = 33
"""Of a share of such a secret: 4 of its set and number, 26 of its value, 3 of checksum."""
MOST_SHARES = 16
_ITERATION_EXPONENT = 1
_CHECKSUM = 3
_CUSTOMIZATION = {True: b"shamir_extendable", False: b"shamir"}
"""What a checksum is made with besides the words (SLIP-39, "Checksum"), by whether the set is extendable."""
_UNIQUE = 4
"""Letters by which a word of the list is known."""
_DRAWS = Lock()


@dataclass(frozen=True, slots=True)
class Described:
    """What one share says by itself: nothing of the secret."""

    identifier: int
    """Of its set: 15 bits, drawn; equal for all shares of a set."""
    number: int
    """Of the share within its set, from 1."""
    threshold: int
    """How many of the set join the secret."""

    @property
    def set_name(self) -> str:
        """The set, as it is printed on a sheet."""
        return f"{self.identifier:04X}"


def split(secret: bytes, threshold: int, shares: int, entropy: Entropy) -> list[str]:
    """Split a secret of 32 octets; return the shares, each a line of words, the first one number 1.

    Every share is proven before any is returned: it takes part in joining the secret again.

    Raises:
        Malformed: the secret is not of 32 octets.
        Refused: nobody would be needed besides one, or more than there are (CP 6.2.2).
    """
    if len(secret) != SECRET_OCTETS:
        raise Malformed(f"a secret of {SECRET_OCTETS} octets is split, not of {len(secret)}")
    if not 2 <= threshold <= shares <= MOST_SHARES:
        raise Refused(
            f"{threshold} of {shares}: at least two people are needed, and no more than there are, or than {MOST_SHARES}",
            citation="CP 6.2.2",
        )
    identifier = int.from_bytes(entropy.octets(2), "big") & 0x7FFF
    master = EncryptedMasterSecret.from_master_secret(secret, b"", identifier, True, _ITERATION_EXPONENT)
    with _drawing(entropy):
        (made,) = split_ems(1, [(threshold, shares)], master)
    words = [str(share.mnemonic()) for share in made]
    for start in range(shares):
        if join([words[(start + step) % shares] for step in range(threshold)]) != secret:
            raise Malformed("the shares do not join the secret again: none is given out")
    return words


def describe(words: str) -> Described:
    """Say which set a share is of and which number it is, once its checksum holds.

    Raises:
        Malformed: a word is not in the list, words are missing or too many, or the checksum does not hold; the position of the
            wrong word is named where it is known.
        Refused: a whole share, of a set that is not split as ours are.
    """
    share = _read(words)
    return Described(share.identifier, share.index + 1, share.member_threshold)


def together(shares: Sequence[str]) -> tuple[Described, int]:
    """Look at several shares at once; return what their set is, and how many more are needed (0 when they suffice).

    Raises:
        Malformed, Refused: as `describe`; the share is named by its place.
        Conflict: they are of different sets, or two that differ claim one number.
        Missing: there is none.
    """
    read = _read_all(shares)
    first = read[0]
    return Described(first.identifier, 0, first.member_threshold), max(0, first.member_threshold - len(read))


def join(shares: Sequence[str]) -> bytes:
    """Return the secret. The same share given twice counts once; more than needed do no harm, if all are of the set.

    Raises:
        Malformed, Conflict: as `together`.
        Refused: fewer than the threshold (CP 6.2.2); the message says how many are lacking.
        Missing: there is none.
    """
    read = _read_all(shares)
    needed = read[0].member_threshold
    if (lacking := needed - len(read)) > 0:
        raise Refused(
            f"{needed} shares of this set are needed, {len(read)} {'is' if len(read) == 1 else 'are'} here: {lacking} lacking",
            citation="CP 6.2.2",
        )
    group = ShareGroup()
    try:
        for share in read[:needed]:
            group.add(share)
        return bytes(recover_ems({0: group}).decrypt(b""))
    except MnemonicError as error:
        # Each checksum held, so this is no slip: shares of two splittings that drew the same identifier.
        raise Conflict(f"these shares do not belong together: {error}") from None


def shares_in(text: str) -> list[str]:
    """Find the shares in what somebody typed or scanned: one a line, or broken into lines with an empty line between two.

    Numbers before the words, as on a sheet, are passed over. Nothing is judged but this: how many words there are.

    Raises:
        Malformed: the words do not make whole shares; the share and its count are named.
    """
    lines = [_letters(line) for line in text.splitlines()]
    found: list[list[str]] = [[]]
    for line in lines:
        if not line or len(found[-1]) >= WORDS:
            found.append([])
        found[-1] += line
    shares = [words for words in found if words]
    for place, words in enumerate(shares, 1):
        if len(words) != WORDS:
            raise Malformed(f"share {place} has {len(words)} words of {WORDS}")
    return [" ".join(words) for words in shares]


def _letters(line: str) -> list[str]:
    return [word for each in line.split() if (word := each.strip("0123456789.,;:)-").lower())]


def _read_all(shares: Sequence[str]) -> list[Share]:
    if not shares:
        raise Missing("no share was given")
    found: dict[int, Share] = {}
    common: ShareCommonParameters | None = None
    threshold = 0
    for place, words in enumerate(shares, 1):
        try:
            share = _read(words)
        except Malformed as error:
            raise Malformed(f"share {place}: {error}") from None
        if common is None:
            common, threshold = share.common_parameters(), share.member_threshold
        if share.common_parameters() != common or share.member_threshold != threshold:
            raise Conflict(f"share {place} is of set {share.identifier:04X}, the first of set {common.identifier:04X}")
        if found.setdefault(share.index, share) != share:
            raise Conflict(f"share {place} is another number {share.index + 1} of set {share.identifier:04X}")
    return list(found.values())


def _read(words: str) -> Share:
    given = words.lower().split()
    for position, word in enumerate(given, 1):
        if word not in WORD_INDEX_MAP:
            near = [each for each in WORDLIST if each[:_UNIQUE] == word[:_UNIQUE]]
            hint = f"; {near[0]}?" if near else ""
            raise Malformed(f"word {position} is not a word of the list: {shown(word[:20])}{hint}")
    if len(given) != WORDS:
        raise Malformed(f"a share has {WORDS} words, this one {len(given)}")
    try:
        share = Share.from_mnemonic(" ".join(given))
    except MnemonicError:
        indices = [WORD_INDEX_MAP[word] for word in given]
        wrong = _wrong_position(indices)
        where = f"word {wrong} is wrong, or several are" if wrong else "more than one word is wrong, or they were moved"
        raise Malformed(f"the checksum does not hold: {where}") from None
    if share.group_count != 1 or share.member_threshold < 2 or len(share.value) != SECRET_OCTETS:
        raise Refused("a share of another kind of set than ours", citation="CP 6.2.2")
    return share


def _wrong_position(indices: Sequence[int]) -> int | None:
    """Return the only position (from 1) at which one other word would make the checksum hold; None when there is none.

    The checksum is linear: what a change of one word does to it does not depend on the others, and is the sum of what its bits
    do. Four words differ at least between two shares, so one wrong word has one place.
    """
    custom = _CUSTOMIZATION[bool(indices[1] >> 4 & 1)]
    data, said = list(indices[:-_CHECKSUM]), indices[-_CHECKSUM:]
    due = _number(rs1024.create_checksum(data, custom))
    zero = _number(rs1024.create_checksum([0] * len(data), custom))
    wrong = due ^ _number(said)
    for position in range(len(data)):
        basis = []
        for bit in range(10):
            unit = [0] * len(data)
            unit[position] = 1 << bit
            basis.append(_number(rs1024.create_checksum(unit, custom)) ^ zero)
        if _is_sum(wrong, basis):
            return position + 1
    parts = [place for place in range(_CHECKSUM) if (wrong >> 10 * (_CHECKSUM - 1 - place)) & 1023]
    return len(data) + parts[0] + 1 if len(parts) == 1 else None


def _number(words: Sequence[int]) -> int:
    value = 0
    for word in words:
        value = value << 10 | word
    return value


def _is_sum(value: int, basis: Sequence[int]) -> bool:
    """Tell whether a value is the exclusive-or of some of the basis (elimination over bits)."""
    pivots: dict[int, int] = {}
    for vector in basis:
        if rest := _reduced(vector, pivots):
            pivots[rest.bit_length()] = rest
    return _reduced(value, pivots) == 0


def _reduced(value: int, pivots: dict[int, int]) -> int:
    while value and (pivot := pivots.get(value.bit_length())):
        value ^= pivot
    return value


@contextmanager
def _drawing(entropy: Entropy) -> Iterator[None]:
    """Have the library draw from our entropy: `RANDOM_BYTES` is its place for that, and is one for the whole process."""
    with _DRAWS:
        usual, shamir.RANDOM_BYTES = shamir.RANDOM_BYTES, entropy.octets
        try:
            yield
        finally:
            shamir.RANDOM_BYTES = usual
