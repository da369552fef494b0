"""What both want and by when: the plan; goals, revised or dropped for another."""

from domain.words import GoalType
from infra.simulate import phrases, rates
from infra.simulate.story import Data, Message, Story, Telling, day_after


def agree_goal(story: Story, of_type: GoalType | None = None) -> Message:
    """A goal that both agree on, of that type or any."""
    lots = story.lots
    goal_type = lots.weigh(phrases.GOAL_TYPES) if of_type is None else of_type
    title, measure = lots.pick(phrases.GOALS[goal_type])
    goal_id = f"g{len(story.goals) + 1}"
    story.goals.append(goal_id)
    story.open_goals.append(goal_id)
    data: Data = {
        "goal_id": goal_id,
        "title": title,
        "type": goal_type,
        "agreed_by": ("mentee", "mentor"),
        "source": lots.weigh(((0.55, "mentee"), (0.35, "assessment"), (0.1, "urgent_concern"))),
    }
    if lots.chance(0.7):
        data["success_measure"] = measure
    return story.say("AgreeGoal", story.either(0.7), data)


def change_goals(story: Story) -> Telling:
    """An open goal gets another title, or gives way to another goal."""
    lots = story.lots
    if not story.open_goals:
        return
    goal_id = lots.pick(story.open_goals)
    if lots.chance(rates.GOAL_REVISED / (rates.GOAL_REVISED + rates.GOAL_DROPPED)):
        title = f"{lots.pick(phrases.GOALS['leadership'])[0]}, step by step"
        revised: Data = {"goal_id": goal_id, "title": title, "agreed_by": ("mentee", "mentor")}
        yield story.say("ReviseGoal", story.either(0.7), revised, at=story.after(2, 40))
        return
    story.open_goals.remove(goal_id)
    dropped: Data = {"goal_id": goal_id, "reason": "It belonged to the old job."}
    yield story.say("DropGoal", story.mentee, dropped, at=story.after(2, 40))
    story.wait(2, 20)
    yield agree_goal(story)


def plan(story: Story) -> Data:
    """The plan as it stands, from the days to come on."""
    return {
        "sessions": story.planned,
        "minutes": story.minutes,
        "every_days": story.every_days,
        "starts_on": day_after(story.now, 10),
        "ends_on": day_after(story.now, 30 + story.planned * story.every_days),
        "channel": story.channel,
    }
