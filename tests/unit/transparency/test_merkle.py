"""The tree is RFC 6962's: compared with the definition itself, read aloud as a recursion."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust.errors import Alarm, Malformed
from trust.transparency.merkle import (
    EMPTY_ROOT,
    Frontier,
    InclusionProof,
    Inclusions,
    Tree,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
)

# The eight leaves that certificate transparency implementations test with, and the roots of the trees of 1 to 8 of them.
WELL_KNOWN_LEAVES = [
    bytes.fromhex(octets)
    for octets in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
WELL_KNOWN_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

sizes = st.integers(min_value=1, max_value=70)


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = max(1 << power for power in range(20) if 1 << power < len(leaves))
    return hashlib.sha256(b"\x01" + defined_root(leaves[:k]) + defined_root(leaves[k:])).digest()


def defined_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962 §2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    k = max(1 << power for power in range(20) if 1 << power < len(leaves))
    if m < k:
        return [*defined_path(m, leaves[:k]), defined_root(leaves[k:])]
    return [*defined_path(m - k, leaves[k:]), defined_root(leaves[:k])]


def defined_consistency(m: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962 §2.1.2, word for word."""
    n = len(leaves)
    if m == n:
        return [] if whole else [defined_root(leaves)]
    k = max(1 << power for power in range(20) if 1 << power < n)
    if m <= k:
        return [*defined_consistency(m, leaves[:k], whole), defined_root(leaves[k:])]
    return [*defined_consistency(m - k, leaves[k:], False), defined_root(leaves[:k])]


def entries(count: int) -> list[bytes]:
    """Leaves, all different."""
    return [b"entry %d" % number for number in range(count)]


def tree_of(leaves: list[bytes]) -> Tree:
    """The tree over the leaves themselves."""
    return Tree(leaf_hash(leaf) for leaf in leaves)


def test_the_roots_are_those_that_other_implementations_publish() -> None:
    """Eight well-known leaves give the eight well-known roots, by tree, by frontier and by definition."""
    frontier = Frontier()
    for count, root in enumerate(WELL_KNOWN_ROOTS, start=1):
        frontier.append(leaf_hash(WELL_KNOWN_LEAVES[count - 1]))

        assert frontier.root().hex() == root
        assert tree_of(WELL_KNOWN_LEAVES[:count]).root().hex() == root
        assert defined_root(WELL_KNOWN_LEAVES[:count]).hex() == root


def test_the_empty_tree_has_the_root_that_the_standard_gives_it() -> None:
    """SHA-256 of nothing, by tree and by frontier."""
    assert hashlib.sha256().digest() == EMPTY_ROOT == root_of([]) == Frontier().root()


@given(sizes)
def test_tree_and_frontier_have_the_root_of_the_definition(count: int) -> None:
    """At every size, and for every earlier size of the same tree."""
    leaves = entries(count)
    tree, frontier = tree_of(leaves), Frontier()
    for leaf in leaves:
        frontier.append(leaf_hash(leaf))

    assert defined_root(leaves) == tree.root() == frontier.root()
    for earlier in range(count + 1):
        assert defined_root(leaves[:earlier]) == tree.root(earlier)


@given(st.lists(st.integers(0, 40), max_size=8))
def test_leaves_added_together_make_the_tree_that_they_make_one_by_one(counts: list[int]) -> None:
    """Any number at a time, none included, on a tree of any size."""
    together, one_by_one = Frontier(), Frontier()
    for start, count in enumerate(counts):
        leaves = [leaf_hash(bytes((start, place))) for place in range(count)]
        together.extend(leaves)
        for leaf in leaves:
            one_by_one.append(leaf)

        assert (together.size, together.edge) == (one_by_one.size, one_by_one.edge)


@given(sizes, st.data())
def test_an_inclusion_proof_is_that_of_the_definition_and_leads_to_the_root(count: int, data: st.DataObject) -> None:
    """For any leaf of any size of the tree."""
    leaves = entries(count)
    size = data.draw(st.integers(1, count))
    index = data.draw(st.integers(0, size - 1))
    proof = tree_of(leaves).inclusion(index, size)

    assert tuple(defined_path(index, leaves[:size])) == proof.path
    proof.verify(leaf_hash(leaves[index]), defined_root(leaves[:size]))
    assert InclusionProof.from_bytes(proof.to_bytes()) == proof


