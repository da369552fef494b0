import pytest

from domain.programme.events import TermSet
from domain.relationship import events as e
from domain.relationship.commands import CorrectFact, EscalateConcern, RaiseConcern, ResolveConcern
from tests.given_when_then import day
from tests.workers.happenings import booked, completed, ended, kinds, moved, paused
from tests.workers.stage import Stage
from workers.commitment import COMMITMENT

CLAUSE = "pentalog.late-reschedules"


def stage(*codes: str, late: int = 2) -> Stage:
    """That many sessions moved an hour before their start, by the mentee, on day 10, 20, and so on."""
    told = Stage(*(codes or ("pentalog",)), workers=[COMMITMENT]).active()
    for number in range(1, late + 1):
        on = number * 10
        told.happens(booked(f"s{number}", on), on=on - 5)
        told.happens(moved(f"s{number}", on, on + 4, 1), on=on - 1 / 24, by="mentee")
    return told


@pytest.mark.clause("pentalog.late-reschedules")
def test_the_second_late_reschedule_raises_a_concern_with_its_evidence() -> None:
    assert stage(late=1).nothing()
    told = stage()
    assert told.sent(RaiseConcern) == [RaiseConcern(clause=CLAUSE, evidence=(4, 6))]
    assert sorted(told.told("concern_raised")) == ["coordinator", "mentor:ben"]
    [task] = told.tasks()
    assert (task.kind, task.clauses, task.evidence) == ("commitment_concern", (CLAUSE,), (4, 6))
    assert task.settled_by == ("ResolveConcern",)
    receipt = told.receipts[0][1]
    assert (receipt.clauses, receipt.evidence) == ((CLAUSE,), (4, 6))
    assert receipt.terms == {"late_notice_hours": 24, "late_window_days": 90}


@pytest.mark.clause("pentalog.late-reschedules")
def test_without_that_code_no_concern_is_raised() -> None:
    assert stage("leapfrog", "cmn", "mentor247", "nottingham").nothing()


@pytest.mark.clause("pentalog.late-reschedules")
def test_unanswered_for_seven_days_it_is_escalated() -> None:
    raised = 20 - 1 / 24
    told = stage().passes(raised + 6.99)
    assert told.sent(EscalateConcern) == []
    told.passes(raised + 7)
    assert told.sent(EscalateConcern) == [EscalateConcern(clause=CLAUSE)]
    assert told.told("concern_escalated") == ["coordinator", "supplier:guild"]
    assert kinds(told.tasks()) == ["commitment_concern"]


@pytest.mark.clause("pentalog.late-reschedules")
def test_an_answer_closes_the_task_and_nothing_is_escalated() -> None:
    told = stage().says(ResolveConcern(clause=CLAUSE, resolution="talked"), by="coordinator", on=22).passes(40)
    assert told.tasks() == []
    assert told.sent(EscalateConcern) == []
    # The signal clears later on, and there is nothing left to resolve.
    assert told.passes(120).sent(ResolveConcern) == []


@pytest.mark.clause("pentalog.late-reschedules")
def test_the_concern_goes_when_the_signal_clears_by_passing_time() -> None:
    told = stage()
    clears = told.deadlines()["commitment:clears"]
    # "In the last 90 days" still holds at exactly 90 of them.
    assert clears - (day(10 - 1 / 24)) > day(90) - day(0)
    told.passes((clears - day(0)).total_seconds() / 86_400 - 1)
    assert told.sent(ResolveConcern) == []
    told.passes(110)
    assert [sent.clause for sent in told.sent(ResolveConcern)] == [CLAUSE]
    assert told.recorded(e.CommitmentConcernResolved)
    assert told.tasks() == []


def test_a_third_late_reschedule_raises_no_second_concern_and_a_new_beginning_does() -> None:
    told = stage(late=3)
    assert len(told.sent(RaiseConcern)) == 1
    told.passes(150)
    assert told.deadlines() == {}
    for number, on in ((8, 160), (9, 170)):
        told.happens(booked(f"s{number}", on), on=on - 5)
        told.happens(moved(f"s{number}", on, on + 4, 1), on=on - 1 / 24, by="mentor")
    assert len(told.sent(RaiseConcern)) == 2


