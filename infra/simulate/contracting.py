"""From proposal to activation: every gate of the adopted codes is met on the way, in an order that differs."""

from typing import Final

from domain.words import CodeId
from infra.simulate import phrases, rates
from infra.simulate.cast import name_of
from infra.simulate.corrections import contest
from infra.simulate.goals import agree_goal, plan
from infra.simulate.lots import DAY, HOUR, MINUTE, day, moment
from infra.simulate.story import Data, Message, Story, Telling, day_after

# What the contracting conversations must cover, by code.
TOPICS: Final[dict[CodeId, tuple[str, ...]]] = {
    "pentalog": ("process", "expectations"),
    "mentor247": ("confidentiality", "process", "invitation_to_share", "realistic_results", "questions_and_feedback"),
    "cmn": ("expectations", "boundaries", "what_mentoring_is_not", "termination"),
    "leapfrog": ("mentor_role", "complaints_procedure"),
    "nottingham": ("ways_of_working", "expectations"),
}
TERMS_VERSION: Final = "2023-09"


def contracting(story: Story) -> Telling:
    """The messages from the entries of those who are new, to the proposal and the activation."""
    yield from _register_mentor(story)
    yield from _enter_people(story)
    yield from _propose(story)
    yield from _answer_match(story)
    yield from _accept_terms(story)
    if story.early_end == -1 and story.lots.chance(0.5):
        return
    steps = [_converse, _agree_goals, _plan]
    steps += [_trust] if story.has("pentalog") else []
    steps += [_train] if story.has("nottingham") else []
    steps += [_conflicts] if story.has("cmn") or story.lots.chance(0.15) else []
    steps += [_confidentiality, _reporting] if story.has("cmn") else []
    steps += [_privacy] if story.has("leapfrog") and story.lots.chance(0.2) else []
    story.lots.shuffle(steps)
    for step in steps:
        story.wait(1, 60)
        yield from step(story)
    if story.early_end == -1:
        return
    if story.lots.chance(rates.POSTPONED):
        yield from _postpone(story)
    story.wait(1, 48)
    lots, coordinator = story.lots, story.programme.coordinator
    yield story.say("ActivateRelationship", lots.pick((coordinator, coordinator, story.mentor_actor)), {})
    if story.has("nottingham"):
        yield from _contact_details(story)
    if lots.chance(rates.CONSENT):
        yield from _consent(story)


def _register_mentor(story: Story) -> Telling:
    mentor, coordinator = story.mentor, story.programme.coordinator
    story.wait(0, 4)
    if mentor.registered:
        return
    mentor.registered = True
    subject = f"mentor:{mentor.id}"
    yield enter(story, f"mentor:{mentor.id}", mentor.name)
    entry: Data = {"name": mentor.name, "programme_id": story.programme.id}
    yield story.say_of(subject, "RegisterMentor", coordinator, entry)
    course: Data = {"course": "Mentoring, the essentials", "completed_on": day(story.now - 20 * DAY)}
    if story.lots.chance(0.3):
        course["due_on"] = day_after(story.now, 400)
    yield story.say_of(subject, "RecordTraining", coordinator, course, at=story.after(0.1, 3))


def _enter_people(story: Story) -> Telling:
    """How the people are called who have no entry yet. Who follows a mentor has one from then."""
    if not story.follows:
        yield enter(story, story.mentee, story.name)
    for actor in (story.customer, story.line_manager):
        if actor and actor not in story.shared.entered:
            story.shared.entered.add(actor)
            yield enter(story, actor, name_of(len(story.shared.entered)))


def enter(story: Story, actor: str, name: str) -> Message:
    """The entry of a person, made by the coordinator."""
    id_ = actor.partition(":")[2]
    entry: Data = {"display_name": name, "email": f"{id_}@mail.example", "timezone": story.programme.timezone}
    return story.say_of(f"person:{id_}", "RegisterPerson", story.programme.coordinator, entry)


def _propose(story: Story) -> Telling:
    story.wait(0.2, 30)
    data: Data = {
        "programme_id": story.programme.id,
        "mentee_id": story.mentee.partition(":")[2],
        "mentor_id": story.mentor.id,
    }
    if story.follows:
        data["follows"] = story.follows
    if len(story.codes) == 1 or story.lots.chance(0.5):
        data["codes"] = story.codes
    if story.customer:
        data["customer_id"] = story.customer.partition(":")[2]
        data["supplier_id"] = f"supplier-{story.world}"
    if story.line_manager:
        data["line_manager_id"] = story.line_manager.partition(":")[2]
    yield story.say("ProposeRelationship", story.lots.pick((story.programme.coordinator, "service:matching")), data)


