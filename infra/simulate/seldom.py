"""What happens to few relationships: others take a part, terms are declined and accepted, something is confided, a case is opened.

The commands that are left out here are those of workers (they raise, recommend, resolve and escalate, and ask the practice
questions), and those that name a version which nobody can foretell while workers keep pace (erasing, dismissing what they
recommended).
"""

from collections.abc import Callable
from typing import Final

from infra.simulate import phrases
from infra.simulate.cast import name_of
from infra.simulate.contracting import enter
from infra.simulate.lots import day
from infra.simulate.story import Data, Story, Telling, day_after

_COURSE: Final = "Mentoring, the essentials"


def seldom(story: Story) -> Telling:
    """One of these, where the people for it are there."""
    happenings: list[Callable[[Story], Telling]] = [_declines_terms, _confides, _reviewed, _entry]
    happenings += [_another_party] if story.customer or story.line_manager else []
    happenings += [_assessment, _success] if story.has("pentalog") else []
    happenings += [_report, _report] if story.has("cmn") else []
    yield from story.lots.pick(happenings)(story)


def _another_party(story: Story) -> Telling:
    role = "customer" if story.customer else "line_manager"
    id_ = f"{story.world}{role[0]}{story.number}"
    yield enter(story, f"{role}:{id_}", name_of(story.number))
    yield story.say("ChangeParty", story.programme.coordinator, {"role": role, "id": id_}, at=story.after(4, 40))
    if role == "customer":
        story.customer = f"customer:{id_}"
    else:
        story.line_manager = f"line_manager:{id_}"


def _declines_terms(story: Story) -> Telling:
    """A new version is declined, talked about, and accepted before anything follows."""
    terms: Data = {"document": "privacy_policy", "version": "2024-02"}
    yield story.say("DeclineTerms", story.mentor_actor, terms, at=story.after(4, 30))
    yield story.say("AcceptTerms", story.mentor_actor, terms, at=story.after(12, 60))


def _confides(story: Story) -> Telling:
    data: Data = {
        "exception": "risk_of_harm",
        "recipient": story.programme.coordinator,
        "disclosed": story.lots.pick(phrases.CONFIDED),
        "urgency": story.lots.pick(("routine", "urgent")),
    }
    yield story.say("DiscloseConfidence", story.mentor_actor, data, at=story.after(1, 20))


def _reviewed(story: Story) -> Telling:
    problem: Data = {"description": story.lots.pick(phrases.PROBLEMS)}
    yield story.say("ReportProblem", story.either(), problem, at=story.after(4, 40))
    review: Data = {"note": "Spoken with both.", "look_again_on": day_after(story.now, 20)}
    yield story.say("ReviewRelationship", story.programme.coordinator, review, at=story.after(8, 60))


def _assessment(story: Story) -> Telling:
    result: Data = {
        "assessment_id": f"a{story.count}",
        "area": "Leadership",
        "score": story.lots.whole(1, 5),
        "scale": "1 to 5",
    }
    yield story.say("RecordAssessment", story.programme.coordinator, result, at=story.after(4, 40))


def _entry(story: Story) -> Telling:
    """The mentee has another telephone; some want nothing done with their data for a day, until a question is answered."""
    subject = f"person:{story.mentee.partition(':')[2]}"
    number: Data = {"telephone": f"+40 21 {story.lots.whole(1_000_000, 9_999_999)}"}
    yield story.say_of(subject, "CorrectPerson", story.mentee, number, at=story.after(4, 30))
    if story.lots.chance(0.3):
        why: Data = {"reason": "Who reads this?"}
        yield story.say_of(subject, "RestrictProcessing", story.mentee, why, at=story.after(1, 10))
        yield story.say_of(subject, "LiftRestriction", story.mentee, {}, at=story.after(1, 10))


def _success(story: Story) -> Telling:
    data: Data = {"text": story.lots.pick(phrases.COMMENTS)}
    yield story.say("GiveTestimonial", story.mentee, data, at=story.after(4, 40))
    yield story.say("RecordSuccessStory", f"supplier:supplier-{story.world}", data, at=story.after(8, 60))


def _report(story: Story) -> Telling:
    at = story.after(4, 40)
    period: Data = {"with_whom": "line_manager", "period_from": day_after(at, -31), "period_to": day_after(at, -2)}
    yield story.say("ShareReport", story.mentee, period, at=at)


def case(story: Story) -> Telling:
    """A letter to HR about the mentor, after the end: looked into, handed on, decided, closed."""
    subject, hr = f"case:{story.world}-{story.number}", f"hr:people-{story.world}"
    opened: Data = {
        "mentor_id": story.mentor.id,
        "relationship_id": story.subject,
        "kind": "code",
        "description": story.lots.pick(phrases.BREACHES),
    }
    yield story.say_of(subject, "OpenCase", hr, opened, at=story.after(4, 40))
    yield story.say_of(subject, "EscalateCase", hr, {"to": f"hr:head-{story.world}"}, at=story.after(4, 40))
    decided: Data = {
        "decision": story.lots.pick(("no_action", "further_training")),
        "reason": "Both were heard.",
    }
    yield story.say_of(subject, "DecideCase", hr, decided, at=story.after(8, 60))
    yield story.say_of(subject, "CloseCase", hr, {}, at=story.after(1, 40))
    if decided["decision"] == "further_training":
        course: Data = {"course": _COURSE, "completed_on": day(story.now)}
        at = story.after(30, 60)
        yield story.say_of(f"mentor:{story.mentor.id}", "RecordTraining", story.programme.coordinator, course, at=at)
