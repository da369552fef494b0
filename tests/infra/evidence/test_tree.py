"""The Merkle tree is that of RFC 6962: roots and proofs are those of pymerkle, and the log keeps what proofs need."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from infra.bootstrap import Rapport, open_rapport
from infra.evidence import tree
from infra.evidence.log_tree import TreeReader
from infra.settings import Settings
from infra.store.hash_chain import ReceiptRow
from infra.store.merkle import (
    EMPTY_ROOT,
    Frontier,
    Node,
    event_leaf,
    node_hash,
    places,
    receipt_digest,
    receipt_leaf,
    root_of,
)
from tests.messages import contact, line, proposal


def leaves(count: int) -> list[bytes]:
    """The hashes of leaves that say 0, 1, 2 and so on."""
    return [sha256(b"\0" + str(number).encode()).digest() for number in range(count)]


def oracle(count: int) -> Any:
    return InmemoryTree.init_from_entries([str(number).encode() for number in range(count)], algorithm="sha256")


def whole(hashes: Sequence[bytes]) -> tree.Whole:
    """Every whole subtree, computed from its leaves."""

    def of(level: int, number: int) -> bytes:
        if not level:
            return hashes[number]
        return node_hash(of(level - 1, 2 * number), of(level - 1, 2 * number + 1))

    return of


@given(st.lists(st.integers(1, 40), max_size=8))
def test_a_tree_grown_in_any_steps_has_the_root_of_the_oracle(steps: list[int]) -> None:
    hashes, frontier = leaves(sum(steps)), Frontier()
    grown = 0
    for step in steps:
        frontier = Frontier.of(frontier.size, frontier.stored)
        frontier.grow(hashes[grown : grown + step])
        grown += step
        assert (frontier.size, frontier.root()) == (grown, oracle(grown).get_state())
    assert tree.root(grown, whole(hashes)) == frontier.root()


def test_the_root_of_no_leaves_is_the_hash_of_nothing() -> None:
    assert Frontier().root() == root_of([]) == EMPTY_ROOT == oracle(0).get_state()


def test_roots_of_whole_subtrees_of_256_leaves_are_kept() -> None:
    hashes = leaves(600)
    assert Frontier().grow(hashes) == [Node(8, number, whole(hashes)(8, number)) for number in (0, 1)]


@given(st.integers(1, 140).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size))))
def test_inclusion_is_proved_as_the_oracle_proves_it(place: tuple[int, int]) -> None:
    number, size = place
    hashes = leaves(size)
    proof = tree.inclusion(number, size, whole(hashes))
    root = oracle(size).get_state()
    # Its path begins with the leaf itself.
    assert proof == oracle(size).prove_inclusion(number + 1).path[1:]
    assert tree.is_included(hashes[number], number, size, proof, root)
    assert not tree.is_included(hashes[number], number + 1, size, proof, root) or size == 1
    assert not tree.is_included(bytes(32), number, size, proof, root)
    assert not tree.is_included(hashes[number], number, size, [*proof, bytes(32)], root)
    for left_out in range(len(proof)):
        assert not tree.is_included(hashes[number], number, size, proof[:left_out] + proof[left_out + 1 :], root)


@given(st.integers(0, 140).flatmap(lambda new: st.tuples(st.integers(0, new), st.just(new))))
def test_consistency_is_proved_for_every_two_sizes_and_nothing_else(sizes: tuple[int, int]) -> None:
    old, new = sizes
    hashes = leaves(new)
    old_root, new_root = oracle(old).get_state(), oracle(new).get_state()
    proof = tree.consistency(old, new, whole(hashes))
    assert tree.is_consistent(old, old_root, new, new_root, proof)
    assert not tree.is_consistent(old, bytes(32), new, new_root, proof)
    assert not tree.is_consistent(old, old_root, new, bytes(32), proof) or not old
    assert not tree.is_consistent(old, old_root, new, new_root, [*proof, bytes(32)])
    for left_out in range(len(proof)):
        assert not tree.is_consistent(old, old_root, new, new_root, proof[:left_out] + proof[left_out + 1 :])


def test_consistency_has_the_hashes_of_rfc_9162() -> None:
    """The example of RFC 9162, 2.1.5: a tree of seven leaves out of trees of three, four and six."""
    hashes = leaves(7)
    of = whole(hashes)
    [a, b, c, d, e, f, j] = hashes
    g, h, i, k = node_hash(a, b), node_hash(c, d), node_hash(e, f), of(2, 0)
    l = node_hash(i, j)  # noqa: E741 - the letters of the RFC
    assert tree.consistency(3, 7, of) == [c, d, g, l]
    assert tree.consistency(4, 7, of) == [l]
    assert tree.consistency(6, 7, of) == [i, j, k]
    assert tree.inclusion(0, 7, of) == [b, h, l]
    assert tree.inclusion(3, 7, of) == [c, g, l]
    assert tree.inclusion(4, 7, of) == [f, j, k]
    assert tree.inclusion(6, 7, of) == [i, k]


def receipt(after: int | None) -> ReceiptRow:
    return ReceiptRow("/s", "1", b"", b"", after)


def test_the_receipt_of_a_message_comes_after_its_events() -> None:
    # Two events and their receipt, a refusal, one event and its receipt.
    assert places(3, [receipt(2), receipt(2), receipt(3)]) == ([0, 1, 4], [2, 3, 5], [2, 2, 3])
    assert places(2, [receipt(None)]) == ([0, 1], [2], [2])
    assert places(2, []) == ([0, 1], [], [])
    assert places(0, [receipt(0), receipt(0)]) == ([], [0, 1], [0, 0])


# --- beside the log -----------------------------------------------------------------------------------------------------


def stored_leaves(rapport: Rapport) -> list[bytes]:
    """The leaves computed from what is stored, in their order."""
    found = {}
    query = rapport.database.query
    for leaf, *event in query("SELECT leaf, position, originator_id, originator_version, hash FROM stored_events"):
        found[leaf] = event_leaf(*event)
    for leaf, position, *rest in query("SELECT leaf, position, source, message_id, fingerprint, answer FROM receipts"):
        found[leaf] = receipt_leaf(position, receipt_digest(*rest))
    assert sorted(found) == list(range(len(found)))
    return [found[leaf] for leaf in sorted(found)]


def test_events_and_receipts_are_leaves_in_the_order_of_their_commits(settings: Settings) -> None:
    with open_rapport(settings) as rapport:
        rapport.handler.handle([proposal(1), proposal(1), line("ResumeRelationship"), proposal(2)])
        rapport.handler.handle([line("ResumeRelationship", id="again")])
        rows = rapport.database.query("SELECT leaf, position, 'event' FROM stored_events")
        rows += rapport.database.query("SELECT leaf, position, message_id FROM receipts")
        refused = [row[2] for row in sorted(rows)][2]
        assert sorted(rows) == [
            (0, 1, "event"),
            (1, 1, sorted(rows)[1][2]),
            (2, 1, refused),
            (3, 2, "event"),
            (4, 2, sorted(rows)[4][2]),
            (5, 2, "again"),
        ]
        hashes = stored_leaves(rapport)
        assert rapport.database.query("SELECT number, hash FROM tree_leaves ORDER BY number") == list(enumerate(hashes))
        [(size, roots)] = rapport.database.query("SELECT size, roots FROM tree_frontier")
        frontier = Frontier()
        frontier.grow(hashes)
        assert (size, bytes(roots)) == (frontier.size, frontier.stored)


@pytest.mark.parametrize("at_once", [1, 700])
def test_what_is_kept_proves_every_leaf(settings: Settings, at_once: int) -> None:
    with open_rapport(settings) as rapport:
        rapport.handler.handle([proposal(1)])
        raws = [contact(1, f"c{number}") for number in range(300 if at_once == 1 else 1400)]
        for start in range(0, len(raws), at_once):
            rapport.handler.handle(raws[start : start + at_once])
        hashes = stored_leaves(rapport)
        with rapport.database.reading() as session:
            reader = TreeReader(session)
            size, root = reader.size, tree.root(reader.size, reader.whole)
            assert (size, root) == (len(hashes), tree.root(len(hashes), whole(hashes)))
            for number in (0, 1, 255, 256, 511, 512, size - 1):
                proof = tree.inclusion(number, size, reader.whole)
                assert tree.is_included(hashes[number], number, size, proof, root)
            for old in (1, 3, 256, 300, 512, 513, size):
                proof = tree.consistency(old, size, reader.whole)
                assert tree.is_consistent(old, tree.root(old, whole(hashes)), size, root, proof)
            assert rapport.database.query("SELECT COUNT(*) FROM tree_nodes") == [(size // 256,)]
