"""The guards: clauses that refuse the command they name. Each takes an attempt and yields its problems.

The statechart (`lifecycle`) hangs them on its transitions, beside the gates of activation.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from domain.codes.clauses import cite
from domain.codes.implements import implements
from domain.model import Command, Context
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship.fields import AgendaItem
from domain.relationship.gates import unmet
from domain.relationship.privacy import PrivateTopics, normal
from domain.relationship.state import Relationship
from domain.words import OTHER_PARTY, Audience, DataClass

REMOTE_CHANNELS: Final = frozenset({"platform", "virtual_meeting", "email", "telephone"})


class Attempt(NamedTuple):
    """A command put to a relationship, with the circumstances."""

    state: Relationship
    command: Command
    context: Context


def first_clause(codes: Collection[str], *ids: str) -> str | None:
    """The first of the clauses whose code is adopted, for a problem that no code has to back."""
    return next(iter(cite(codes, *ids)), None)


def gates_met(attempt: Attempt) -> Iterator[Problem]:
    """Every gate of the adopted codes, and a mentor in good standing."""
    yield from unmet(attempt.state, attempt.context.today, attempt.context.known)
    standing = attempt.context.known.mentor_standing
    if standing != "good":
        clause = first_clause(attempt.state.codes, "mentor247.terms", "cmn.breaches", "care.standing")
        yield Problem("mentor_standing", f"the mentor is {standing}", clause)


@implements("cmn.pause-or-stop", "leapfrog.finish", "nottingham.end", "nottingham.withdrawal")
def informed_with_next_steps(attempt: Attempt) -> Iterator[Problem]:
    """Pausing or stopping requires that both parties are informed and that the next steps are recorded; any reason will do.

    Leaving is never refused for its reason (leapfrog.finish, nottingham.end), and a mentor may withdraw for a while or
    for good (nottingham.withdrawal).
    """
    command = attempt.command
    assert isinstance(command, c.PostponeRelationship | c.PauseRelationship | c.TerminateRelationship)
    missing = [party for party in OTHER_PARTY if party not in command.informed]
    if missing:
        message = f"{' and '.join(missing)} must be informed first"
        yield Problem("not_informed", message, "cmn.pause-or-stop", "data.informed")
    if not command.next_steps.strip():
        yield Problem("no_next_steps", "the next steps must be recorded", "cmn.pause-or-stop", "data.next_steps")


@implements("cmn.pause-or-stop")
def took_place_before(attempt: Attempt) -> Iterator[Problem]:
    """While paused or ended nothing new is planned; what took place before may still be told, by the time of the message."""
    state, command, context = attempt
    stopped_at = state.paused_at if state.status == "paused" else state.ended_at
    if stopped_at is None or context.occurred_at >= stopped_at:
        message = (
            f"{type(command).__name__} is not possible while the relationship is {state.status}; "
            "what took place before may be told with the time at which it happened"
        )
        yield Problem("state", message)


@implements("nottingham.remote")
def remote_channel(attempt: Attempt) -> Iterator[Problem]:
    """Under nottingham, sessions use e-mail, telephone or a virtual meeting (the platform is one)."""
    command = attempt.command
    assert isinstance(command, c.ScheduleSession | c.AgreePlan)
    if "nottingham" in attempt.state.codes and command.channel not in REMOTE_CHANNELS:
        message = f"sessions use e-mail, telephone or a virtual meeting, not {command.channel}"
        yield Problem("channel", message, "nottingham.remote", "data.channel")


@implements("pentalog.reschedule-with-ease")
def before_the_start(attempt: Attempt) -> Iterator[Problem]:
    """A move asked for before the start is never refused, however late; after the start there is nothing to move."""
    command = attempt.command
    assert isinstance(command, c.RescheduleSession)
    session = attempt.state.sessions.get(command.session_id)
    if session and session.status == "scheduled" and attempt.context.occurred_at >= session.starts_at:
        clause = first_clause(attempt.state.codes, "pentalog.reschedule-with-ease")
        yield Problem("session_started", f"session {session.session_id} has started already", clause, "data.session_id")


@implements("leapfrog.privacy")
def topics_left_private(attempt: Attempt) -> Iterator[Problem]:
    """What the mentee keeps private is refused as a goal or as homework from anybody else until the mentee opens it."""
    state, command, context = attempt
    if context.actor.role == "mentee":
        return
    assert isinstance(command, c.AgreeGoal | c.ReviseGoal | c.AssignHomework)
    texts = (
        {"data.description": command.description}
        if isinstance(command, c.AssignHomework)
        else {"data.title": command.title, "data.success_measure": command.success_measure}
    )
    touched = private_texts(state, [text or "" for text in texts.values()])
    for field, is_touched in zip(texts, touched, strict=True):
        if is_touched:
            message = "this touches a topic that the mentee keeps private: leave it out until the mentee opens it"
            yield Problem("private_topic", message, "leapfrog.privacy", field)


def private_texts(state: Relationship, texts: Sequence[str]) -> list[bool]:
    """Of each text, whether it touches a topic that the mentee keeps private; none does without leapfrog."""
    if "leapfrog" not in state.codes or not state.private_topics:
        return [False] * len(texts)
    private = PrivateTopics.of(state.private_topics)
    return [private.touched_by(normal(text)) for text in texts]


def raises_private_topic(state: Relationship, agenda: Iterable[AgendaItem]) -> bool:
    """Whether somebody else than the mentee set an item of a session that touches a private topic."""
    return any(private_texts(state, [item.topic for item in agenda if item.set_by != "mentee"]))


@implements("nottingham.contact-details")
def contact_details_by_consent(attempt: Attempt) -> Iterator[Problem]:
    """Contact details go to the other party only with their owner's consent (the parties are matched by the proposal)."""
    state, _, context = attempt
    if "nottingham" not in state.codes or context.actor.role not in OTHER_PARTY:
        return
    audiences: tuple[Audience, ...] = (OTHER_PARTY[context.actor.role], "parties_present")
    if not any(has_consent(state, context, "contact_details", audience) for audience in audiences):
        message = f"{context.actor.role} has not consented to the other party having their contact details"
        yield Problem("no_consent", message, "nottingham.contact-details")


def has_consent(state: Relationship, context: Context, data_class: DataClass, audience: Audience) -> bool:
    """Whether the actor's consent for a data class and audience is in force at the time of the act."""
    consent = state.consents.get((context.actor.role, data_class, audience))
    return consent is not None and (consent.until is None or context.today <= consent.until)
