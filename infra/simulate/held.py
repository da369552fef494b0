"""A session that takes place: the check before it, who joined when, what it was about, what came of it."""

from infra.simulate import phrases, rates
from infra.simulate.goals import agree_goal
from infra.simulate.lots import DAY, MINUTE, moment
from infra.simulate.story import Data, Message, Story, Telling


def check(story: Story, session_id: str, start: int) -> Message:
    """The mentor's check of place and equipment, shortly before the start."""
    lots = story.lots
    at = max(story.now, start - lots.whole(6, 35) * MINUTE)
    data: Data = {item: lots.random() > 0.03 for item in ("connection", "microphone", "speakers", "camera")}
    data |= {
        "session_id": session_id,
        "checked_at": moment(at),
        "quiet": lots.chance(0.95),
        "background": lots.chance(0.93),
    }
    data["device"] = lots.weigh(((0.85, "computer"), (0.1, "tablet"), (0.05, "phone")))
    return story.say("RecordPresessionCheck", lots.pick((story.mentor_actor, "service:calls")), data, at=at)


def held(story: Story, session_id: str, start: int) -> Telling:
    """The session that was due at the start, and what follows from it within some days."""
    lots = story.lots
    joined = {role: start + _joins(story, role) * MINUTE for role in ("mentee", "mentor")}
    started_at = max(start, *joined.values())
    ended_at = started_at + (story.minutes + lots.whole(-6, 12)) * MINUTE
    data: Data = {
        "session_id": session_id,
        "started_at": moment(started_at),
        "ended_at": moment(ended_at),
        "present": ("mentee", "mentor"),
        "joined": {role: moment(at) for role, at in joined.items()},
        "agenda": _agenda(story),
    }
    if lots.chance(0.8):
        data["call_to_action"] = lots.pick(phrases.CALLS_TO_ACTION)
    if story.channel in {"platform", "virtual_meeting"}:
        data["camera_on"] = lots.chance(0.92)
    told_by = lots.pick(("service:calls", "service:calls", story.mentor_actor, story.mentee))
    yield story.say("CompleteSession", told_by, data, at=ended_at + lots.whole(0, 50) * MINUTE)
    story.completed += 1
    if story.completed * 2 >= story.planned:
        # From the middle on everybody is asked how it goes.
        story.lose_count()
    yield from _afterwards(story, session_id)


def _joins(story: Story, role: str) -> int:
    lots = story.lots
    if lots.chance(rates.JOINS_LATE):
        return lots.whole(6, 24)
    if role == "mentor" and story.has("mentor247"):
        return -lots.whole(4, 9)
    return lots.whole(-3, 4)


def _agenda(story: Story) -> list[Data]:
    """Mostly a goal; at times most of the session goes to something urgent or to nothing in particular."""
    lots = story.lots
    mostly_off = lots.chance(rates.OFF_GOAL) or not story.open_goals
    share = 0.55 + lots.random() * 0.4 if mostly_off else lots.random() * 0.4
    off = round(story.minutes * share / 5) * 5
    urgent = off > 10 and lots.chance(0.6)
    items: list[Data] = []
    if off:
        items.append(
            {
                "topic": lots.pick(phrases.URGENT if urgent else phrases.ASIDES),
                "minutes": off,
                "urgent_concern": urgent,
                "set_by": "mentee" if urgent or lots.chance(0.7) else "mentor",
            }
        )
    if story.open_goals and off < story.minutes:
        items.append(
            {
                "topic": lots.pick(phrases.AGENDA),
                "set_by": "mentee" if lots.chance(0.72) else "mentor",
                "goal_id": lots.pick(story.open_goals),
                "minutes": story.minutes - off,
                "urgent_concern": False,
            }
        )
    return items


def _afterwards(story: Story, session_id: str) -> Telling:
    lots = story.lots
    story.now += lots.whole(1, 20) * MINUTE
    yield from _progress(story, session_id)
    if story.completed < story.planned and lots.chance(rates.HOMEWORK_GIVEN):
        story.homework = f"h{session_id[1:]}"
        data: Data = {
            "homework_id": story.homework,
            "session_id": session_id,
            "description": lots.pick(phrases.HOMEWORK),
        }
        if lots.chance(0.5):
            data["due_at"] = moment(story.now + (story.every_days - 1) * DAY)
        yield story.say("AssignHomework", story.either(0.15), data, at=story.now + lots.whole(1, 30) * MINUTE)
    for role, actor in (("mentor", story.mentor_actor), ("mentee", story.mentee)):
        if not lots.chance(rates.NOTE[role]):
            continue
        note: Data = {"session_id": session_id, "text": lots.pick(phrases.NOTES)}
        if lots.chance(rates.SENSITIVE):
            note["sensitive"] = True
        yield story.say("RecordSessionNote", actor, note, at=story.after(0.2, 10))
    if not story.open_goals and lots.chance(0.8):
        yield agree_goal(story)


def _progress(story: Story, session_id: str) -> Telling:
    """What the session did for the goals, one after another; mostly only one is spoken of."""
    lots, share = story.lots, rates.FIRST_GOAL
    for goal_id in lots.sample(story.open_goals, len(story.open_goals)):
        if not lots.chance(share):
            return
        share = rates.SECOND_GOAL
        progress = lots.weigh(rates.PROGRESS)
        if progress == "none":
            story.strained("no_progress")
        if progress == "achieved":
            # It records two events.
            story.lose_count()
            story.open_goals.remove(goal_id)
        data: Data = {"goal_id": goal_id, "progress": progress}
        if lots.chance(0.85):
            data["session_id"] = session_id
        if lots.chance(0.3) and progress != "none":
            data["note"] = lots.pick(phrases.PROGRESS_NOTES)
        yield story.say("RecordGoalProgress", story.either(0.55), data)
