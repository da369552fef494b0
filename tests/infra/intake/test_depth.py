"""However deep a message is nested, it is one receipt, and the rest of its batch is recorded."""

import json
from collections.abc import Callable

import pytest

from infra.bootstrap import Rapport
from infra.intake.form_problems import MAX_DEPTH
from infra.intake.message import Message, parse
from infra.intake.receipt import Receipt
from tests.messages import contact, line, proposal
from tests.sizes import size

DEEPEST = 2000
# All about our limit, those of libraries (255 and 1024) and of small integers, and some of the others.
LEVELS = [*range(1, 300), *range(300, 1000, size(23, 1)), *range(1000, 1050), *range(1050, DEEPEST + 1, size(23, 1))]
HEAD = line("ReportProblem", {"description": "x"}, partitionkey="k")


def lists(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def objects(levels: int) -> bytes:
    return b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1) if levels else b"1"


def mixed(levels: int) -> bytes:
    pairs, odd = divmod(levels, 2)
    return b'[{"a":' * pairs + (b"[]" if odd else b"1") + b"}]" * pairs


# Where nested JSON may stand, and how many levels there are around it.
PLACES: dict[str, tuple[Callable[[bytes], bytes], int]] = {
    "a field of the data": (lambda deep: HEAD.replace(b'"x"', deep), 2),
    "an unknown field of the data": (lambda deep: HEAD.replace(b'"description"', b'"y": %b, "description"' % deep), 2),
    "the data": (lambda deep: HEAD.replace(b'{"description": "x"}', deep), 1),
    "an extension": (lambda deep: HEAD.replace(b'"k"', deep), 1),
    "a known attribute": (lambda deep: HEAD.replace(b'"coordinator:cora"', deep), 1),
    "an unknown type": (lambda deep: line("Dance", {"x": "z"}).replace(b'"z"', deep), 2),
    "a key twice": (lambda deep: HEAD.replace(b'"id":', b'"id": 1, "id":').replace(b'"x"', deep), 2),
    "a message in base64": (lambda deep: HEAD.replace(b'"data": {"description": "x"}', b'"data_base64": %b' % deep), 1),
    "no message at all": (lambda deep: deep, 0),
}


@pytest.mark.parametrize("nest", [lists, objects, mixed])
@pytest.mark.parametrize("place,around", PLACES.values(), ids=list(PLACES))
def test_every_depth_is_told(nest: Callable[[int], bytes], place: Callable[[bytes], bytes], around: int) -> None:
    for levels in LEVELS:
        receipt = parse(place(nest(levels)))
        assert isinstance(receipt, Receipt), levels
        codes = [problem.code for problem in receipt.problems]
        assert receipt.status == "invalid", levels
        assert (codes == ["too_deep"]) == (levels + around > MAX_DEPTH), (levels, codes)
        assert "internal" not in codes, levels


def test_the_deepest_message_that_is_taken_is_taken() -> None:
    # Within brackets that are text, and with all the levels that a command has.
    assert isinstance(parse(line("ReportProblem", {"description": "[" * DEEPEST})), Message)


@pytest.mark.parametrize("levels", [65, 199, 253, 254, 255, 256, 1000, 1020, 1024, 1025, DEEPEST])
def test_a_deep_message_takes_nothing_of_its_batch_with_it(rapport: Rapport, levels: int) -> None:
    deep = line("ReportProblem", {"description": "x"}).replace(b'"x"', lists(levels))
    receipts = rapport.handler.handle([proposal(1), deep, contact(1, "after")])
    assert [receipt.status for receipt in receipts] == ["accepted", "invalid", "accepted"]
    assert json.loads(receipts[1].to_json())["problems"][0]["code"] == "too_deep"
