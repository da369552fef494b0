"""Which events a history lists for a reader: those that are operational to them, and those in which something was opened to them."""

from typing import Any, cast

import pytest

from domain.sharing.cells import ReaderRole
from domain.sharing.question import Reader
from infra.bootstrap import Rapport, open_rapport
from infra.queries.as_at import NOW
from infra.queries.preview import history_as, history_read
from infra.queries.reading import Reading
from infra.settings import Settings
from tests.infra.queries.test_preview import NOW as AT
from tests.infra.queries.test_sharing import PROPOSAL, RELATIONSHIP, tell

TYPES = {"Proposed": 1, "Goal": 2, "Confidentiality": 3, "Contact": 4, "Assessment": 5, "Ended": 6}


def story(reason: str) -> tuple[tuple[str, str, str, str, dict[str, Any]], ...]:
    goal = {"goal_id": "g1", "title": "Lead", "type": "career", "source": "mentee", "agreed_by": ["mentee", "mentor"]}
    shared = [{"data_class": "goals", "audience": "line_manager", "how": "in person", "when": "monthly"}]
    ending = {"reason": reason, "informed": ["mentee", "mentor"], "next_steps": "none"}
    return (
        (RELATIONSHIP, "ProposeRelationship", "01T09", "coordinator:cora", PROPOSAL | {"codes": ["cmn"]}),
        (RELATIONSHIP, "AgreeGoal", "02T09", "mentee:Ana", goal),
        (RELATIONSHIP, "AgreeConfidentiality", "02T10", "mentee:Ana", {"shared": shared, "not_shared": []}),
        (RELATIONSHIP, "RecordContact", "03T10", "mentee:Ana", {"channel": "email"}),
        (RELATIONSHIP, "RecordAssessment", "03T11", "coordinator:cora", {"assessment_id": "a1", "area": "leading"}),
        (RELATIONSHIP, "TerminateRelationship", "04T09", "mentee:Ana", ending),
    )


def listed(opened: Rapport, who: str) -> dict[int, dict[str, Any]]:
    role, _, id_ = who.partition(":")
    reader = Reader(cast("ReaderRole", role), id_)
    return {each["version"]: each for each in history_as(opened.store, opened.engine, RELATIONSHIP, reader, NOW, AT)}


@pytest.mark.clause("cmn.outputs")
def test_a_line_manager_finds_what_was_agreed_with_them_and_nothing_else_of_its_event(settings: Settings) -> None:
    tell(settings.store, story("goals_met"))
    with open_rapport(settings) as opened:
        entries = listed(opened, "line_manager:lin")
        seen = {version for version, entry in entries.items() if entry["type"] is not None}
        assert seen == {TYPES["Proposed"], TYPES["Goal"], TYPES["Ended"]}
        goal = entries[TYPES["Goal"]]
        assert goal["data"]["title"] == {"sealed": "goals", "clause": "cmn.outputs", "allowed": True}
        assert goal["data"]["type"]["allowed"] is False
        assert not {"source", "message_id", "known"} & goal.keys()
        reading = Reading.by_operator("root", "the report", Reader("line_manager", "lin"))
        read = history_read(opened.store, opened.engine, RELATIONSHIP, reading, NOW, AT)
        assert [entry["data"]["title"] for entry in read if entry["version"] == TYPES["Goal"]] == ["Lead"]
        assert "leading" not in str(read)


@pytest.mark.parametrize("reason", ["disrespect", "breach", "trust_breakdown", "goals_met"])
def test_the_reason_of_an_ending_that_is_a_report_is_for_who_may_know_of_one(settings: Settings, reason: str) -> None:
    tell(settings.store, story(reason))
    with open_rapport(settings) as opened:
        for who, knows in (
            ("mentee:Ana", True), ("coordinator:cora", True), ("mentor:ben", False), ("supplier:sup", False),
            ("customer:cus", False), ("line_manager:lin", False), ("service:s", False), ("auditor:ada", False),
        ):  # fmt: skip
            shown = listed(opened, who)[TYPES["Ended"]]["data"]["reason"]
            if knows or reason == "goals_met":
                assert shown == reason, who
            else:
                assert shown["sealed"] == "operational", who
                assert reason not in str(listed(opened, who)[TYPES["Ended"]])