def _answer_match(story: Story) -> Telling:
    """Some say that they want the match; one that comes to nothing may have been declined."""
    lots = story.lots
    if story.early_end == -1 and lots.chance(rates.MATCH_DECLINED):
        declined: Data = {"accept": False, "reason": lots.pick(phrases.DECLINED)}
        yield story.say("RespondToMatch", story.either(), declined, at=story.after(1, 60))
    elif lots.chance(rates.ANSWERS_MATCH):
        for actor in (story.mentor_actor, story.mentee):
            yield story.say("RespondToMatch", actor, {"accept": True}, at=story.after(0.5, 40))


def _postpone(story: Story) -> Telling:
    """The start is put off: both know, and what comes next is clear."""
    story.wait(1, 30)
    data: Data = {
        "start_on": day_after(story.now, 30),
        "reason": story.lots.pick(phrases.PAUSES)[0],
        "informed": ("mentee", "mentor"),
        "next_steps": "Both write in the week before.",
    }
    yield story.say("PostponeRelationship", story.either(), data)
    story.wait(20 * 24, 30 * 24)


def _confirm(story: Story, actor: str) -> Telling:
    """What one says that both agreed, the other confirms, often enough."""
    version = story.known_version
    if version and story.lots.chance(rates.CONFIRMED):
        yield story.say("ConfirmAgreement", story.other(actor), {"version": version}, at=story.after(1, 70))


def _accept_terms(story: Story) -> Telling:
    wanted: list[tuple[str, str]] = []
    if story.customer:
        wanted += [(story.customer, "master_agreement"), (story.customer, "statement_of_work")]
    if story.has("mentor247"):
        wanted += [(story.mentor_actor, "terms_of_use"), (story.mentor_actor, "privacy_policy")]
    wanted += [(story.mentor_actor, "code_of_conduct"), (story.mentee, "code_of_conduct")]
    wanted += [(story.mentee, "terms_and_conditions"), (story.mentee, "privacy_policy")]
    for actor, document in wanted:
        story.wait(0.1, 20)
        yield story.say("AcceptTerms", actor, {"document": document, "version": TERMS_VERSION})


def _converse(story: Story) -> Telling:
    """One conversation or two; or a first session, held while contracting, and the conversation in it."""
    lots = story.lots
    covered = sorted({topic for code in story.codes for topic in TOPICS[code]})
    if lots.chance(0.15):
        covered = sorted({*covered, "confidentiality", "mentor_role", "boundaries"})
    parts = [covered]
    if len(covered) > 2 and lots.chance(0.3):
        parts = [covered[::2], covered[1::2]]
    if lots.chance(0.35):
        yield from _contracting_session(story)
    for part in parts:
        held_at, actor = story.now, story.either(0.3)
        at = story.after(0.8, 5)
        talk: Data = {"held_at": moment(held_at), "covered": part}
        yield story.say("RecordContractingConversation", actor, talk, at=at)
        if lots.chance(rates.CONTESTED):
            right: Data = {**talk, "held_at": moment(held_at - DAY)}
            yield from contest(story, actor, story.known_version, "It was the day before.", right)
        else:
            yield from _confirm(story, actor)


def _contracting_session(story: Story) -> Telling:
    start = story.lots.session_start(story.now + 3 * DAY)
    session: Data = {"session_id": "s0", "starts_at": moment(start), "channel": story.channel, "minutes": 45}
    yield story.say("ScheduleSession", story.either(0.4), session)
    end = start + 45 * MINUTE
    yield story.say(
        "CompleteSession",
        story.mentor_actor,
        {
            "session_id": "s0",
            "started_at": moment(start),
            "ended_at": moment(end),
            "present": ("mentee", "mentor"),
            "joined": {"mentee": moment(start), "mentor": moment(start - 6 * MINUTE)},
            "agenda": (
                {"topic": "How we want to work together", "set_by": "mentor", "minutes": 45, "urgent_concern": False},
            ),
            "call_to_action": "Write down what you would like to be different in six months.",
            "camera_on": True,
        },
        at=end + story.lots.whole(2, 40) * MINUTE,
    )


