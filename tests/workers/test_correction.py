"""A fact was wrong: what the workers keep follows the corrected one, and what they sent stays sent."""

from typing import Any

import pytest

from domain.model import AnyRecorded, Command, Recorded
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.contests import CORRECTABLE
from tests.given_when_then import ALL_CODES, SUBJECT, day
from tests.workers.happenings import booked, completed, planned
from tests.workers.stage import Stage
from workers.catalogue import WORKERS
from workers.model import AnyWorker

LATE = "pentalog.late-reschedules"


def version(stage: Stage, event: type, place: int = -1) -> int:
    found = [recorded.version for recorded in stage.log if isinstance(recorded.data, event)]
    return found[place]


def late_twice() -> Stage:
    """Two sessions cancelled by the mentee an hour before their start: the worker raises a concern."""
    stage = Stage("pentalog").active().happens(planned(6), booked("s1", 10), booked("s2", 20), on=1, by="mentee")
    stage.says(c.CancelSession(session_id="s1", reason="x", cause="personal"), on=9.98, by="mentee")
    return stage.says(c.CancelSession(session_id="s2", reason="x", cause="personal"), on=19.98, by="mentee")


def void(stage: Stage, event: type, on: float, place: int = -1) -> Stage:
    return stage.says(
        c.CorrectFact(version=version(stage, event, place), reason="It was not so.", void=True), on=on, by="coordinator"
    )


def test_a_concern_whose_evidence_fell_away_is_resolved_with_the_correction_as_evidence() -> None:
    stage = late_twice()
    assert stage.sent(c.RaiseConcern)
    assert [task.kind for task in stage.tasks("commitment_concern")] == ["commitment_concern"]
    void(stage, e.SessionCancelled, on=21)
    assert [command.clause for command in stage.sent(c.ResolveConcern)] == [LATE]
    [(_, receipt)] = [
        each for each in stage.receipts if any(isinstance(s.command, c.ResolveConcern) for s in each[1].sends)
    ]
    assert receipt.evidence == (version(stage, e.FactCorrected),)
    assert receipt.evidence_of == SUBJECT
    assert stage.tasks("commitment_concern") == []
    assert not any(name.startswith("commitment:") for name in stage.deadlines())
    # What was sent stays sent.
    assert stage.recorded(e.CommitmentConcernRaised)


def test_a_concern_whose_evidence_fell_away_is_resolved_after_the_end_too() -> None:
    stage = late_twice()
    end = c.TerminateRelationship(reason="mentee_choice", informed=("mentee", "mentor"), next_steps="None.")
    stage.says(end, on=22, by="mentee")
    void(stage, e.SessionCancelled, on=23)
    assert [command.clause for command in stage.sent(c.ResolveConcern)] == [LATE]


def test_a_correction_corrected_raises_the_concern_again() -> None:
    stage = late_twice()
    fact = version(stage, e.SessionCancelled)
    void(stage, e.SessionCancelled, on=21)
    right = {"session_id": "s2", "reason": "x", "cause": "personal"}
    stage.says(c.CorrectFact(version=fact, reason="It was so.", data=right), on=22, by="coordinator")
    assert len(stage.recorded(e.CommitmentConcernRaised)) == 2
    assert len(stage.tasks("commitment_concern")) == 1


def test_an_open_task_whose_reason_is_gone_closes() -> None:
    stage = Stage("leapfrog").active().happens(planned(6), booked("s1", 3), booked("s2", 10), on=1)
    stage.says(c.RecordNoShow(session_id="s1", absent=("mentee",)), on=4, by="mentor")
    stage.says(c.RecordNoShow(session_id="s2", absent=("mentee",)), on=11, by="mentor")
    [task] = stage.tasks("two_no_shows")
    void(stage, e.SessionMissed, on=12, place=0)
    assert task not in stage.tasks()
    assert stage.tasks("two_no_shows") == []


def test_a_task_opens_when_the_corrected_fact_asks_for_it_and_the_coordinator_hears_of_it() -> None:
    stage = Stage("leapfrog").active().happens(planned(6), booked("s1", 3), booked("s2", 10), on=1)
    stage.says(c.RecordNoShow(session_id="s1", absent=("mentee",)), on=4, by="mentor")
    stage.says(c.RecordNoShow(session_id="s2", absent=("mentor",)), on=11, by="mentor")
    assert stage.tasks("two_no_shows") == []
    told = len(stage.told("two_no_shows"))
    wrong = version(stage, e.SessionMissed)
    data = {"session_id": "s2", "absent": ["mentee"]}
    stage.says(c.CorrectFact(version=wrong, reason="The mentor was there.", data=data), on=12, by="coordinator")
    [task] = stage.tasks("two_no_shows")
    assert task.since < stage.now
    assert len(stage.told("two_no_shows")) > told


def test_a_corrected_fact_that_means_the_same_to_the_workers_leaves_all_as_it_is() -> None:
    stage = Stage("pentalog").active().happens(planned(6), booked("s1", 3), on=1).happens(completed("s1", 3), on=3.1)
    stage.says(c.RecordSessionNote(session_id="s1", text="A note."), on=4, by="mentor")
    sent, tasks, deadlines, notes = len(stage.all_sent), stage.tasks(), stage.deadlines(), len(stage.notes)
    stage.says(c.CorrectFact(version=len(stage.log), reason="A slip.", void=True), on=5, by="mentor")
    assert (len(stage.all_sent), stage.tasks(), stage.deadlines(), len(stage.notes)) == (sent, tasks, deadlines, notes)