@pytest.mark.clause("pentalog.late-reschedules")
def test_lateness_before_the_activation_raises_a_concern_with_it() -> None:
    told = Stage("pentalog", workers=[COMMITMENT])
    for number in (1, 2):
        told.happens(booked(f"s{number}", number), on=0)
        told.happens(moved(f"s{number}", number, number + 20, 1), on=number - 1 / 24, by="mentee")
    assert told.nothing()
    told.active(on=3)
    assert told.sent(RaiseConcern) == [RaiseConcern(clause=CLAUSE, evidence=(3, 5))]
    assert "commitment:clears" in told.deadlines()


@pytest.mark.parametrize("by, moves", [("mentee", 1), ("mentor", 2)])
def test_after_an_answer_more_lateness_of_either_party_raises_a_concern_anew(by: str, moves: int) -> None:
    told = stage().says(ResolveConcern(clause=CLAUSE, resolution="talked"), by="coordinator", on=21)
    for more in range(3, 3 + moves):
        told.happens(booked(f"s{more}", more * 10), on=more * 10 - 5)
        told.happens(moved(f"s{more}", more * 10, more * 10 + 4, 1), on=more * 10 - 1 / 24, by=by)
    _, again = told.sent(RaiseConcern)
    assert again.evidence[:2] == (4, 6)
    assert len(again.evidence) == 2 + moves


def test_days_in_a_pause_do_not_let_the_signal_clear() -> None:
    told = stage().happens(paused(60), on=25)
    assert told.passes(115).sent(ResolveConcern) == []
    assert told.sent(EscalateConcern) == []
    told.happens(e.RelationshipResumed(), on=115)
    assert told.deadlines()["commitment:clears"] > day(10 + 90 + 90 - 1)
    assert told.passes(140).sent(EscalateConcern)


def test_what_stays_open_at_the_end_stays_on_the_list_and_is_not_escalated() -> None:
    told = stage().happens(ended(), on=21).passes(200)
    assert kinds(told.tasks()) == ["commitment_concern"]
    assert told.sent(EscalateConcern) == []
    assert told.says(ResolveConcern(clause=CLAUSE, resolution="over"), by="coordinator").tasks() == []


def of_programme(term: str, value: float) -> TermSet:
    return TermSet(document="master_agreement", term=term, value=value, resolved=value, winner="master_agreement")


def test_a_new_window_counts_at_once_for_every_relationship_of_the_programme() -> None:
    told = stage(late=1).happens(booked("s2", 120), on=115)
    told.happens(moved("s2", 120, 124, 1), on=120 - 1 / 24, by="mentee")
    assert told.nothing()
    told.happens(of_programme("late_window_days", 200), on=130, subject="programme:p1")
    assert told.sent(RaiseConcern) == [RaiseConcern(clause=CLAUSE, evidence=(4, 6))]
    assert told.receipts[0][1].terms["late_window_days"] == 200
    assert told.receipts[0][1].evidence_of == told.tasks()[0].subject


def test_a_move_that_was_in_time_stays_so_when_the_notice_grows() -> None:
    told = stage(late=0)
    for number in (1, 2):
        told.happens(booked(f"s{number}", number * 10), on=number * 10 - 5)
        told.happens(moved(f"s{number}", number * 10, number * 10 + 4, 36), on=number * 10 - 1.5, by="mentee")
    assert told.happens(of_programme("late_notice_hours", 48), on=22, subject="programme:p1").nothing()


def test_a_coordinators_concern_waits_for_an_answer_too() -> None:
    told = stage(late=0).happens(e.CommitmentConcernRaised(clause="pentalog.off-goal", evidence=(2,)), on=3).passes(10)
    assert told.sent(EscalateConcern) == [EscalateConcern(clause="pentalog.off-goal")]
    assert told.sent(RaiseConcern) == []


def test_a_concern_under_another_code_is_escalated_as_well() -> None:
    told = (
        stage("cmn", late=0).happens(e.CommitmentConcernRaised(clause="cmn.ownership", evidence=(2,)), on=3).passes(10)
    )
    assert told.sent(EscalateConcern) == [EscalateConcern(clause="cmn.ownership")]


def test_a_session_held_changes_nothing_about_lateness() -> None:
    told = stage().happens(completed("s1", 14), on=21)
    assert len(told.sent(RaiseConcern)) == 1
    assert told.sent(ResolveConcern) == []


