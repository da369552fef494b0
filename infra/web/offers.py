"""What a visitor can do about a relationship now: the commonest first, then all commands, and why not what is not possible.

What the state lets pass and has nothing to act on is not possible either. Where that would say whether somebody reported something, it is said
to those who may know of it alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from domain.model import Actor
from domain.registry import COMMANDS
from domain.relationship.lifecycle import TABLE
from domain.relationship.permissions import may_send
from domain.relationship.settling import dismissing_problems, resolving_problems, restoring_problems
from domain.relationship.state import Relationship
from domain.sharing.question import Reader
from domain.terms import NO_SETTINGS
from domain.words import PARTIES, STATUSES
from infra.access.seen import Shown
from infra.access.standing import KNOWERS
from infra.web.command_words import GROUPS, title
from infra.web.navigation import N_

# What a role does most: offered first, before all commands.
COMMONEST: Final[Mapping[str, tuple[str, ...]]] = {
    "mentee": ("ScheduleSession", "RescheduleSession", "CompleteSession", "RecordGoalProgress", "ReportHomework", "AgreeGoal", "RespondToNps", "ReportProblem"),
    "mentor": ("ScheduleSession", "RescheduleSession", "CompleteSession", "RecordSessionNote", "AssignHomework", "RecordGoalProgress", "AgreeGoal", "ReportProblem"),
    "coordinator": ("ReviewRelationship", "ActivateRelationship", "ScheduleSession", "RescheduleSession", "RecordContact", "PauseRelationship", "ResumeRelationship", "ResolveConcern"),
    "supplier": ("ReviewRelationship", "ActivateRelationship", "RecordAssessment", "RecordContact", "RecordSuccessStory"),
    "hr": ("ReviewRelationship", "ResolveDisrespect", "DismissRecommendation", "ReportProblem"),
    "customer": ("RespondToNps", "GiveTestimonial", "ReportProblem", "TerminateRelationship"),
    "line_manager": ("AgreeReporting", "ConfirmAgreement", "AcceptTerms", "ReportProblem"),
}  # fmt: skip
# What comes first before the mentoring has begun, and after it has ended.
BEFORE: Final = ("RespondToMatch", "ActivateRelationship", "RecordContractingConversation", "AgreeGoal", "AgreePlan", "StateTrustReadiness", "AcceptTerms", "ReviewRelationship", "ReportProblem")  # fmt: skip
AFTER: Final = ("RecordEndReview", "GiveFeedback", "RespondToNps", "GiveTestimonial", "RecordSuccessStory", "SecureRecords", "ReportProblem")  # fmt: skip


# Why a report can't be settled, by the code of the problem.
WHY_NOT: Final[Mapping[str, str]] = {
    "nothing_open": N_("there is nothing of the kind that is open"),
    "own_matter": N_("it is for the person who reported it, or for somebody in the office whom it is not about"),
    "role": N_("it is for a coordinator or the supplier"),
}


class Offer(NamedTuple):
    """A command: its name and title; where it is not possible now, why, or else in which states it is."""

    name: str
    title: str
    why: str = ""
    states: Sequence[str] = ()
    is_possible: bool = True


class Possible(NamedTuple):
    """The commonest of what is possible now, and by group all that the role may ever send."""

    commonest: list[Offer]
    groups: list[tuple[str, list[Offer]]]


def possible(reader: Reader, shown: Shown, state: Relationship, answers: Mapping[str, str] | None = None) -> Possible:
    """What a reader can do about a relationship in its state, and why not the rest; `answers` are those to the match, by role."""
    role, status = reader.role, shown["state"]
    known = {name for _, name in TABLE}
    empty = dict(nothing_to_do(reader, shown, state))

    def offer(name: str) -> Offer:
        if (status, name) not in TABLE:
            return Offer(name, title(name), "", [each for each in STATUSES if (each, name) in TABLE], False)
        return Offer(name, title(name), empty.get(name, ""), (), name not in empty)

    mine = [name for group in GROUPS for name in group.commands if name in known and role in may_send(COMMANDS[name])]
    offers = {name: offer(name) for name in mine}
    groups = [(group.label, [offers[name] for name in group.commands if name in offers]) for group in GROUPS]
    first = [offers[name] for name in _first(role, shown, answers or {}) if name in offers]
    return Possible([each for each in first if each.is_possible], [(label, each) for label, each in groups if each])


def _first(role: str, shown: Shown, answers: Mapping[str, str]) -> Sequence[str]:
    """What comes first for a role in the state of the relationship."""
    match shown["state"]:
        case "contracting" if "rapport.MatchDeclined" in answers.values():
            return ("RespondToMatch", "ReviewRelationship", "TerminateRelationship")
        case "contracting":
            return [name for name in BEFORE if name != "RespondToMatch" or role not in answers]
        case "terminated":
            return AFTER
        case _:
            return COMMONEST.get(role, ())


def nothing_to_do(reader: Reader, shown: Shown, state: Relationship) -> Iterator[tuple[str, str]]:
    """The commands that the state lets pass and that have nothing to act on, each with what is missing."""
    yield from _about_sessions_and_goals(shown)
    yield from _about_agreements(reader.role, shown, state)
    yield from _about_reports(reader, shown, state)


def _about_sessions_and_goals(shown: Shown) -> Iterator[tuple[str, str]]:
    sessions = [session["status"] for session in shown.get("sessions", [])]
    if all(isinstance(status, str) for status in sessions):
        if "scheduled" not in sessions:
            for name in ("RescheduleSession", "CancelSession", "CompleteSession", "RecordNoShow", "RecordPresessionCheck"):  # fmt: skip
                yield name, N_("no session is scheduled")
        if "completed" not in sessions:
            for name in ("AssignHomework", "ReportHomework", "RecordSessionNote"):
                yield name, N_("no session took place yet")
    goals = shown.get("goals", [])
    if isinstance(goals, list) and not any(
        goal["status"] == "open" or isinstance(goal["status"], dict) for goal in goals
    ):
        for name in ("RecordGoalProgress", "ReviseGoal", "DropGoal"):
            yield name, N_("no goal is open")


def _about_agreements(role: str, shown: Shown, state: Relationship) -> Iterator[tuple[str, str]]:
    if shown["unmet_gates"]:
        yield "ActivateRelationship", N_("something else has to come first")
    if not any(claim["waits_for"] == role for claim in shown["claims"]):
        yield "ConfirmAgreement", N_("nothing waits for you to confirm it")
    agreed = shown.get("agreements", {})
    if not any(each["by"] == role for each in agreed.get("consents", ())):
        yield "WithdrawConsent", N_("you have given no consent")
    conflicts = agreed.get("conflicts", ())
    if all("nature" in each and (each["nature"] == "none" or each["mitigated"]) for each in conflicts):
        yield "AgreeConflictMitigation", N_("no conflict of interest waits for it")
    if role == "mentee" and not state.private_topics:
        yield "OpenTopic", N_("no topic is private")
    if state.terms == NO_SETTINGS:
        yield "WithdrawTerm", N_("no term is set for this relationship alone")


def _about_reports(reader: Reader, shown: Shown, state: Relationship) -> Iterator[tuple[str, str]]:
    role = reader.role
    if not shown["contested"]:
        yield "AnswerContest", N_("nothing is contested")
    if not any(each["status"] == "open" for each in shown["concerns"]):
        yield "ResolveConcern", N_("no concern is open")
    # The rules tell a party what they reported themselves, and nothing of others.
    if role in KNOWERS or role in PARTIES:
        actor = Actor(role, reader.id)
        for name, problems in (
            ("RestoreTrust", restoring_problems(state, actor)),
            ("ResolveDisrespect", resolving_problems(state, actor)),
            ("DismissRecommendation", dismissing_problems(state, actor, None)),
        ):
            if problem := next(problems, None):
                yield name, WHY_NOT.get(problem.code, problem.message)
    if role in KNOWERS and not state.erasure_requests:
        yield "ErasePersonalData", N_("nobody asked for an erasure")