def test_a_deadline_that_the_corrected_fact_moves_is_moved() -> None:
    stage = Stage("nottingham").active().happens(planned(6), booked("s1", 3), on=1)
    stage.says(c.RecordContact(channel="email"), on=8, by="mentee")
    late = stage.deadlines()["contact:silence"]
    void(stage, e.ContactRecorded, on=9)
    assert stage.deadlines()["contact:silence"] < late


# What a correction changes: the facts that can be corrected, and what the rules make of facts told after them.
CHANGEABLE = {
    *CORRECTABLE,
    e.SessionCancelled,
    e.SessionRescheduled,
    e.GoalAchieved,
    e.SessionScheduled,
    e.HomeworkAssigned,
}


@pytest.mark.parametrize("worker", WORKERS, ids=lambda worker: worker.name)
def test_what_a_correction_may_change_is_kept_at_the_relationship_alone(worker: AnyWorker) -> None:
    """Only what is kept there is made again: a worker that kept such a fact at a mentor, say, would keep a wrong one."""
    ground = Stage(*ALL_CODES).active().desk
    for kind in worker.listens & CHANGEABLE:
        recorded: AnyRecorded = Recorded(
            subject=SUBJECT,
            version=9,
            occurred_at=day(1),
            recorded_at=day(1),
            actor="mentor:ben",
            data=kind.model_construct(),
        )
        assert set(worker.keys(recorded, ground)) <= {SUBJECT}, kind.__name__


def told_completion(**changes: Any) -> c.CompleteSession:
    told: dict[str, Any] = {
        "started_at": day(3),
        "ended_at": day(3.04),
        "present": ("mentee", "mentor"),
        "joined": {},
        "agenda": (),
        "call_to_action": "Write it down.",
        "camera_on": True,
        **changes,
    }
    return c.CompleteSession(session_id="s1", **told)


def corrected(stage: Stage, fact: type, command: Command, on: float) -> Stage:
    data = command.model_dump(mode="json", exclude_none=True)
    return stage.says(c.CorrectFact(version=version(stage, fact), reason="A slip.", data=data), on=on, by="coordinator")


@pytest.mark.clause("mentor247.camera")
def test_a_corrected_session_brings_the_tip_that_it_would_have_brought_at_once_and_only_once() -> None:
    stage = Stage("mentor247").active().happens(planned(6), booked("s1", 3), on=1)
    stage.passes(3.1).says(told_completion(), by="mentor")
    tips = [note for note in stage.notes if note.parameters.get("clause") == "mentor247.camera"]
    assert tips == []
    for on, camera_on in ((4, False), (5, True), (6, False)):
        corrected(stage, e.SessionCompleted, told_completion(camera_on=camera_on), on)
    [tip] = [note for note in stage.notes if note.parameters.get("clause") == "mentor247.camera"]
    assert tip.recipient == "mentor:ben"


@pytest.mark.clause("mentor247.environment")
def test_a_corrected_check_brings_the_tip_that_it_would_have_brought_at_once() -> None:
    stage = Stage("mentor247").active().happens(planned(6), booked("s1", 3), on=1)
    fine = dict.fromkeys(("connection", "microphone", "speakers", "camera", "quiet", "background"), True)
    check = c.RecordPresessionCheck(session_id="s1", checked_at=day(2.9), device="computer", **fine)
    stage.says(check, on=2.9, by="mentor")
    corrected(stage, e.PresessionCheckRecorded, check.model_copy(update={"device": "phone"}), 4)
    [tip] = [note for note in stage.notes if note.parameters.get("clause") == "mentor247.environment"]
    assert tip.parameters["items"] == "device"


@pytest.mark.clause("care.contested")
def test_the_contested_task_stays_with_the_correction_of_the_author_and_closes_with_that_of_the_office() -> None:
    stage = Stage("pentalog").active().happens(planned(6), booked("s1", 3), on=1)
    stage.says(c.RecordNoShow(session_id="s1", absent=("mentee",)), on=4, by="mentor")
    stage.says(c.ContestFact(version=version(stage, e.SessionMissed), reason="I was there"), on=5, by="mentee")
    [task] = stage.tasks("contested")
    void = c.CorrectFact(version=version(stage, e.SessionMissed), reason="so he was", void=True)
    stage.says(void, on=6, by="mentor")
    assert stage.tasks("contested") == [task]
    stage.says(void, on=7, by="coordinator")
    assert stage.tasks("contested") == []


@pytest.mark.clause("care.claims")
def test_who_confirmed_a_plan_is_asked_about_its_other_words() -> None:
    stage = Stage("pentalog").active()
    plan = c.AgreePlan(every_days=7, starts_on=day(0).date(), ends_on=day(90).date(), channel="platform")
    stage.says(plan, on=1, by="mentee")
    agreed = version(stage, e.PlanAgreed)
    stage.says(c.ConfirmAgreement(version=agreed), on=2, by="mentor").passes(20)
    assert stage.told("claim_waits") == []
    corrected(stage, e.PlanAgreed, plan.model_copy(update={"minutes": 90}), 21)
    stage.passes(40)
    assert stage.told("claim_waits") == ["mentor:ben"]


@pytest.mark.clause("care.disclosure")
def test_who_disclosed_a_confidence_closes_no_review_of_it_by_a_look_at_the_whole() -> None:
    talk = c.DiscloseConfidence(exception="policy_breach", recipient="hr:hanna", disclosed="x", urgency="routine")
    stage = Stage("cmn", "nottingham").active()
    stage.says(talk, on=1, by="coordinator")
    [task] = stage.tasks("disclosure_review")
    stage.says(c.ReviewRelationship(note="seen"), on=2, by="coordinator")
    assert stage.tasks("disclosure_review") == [task]
    stage.says(c.ReviewRelationship(note="seen"), on=3, by="supplier")
    assert stage.tasks("disclosure_review") == []