@given(sizes)
def test_all_proofs_at_once_are_the_proofs_one_by_one(count: int) -> None:
    """A batch differs from single proofs only in what it costs."""
    tree = tree_of(entries(count))

    assert [tree.inclusion(index) for index in range(count)] == tree.inclusions()


@given(sizes, st.data())
def test_a_consistency_proof_is_that_of_the_definition_and_joins_both_roots(count: int, data: st.DataObject) -> None:
    """For any two sizes of one log."""
    leaves = entries(count)
    new = data.draw(st.integers(1, count))
    old = data.draw(st.integers(1, new))
    proof = tree_of(leaves).consistency(old, new)

    assert tuple(defined_consistency(old, leaves[:new])) == proof
    verify_consistency(old, defined_root(leaves[:old]), new, defined_root(leaves[:new]), proof)


@given(st.integers(2, 40), st.data())
def test_a_rewritten_past_has_no_consistency_proof(count: int, data: st.DataObject) -> None:
    """Change one leaf that the old root covers: its own proof and the honest one both fail."""
    leaves = entries(count)
    old = data.draw(st.integers(1, count))
    changed = data.draw(st.integers(0, old - 1))
    rewritten = [*leaves[:changed], b"another", *leaves[changed + 1 :]]

    for proof in (tree_of(leaves).consistency(old), tree_of(rewritten).consistency(old)):
        with pytest.raises(Alarm):
            verify_consistency(old, defined_root(leaves[:old]), count, defined_root(rewritten), proof)


@given(st.integers(2, 40), st.data())
def test_a_damaged_inclusion_proof_proves_nothing(count: int, data: st.DataObject) -> None:
    """Another leaf, another place, a hash changed, missing or added: refused or led elsewhere, never accepted."""
    leaves = entries(count)
    tree = tree_of(leaves)
    index = data.draw(st.integers(0, count - 1))
    proof, leaf = tree.inclusion(index), leaf_hash(leaves[index])
    damaged = [
        (leaf_hash(b"another"), proof),
        (leaf, InclusionProof((index + 1) % count, count, proof.path)),
        (leaf, InclusionProof(index, count, proof.path[:-1])),
        (leaf, InclusionProof(index, count, (*proof.path, bytes(32)))),
        (leaf, InclusionProof(index, count, (node_hash(b"", b""), *proof.path[1:]))),
    ]

    for claimed, claim in damaged:
        with pytest.raises((Alarm, Malformed)):
            claim.verify(claimed, tree.root())


def test_a_node_cannot_pass_for_a_leaf() -> None:
    """The octets of two hashes, taken as a leaf, do not hash to their parent (second pre-image)."""
    left, right = leaf_hash(b"a"), leaf_hash(b"b")

    assert root_of([left, right]) != leaf_hash(left + right)


@given(st.integers(0, 300))
def test_a_frontier_survives_its_serialisation(count: int) -> None:
    """Stored and read back, it grows into the same tree."""
    frontier = Frontier()
    for leaf in entries(count):
        frontier.append(leaf_hash(leaf))
    again = Frontier.from_bytes(frontier.to_bytes())
    frontier.append(leaf_hash(b"next"))
    again.append(leaf_hash(b"next"))

    assert frontier.root() == again.root()
    assert count + 1 == again.size


@pytest.mark.parametrize(
    "octets",
    [b"", bytes(7), bytes(9), bytes(8 + 32), (3).to_bytes(8, "big") + bytes(32), (1 << 63).to_bytes(8, "big") + bytes(32)],
)
def test_a_frontier_that_is_none_is_malformed(octets: bytes) -> None:
    """Wrong length, hashes that the size does not have, impossible size."""
    with pytest.raises(Malformed):
        Frontier.from_bytes(octets)


