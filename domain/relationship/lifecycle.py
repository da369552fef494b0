"""The lifecycle of a relationship: one statechart of four states in which every command is an event.

Gates and guards are its validators. It is declared once with python-statemachine and compiled at import into a table,
because a fresh machine and a `send` cost a thousand times as much as a look-up; a test holds both equal over every state, command
and outcome. The diagram, the commands allowed now and the audit of recorded transitions come from the same declaration.

`terminated` has no way out. The library lets a final state answer to no event at all, while ended relationships still
take reviews, feedback and the securing of records, so it is declared as a state whose every transition stays inside.
"""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Final, NamedTuple

from statemachine import State, StateMachine
from statemachine.transition_list import TransitionList

from domain.codes.implements import implements_data
from domain.model import AnyRecorded
from domain.problem import Problem, Refused
from domain.relationship import events as e
from domain.relationship import guards
from domain.relationship.disclosures import disclosure_permitted
from domain.relationship.guards import Attempt
from domain.relationship.state import Relationship
from domain.words import STATUSES, Status

Rule = Callable[[Attempt], Iterator[Problem]]


def validator(rule: Rule) -> Callable[[Attempt], None]:
    """The rule in the form of a statechart validator, which raises `Refused` with the problems that the rule yields."""

    @wraps(rule)
    def check(attempt: Attempt) -> None:
        if problems := list(rule(attempt)):
            raise Refused(problems)

    return check


def _to(target: State, *sources: State, guard: Rule | None = None) -> TransitionList:
    return _joined(*[source.to(target, validators=_validators(guard)) for source in sources])


def _within(*states: State, guard: Rule | None = None) -> TransitionList:
    return _joined(*[state.to(state, internal=True, validators=_validators(guard)) for state in states])


def _told_later(*states: State, guard: Rule = guards.took_place_before) -> TransitionList:
    return _within(*states, guard=guard)


def _validators(guard: Rule | None) -> list[Callable[[Attempt], None]] | None:
    return [validator(guard)] if guard else None


def _joined(*transitions: TransitionList) -> TransitionList:
    return TransitionList([transition for each in transitions for transition in each])


class Lifecycle(StateMachine):
    """contracting, active, paused, terminated, and what may be asked in each."""

    contracting = State(initial=True)
    active = State()
    paused = State()
    terminated = State()

    ActivateRelationship = _to(active, contracting, guard=guards.gates_met)
    PauseRelationship = _to(paused, active, guard=guards.informed_with_next_steps)
    ResumeRelationship = _to(active, paused)
    TerminateRelationship = _to(terminated, contracting, active, paused, guard=guards.informed_with_next_steps)

    # Before activation.
    RespondToMatch = _within(contracting)
    PostponeRelationship = _within(contracting, guard=guards.informed_with_next_steps)

    # Before the end.
    ChangeParty = _within(contracting, active, paused)
    AcceptTerms = _within(contracting, active, paused)
    DeclineTerms = _within(contracting, active, paused)
    StateTrustReadiness = _within(contracting, active, paused)
    GrantConsent = _within(contracting, active, paused)
    ConfirmMentorTraining = _within(contracting, active, paused)
    DeclareConflictOfInterest = _within(contracting, active, paused)
    AgreeConflictMitigation = _within(contracting, active, paused)
    RecordContractingConversation = _within(contracting, active, paused)
    AgreePlan = _within(contracting, active, paused, guard=guards.remote_channel)
    AgreeConfidentiality = _within(contracting, active, paused)
    AgreeReporting = _within(contracting, active, paused)
    ConfirmAgreement = _within(contracting, active, paused)
    SetTerm = _within(contracting, active, paused)
    WithdrawTerm = _within(contracting, active, paused)
    ShareContactDetails = _within(contracting, active, paused, guard=guards.contact_details_by_consent)
    ShareReport = _within(contracting, active, paused)
    AgreeGoal = _within(contracting, active, paused, guard=guards.topics_left_private)
    ReviseGoal = _within(contracting, active, paused, guard=guards.topics_left_private)
    DropGoal = _within(contracting, active, paused)
    RecordAssessment = _within(contracting, active, paused)
    RecordSuccessStory = _within(contracting, active, paused)
    MarkTopicPrivate = _within(contracting, active, paused)
    OpenTopic = _within(contracting, active, paused)
    ReportTrustBreakdown = _within(contracting, active, paused)
    RestoreTrust = _within(contracting, active, paused)
    ReportDisrespect = _within(contracting, active, paused)
    ResolveDisrespect = _within(contracting, active, paused)
    ReferMentee = _within(contracting, active, paused)
    RecommendShutdown = _within(contracting, active, paused)
    RaiseConcern = _within(contracting, active, paused)
    EscalateConcern = _within(contracting, active, paused)
    EscalateRecommendation = _within(contracting, active, paused)

    # What took place before a pause or the end may still be told afterwards.
    ScheduleSession = _joined(
        _within(contracting, active, guard=guards.session_may_be_planned),
        _told_later(paused, terminated, guard=guards.scheduled_before),
    )
    RescheduleSession = _joined(
        _within(contracting, active, guard=guards.before_the_start),
        _told_later(paused, terminated, guard=guards.moved_before),
    )
    CancelSession = _joined(_within(contracting, active), _told_later(paused, terminated))
    RecordPresessionCheck = _joined(_within(contracting, active), _told_later(paused, terminated))
    CompleteSession = _joined(_within(contracting, active), _told_later(paused, terminated))
    RecordNoShow = _joined(_within(contracting, active), _told_later(paused, terminated))
    AssignHomework = _joined(
        _within(contracting, active, paused, guard=guards.topics_left_private), _told_later(terminated)
    )
    ReportHomework = _joined(_within(contracting, active, paused), _told_later(terminated))
    RecordGoalProgress = _joined(_within(contracting, active, paused), _told_later(terminated))
    RecordSessionNote = _joined(_within(contracting, active, paused), _told_later(terminated))
    RecordContact = _joined(
        _within(contracting, active, paused), _told_later(terminated, guard=guards.contact_by_the_office_or_before)
    )

    # Also, or only, after the end.
    RespondToNps = _within(contracting, active, paused, terminated)
    RequestNps = _within(contracting, active, paused, terminated)
    RequestFeedback = _within(contracting, active, paused, terminated)
    GiveFeedback = _within(contracting, active, paused, terminated)
    GiveTestimonial = _within(contracting, active, paused, terminated)
    RecordEndReview = _within(active, paused, terminated)
    ReviewRelationship = _within(contracting, active, paused, terminated)
    WithdrawConsent = _within(contracting, active, paused, terminated)
    ResolveConcern = _within(contracting, active, paused, terminated)
    DismissRecommendation = _within(contracting, active, paused, terminated)
    ReportProblem = _within(contracting, active, paused, terminated)
    ReportBreach = _within(contracting, active, paused, terminated)
    SignpostMentee = _within(contracting, active, paused, terminated)
    DiscloseConfidence = _within(contracting, active, paused, terminated, guard=disclosure_permitted)
    ContestFact = _within(contracting, active, paused, terminated)
    AnswerContest = _within(contracting, active, paused, terminated)
    CorrectFact = _within(contracting, active, paused, terminated)
    RequestErasure = _within(contracting, active, paused, terminated)
    ErasePersonalData = _within(contracting, active, paused, terminated)
    SecureRecords = _within(terminated)


