"""A mentor's registration, training, development and standing."""

from datetime import date, datetime
from functools import partial
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.mentor.commands import (
    MentorCommand,
    PublishProfile,
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
    ProfilePublished,
    TrainingRecorded,
)
from domain.mentor.evolve import evolve
from domain.mentor.state import Mentor
from domain.model import Command
from domain.words import ROLES
from tests.domain.stream import Stream, codes, day

MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)


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


@pytest.mark.parametrize(
    "again, stands",
    [
        (RegisterMentor(name="Anna"), ("Anna", "p1", 2)),
        (RegisterMentor(programme_id="p2"), ("Ana", "p2", 2)),
        (RegisterMentor(capacity=5), ("Ana", "p1", 5)),
        (RegisterMentor(name="Anna", programme_id="p2", capacity=1), ("Anna", "p2", 1)),
    ],
)
def test_the_latest_registration_stands_and_what_it_leaves_out_stays(
    again: RegisterMentor, stands: tuple[str, str, int]
) -> None:
    ana = mentor()
    ana.when(RegisterMentor(name="Ana", programme_id="p1", capacity=2))
    name, programme_id, capacity = stands
    event = MentorRegistered(name=name, programme_id=programme_id, capacity=capacity)
    assert ana.when(again) == [event]
    assert (known(ana).name, known(ana).programme_id, known(ana).capacity) == stands
    assert ana.when(again) == []
    assert ana.when(RegisterMentor()) == []
    assert ana.replayed() == ana.state


def test_what_was_recorded_of_a_mentor_outlives_another_registration() -> None:
    ana = mentor()
    ana.when(RegisterMentor(name="Ana"))
    ana.when(RecordTraining(course="basics", completed_on=MARCH))
    ana.when(SuspendMentor(reason="x", programme_id="p1"))
    before = known(ana)
    ana.when(RegisterMentor(programme_id="p2"))
    assert known(ana) == before.but(programme_id="p2", version=4)


@pytest.mark.clause("cmn.breaches")
def test_a_mentor_who_was_removed_is_not_registered_anew_in_that_programme() -> None:
    ana = mentor()
    ana.when(RegisterMentor(name="Ana", programme_id="p1"))
    ana.when(RemoveMentor(reason="left", programme_id="p1"))
    assert codes(ana.refused(RegisterMentor(name="Anna"))) == ["state"]
    assert ana.when(RegisterMentor(name="Ana")) == []
    assert ana.when(RegisterMentor(programme_id="p2")) == [MentorRegistered(name="Ana", programme_id="p2")]
    assert codes(ana.refused(RegisterMentor(programme_id="p1"))) == ["state"]


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


P1, P2 = {"programme_id": "p1"}, {"programme_id": "p2"}
SUSPEND = {"everywhere": SuspendMentor(reason="x"), "p1": SuspendMentor(reason="x", **P1)}
REINSTATE = {"everywhere": ReinstateMentor(), "p1": ReinstateMentor(**P1)}
REMOVE = {"everywhere": RemoveMentor(reason="x"), "p1": RemoveMentor(reason="x", **P1)}


@pytest.mark.clause("care.standing")
@pytest.mark.parametrize(
    "sent, everywhere, in_p1, in_p2",
    [
        ([SUSPEND["p1"]], "good", "suspended", "good"),
        ([SUSPEND["everywhere"]], "suspended", "suspended", "suspended"),
        ([REMOVE["p1"]], "good", "removed", "good"),
        ([REMOVE["everywhere"]], "removed", "removed", "removed"),
        # The worse of the two holds.
        ([SUSPEND["p1"], SUSPEND["everywhere"]], "suspended", "suspended", "suspended"),
        ([REMOVE["p1"], SUSPEND["everywhere"]], "suspended", "removed", "suspended"),
        ([SUSPEND["p1"], REMOVE["everywhere"]], "removed", "removed", "removed"),
        # Reinstating everywhere lifts suspensions everywhere, and no removal.
        ([SUSPEND["p1"], SUSPEND["everywhere"], REINSTATE["everywhere"]], "good", "good", "good"),
        ([SUSPEND["p1"], REINSTATE["everywhere"]], "good", "good", "good"),
        ([REMOVE["p1"], SUSPEND["everywhere"], REINSTATE["everywhere"]], "good", "removed", "good"),
        # Reinstating in a programme lifts that programme's own.
        ([SUSPEND["p1"], REINSTATE["p1"]], "good", "good", "good"),
        ([SUSPEND["p1"], SUSPEND["everywhere"], REINSTATE["p1"]], "suspended", "suspended", "suspended"),
    ],
)
def test_a_standing_is_of_a_programme_or_of_everywhere_and_the_worse_holds(
    sent: list[Command], everywhere: str, in_p1: str, in_p2: str
) -> None:
    ana = mentor()
    for command in sent:
        assert len(ana.when(command)) == 1
    standings = tuple(known(ana).standing_in(programme) for programme in (None, "p1", "p2"))
    assert standings == (everywhere, in_p1, in_p2)
    assert ana.replayed() == ana.state


@pytest.mark.clause("cmn.breaches")
def test_removal_from_a_programme_is_final_for_that_programme_alone() -> None:
    ana = mentor()
    ana.when(REMOVE["p1"])
    for command in (SUSPEND["p1"], REINSTATE["p1"], RegisterMentor(programme_id="p1")):
        (problem,) = ana.refused(command)
        assert (problem.code, problem.clause) == ("state", "cmn.breaches")
        assert "p1" in problem.message
    assert ana.when(RemoveMentor(reason="another", **P1)) == []
    assert ana.when(REINSTATE["everywhere"]) == []
    assert ana.when(SuspendMentor(reason="x", **P2))
    assert ana.when(REMOVE["everywhere"])


