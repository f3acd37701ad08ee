"""Merkle tree of a log: hashes, compact state, inclusion and consistency proofs (RFC 6962 §2.1, RFC 9162 §2.1).

The audit journal grows as a `Frontier`, which needs only the right edge of the tree. A `Tree` keeps every node of a list of
leaves and makes proofs: it also lets one signature approve many requests, each keeping its own proof. Nothing here signs,
stores or knows what a leaf means.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from trust.errors import Alarm, Malformed

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
"""Root of the tree without leaves (RFC 6962 §2.1)."""
_MAXIMUM_SIZE = 1 << 63


def leaf_hash(data: bytes) -> bytes:
    """Hash the octets of a leaf. The prefix 0x00 keeps a leaf from passing for a node (second pre-image, RFC 6962 §2.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two children into their parent."""
    return sha256(b"\x01" + left + right).digest()


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes, in their order."""
    return Tree(leaf_hashes).root()


class Frontier:
    """A tree that only grows, kept as its size and the roots of its perfect subtrees, largest first.

    Owned by one writer at a time: `append` changes it in place; `copy` gives an independent one.
    """

    __slots__ = ("edge", "size")

    def __init__(self, size: int = 0, edge: Iterable[bytes] = ()) -> None:
        """Take up a known state.

        Raises:
            Malformed: the edge is not that of a tree of this size (one hash for each bit set in the size).
        """
        self.size = size
        self.edge = list(edge)
        if not 0 <= size < _MAXIMUM_SIZE or size.bit_count() != len(self.edge):
            raise Malformed(f"{len(self.edge)} hashes are not the right edge of a tree of {size} leaves")
        if any(len(node) != HASH_SIZE for node in self.edge):
            raise Malformed("a node of the tree is 32 octets")

    def append(self, leaf: bytes) -> None:
        """Add a leaf by its hash. Over a long run each leaf costs one node hash."""
        edge, rank = self.edge, self.size
        while rank & 1:
            leaf = sha256(b"\x01" + edge.pop() + leaf).digest()
            rank >>= 1
        edge.append(leaf)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaves by their hashes: as appending each, a level of the tree at a time, for half the cost."""
        level, left, height = list(leaves), [], 0
        count = len(level)
        while level:
            if self.size >> height & 1:
                level.insert(0, self.edge.pop())
            if len(level) & 1:
                left.append(level.pop())
            level = [sha256(b"\x01" + one + other).digest() for one, other in zip(level[::2], level[1::2], strict=True)]
            height += 1
        self.edge += reversed(left)
        self.size += count

    def root(self) -> bytes:
        """Return the root of the tree so far."""
        if not self.edge:
            return EMPTY_ROOT
        root = self.edge[-1]
        for node in reversed(self.edge[:-1]):
            root = node_hash(node, root)
        return root

    def copy(self) -> Frontier:
        """Return an independent copy."""
        return Frontier(self.size, self.edge)

    def to_bytes(self) -> bytes:
        """Serialise: the size on 8 octets, then the hashes."""
        return self.size.to_bytes(8, "big") + b"".join(self.edge)

    @classmethod
    def from_bytes(cls, octets: bytes) -> Frontier:
        """Read what `to_bytes` wrote.

        Raises:
            Malformed: it is not that.
        """
        if len(octets) < 8 or (len(octets) - 8) % HASH_SIZE:
            raise Malformed("a frontier is 8 octets and a whole number of hashes")
        return cls(int.from_bytes(octets[:8], "big"), _hashes(octets[8:]))


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """Shows that one leaf stands at `index` in a tree of `size` leaves (RFC 9162 §2.1.3)."""

    index: int
    size: int
    path: tuple[bytes, ...]

    def root(self, leaf: bytes) -> bytes:
        """Return the root that this proof leads to from a leaf hash: compare it with the root you trust.

        Raises:
            Malformed: the index is outside the tree, or the path has not the length that index and size demand.
        """
        if not 0 <= self.index < self.size < _MAXIMUM_SIZE:
            raise Malformed(f"leaf {self.index} is not in a tree of {self.size}")
        index, last, node = self.index, self.size - 1, leaf
        for sibling in self.path:
            index, last, node = _parent(index, last, node, sibling)
        if last:
            raise Malformed("an inclusion path stops before the root")
        return node

    def verify(self, leaf: bytes, root: bytes) -> None:
        """Check that the leaf is under a trusted root.

        Raises:
            Malformed: as `root`.
            Alarm: the proof leads elsewhere: leaf, place or tree is not the one that was proven.
        """
        if self.root(leaf) != root:
            raise Alarm(f"leaf {self.index} is not in the tree of {self.size} leaves that this root stands for")

    def to_bytes(self) -> bytes:
        """Serialise: index and size on 8 octets each, then the path from the leaf up."""
        return self.index.to_bytes(8, "big") + self.size.to_bytes(8, "big") + b"".join(self.path)

    @classmethod
    def from_bytes(cls, octets: bytes) -> InclusionProof:
        """Read what `to_bytes` wrote; the path's length is checked when the proof is used.

        Raises:
            Malformed: it is not that.
        """
        return cls(*_read_place(octets), _hashes(octets[16:]))


class Inclusions:
    """Many leaves of one tree, each shown by its own proof, for the cost of two hashes a leaf.

    Neighbours share the upper part of their paths. What remains of a proof above a node (place, node, siblings) leads to one root
    whoever follows it: once it has led to the trusted one, it is not followed again. Memory: a
    kilobyte a leaf.
    """

    def __init__(self, root: bytes, size: int) -> None:
        """Trust a root over so many leaves."""
        self.root, self.size = root, size
        self._known: set[tuple[int, int, bytes, bytes]] = set()

    def place(self, leaf: bytes, proof: bytes) -> int | None:
        """Return the place of a leaf by its hash and its proof (`InclusionProof.to_bytes`); None when it leads elsewhere.

        Raises:
            Malformed: it is not a proof, or not of the length that its index and size demand.
        """
        index, size = _read_place(proof)
        if not 0 <= index < size < _MAXIMUM_SIZE:
            raise Malformed(f"leaf {index} is not in a tree of {size}")
        if size != self.size:
            return None
        at, last, node, path = index, size - 1, leaf, proof[16:]
        followed = []
        while (above := (at, last, node, path)) not in self._known:
            followed.append(above)
            if not path:
                if last:
                    raise Malformed("an inclusion path stops before the root")
                if node != self.root:
                    return None
                break
            at, last, node = _parent(at, last, node, path[:HASH_SIZE])
            path = path[HASH_SIZE:]
        self._known.update(followed)
        return index


class Tree:
    """Every node over a list of leaf hashes. Built once, never changed.

    A level holds the parents of the one below; a last node without sibling is carried up unchanged, which gives exactly the
    tree of RFC 6962. Memory: about 150 octets a leaf.
    """

    def __init__(self, leaf_hashes: Iterable[bytes]) -> None:
        """Hash the leaves up to the root.

        Raises:
            Malformed: a leaf hash is not 32 octets.
        """
        level = list(leaf_hashes)
        if any(len(leaf) != HASH_SIZE for leaf in level):
            raise Malformed("a leaf hash is 32 octets")
        self.size = len(level)
        self._levels = [level]
        while len(level) > 1:
            odd = [level[-1]] if len(level) & 1 else []
            level = [sha256(b"\x01" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)] + odd
            self._levels.append(level)

    def root(self, size: int | None = None) -> bytes:
        """Return the root, or the root when the tree had only its first `size` leaves.

        Raises:
            Malformed: the tree never had that size.
        """
        size = self._past(size)
        return self._subtree(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int | None = None) -> InclusionProof:
        """Prove a leaf in the tree of its first `size` leaves (all of them by default).

        Raises:
            Malformed: there is no such leaf in a tree of that size.
        """
        size = self._past(size)
        if not 0 <= index < size:
            raise Malformed(f"no leaf {index} in a tree of {size}")
        path: list[bytes] = []
        start, end = 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._subtree(middle, end))
                end = middle
            else:
                path.append(self._subtree(start, middle))
                start = middle
        return InclusionProof(index, size, tuple(reversed(path)))

    def inclusions(self) -> list[InclusionProof]:
        """Prove every leaf in the whole tree, in order: what an approval of many requests hands to each of them."""
        levels, size = self._levels[:-1], self.size
        return [
            InclusionProof(
                index,
                size,
                tuple([level[place] for depth, level in enumerate(levels) if (place := index >> depth ^ 1) < len(level)]),
            )
            for index in range(size)
        ]

    def consistency(self, old: int, new: int | None = None) -> tuple[bytes, ...]:
        """Prove that the tree of `old` leaves is the beginning of the tree of `new` (RFC 6962 §2.1.2).

        Raises:
            Malformed: not ``0 < old <= new <= size``.
        """
        new = self._past(new)
        if not 0 < old <= new:
            raise Malformed(f"no consistency proof goes from {old} to {new} leaves")
        proof: list[bytes] = []
        start, end, whole = 0, new, True
        while old != end:
            middle = start + _split(end - start)
            if old <= middle:
                proof.append(self._subtree(middle, end))
                end = middle
            else:
                proof.append(self._subtree(start, middle))
                start, whole = middle, False
        if not whole:
            proof.append(self._subtree(start, end))
        return tuple(reversed(proof))

    def _past(self, size: int | None) -> int:
        if size is None:
            return self.size
        if not 0 <= size <= self.size:
            raise Malformed(f"a tree of {self.size} leaves never had {size}")
        return size

    def _subtree(self, start: int, end: int) -> bytes:
        width = end - start
        if width & (width - 1) == 0:
            depth = width.bit_length() - 1
            return self._levels[depth][start >> depth]
        middle = start + _split(width)
        return node_hash(self._subtree(start, middle), self._subtree(middle, end))


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that a log only grew between two trees (RFC 9162 §2.1.4.2).

    Raises:
        Malformed: sizes in the wrong order, or a proof that is not of the length that they demand.
        Alarm: the newer tree does not begin with the older one: history was rewritten.
    """
    if not 0 <= old <= new < _MAXIMUM_SIZE or any(len(node) != HASH_SIZE for node in proof):
        raise Malformed(f"not a consistency proof from {old} to {new} leaves")
    if old in (0, new):
        if proof:
            raise Malformed("this consistency proof should be empty")
        if old_root != (new_root if old else EMPTY_ROOT):
            raise Alarm(f"two different roots for {old} leaves")
        return
    first, second = _replay(old, new, [old_root, *proof] if old & (old - 1) == 0 else list(proof))
    if first != old_root or second != new_root:
        raise Alarm(f"the log of {new} leaves is not a continuation of the log of {old}")


def _replay(old: int, new: int, nodes: list[bytes]) -> tuple[bytes, bytes]:
    """Rebuild both roots from the nodes of a consistency proof."""
    if not nodes:
        raise Malformed("a consistency proof stops before the root")
    index, last = old - 1, new - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    first = second = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            raise Malformed("a consistency proof is longer than its tree is deep")
        if index & 1 or index == last:
            first, second = node_hash(node, first), node_hash(node, second)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            second = node_hash(second, node)
        index, last = index >> 1, last >> 1
    if last:
        raise Malformed("a consistency proof stops before the root")
    return first, second


def _read_place(proof: bytes) -> tuple[int, int]:
    """Return the index and the size that a serialised inclusion proof begins with."""
    if len(proof) < 16 or (len(proof) - 16) % HASH_SIZE:
        raise Malformed("an inclusion proof is 16 octets and a whole number of hashes")
    return int.from_bytes(proof[:8], "big"), int.from_bytes(proof[8:16], "big")


def _parent(index: int, last: int, node: bytes, sibling: bytes) -> tuple[int, int, bytes]:
    """Go up an inclusion path by one sibling (RFC 9162 §2.1.3.2): place of the parent, of the last node beside it, its hash."""
    if last == 0 or len(sibling) != HASH_SIZE:
        raise Malformed("an inclusion path is longer than its tree is deep, or holds something that is not a hash")
    if index & 1 or index == last:
        node = sha256(b"\x01" + sibling + node).digest()
        while not index & 1 and index:
            index, last = index >> 1, last >> 1
    else:
        node = sha256(b"\x01" + node + sibling).digest()
    return index >> 1, last >> 1, node


def _split(width: int) -> int:
    """Return the largest power of two that is smaller than `width`."""
    return 1 << (width - 1).bit_length() - 1


def _hashes(octets: bytes) -> tuple[bytes, ...]:
    return tuple(octets[start : start + HASH_SIZE] for start in range(0, len(octets), HASH_SIZE))