@pytest.mark.parametrize("octets", [b"", bytes(15), bytes(17)])
def test_an_inclusion_proof_that_is_none_is_malformed(octets: bytes) -> None:
    """Wrong lengths are refused when read, impossible places when used."""
    with pytest.raises(Malformed):
        InclusionProof.from_bytes(octets)
    with pytest.raises(Malformed):
        InclusionProof.from_bytes(bytes(16)).root(bytes(32))


@pytest.mark.parametrize(
    ("old", "new", "proof"),
    [
        (3, 2, ()),
        (-1, 2, ()),
        (0, 2, (bytes(32),)),
        (2, 2, (bytes(32),)),
        (2, 3, ()),
        (2, 3, (bytes(31),)),
        (1, 2, (bytes(32),) * 9),
    ],
)
def test_a_consistency_proof_that_is_none_is_malformed(old: int, new: int, proof: tuple[bytes, ...]) -> None:
    """Sizes in the wrong order, a proof too long, too short, or made of something else."""
    with pytest.raises(Malformed):
        verify_consistency(old, bytes(32), new, bytes(32), proof)


def test_proofs_that_do_not_exist_are_not_made() -> None:
    """No leaf beyond the end, no past beyond the present, no consistency with the empty tree."""
    tree = tree_of(entries(5))

    for ask in (
        lambda: tree.inclusion(5),
        lambda: tree.inclusion(-1),
        lambda: tree.inclusion(3, 3),
        lambda: tree.root(6),
        lambda: tree.consistency(0),
        lambda: tree.consistency(4, 3),
        lambda: Tree([b"short"]),
    ):
        with pytest.raises(Malformed):
            ask()


def test_an_unchanged_log_is_consistent_with_itself_and_nothing_else() -> None:
    """Equal sizes need equal roots; everything continues the empty log."""
    root = defined_root(entries(4))
    verify_consistency(4, root, 4, root, ())
    verify_consistency(0, EMPTY_ROOT, 4, root, ())

    with pytest.raises(Alarm):
        verify_consistency(4, root, 4, defined_root(entries(3)), ())
    with pytest.raises(Alarm):
        verify_consistency(0, root, 4, root, ())


def test_one_signature_approves_ten_thousand_requests() -> None:
    """Every request keeps a proof of its own that leads to the one root that the officer signed."""
    leaves = [leaf_hash(leaf) for leaf in entries(10_000)]
    tree = Tree(leaves)
    proofs = tree.inclusions()

    assert {tree.root()} == {proof.root(leaf) for proof, leaf in zip(proofs, leaves, strict=True)}


@given(sizes, st.data())
def test_many_proofs_together_say_what_each_says_alone(size: int, data: st.DataObject) -> None:
    """In any order, and with an octet of one of them altered anywhere: what was remembered of the others changes nothing."""
    leaves = [leaf_hash(bytes([number])) for number in range(size)]
    tree = Tree(leaves)
    together = Inclusions(tree.root(), size)

    for index in data.draw(st.permutations(range(size))):
        proof = bytearray(tree.inclusion(index).to_bytes())
        if data.draw(st.booleans()):
            proof[data.draw(st.integers(0, len(proof) - 1))] ^= data.draw(st.integers(1, 255))
        try:
            alone = InclusionProof.from_bytes(bytes(proof))
            expected = alone.index if alone.size == size and alone.root(leaves[index]) == tree.root() else None
        except Malformed:
            expected = None
        try:
            found = together.place(leaves[index], bytes(proof))
        except Malformed:
            found = None
        assert found == expected


def test_a_leaf_of_another_tree_has_no_place() -> None:
    """Neither before nor after its neighbours were shown."""
    tree = Tree([leaf_hash(bytes([number])) for number in range(4)])
    together, proof, stranger = Inclusions(tree.root(), 4), tree.inclusion(1).to_bytes(), leaf_hash(b"stranger")

    before = together.place(stranger, proof)
    assert together.place(leaf_hash(b"\x01"), proof) == 1
    assert (before, together.place(stranger, proof)) == (None, None)
