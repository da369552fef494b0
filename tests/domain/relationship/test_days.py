"""Days are those of the programme's time zone: nothing planned lies in the past, nothing completed in the future."""

from datetime import date, timedelta

import pytest

from domain.model import Actor, Command, Context, Event, Known
from domain.relationship import commands as c
from domain.relationship import events as e
from tests.domain.relationship.samples import BOTH, contracted, in_state
from tests.given_when_then import At, Given, day, given, proposed

# Monday, 2 March 2026, nine in the morning in Greenwich, ten in the evening in Auckland, eleven at night before in Hawaii.
TODAY = date(2026, 3, 2)
HAWAII, AUCKLAND = Known(timezone="Pacific/Honolulu"), Known(timezone="Pacific/Auckland")
DAY = timedelta(days=1)
TALKED = {"informed": BOTH, "next_steps": "talk"}
LATER: list[tuple[Given, type[Command], str, dict[str, object]]] = [
    (given(proposed()), c.PostponeRelationship, "start_on", {"reason": "leave", **TALKED}),
    (given(*in_state("active")), c.PauseRelationship, "review_on", {"reason": "leave", **TALKED}),
    (given(*in_state("terminated")), c.SecureRecords, "retained_until", {}),
]


@pytest.mark.parametrize("told, command, field, fields", LATER, ids=[field for _, _, field, _ in LATER])
def test_a_day_to_come_is_not_past_in_the_programmes_time_zone(
    told: Given, command: type[Command], field: str, fields: dict[str, object]
) -> None:
    def on(day_: date, known: Known = Known(), hours: float = 0) -> Given:  # noqa: B008 - a frozen value
        given_ = told.knowing(known)
        return given_.when(command(**{field: day_, **fields}), by="coordinator", at=1 + hours / 24)

    tomorrow = TODAY + DAY
    for known, today, hours in (
        (Known(), tomorrow, 0),
        (HAWAII, TODAY, 0),
        (AUCKLAND, tomorrow, 0),
        (AUCKLAND, tomorrow + DAY, 3),
    ):
        assert isinstance(on(today, known, hours).outcome, list), (known, today)
        problems = on(today - DAY, known, hours).then_refused("in_past")
        assert [problem.field for problem in problems] == [f"data.{field}"]


@pytest.mark.clause("nottingham.training")
def test_training_that_is_yet_to_be_completed_is_not_confirmed() -> None:
    def confirm(day_: date, known: Known = Known()) -> Given:  # noqa: B008 - a frozen value
        command = c.ConfirmMentorTraining(course="basics", completed_on=day_)
        return given(proposed("nottingham")).knowing(known).when(command, by="coordinator", at=0)

    confirm(TODAY).then(e.MentorTrainingConfirmed)
    assert confirm(TODAY + DAY).then_refused("in_future", "nottingham.training")[0].field == "data.completed_on"
    confirm(TODAY, HAWAII).then_refused("in_future")
    # In the evening of the second it is the second in Auckland; five hours later the third has begun there.
    confirm(TODAY + DAY, AUCKLAND).then_refused("in_future")


@pytest.mark.clause("nottingham.training")
def test_training_counts_from_the_day_of_its_completion() -> None:
    told: list[Event | At] = [*contracted("MentorTrainingConfirmed", codes=("nottingham",))]
    later = At(0, e.MentorTrainingConfirmed(course="basics", completed_on=TODAY + 5 * DAY))
    activate = c.ActivateRelationship()
    given(*told).when(activate, by="mentor").then_refused("nottingham.training")
    given(*told, later).when(activate, by="mentor", at=4.6).then_refused("nottingham.training")
    given(*told, later).when(activate, by="mentor", at=5).then(e.RelationshipActivated)
    given(*told, later).knowing(AUCKLAND).when(activate, by="mentor", at=4.6).then(e.RelationshipActivated)


@pytest.mark.clause("nottingham.training")
def test_training_recorded_for_the_mentor_counts_like_training_confirmed_for_the_relationship() -> None:
    told = given(*contracted("MentorTrainingConfirmed", codes=("nottingham",)))
    activate = c.ActivateRelationship()
    told.knowing(Known(mentor_trained_on=TODAY + DAY)).when(activate, by="mentor", at=1).then(e.RelationshipActivated)
    told.knowing(Known(mentor_trained_on=TODAY + 2 * DAY)).when(activate, by="mentor", at=1).then_refused(
        "nottingham.training"
    )


def test_the_day_of_a_context_is_that_of_the_programmes_zone() -> None:
    context = Context(Actor("mentee", "ana"), day(0), day(0))
    assert context.today == TODAY
    assert context._replace(known=HAWAII).today == TODAY - DAY
    assert context._replace(occurred_at=day(0.2), known=AUCKLAND).today == TODAY + DAY
