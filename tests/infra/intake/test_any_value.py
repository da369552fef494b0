"""Whatever stands in whichever field of whichever command: a receipt says what became of it, and none is a mistake of ours."""

import json
from typing import Any, Final

from infra.bootstrap import Rapport
from infra.evidence.verify import verify
from infra.intake.form_problems import MAX_DEPTH
from tests.messages import line, proposal
from tests.whole_commands import WHOLE, places, whole_message, with_value


def nested(levels: int) -> Any:
    """Lists and objects in one another."""
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


ODD: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    2**63 - 1,
    2**64,
    1e300,
    1.5,
    "",
    "x" * 20_001,
    "\u202e\u200b",
    "a\0b",
    "2999-12-31T23:59:59-12:00",
    [],
    {},
    [[]],
    [None],
    ["mentee", "mentee"],
    {"mentee": "2026-03-02T08:00:00Z"},
    nested(MAX_DEPTH - 6),
    nested(100),
)
STATUSES: Final = {"accepted", "refused", "invalid", "conflict", "duplicate"}


def test_any_value_in_any_field_has_a_receipt_that_says_why(rapport: Rapport) -> None:
    rapport.handler.handle([proposal(1), proposal(2), line("ActivateRelationship")])
    sent: list[bytes] = []
    for name, data in WHOLE.items():
        for path, _ in [((), None), *places(data)]:
            for value in ODD:
                message = whole_message(name, with_value(data, path, value), id=f"odd-{len(sent)}")
                sent.append(json.dumps(message).encode())
    receipts = rapport.handler.handle(sent)
    assert {receipt.status for receipt in receipts} <= STATUSES
    for receipt, raw in zip(receipts, sent, strict=True):
        assert receipt.status in {"accepted", "duplicate"} or receipt.problems, raw
        assert not {problem.code for problem in receipt.problems} & {"internal", "unreadable"}, raw[:500]
        assert all(
            problem.field for problem in receipt.problems if receipt.status == "invalid" and problem.code != "too_deep"
        ), (
            raw[:500],
            receipt,
        )
    assert verify(rapport.store).problems == ()
