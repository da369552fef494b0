"""The sessions of an active relationship: booked, moved, missed or held, with what is said and done between them."""

from infra.simulate import phrases, rates
from infra.simulate.corrections import contest
from infra.simulate.goals import plan
from infra.simulate.held import check, held
from infra.simulate.interludes import interludes, nps_round
from infra.simulate.lots import DAY, HOUR, MINUTE, moment
from infra.simulate.story import Aside, Data, Story, Telling

_KEEP_APART = 4 * DAY


def sessions(story: Story) -> Telling:
    """Session after session until the plan is done or the pair's time together ends early."""
    while story.completed < story.planned and story.completed != story.early_end:
        yield from interludes(story)
        if story.early_end is not None and story.completed >= story.early_end:
            return
        if not story.booked:
            yield from book(story)
        yield from _cycle(story)
        if story.early_end is None and story.completed < story.planned and story.gives_up():
            story.early_end = story.completed
        if story.completed == story.planned and not story.extended and story.lots.chance(rates.EXTENDED):
            yield from _extend(story)


def _extend(story: Story) -> Telling:
    """The plan is done, and both want some more: they agree on more sessions."""
    story.extended = True
    story.planned += story.lots.whole(1, 3)
    yield story.say("AgreePlan", story.either(0.6), plan(story), at=story.after(2, 60))


def book(story: Story) -> Telling:
    """Put the next session, or all that are left, on the calendar."""
    lots = story.lots
    if story.sessions and lots.chance(rates.FORGETS_NEXT):
        story.wait(15 * 24, 24 * 24)
    elif not story.sessions:
        story.wait(1, 60)
    else:
        story.now += lots.whole(1, 90) * MINUTE
    left = story.planned - story.completed
    start = max(story.now + 2 * DAY, story.held_at + story.every_days * DAY)
    for number in range(left if story.books_ahead else 1):
        story.sessions += 1
        starts_at = lots.session_start(start + number * story.every_days * DAY)
        story.booked.append((f"s{story.sessions}", starts_at))
        data: Data = {
            "session_id": f"s{story.sessions}",
            "starts_at": moment(starts_at),
            "channel": story.session_channel(),
        }
        if lots.chance(0.4):
            data["minutes"] = story.minutes
        actor = lots.pick(
            (story.mentee, story.mentee, story.mentor_actor, "service:booking", story.programme.coordinator)
        )
        yield story.say("ScheduleSession", actor, data, at=story.now + lots.whole(0, 20))


def _cycle(story: Story) -> Telling:
    """What comes before one session, its moves, and the session: held, missed or cancelled."""
    lots = story.lots
    asides = _between(story, story.booked[0][1])
    again = 1.0
    while (asked_at := _move_asked(story, again)) is not None:
        yield from story.told(asides, asked_at)
        cancelled = lots.chance(rates.MOVE_IS_CANCELLATION)
        yield from _cancel(story, asked_at) if cancelled else _reschedule(story, asked_at)
        if cancelled:
            yield from story.told(asides, story.now + DAY)
            return
        again *= rates.MOVE_AGAIN
    session_id, start = story.booked.pop(0)
    yield from story.told(asides, start)
    story.held_at = start
    if lots.chance(min(rates.NO_SHOW * story.proneness, 0.5)):
        absent = lots.weigh(rates.ABSENT)
        told_by = story.mentor_actor if absent == ("mentee",) and lots.chance(0.6) else "service:calls"
        at = start + lots.whole(16, 120) * MINUTE
        missed: Data = {"session_id": session_id, "absent": absent}
        if lots.chance(rates.EXCUSED):
            missed["cause"] = "illness"
        else:
            story.strained("missed")
        yield story.say("RecordNoShow", told_by, missed, at=at)
        if told_by == story.mentor_actor and "cause" not in missed and lots.chance(rates.NO_SHOW_WRONG):
            ill: Data = {**missed, "cause": "illness"}
            yield from contest(story, told_by, story.known_version, "I was ill and had said so.", ill)
        return
    if lots.chance(0.93 if story.has("mentor247") else rates.CHECKED):
        yield check(story, session_id, start)
    yield from held(story, session_id, start)


