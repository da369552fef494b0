"""Facts told wrongly: the other party contests them, and the office puts them right or answers."""

from infra.simulate import phrases, rates
from infra.simulate.story import Data, Story, Telling


def contest(story: Story, told_by: str, version: int, reason: str, right: Data) -> Telling:
    """The fact of a version is contested by the other party; mostly it was wrong, and the coordinator corrects it."""
    if not version:
        return
    lots, coordinator = story.lots, story.programme.coordinator
    yield story.say("ContestFact", story.other(told_by), {"version": version, "reason": reason}, at=story.after(1, 40))
    contested = story.known_version
    if lots.chance(rates.CORRECTED) or not contested:
        corrected: Data = {"version": version, "reason": reason, "data": right}
        yield story.say("CorrectFact", coordinator, corrected, at=story.after(2, 60))
    else:
        answer: Data = {"version": contested, "answer": lots.pick(phrases.ANSWERS)}
        yield story.say("AnswerContest", coordinator, answer, at=story.after(2, 60))