def test_a_removed_mentor_is_removed_from_every_programme() -> None:
    ana = mentor()
    ana.when(REMOVE["everywhere"])
    assert ana.when(REMOVE["p1"]) == []
    assert codes(ana.refused(SUSPEND["p1"])) == ["state"]
    assert codes(ana.refused(REINSTATE["p1"])) == ["state"]


def test_who_is_suspended_everywhere_is_not_reinstated_in_one_programme() -> None:
    ana = mentor()
    ana.when(SUSPEND["everywhere"])
    (problem,) = ana.refused(REINSTATE["p1"])
    assert (problem.code, problem.field) == ("state", "data.programme_id")
    assert "without a programme_id" in problem.message


@pytest.mark.parametrize("role", ["coordinator", "supplier", "hr"])
def test_nobody_reinstates_themselves(role: str) -> None:
    ana = mentor()
    ana.when(SUSPEND["p1"])
    assert codes(ana.refused(REINSTATE["p1"], f"{role}:ana")) == ["own_matter"]
    assert ana.when(REINSTATE["p1"], f"{role}:cleo")


@pytest.mark.clause("nottingham.profile")
def test_a_profile_is_published_by_the_mentor_or_the_office_and_once_with_the_same_words() -> None:
    profile = PublishProfile(first_name="Ana", work_history="20 years", role="engineer", sector="energy")
    ana = mentor()
    assert ana.when(profile, "mentor:ana") == [
        ProfilePublished(first_name="Ana", work_history="20 years", role="engineer", sector="energy")
    ]
    assert ana.when(profile, "coordinator:cleo") == []
    assert ana.when(profile.model_copy(update={"role": "lead"}), "supplier:guild")
    assert codes(ana.refused(profile, "mentor:bo")) == ["actor"]
    assert codes(ana.refused(profile, "mentee:m")) == ["role"]


@pytest.mark.parametrize("role", ROLES)
def test_a_mentors_standing_is_kept_by_coordinator_supplier_hr_and_workers(role: str) -> None:
    for command in (*SUSPEND.values(), *REMOVE.values()):
        if role in {"coordinator", "supplier", "hr", "worker"}:
            assert mentor().when(command, f"{role}:x")
        else:
            assert codes(mentor().refused(command, f"{role}:ana")) == ["role"]


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


@pytest.mark.clause("leapfrog.competence")
def test_the_latest_development_counts_in_whatever_order_it_is_told() -> None:
    ana = mentor()
    ana.when(RegisterMentor())
    assert known(ana).developed_on is None
    ana.when(RecordDevelopment(what="a course", completed_on=MAY), at=day(90))
    ana.when(RecordDevelopment(what="a book", completed_on=MARCH), at=day(90))
    assert known(ana).developed_on == MAY


@pytest.mark.clause("nottingham.training")
@pytest.mark.parametrize("at, fine", [(day(59.2), False), (day(60), True), (day(61), True)])
def test_what_is_completed_is_recorded_on_its_day_or_later(at: datetime, fine: bool) -> None:
    first_of_may = {"completed_on": MAY}
    for command in (RecordTraining(course="c", **first_of_may), RecordDevelopment(what="a book", **first_of_may)):
        if fine:
            assert mentor().when(command, at=at)
        else:
            (problem,) = mentor().refused(command, at=at)
            assert (problem.code, problem.field) == ("in_future", "data.completed_on")


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
    actor = f"{role}:cleo"
    if role in {"coordinator", "supplier", "hr", "worker"}:
        assert mentor().when(command, actor)
    else:
        assert codes(mentor().refused(command, actor)) == ["role"]


@pytest.mark.clause("nottingham.training")
@pytest.mark.parametrize("role", ["coordinator", "supplier", "hr"])
def test_nobody_in_the_office_records_their_own_training_or_reinstates_themselves(role: str) -> None:
    training = RecordTraining(course="c", completed_on=MARCH)
    (problem,) = mentor().refused(training, f"{role}:ana")
    assert (problem.code, problem.field) == ("own_matter", "actor")
    assert mentor().when(training, f"{role}:bo")
    assert mentor().when(RecordDevelopment(what="a book", completed_on=MARCH), f"{role}:ana")
    suspended = mentor()
    suspended.when(SuspendMentor(reason="x"))
    assert codes(suspended.refused(ReinstateMentor(), f"{role}:ana")) == ["own_matter"]


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
    st.builds(SuspendMentor, reason=st.just("x"), programme_id=st.sampled_from([None, "p1", "p2"])),
    st.builds(ReinstateMentor, programme_id=st.sampled_from([None, "p1", "p2"])),
    st.builds(RemoveMentor, reason=st.sampled_from(["x", "y"]), programme_id=st.sampled_from([None, "p1", "p2"])),
)


@given(st.lists(st.tuples(_commands, st.sampled_from(["hr:h", "mentor:ana", "mentor:bo", "mentee:m"])), max_size=12))
def test_a_command_repeated_records_nothing_and_replay_gives_the_same_state(sent: list[tuple[Command, str]]) -> None:
    ana = mentor()
    removed: set[str | None] = set()
    for command, actor in sent:
        ana.attempt(command, actor)
        assert ana.attempt(command, actor) == []
        removed |= {
            where for where in (None, "p1", "p2") if ana.state is not None and ana.state.standing_in(where) == "removed"
        }
        assert all(known(ana).standing_in(where) == "removed" for where in removed)
    assert ana.replayed() == ana.state
