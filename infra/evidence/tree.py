"""Proofs of the Merkle tree (RFC 6962), made and checked: that a leaf is in a tree, and that a tree grew out of a smaller one.

Pure: who makes proofs gives the hash of any whole subtree, who checks them needs nothing but the proof. How a tree grows and
what its leaves say: `infra/store/merkle.py`.
"""

from collections.abc import Callable, Sequence

from infra.store.merkle import EMPTY_ROOT, node_hash, root_of

# The root of the whole subtree with a level and a number.
Whole = Callable[[int, int], bytes]
# Where a subtree begins and where the next one does.
Span = tuple[int, int]


def root(size: int, whole: Whole) -> bytes:
    """The root of the first `size` leaves."""
    return _root((0, size), whole)


def inclusion(number: int, size: int, whole: Whole) -> list[bytes]:
    """The proof that a leaf is in the tree of the first `size` leaves: the hashes beside its way to the root, from below."""
    assert 0 <= number < size, "the leaf is in the tree"
    found = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _half(end - begin)
        if number < middle:
            found.append(_root((middle, end), whole))
            end = middle
        else:
            found.append(_root((begin, middle), whole))
            begin = middle
    return found[::-1]


def consistency(old: int, new: int, whole: Whole) -> list[bytes]:
    """The proof that the tree of the first `new` leaves begins with that of the first `old`. None is needed from nothing."""
    assert 0 <= old <= new, "a tree only grows"
    if old in (0, new):
        return []
    found = []
    begin, end, is_old = 0, new, True
    while end != old:
        middle = begin + _half(end - begin)
        if old <= middle:
            found.append(_root((middle, end), whole))
            end = middle
        else:
            found.append(_root((begin, middle), whole))
            begin, is_old = middle, False
    return ([] if is_old else [_root((begin, end), whole)]) + found[::-1]


def is_included(leaf: bytes, number: int, size: int, proof: Sequence[bytes], expected: bytes) -> bool:
    """Whether a proof leads from a leaf to the root of the tree (RFC 9162, 2.1.3.2)."""
    if not 0 <= number < size:
        return False
    at, last, hash_ = number, size - 1, leaf
    for each in proof:
        if not last:
            return False
        if at & 1 or at == last:
            hash_ = node_hash(each, hash_)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            hash_ = node_hash(hash_, each)
        at, last = at >> 1, last >> 1
    return not last and hash_ == expected


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that one tree grew out of another (RFC 9162, 2.1.4.2)."""
    if old == new:
        return not proof and old_root == new_root
    if not old:
        return not proof and old_root == EMPTY_ROOT
    if not 0 < old < new or not proof:
        return False
    # A tree of a power of two is a whole subtree of the new one: its root is known.
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = path[0]
    for each in path[1:]:
        if not last:
            return False
        if at & 1 or at == last:
            before, after = node_hash(each, before), node_hash(each, after)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, each)
        at, last = at >> 1, last >> 1
    return not last and before == old_root and after == new_root


def _half(count: int) -> int:
    """The largest power of two below a count of two or more."""
    return 1 << (count - 1).bit_length() - 1


def _root(span: Span, whole: Whole) -> bytes:
    """The root of a subtree which begins where a whole subtree of its size could."""
    begin, end = span
    roots = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        roots.append(whole(level, begin >> level))
        begin += 1 << level
    return root_of(roots)
