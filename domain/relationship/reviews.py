"""What a review of the office is about, and which matters wait for one (ReviewRelationship).

A review that names events closes the tasks whose evidence it names, and no others; one that names none closes all that a
review closes. The tasks are kept by workers; what waits is read from the history here, for a sender who named no event
that there is.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from domain.codes.questions import CONCERNING, is_bad
from domain.ids import same_person
from domain.model import Actor, AnyRecorded, Context
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.settling import is_against, settles_for_all
from domain.relationship.state import Relationship
from domain.words import OFFICE

PROBLEM: Final = "a problem"
REFERRAL: Final = "a referral to HR"


def is_about(review: e.RelationshipReviewed, evidence: Iterable[int]) -> bool:
    """Whether a review is about a matter with this evidence."""
    return not review.about or not set(review.about).isdisjoint(evidence)


def review_problems(state: Relationship, command: c.ReviewRelationship, context: Context) -> Iterator[Problem]:
    """A review is about events that there are, and about what others did; otherwise the problem names what waits for one."""
    if not settles_for_all(state, context.actor):
        message = "you are mentee or mentor of this relationship: leave its review to somebody else in the office"
        yield Problem("own_matter", message, field="actor")
        return
    for i, version in enumerate(command.about or ()):
        field = f"data.about.{i}"
        if version > state.version:
            waiting = waiting_for_review(state, context.history())
            named = ", ".join(f"{each} ({matter})" for each, matter in waiting.items()) or "none"
            yield Problem("evidence", f"there is no event {version}; for a review wait: {named}", field=field)
        yield from _own_problems(state, context.actor, version, field)


def _own_problems(state: Relationship, actor: Actor, version: int, field: str) -> Iterator[Problem]:
    """Nobody reviews a report against them, or their own disclosure."""
    report, disclosed_by = state.reports.get(version), state.disclosures.get(version)
    if report is not None and report.against is not None and is_against(state, actor, report.against):
        message = "this report is against you: leave its review to somebody whom it is not about"
        yield Problem("own_matter", message, field=field)
    if disclosed_by is not None and same_person(disclosed_by, actor):
        message = "you made this disclosure: leave its review to somebody else in the office"
        yield Problem("own_matter", message, "care.disclosure", field)


def waiting_for_review(state: Relationship, history: Iterable[AnyRecorded]) -> dict[int, str]:
    """The events about which the office has not looked at the relationship, each with what it is.

    None of these facts is of a kind that can be corrected, so the history is read as it was recorded.
    """
    waiting: dict[int, str] = {}
    for recorded in history:
        event, version = recorded.data, recorded.version
        match event:
            case e.ProblemReported():
                waiting[version] = PROBLEM
            case e.ConfidenceDisclosed() if any(finding.clause for finding in recorded.findings or ()):
                waiting[version] = "a disclosure"
            case e.FeedbackGiven() if any(is_bad(event.answers[it]) for it in CONCERNING if it in event.answers):
                waiting[version] = "a bad answer"
            case e.MenteeReferred():
                waiting = _without(waiting, PROBLEM)
                if "cmn" in state.codes:
                    waiting[version] = REFERRAL
            case e.RelationshipPaused() | e.RelationshipTerminated():
                waiting = _without(waiting, PROBLEM)
            case e.RelationshipReviewed():
                kept = {PROBLEM: recorded.role in OFFICE, REFERRAL: recorded.role == "hr"}
                waiting = {
                    each: matter
                    for each, matter in waiting.items()
                    if not (kept.get(matter, True) and is_about(event, (each,)))
                }
            case _:
                pass
    return waiting


def _without(waiting: dict[int, str], matter: str) -> dict[int, str]:
    return {version: each for version, each in waiting.items() if each != matter}