def _between(story: Story, start: int) -> list[Aside]:
    """What is told between now and the start, in order: homework, contacts, NPS, goals agreed anew."""
    lots, room = story.lots, start - story.now - 3 * HOUR
    if room < 6 * HOUR:
        return []

    def some_time() -> int:
        return story.now + HOUR + int(lots.random() * room)

    asides: list[Aside] = []
    if story.homework and lots.chance(rates.HOMEWORK_REPORTED):
        hours = lots.homework_hours(story.diligence)
        done = hours > 0 and lots.chance(0.5 + 0.08 * min(hours, 6))
        report: Data = {"homework_id": story.homework, "hours": hours, "done": done}
        reported_at = some_time()
        asides.append((reported_at, "ReportHomework", story.mentee, report))
        if hours > 1 and lots.chance(rates.HOMEWORK_REPORTED_TWICE):
            so_far: Data = {"homework_id": story.homework, "hours": hours // 2, "done": False}
            asides.append(((story.now + reported_at) // 2, "ReportHomework", story.mentee, so_far))
    story.homework = ""
    for _ in range(lots.chance(rates.CONTACT) + lots.chance(rates.CONTACT)):
        contact: Data = {"channel": lots.pick(("email", "email", "telephone"))}
        asides.append((some_time(), "RecordContact", story.either(), contact))
    if story.completed == (story.planned + 1) // 2 and not story.asked_mid:
        story.asked_mid = True
        asides += nps_round(story, "mid", room)
    return sorted(asides, key=lambda aside: aside[0])


def _move_asked(story: Story, again: float) -> int | None:
    """When somebody asks to move or cancel the next session, if anybody does."""
    lots, start = story.lots, story.booked[0][1]
    if not lots.chance(min(rates.MOVE * story.proneness, 0.75) * again):
        return None
    late = lots.chance(rates.MOVE_LATE)
    hours_before = 0.3 + lots.random() * 23.2 if late else 25 + lots.random() * 95
    asked_at = start - int(hours_before * HOUR)
    return asked_at if asked_at > story.now + HOUR else None


def _asker(story: Story) -> tuple[str, Data]:
    cause = story.lots.weigh(phrases.CAUSES)
    reason: Data = {"reason": story.lots.pick(phrases.MOVED[cause])}
    if cause in {"illness", "supplier"} or story.lots.chance(0.7):
        reason["cause"] = cause
    if cause == "supplier":
        return story.programme.coordinator, reason
    return story.either(0.85 if story.movers < 0.62 else 0.2), reason


def _reschedule(story: Story, asked_at: int) -> Telling:
    session_id, start = story.booked[0]
    moved_to = story.lots.session_start(start + story.lots.whole(1, 8) * DAY)
    if len(story.booked) > 1 and moved_to > story.booked[1][1] - _KEEP_APART:
        return
    actor, reason = _asker(story)
    _strains(story, start - asked_at, reason)
    story.booked[0] = (session_id, moved_to)
    data = {"session_id": session_id, "starts_at": moment(moved_to), **reason}
    yield story.say("RescheduleSession", actor, data, at=asked_at)


def _cancel(story: Story, asked_at: int) -> Telling:
    session_id, start = story.booked.pop(0)
    actor, reason = _asker(story)
    _strains(story, start - asked_at, reason)
    story.held_at = start
    yield story.say("CancelSession", actor, {"session_id": session_id, **reason}, at=asked_at)


def _strains(story: Story, notice: int, reason: Data) -> None:
    """A late move strains the pair, unless nobody could help it; after it workers may have a word."""
    story.lose_count()
    if notice < DAY and reason.get("cause") not in {"illness", "supplier"}:
        story.strained("late_move")