@pytest.mark.clause("pentalog.late-reschedules")
def test_an_author_clears_a_concern_by_a_correction_and_the_office_may_undo_it() -> None:
    told = stage()
    move = {"session_id": "s1", "starts_at": day(14).isoformat(), "reason": "work"}
    ill, well = move | {"cause": "illness"}, move | {"cause": "personal"}
    told.says(CorrectFact(version=4, reason="I was ill", data=ill), by="mentee", on=22)
    assert [sent.clause for sent in told.sent(ResolveConcern)] == [CLAUSE]
    told.says(CorrectFact(version=4, reason="so it was", data=well), by="coordinator", on=23)
    first, again = told.sent(RaiseConcern)
    assert again.evidence == first.evidence


def both_late(first: int = 2, second: int = 2) -> Stage:
    """The mentee moved sessions an hour before their start, then the mentor did, on day 10, 20, and so on."""
    told = stage(late=first)
    for number in range(first + 1, first + second + 1):
        on = number * 10
        told.happens(booked(f"s{number}", on), on=on - 5)
        told.happens(moved(f"s{number}", on, on + 4, 1), on=on - 1 / 24, by="mentor")
    return told


@pytest.mark.clause("pentalog.late-reschedules")
def test_while_a_concern_about_one_party_is_open_the_other_party_gets_one_of_its_own() -> None:
    told = both_late(second=1)
    assert len(told.sent(RaiseConcern)) == 1
    told = both_late()
    mentees, mentors = told.recorded(e.CommitmentConcernRaised)
    assert (mentees.about, mentors.about) == (("mentee",), ("mentor",))
    assert not set(mentees.evidence) & set(mentors.evidence)
    assert [task.evidence for task in told.tasks()] == [mentees.evidence, mentors.evidence]
    assert told.told("concern_about_you") == ["mentee:ana", "mentor:ben"]


@pytest.mark.clause("pentalog.late-reschedules")
def test_each_of_two_concerns_waits_seven_days_for_an_answer() -> None:
    told = both_late().passes(40 - 1 / 24 + 6.99)
    assert len(told.sent(EscalateConcern)) == 1
    assert len(told.passes(40 - 1 / 24 + 7).sent(EscalateConcern)) == 2
    assert len(told.told("concern_escalated")) == 4


@pytest.mark.clause("pentalog.late-reschedules")
def test_an_answer_settles_the_concerns_about_both_and_more_lateness_is_something_new() -> None:
    told = both_late().says(ResolveConcern(clause=CLAUSE, resolution="talked"), by="coordinator", on=41)
    assert told.tasks() == []
    assert told.passes(60).sent(EscalateConcern) == [EscalateConcern(clause=CLAUSE)]
    told.happens(booked("s7", 70), on=65)
    told.happens(moved("s7", 70, 74, 1), on=70 - 1 / 24, by="mentor")
    *_, again = told.recorded(e.CommitmentConcernRaised)
    assert (len(told.sent(RaiseConcern)), set(again.about)) == (3, {"mentee", "mentor"})


@pytest.mark.clause("pentalog.late-reschedules")
def test_both_concerns_go_when_nobody_is_late_any_more() -> None:
    told = both_late().passes(200)
    assert [sent.clause for sent in told.sent(ResolveConcern)] == [CLAUSE]
    assert told.tasks() == []
    assert told.deadlines() == {}


@pytest.mark.clause("pentalog.late-reschedules")
def test_a_coordinators_concern_about_one_party_does_not_cover_the_other() -> None:
    told = stage(late=1)
    told.says(RaiseConcern(clause=CLAUSE, evidence=(4,)), by="coordinator", on=11)
    told.happens(booked("s2", 20), on=15)
    told.happens(moved("s2", 20, 24, 1), on=20 - 1 / 24, by="mentee")
    assert told.sent(RaiseConcern) == []
    for number in (3, 4):
        told.happens(booked(f"s{number}", number * 10), on=number * 10 - 5)
        told.happens(moved(f"s{number}", number * 10, number * 10 + 4, 1), on=number * 10 - 1 / 24, by="mentor")
    assert [each.about for each in told.recorded(e.CommitmentConcernRaised)] == [("mentee",), ("mentor",)]
