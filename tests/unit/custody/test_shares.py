"""A secret in m of n hands (SLIP-39): what joins, what does not, and what a share says by itself."""

from __future__ import annotations

from itertools import combinations

import pytest
from shamir_mnemonic import combine_mnemonics, shamir
from shamir_mnemonic.wordlist import WORDLIST

from hsm import shares
from trust.entropy import SystemEntropy
from trust.errors import Conflict, Malformed, Missing, Refused

SECRET = bytes(range(32))


@pytest.fixture(scope="module")
def five() -> list[str]:
    """3 of 5."""
    return shares.split(SECRET, 3, 5, SystemEntropy())


class Counting:
    """An entropy that repeats itself: what is drawn from it can be foreseen."""

    def __init__(self) -> None:
        self.drawn = 0

    def octets(self, count: int) -> bytes:
        """Return octets that count up."""
        self.drawn += count
        return bytes((self.drawn + place) % 256 for place in range(count))


def test_any_three_of_five_join_the_secret(five: list[str]) -> None:
    """And so do four, five, and three in another order."""
    for some in combinations(five, 3):
        assert shares.join(some[::-1]) == SECRET
    assert shares.join(five) == shares.join(five[:4]) == SECRET


def test_another_program_of_the_standard_joins_the_same_secret(five: list[str]) -> None:
    """The reference implementation, from the words alone."""
    assert combine_mnemonics(five[1:4]) == SECRET


def test_two_of_five_are_refused_and_the_count_is_said(five: list[str]) -> None:
    """One is lacking; one share given twice counts once."""
    with pytest.raises(Refused, match="1 lacking") as refused:
        shares.join(five[:2])
    assert refused.value.citation == "CP 6.2.2"
    with pytest.raises(Refused, match="2 lacking"):
        shares.join([five[0], five[0], five[0]])


def test_two_shares_fit_every_secret() -> None:
    """With the same drawings, another secret gives shares of which two are equal: they say nothing of it."""
    other = bytes(32)
    ours, theirs = shares.split(SECRET, 3, 5, Counting()), shares.split(other, 3, 5, Counting())
    same = [mine for mine, its in zip(ours, theirs, strict=True) if mine == its]
    assert len(same) == 1  # what was drawn for number 1; the others depend on both
    assert shares.join(ours[:3]) != shares.join(theirs[:3])


def test_a_share_says_its_set_and_number_and_no_more(five: list[str]) -> None:
    """Without joining anything."""
    told = [shares.describe(words) for words in five]
    assert [each.number for each in told] == [1, 2, 3, 4, 5]
    assert {(each.identifier, each.threshold) for each in told} == {(told[0].identifier, 3)}
    assert shares.together(five[:2])[1] == 1
    assert shares.together(five[:3])[1] == 0


def test_shares_of_two_sets_do_not_mix(five: list[str]) -> None:
    """The stranger is named by its place and its set."""
    stranger = shares.split(SECRET, 3, 5, SystemEntropy())[2]
    with pytest.raises(Conflict, match="share 3 is of set"):
        shares.join([*five[:2], stranger])


def test_two_splittings_under_one_identifier_do_not_join() -> None:
    """Each checksum holds, and still nothing is returned but the refusal."""
    mine, other = (shares.split(secret, 3, 5, Counting()) for secret in (SECRET, bytes(32)))
    with pytest.raises(Conflict):
        shares.join([mine[2], other[3], mine[4]])


def test_a_word_that_is_not_in_the_list_is_named(five: list[str]) -> None:
    """With its position, and the word that begins alike."""
    words = five[0].split()
    typed = words[6][:4] + "zz"
    with pytest.raises(Malformed, match=rf"word 7 is not a word of the list: '{typed}'; {words[6]}\?"):
        shares.describe(" ".join([*words[:6], typed, *words[7:]]))


@pytest.mark.parametrize("position", range(1, shares.WORDS + 1))
def test_a_word_taken_for_another_of_the_list_is_found(five: list[str], position: int) -> None:
    """Wherever it stands, by the checksum alone."""
    words = five[1].split()
    place = WORDLIST.index(words[position - 1])
    words[position - 1] = WORDLIST[(place + 321) % 1024]
    if position == 2:  # these bits also say how the checksum is made: it does not hold, and that is all
        with pytest.raises(Malformed, match="checksum"):
            shares.describe(" ".join(words))
        return
    with pytest.raises(Malformed, match=f"word {position} is wrong"):
        shares.describe(" ".join(words))


def test_two_words_exchanged_do_not_pass(five: list[str]) -> None:
    """A checksum that held would send three people to a safe for nothing."""
    words = five[0].split()
    words[10], words[20] = words[20], words[10]
    with pytest.raises(Malformed, match="checksum"):
        shares.describe(" ".join(words))


def test_nobody_alone_and_never_more_than_there_are() -> None:
    """1 of 1, 1 of 3, 4 of 3 and 17 shares."""
    for threshold, count in ((1, 1), (1, 3), (4, 3), (2, 17)):
        with pytest.raises(Refused, match="at least two people"):
            shares.split(SECRET, threshold, count, SystemEntropy())
    with pytest.raises(Malformed):
        shares.split(b"short", 2, 3, SystemEntropy())
    with pytest.raises(Missing):
        shares.join([])


def test_randomness_is_ours_and_the_library_s_own_is_put_back() -> None:
    """The same entropy gives the same shares; afterwards the library draws as before."""
    before = shamir.RANDOM_BYTES
    assert shares.split(SECRET, 3, 5, Counting()) == shares.split(SECRET, 3, 5, Counting())
    assert shamir.RANDOM_BYTES is before


def test_typed_shares_are_found_as_people_type_them(five: list[str]) -> None:
    """One a line; in lines of eight with an empty line between two; numbered, in capitals."""
    lines = "\n".join(five[:3])
    broken = "\n\n".join("\n".join(" ".join(words.split()[at : at + 8]) for at in range(0, 33, 8)) for words in five[:3])
    numbered = "\n\n".join(
        "\n".join(f"{at:>2}. {word.upper()}" for at, word in enumerate(words.split(), 1)) for words in five[:3]
    )
    assert shares.shares_in(lines) == shares.shares_in(broken) == shares.shares_in(numbered) == five[:3]


def test_a_share_that_lacks_a_word_is_named(five: list[str]) -> None:
    """By its place and its count."""
    with pytest.raises(Malformed, match="share 2 has 32 words of 33"):
        shares.shares_in("\n\n".join([five[0], five[1].rsplit(" ", 1)[0], five[2]]))


def test_shares_of_another_kind_are_refused() -> None:
    """A wallet's share of 20 words, or of several groups, is not ours."""
    wallet = shamir.generate_mnemonics(1, [(2, 3)], bytes(16))[0][0]
    with pytest.raises(Malformed, match="33 words"):
        shares.describe(wallet)
    grouped = shamir.generate_mnemonics(2, [(2, 3), (2, 3)], SECRET)[0][0]
    with pytest.raises(Refused, match="another kind"):
        shares.describe(grouped)