def _agree_goals(story: Story) -> Telling:
    for number in range(story.lots.whole(1, 3)):
        yield agree_goal(story, "career" if number == 0 and story.has("nottingham") else None)
        story.wait(0.1, 6)


def _plan(story: Story) -> Telling:
    actor = story.either(0.6)
    yield story.say("AgreePlan", actor, plan(story))
    yield from _confirm(story, actor)


def _trust(story: Story) -> Telling:
    first, second = (story.mentee, story.mentor_actor) if story.lots.chance(0.5) else (story.mentor_actor, story.mentee)
    if story.lots.chance(0.06):
        yield story.say("StateTrustReadiness", first, {"ready": False})
        story.wait(20, 90)
    yield story.say("StateTrustReadiness", first, {"ready": True})
    yield story.say("StateTrustReadiness", second, {"ready": True}, at=story.after(0.2, 30))


def _train(story: Story) -> Telling:
    yield story.say(
        "ConfirmMentorTraining",
        story.lots.pick((story.programme.coordinator, "service:learning")),
        {
            "course": "Mentoring, the essentials",
            "completed_on": day(story.now - 10 * DAY),
        },
    )


def _conflicts(story: Story) -> Telling:
    if not story.lots.chance(rates.CONFLICT):
        yield story.say("DeclareConflictOfInterest", story.mentor_actor, {"nature": "none"})
        return
    nature = story.lots.pick(("stakeholder", "financial", "other"))
    data: Data = {"nature": nature, "description": "We both report to people who sit on one board."}
    if nature == "stakeholder":
        data["stakeholder"] = "The head of operations"
    yield story.say("DeclareConflictOfInterest", story.mentor_actor, data)
    mitigation: Data = {"mitigation": story.lots.pick(phrases.MITIGATIONS)}
    if story.lots.chance(0.4):
        mitigation["nature"] = nature
    yield story.say("AgreeConflictMitigation", story.either(0.6), mitigation, at=story.after(1, 40))


def _confidentiality(story: Story) -> Telling:
    shared = {"data_class": "attendance", "audience": "line_manager", "how": "a line by e-mail", "when": "each quarter"}
    yield story.say(
        "AgreeConfidentiality",
        story.either(0.4),
        {
            "shared": (shared,),
            "not_shared": ("session_content", "challenges"),
        },
    )


def _reporting(story: Story) -> Telling:
    """Mentee and line manager agree on it, each in their own name: one says what, the other confirms it."""
    data: Data = {"with_whom": "line_manager", "outputs": ("attendance", "goal_outcomes"), "every_days": 90}
    first, second = story.mentee, story.line_manager
    if story.lots.chance(0.5):
        first, second = second, first
    yield story.say("AgreeReporting", first, data)
    yield story.say("ConfirmAgreement", second, {"version": story.version}, at=story.after(0.2, 40))


def _privacy(story: Story) -> Telling:
    topic: Data = {"topic": story.lots.pick(phrases.PRIVATE)}
    yield story.say("MarkTopicPrivate", story.mentee, topic)
    if story.lots.chance(0.25):
        yield story.say("OpenTopic", story.mentee, topic, at=story.after(8, 72))


def _contact_details(story: Story) -> Telling:
    for actor, audience in ((story.mentor_actor, "mentee"), (story.mentee, "mentor")):
        if not story.lots.chance(0.75):
            continue
        yield story.say(
            "GrantConsent",
            actor,
            {
                "data_class": "contact_details",
                "audience": audience,
                "how": "through the scheme's portal",
            },
            at=story.after(0.1, 5),
        )
        local = actor.partition(":")[2]
        yield story.say("ShareContactDetails", actor, {"email": f"{local}@mail.example"}, at=story.now + 3 * MINUTE)


def _consent(story: Story) -> Telling:
    consent: Data = {"data_class": story.lots.pick(("goals", "challenges", "feedback")), "audience": "coordinator"}
    granted = dict(consent)
    if story.lots.chance(0.3):
        granted["until"] = day_after(story.now, 180)
    yield story.say("GrantConsent", story.mentee, granted, at=story.now + story.lots.whole(5, 90) * MINUTE)
    if story.lots.chance(rates.CONSENT_WITHDRAWN / rates.CONSENT):
        yield story.say("WithdrawConsent", story.mentee, consent, at=story.now + 20 * HOUR)
