"""Lines out of a stream, whatever pieces it comes in."""

import io
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.intake import lines
from infra.intake.lines import LONGEST, MAX_LINES, batches
from infra.intake.message import BYTE_ORDER_MARK, MAX_BYTES, parse
from infra.intake.receipt import Receipt


class Pieces:
    """A stream that gives these pieces, as a pipe does."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces = iter([piece for piece in pieces if piece])

    def read1(self, size: int = -1, /) -> bytes:
        return next(self.pieces, b"")


def read(*pieces: bytes) -> list[bytes]:
    return [line for batch, _ in batches(Pieces(pieces)) for line in batch]


@given(st.lists(st.binary(max_size=5)))
def test_lines_are_the_same_in_any_pieces(pieces: list[bytes]) -> None:
    lines = [line.removeprefix(BYTE_ORDER_MARK) for line in b"".join(pieces).split(b"\n")]
    expected = [line.removesuffix(b"\r") for line in lines if line.strip()]
    assert read(*pieces) == expected


def test_the_last_line_needs_no_end_and_blank_ones_are_no_messages() -> None:
    assert read(b"{}\r\n\n  \n[]") == [b"{}", b"[]"]


TWO_FILES = b"".join(
    [BYTE_ORDER_MARK, b"{}\r\n[]\r\n", BYTE_ORDER_MARK, b"{}\n", BYTE_ORDER_MARK, b"\n", BYTE_ORDER_MARK]
)


@pytest.mark.parametrize("size", range(1, len(TWO_FILES) + 1))
def test_a_byte_order_mark_is_no_part_of_a_message_whatever_pieces_it_comes_in(size: int) -> None:
    pieces = [TWO_FILES[start : start + size] for start in range(0, len(TWO_FILES), size)]
    assert read(*pieces) == [b"{}", b"[]", b"{}"]


def test_a_line_without_end_is_cut_off_and_too_large_and_the_next_is_whole() -> None:
    piece = b"x" * 100_000
    found = read(b"{}\n", *[piece] * 30, b"x\n{}\n[]\n", piece, b"\n", *[piece] * 5)
    assert [len(line) for line in found] == [2, LONGEST + 1, 2, 2, 100_000, LONGEST + 1]
    receipt = parse(found[1])
    assert isinstance(receipt, Receipt)
    assert [problem.code for problem in receipt.problems] == ["too_large"]


def test_a_message_of_the_largest_size_is_not_cut() -> None:
    largest = b"x" * MAX_BYTES
    assert read(largest[:9], largest[9:] + b"\r\n" + largest[:200_000], largest[200_000:]) == [largest, largest]
    assert read(BYTE_ORDER_MARK + largest + b"\r\n", BYTE_ORDER_MARK, largest) == [largest, largest]


def test_what_a_pipe_has_is_handed_on_at_once() -> None:
    stream = Pieces([b"{}\n", b"[]\n"])
    handed = batches(stream)
    assert next(handed) == ([b"{}"], 3)
    assert next(handed) == ([b"[]"], 3)


def test_a_batch_is_bounded_and_all_bytes_are_counted() -> None:
    text = b"{}\n" * (2 * MAX_LINES + 5)
    found = list(batches(io.BytesIO(text)))
    assert max(len(batch) for batch, _ in found) == MAX_LINES
    assert sum(size for _, size in found) == len(text)
    assert lines.READ >= MAX_LINES
