"""A mentor's registration, training, development and standing."""

from datetime import date
from functools import partial
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.mentor.commands import (
    MentorCommand,
    RecordDevelopment,
    RecordTraining,
    RegisterMentor,
    ReinstateMentor,
    RemoveMentor,
    SuspendMentor,
)
from domain.mentor.decide import MAY_SEND, decide
from domain.mentor.events import (
    DevelopmentRecorded,
    MentorRegistered,
    MentorReinstated,
    MentorRemoved,
    MentorSuspended,
    TrainingRecorded,
)
from domain.mentor.evolve import evolve
from domain.mentor.state import Mentor
from domain.model import Command
from domain.words import ROLES
from tests.domain.stream import Stream, codes

MARCH, APRIL, MAY = date(2025, 3, 1), date(2025, 4, 1), date(2025, 5, 1)


def mentor() -> Stream[Mentor]:
    return Stream("mentor:ana", partial(decide, mentor_id="ana"), evolve)


def known(stream: Stream[Mentor]) -> Mentor:
    assert stream.state is not None
    return stream.state


def test_registering_makes_a_mentor_known_with_name_and_programme() -> None:
    ana = mentor()
    assert ana.when(RegisterMentor(name="Ana", programme_id="p1")) == [MentorRegistered(name="Ana", programme_id="p1")]
    assert known(ana).mentor_id == "ana"
    assert (known(ana).name, known(ana).programme_id, known(ana).standing) == ("Ana", "p1", "good")


def test_registering_again_with_the_same_data_is_nothing_new() -> None:
    ana = mentor()
    ana.when(RegisterMentor())
    assert ana.when(RegisterMentor()) == []


def test_registering_again_with_other_data_is_refused() -> None:
    ana = mentor()
    ana.when(RegisterMentor(name="Ana"))
    assert codes(ana.refused(RegisterMentor(name="Anna"))) == ["already_registered"]


@pytest.mark.parametrize(
    "command, event",
    [
        (
            RecordTraining(course="basics", completed_on=MARCH, due_on=MAY),
            TrainingRecorded(course="basics", completed_on=MARCH, due_on=MAY),
        ),
        (
            RecordDevelopment(what="a seminar", completed_on=MARCH),
            DevelopmentRecorded(what="a seminar", completed_on=MARCH),
        ),
        (SuspendMentor(reason="x"), MentorSuspended(reason="x")),
        (RemoveMentor(reason="left"), MentorRemoved(reason="left")),
    ],
)
def test_a_mentor_whom_nobody_registered_has_the_defaults(command: Command, event: object) -> None:
    assert mentor().when(command) == [event]


def test_a_mentor_in_good_standing_has_nothing_to_be_reinstated_from() -> None:
    assert mentor().when(ReinstateMentor()) == []


def test_a_suspended_mentor_is_reinstated() -> None:
    ana = mentor()
    ana.when(SuspendMentor(reason="x"))
    assert known(ana).standing == "suspended"
    assert ana.when(ReinstateMentor()) == [MentorReinstated()]
    assert known(ana).standing == "good"


@pytest.mark.clause("cmn.breaches")
@pytest.mark.parametrize("command", [SuspendMentor(reason="x"), ReinstateMentor(), RegisterMentor()])
def test_removal_is_final(command: Command) -> None:
    ana = mentor()
    ana.when(RemoveMentor(reason="a breach"))
    (problem,) = ana.refused(command)
    assert (problem.code, problem.clause) == ("state", "cmn.breaches")
    assert known(ana).standing == "removed"


def test_removing_again_for_another_reason_is_nothing_new() -> None:
    ana = mentor()
    ana.when(RemoveMentor(reason="a breach"))
    assert ana.when(RemoveMentor(reason="declined the terms")) == []


@pytest.mark.clause("nottingham.further-training")
def test_the_latest_completion_of_a_course_says_when_it_is_due_again() -> None:
    ana = mentor()
    ana.when(RecordTraining(course="safeguarding", completed_on=APRIL, due_on=date(2027, 4, 1)))
    ana.when(RecordTraining(course="safeguarding", completed_on=MARCH, due_on=date(2026, 9, 1)))
    ana.when(RecordTraining(course="basics", completed_on=MARCH))
    assert known(ana).trainings_due == {"safeguarding": date(2027, 4, 1)}


@pytest.mark.clause("leapfrog.competence")
def test_the_latest_development_counts_in_whatever_order_it_is_told() -> None:
    ana = mentor()
    ana.when(RegisterMentor())
    assert known(ana).developed_on is None
    ana.when(RecordDevelopment(what="a course", completed_on=MAY))
    ana.when(RecordDevelopment(what="a book", completed_on=MARCH))
    assert known(ana).developed_on == MAY


def test_mentors_record_their_own_development() -> None:
    assert mentor().when(RecordDevelopment(what="a book", completed_on=MARCH), "mentor:ana")


def test_mentors_record_nobody_elses_development() -> None:
    problems = mentor().refused(RecordDevelopment(what="a book", completed_on=MARCH), "mentor:bo")
    assert codes(problems) == ["actor"]
    assert problems[0].field == "actor"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "command", [RegisterMentor(), SuspendMentor(reason="x"), RecordTraining(course="c", completed_on=MARCH)]
)
def test_the_office_hr_and_workers_see_to_mentors(command: Command, role: str) -> None:
    actor = f"{role}:ana"
    if role in {"coordinator", "supplier", "hr", "worker"}:
        assert mentor().when(command, actor)
    else:
        assert codes(mentor().refused(command, actor)) == ["role"]


def test_every_problem_is_told_at_once() -> None:
    ana = mentor()
    ana.when(RemoveMentor(reason="a breach"))
    assert codes(ana.refused(SuspendMentor(reason="x"), "service:booking")) == ["role", "state"]


def test_every_command_says_who_may_send_it() -> None:
    assert set(MAY_SEND) == set(get_args(MentorCommand))


_days = st.sampled_from([MARCH, APRIL])
_commands = st.one_of(
    st.builds(RegisterMentor, name=st.sampled_from([None, "Ana"]), programme_id=st.sampled_from([None, "p1"])),
    st.builds(
        RecordTraining, course=st.sampled_from(["a", "b"]), completed_on=_days, due_on=st.sampled_from([None, MAY])
    ),
    st.builds(RecordDevelopment, what=st.sampled_from(["a", "b"]), completed_on=_days),
    st.just(SuspendMentor(reason="x")),
    st.just(ReinstateMentor()),
    st.builds(RemoveMentor, reason=st.sampled_from(["x", "y"])),
)


@given(st.lists(st.tuples(_commands, st.sampled_from(["hr:h", "mentor:ana", "mentor:bo", "mentee:m"])), max_size=12))
def test_a_command_repeated_records_nothing_and_replay_gives_the_same_state(sent: list[tuple[Command, str]]) -> None:
    ana = mentor()
    removed = False
    for command, actor in sent:
        ana.attempt(command, actor)
        assert ana.attempt(command, actor) == []
        removed = removed or (ana.state is not None and ana.state.standing == "removed")
        assert not removed or known(ana).standing == "removed"
    assert ana.replayed() == ana.state
