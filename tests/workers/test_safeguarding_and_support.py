import pytest

from domain.model import Event
from domain.relationship import events as e
from domain.words import DisclosureException
from tests.given_when_then import day, proposed
from tests.workers.stage import Stage
from workers.rematch import REMATCH
from workers.safeguarding import SAFEGUARDING
from workers.support import SUPPORT


def disclosed(exception: DisclosureException, recipient: str, *clauses: str) -> e.ConfidenceDisclosed:
    return e.ConfidenceDisclosed(
        exception=exception, recipient=recipient, disclosed="The secret.", urgency="urgent", clauses=clauses
    )


@pytest.mark.clause("nottingham.confidentiality")
def test_a_disclosure_goes_to_its_recipient_at_once_and_nowhere_else() -> None:
    stage = Stage("nottingham").active()
    stage.happens(disclosed("risk_of_harm", "coordinator:cora", "nottingham.confidentiality"), on=3, by="mentor")
    [note] = stage.notes
    assert (note.recipient, note.template, note.parameters) == ("coordinator:cora", "disclosure", {"version": 3})
    assert stage.clauses("disclosure") == ("nottingham.confidentiality", "care.disclosure")
    assert stage.tasks() == []
    assert stage.all_sent == []


@pytest.mark.clause("cmn.disclosure")
@pytest.mark.parametrize("exception", ["policy_breach", "illegal_activity"])
def test_an_offence_is_escalated_to_hr_which_learns_that_there_was_one(exception: DisclosureException) -> None:
    stage = Stage("cmn", workers=[SAFEGUARDING]).active()
    stage.happens(disclosed(exception, "coordinator:cora", "cmn.disclosure"), on=3, by="mentor")
    assert [note.recipient for note in stage.notes] == ["coordinator:cora", "hr"]
    assert stage.clauses("hr_escalation") == ("cmn.disclosure",)
    assert "secret" not in str(stage.notes)


@pytest.mark.clause("cmn.disclosure")
def test_hr_that_receives_it_needs_no_second_word_and_a_risk_of_harm_is_no_offence() -> None:
    stage = Stage("cmn", "nottingham", workers=[SAFEGUARDING]).active()
    stage.happens(disclosed("policy_breach", "hr:hanna", "cmn.disclosure"), on=3, by="mentor")
    stage.happens(disclosed("risk_of_harm", "coordinator:cora", "nottingham.confidentiality"), on=4, by="mentor")
    assert [note.recipient for note in stage.notes] == ["hr:hanna", "coordinator:cora"]


def supporting(*codes: str) -> Stage:
    return Stage(*codes, workers=[SUPPORT]).active()


REFERRED = e.MenteeReferred(to="Somebody.", reason="Beyond me.")


@pytest.mark.clause("nottingham.problems")
def test_a_problem_reaches_the_coordinator_at_once() -> None:
    stage = supporting("nottingham").happens(e.ProblemReported(description="No answers."), on=3, by="mentor")
    assert stage.told("problem") == ["coordinator"]
    assert stage.clauses("problem") == ("nottingham.problems", "care.problem")
    assert "answers" not in str(stage.notes)
    other = supporting("pentalog").happens(e.ProblemReported(description="x"), on=3, by="mentor")
    assert [(task.clauses, task.due) for task in other.tasks("problem")] == [(("care.problem",), day(10))]


SETTLING = [
    (e.ContactRecorded(channel="telephone"), "coordinator", ["problem"]),
    (e.RelationshipReviewed(note="Seen."), "coordinator", []),
    (e.RelationshipReviewed(note="Seen."), "hr", ["problem"]),
    (e.ContactRecorded(channel="telephone"), "mentor", ["problem"]),
    (REFERRED, "mentor", []),
    (
        e.RelationshipPaused(reason="x", informed=("mentee", "mentor"), next_steps="talk", review_on=day(20).date()),
        "mentor",
        [],
    ),
    (e.RelationshipTerminated(reason="referred", informed=("mentee", "mentor"), next_steps="none"), "mentor", []),
]


@pytest.mark.clause("nottingham.problems", "care.problem")
@pytest.mark.parametrize("event, by, still", SETTLING)
def test_a_problem_stays_on_the_list_until_the_coordinator_has_seen_to_it(
    event: Event, by: str, still: list[str]
) -> None:
    stage = supporting("nottingham").happens(e.ProblemReported(description="No answers."), on=3, by="mentor")
    (task,) = stage.tasks("problem")
    assert task.clauses == ("nottingham.problems", "care.problem")
    stage.happens(event, on=4, by=by)
    assert [task.kind for task in stage.tasks()] == still


@pytest.mark.clause("leapfrog.boundaries")
def test_signposting_is_put_before_the_mentee() -> None:
    event = e.MenteeSignposted(to="An attorney.", reason="Patents.")
    stage = supporting("leapfrog").happens(event, on=3, by="mentor")
    assert stage.told("signposting") == ["mentee:ana"]
    assert stage.clauses("signposting") == ("leapfrog.boundaries",)
    assert supporting("cmn").happens(event, on=3, by="mentor").nothing()


@pytest.mark.clause("cmn.competence")
def test_what_is_beyond_the_mentor_is_referred_to_hr() -> None:
    stage = supporting("cmn").happens(REFERRED, on=3, by="mentor")
    assert stage.told("hr_referral") == ["hr"]
    assert stage.clauses("hr_referral") == ("cmn.competence",)
    assert supporting("pentalog").happens(REFERRED, on=3, by="mentor").nothing()


@pytest.mark.clause("nottingham.refer", "care.rematch")
def test_a_referral_back_is_a_task_until_another_mentor_is_found() -> None:
    stage = Stage("nottingham", workers=[REMATCH]).active().happens(REFERRED, on=3, by="mentor")
    [task] = stage.tasks()
    assert (task.kind, task.clauses, task.settled_by) == (
        "new_mentor", ("nottingham.refer", "care.rematch"), ("ProposeRelationship", "SignpostMentee"),
    )  # fmt: skip
    assert stage.told("new_mentor") == ["coordinator"]
    other = proposed("nottingham").model_copy(update={"mentor_id": "zoe"})
    stage.happens(other, on=9, subject="11111111-1111-4111-8111-111111111111")
    assert stage.tasks() == []
