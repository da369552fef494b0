"""What happens between sessions: a pause, goals that change, trust that breaks, people who ask how it goes."""

from infra.simulate import phrases, rates
from infra.simulate.goals import change_goals
from infra.simulate.lots import DAY, HOUR
from infra.simulate.seldom import seldom
from infra.simulate.story import Aside, Data, Story, Telling, day_after

_ROOM = 6 * DAY


def interludes(story: Story) -> Telling:
    """Whatever comes up before the next session, where there is time for it."""
    if story.booked and story.booked[0][1] - story.now < _ROOM:
        return
    lots, turn = story.lots, 1 / story.planned
    if story.completed >= story.pause_after > 0:
        story.lose_count()
        story.pause_after = -1
        yield from _pause(story)
    elif lots.chance(rates.TRUST_BREAKDOWN * turn):
        yield from _trust_breaks(story)
    elif lots.chance(rates.DISRESPECT * turn):
        yield from _disrespect(story)
    elif lots.chance(rates.PROBLEM * turn):
        problem: Data = {"description": lots.pick(phrases.PROBLEMS)}
        yield story.say("ReportProblem", story.either(), problem, at=story.after(4, 40))
    elif lots.chance(rates.BREACH * turn):
        yield from _breach(story)
    elif lots.chance(rates.SIGNPOST * turn):
        to, reason = lots.pick(phrases.ELSEWHERE)
        command = "SignpostMentee" if lots.chance(0.75) else "ReferMentee"
        yield story.say(command, story.mentor_actor, {"to": to, "reason": reason}, at=story.after(2, 40))
    elif lots.chance(rates.CONFLICT_LATER * turn):
        yield from _conflict(story)
    elif lots.chance((rates.GOAL_REVISED + rates.GOAL_DROPPED) * turn):
        yield from change_goals(story)
    elif lots.chance(rates.SELDOM * turn):
        yield from seldom(story)


def nps_round(story: Story, occasion: str, room: int) -> list[Aside]:
    """Requests to all who are asked, and the answers of those who answer, spread over the room (seconds)."""
    lots = story.lots
    asked = {"mentee": story.mentee, "mentor": story.mentor_actor}
    if story.customer and lots.chance(0.5):
        asked["customer"] = story.customer
    asides: list[Aside] = []
    for role, actor in asked.items():
        asked_at = story.now + HOUR + int(lots.random() * 0.3 * room)
        asides.append((asked_at, "RequestNps", story.programme.coordinator, {"respondent": role, "occasion": occasion}))
        if not lots.chance(rates.NPS_ANSWERED[role]):
            continue
        score = lots.nps_score(disappointed=story.disappointed and (role != "mentor" or lots.chance(0.5)))
        answer: Data = {"occasion": occasion, "score": score}
        if lots.chance(0.25):
            answer["comment"] = lots.pick(phrases.COMMENTS)
        asides.append((asked_at + 60 + int(lots.random() * 0.6 * room), "RespondToNps", actor, answer))
    return asides


def _pause(story: Story) -> Telling:
    lots = story.lots
    days = lots.whole(14, 55) if lots.chance(0.92) else lots.whole(61, 75)
    reason, next_steps = lots.pick(phrases.PAUSES)
    story.now = story.after(3, 30)
    yield story.say(
        "PauseRelationship",
        story.either(0.6),
        {
            "reason": reason,
            "informed": ("mentee", "mentor"),
            "next_steps": next_steps,
            "review_on": day_after(story.now, min(days, 60)),
        },
    )
    story.booked.clear()
    story.homework = ""
    story.wait(days * 24, days * 24 + 30)
    yield story.say("ResumeRelationship", story.either(0.6), {"informed": ("mentee", "mentor")})


def _trust_breaks(story: Story) -> Telling:
    lots = story.lots
    story.lose_count()
    reporter = story.either(0.7)
    yield story.say(
        "ReportTrustBreakdown", reporter, {"description": lots.pick(phrases.BREAKDOWNS)}, at=story.after(4, 30)
    )
    if lots.chance(0.4):
        story.early_end, story.reason = story.completed, "trust_breakdown"
        return
    by = lots.pick((reporter, reporter, story.programme.coordinator))
    yield story.say("RestoreTrust", by, {"description": lots.pick(phrases.RESTORED)}, at=story.after(8, 48))


def _disrespect(story: Story) -> Telling:
    lots = story.lots
    story.lose_count()
    against, actor = ("mentor", story.mentee) if lots.chance(0.75) else ("mentee", story.mentor_actor)
    report: Data = {"against": against, "description": lots.pick(phrases.DISRESPECT)}
    yield story.say("ReportDisrespect", actor, report, at=story.after(2, 30))
    if lots.chance(0.5):
        story.early_end, story.reason = story.completed, "disrespect"
        return
    resolved: Data = {"resolution": lots.pick(phrases.RESOLUTIONS)}
    yield story.say("ResolveDisrespect", story.programme.coordinator, resolved, at=story.after(8, 48))


def _breach(story: Story) -> Telling:
    """Reported by anybody, about anybody."""
    lots = story.lots
    against, actor = lots.weigh(
        (
            (0.5, ("mentor", story.mentee)),
            (0.25, ("mentee", story.mentor_actor)),
            (0.25, ("mentor", story.programme.coordinator)),
        )
    )
    kind = lots.weigh(((0.7, "code"), (0.2, "policy"), (0.1, "law")))
    breach: Data = {"against": against, "kind": kind, "description": lots.pick(phrases.BREACHES)}
    yield story.say("ReportBreach", actor, breach, at=story.after(4, 40))


def _conflict(story: Story) -> Telling:
    declared: Data = {"nature": "financial", "description": "The mentor's firm bids for our work."}
    yield story.say("DeclareConflictOfInterest", story.mentor_actor, declared, at=story.after(2, 30))
    agreed: Data = {"mitigation": story.lots.pick(phrases.MITIGATIONS), "nature": "financial"}
    yield story.say("AgreeConflictMitigation", story.either(), agreed, at=story.after(4, 40))
