"""How relationships end, as planned or before, and what is still said and done afterwards."""

from typing import Final

from domain.codes.questions import questions_of
from infra.simulate import phrases, rates
from infra.simulate.interludes import nps_round
from infra.simulate.lots import DAY
from infra.simulate.seldom import case
from infra.simulate.story import Data, Story, Telling, day_after

# After these the mentee may get another mentor.
_LEAVES_A_MENTEE: Final = frozenset({"mentor_withdrawal", "referred", "trust_breakdown", "disrespect"})


def ending(story: Story) -> Telling:
    """Termination, end review, NPS, feedback, records secured; now and then the mentor learns something more."""
    lots = story.lots
    if story.early_end is not None:
        story.disappointed = lots.chance(0.5)
    story.booked.clear()
    low, high = rates.DAYS_TO_END if story.early_end is None else rates.DAYS_TO_EARLY_END
    story.wait(24 * low, 24 * high)
    reason = _reason(story)
    yield story.say(
        "TerminateRelationship",
        _ended_by(story),
        {"reason": reason, "informed": ("mentee", "mentor"), "next_steps": lots.pick(phrases.NEXT_STEPS)},
    )
    if reason in _LEAVES_A_MENTEE and lots.chance(rates.REMATCHED):
        story.waits_for_another()
    if lots.chance(rates.REVIEWED) and story.early_end != -1:
        outcomes = [{"goal_id": goal_id, "outcome": lots.pick(phrases.OUTCOMES)} for goal_id in story.goals]
        review: Data = {"objectives": outcomes, "signposting": (lots.pick(phrases.SIGNPOSTS),)}
        actor = lots.pick((story.mentor_actor, story.mentee, story.programme.coordinator))
        yield story.say("RecordEndReview", actor, review, at=story.after(2, 120))
    if lots.chance(0.85) and story.early_end != -1:
        asides = sorted(nps_round(story, "end", 8 * DAY), key=lambda aside: aside[0])
        yield from story.told(asides, story.now + 30 * DAY)
    yield from _feedback(story)
    if lots.chance(rates.SECURED):
        secured: Data = {"retained_until": day_after(story.now, 2190)}
        yield story.say("SecureRecords", story.programme.coordinator, secured, at=story.after(24, 9 * 24))
    if lots.chance(rates.CASE):
        yield from case(story)
    if lots.chance(rates.ERASURE_REQUESTED):
        asked: Data = {"person": story.mentee.partition(":")[2], "basis": "no_longer_needed"}
        yield story.say("RequestErasure", story.mentee, asked, at=story.after(24, 20 * 24))
    if lots.chance(0.15):
        learnt: Data = {"what": "A day with other mentors", "completed_on": day_after(story.now, -3)}
        yield story.say_of(
            f"mentor:{story.mentor.id}", "RecordDevelopment", story.mentor_actor, learnt, at=story.after(5, 90)
        )


def _reason(story: Story) -> str:
    lots = story.lots
    if story.reason:
        return story.reason
    if story.early_end == -1:
        return lots.pick(("never_started", "never_started", "mentee_choice", "mentor_withdrawal"))
    if story.early_end is not None:
        return lots.weigh(
            (
                (0.4, "mentee_choice"),
                (0.22, "mentor_withdrawal"),
                (0.22, "no_longer_helping"),
                (0.1, "referred"),
                (0.06, "supplier_decision"),
            )
        )
    if not story.open_goals:
        return "goals_met"
    return lots.weigh(((0.7, "plan_completed"), (0.18, "goals_met"), (0.12, "help_received")))


def _ended_by(story: Story) -> str:
    lots = story.lots
    if story.early_end is None:
        return lots.pick((story.mentee, story.mentor_actor, story.programme.coordinator))
    if story.customer and lots.chance(0.1):
        return story.customer
    return story.either(0.65)


def _feedback(story: Story) -> Telling:
    lots = story.lots
    questions = questions_of(story.codes)
    low = 1 if story.disappointed else 3
    for role, about, actor in (("mentee", "mentor", story.mentee), ("mentor", "process", story.mentor_actor)):
        if story.early_end == -1 or not lots.chance(rates.FEEDBACK[role]):
            continue
        answers: Data = {question: lots.whole(low, 5) for question in questions}
        answers["would_do_it_again"] = lots.chance(0.4 if story.disappointed else 0.93)
        feedback: Data = {"about": about, "answers": answers}
        if lots.chance(0.4):
            feedback["text"] = lots.pick(phrases.COMMENTS)
        yield story.say("GiveFeedback", actor, feedback, at=story.after(2, 90))