# Nothing stands in the way of a declaration before the end, and that is what the clause asks for.
implements_data("leapfrog.conflicts", "domain.relationship.lifecycle:Lifecycle")


class Step(NamedTuple):
    """One row of the compiled table: where a command leads, and the rules it must pass."""

    target: Status
    rules: tuple[Rule, ...]


def _compile(machine: type[StateMachine]) -> dict[tuple[Status, str], Step]:
    table: dict[tuple[Status, str], Step] = {}
    for state in machine.states:
        for transition in state.transitions:
            # `_specs` is the library's own list of hooks; the version is pinned and the equivalence test watches it.
            hooks: list[Any] = [spec.func for spec in transition._specs if spec.group.name == "VALIDATOR"]  # noqa: SLF001
            for event in transition.events:
                table[state.value, str(event)] = Step(
                    transition.target.value, tuple(hook.__wrapped__ for hook in hooks)
                )
    return table


TABLE: Final = _compile(Lifecycle)
CREATION: Final = "ProposeRelationship"


def allowed(status: Status | None) -> tuple[str, ...]:
    """The commands that the chart knows in a state, in order of the alphabet; before the proposal only the proposal."""
    if status is None:
        return (CREATION,)
    return tuple(sorted(command for state, command in TABLE if state == status))


def follow(attempt: Attempt) -> list[Problem]:
    """The problems of an attempt: `state` where the chart has no such transition, else those of its rules."""
    name = type(attempt.command).__name__
    step = TABLE.get((attempt.state.status, name))
    if step is None:
        return [Problem("state", impossible(name, attempt.state.status))]
    return [problem for rule in step.rules for problem in rule(attempt)]


# What is possible instead where a command is not: trouble that shows after the end reaches the office all the same.
_REPORTS: Final = "report it by ReportProblem, or by ReportBreach where a code, a policy or the law was broken"
_INSTEAD: Final = {"ReportTrustBreakdown": _REPORTS, "ReportDisrespect": _REPORTS}


def impossible(command: str, status: Status) -> str:
    """Why a command is not possible in a state, and where it would be or what is possible instead."""
    if command == CREATION:
        return "the relationship was proposed already; propose another one under another subject"
    *others, last = [state for state in STATUSES if (state, command) in TABLE]
    states = f"{', '.join(others)} or {last}" if others else last
    message = f"{command} is not possible while the relationship is {status}; it is possible while {states}"
    return f"{message}: {_INSTEAD[command]}" if status == "terminated" and command in _INSTEAD else message


def illegal(before: Relationship | None, recorded: AnyRecorded, command: str, after: Relationship) -> str | None:
    """What is wrong with a recorded transition, or None: an auditor asks it of every event.

    `command` is the name of the command that records such an event.
    """
    event = recorded.data
    name = type(event).__name__
    if before is None:
        return None if command == CREATION else f"{name} before any proposal"
    if isinstance(event, e.SessionCancelled) and (event.by_pause or event.by_end):
        # A pause and the end cancel what was to come in the same transaction, right after themselves.
        status = "paused" if event.by_pause else "terminated"
        return None if before.status == status else f"{name} by a pause or the end while {before.status}"
    step = TABLE.get((before.status, command))
    if step is None:
        return f"{name} while {before.status}"
    if after.status != step.target:
        return f"{name} led from {before.status} to {after.status}, not to {step.target}"
    return None
