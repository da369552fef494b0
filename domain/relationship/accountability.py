"""Whom a concern or a recommendation is about: the party who answers for the events that are its evidence.

Nobody settles a matter about themselves, so the record has to know whose matter it is. A move or a cancellation is its
asker's, an absence the absent's, a late start the late's; what an illness or the supplier brought about is nobody's, and
so is what a pause or the end cancelled. A report is about the role it is against; one of lost trust about the other party.
"""

from datetime import timedelta
from typing import Final

from domain.model import AnyRecorded, Event
from domain.relationship import events as e
from domain.relationship.state import Relationship, Report
from domain.words import EXCUSING, PARTIES, Party, Role

ANSWERED_FOR: Final = frozenset({e.SessionRescheduled, e.SessionCancelled, e.SessionMissed, e.SessionCompleted})
# Clauses that bind one party whatever the evidence is.
_OF_CLAUSE: Final[dict[str, Party]] = {
    "pentalog.off-goal": "mentee",
    "pentalog.no-progress": "mentee",
    "pentalog.hard-to-find-goal": "mentee",
    "pentalog.homework": "mentee",
    "mentor247.punctuality": "mentor",
}


def answering(state: Relationship, event: Event, recorded: AnyRecorded) -> tuple[Party, ...]:
    """The parties who answer for an event, in the state after it."""
    match event:
        case e.SessionRescheduled() | e.SessionCancelled():
            who = asker(event, recorded.role)
            return () if who is None or event.cause in EXCUSING else _parties(who)
        case e.SessionMissed():
            return () if event.cause in EXCUSING else _parties(*event.absent)
        case e.SessionCompleted():
            if (session := state.sessions.get(event.session_id)) is None:
                return ()
            on_time = session.starts_at + timedelta(minutes=state.term("punctuality_minutes"))
            return _parties(*(role for role, joined in event.joined.items() if joined > on_time))
        case _:
            return ()


def asker(event: e.SessionRescheduled | e.SessionCancelled, role: str) -> Role | None:
    """Whose wish a move or a cancellation was that somebody in this role told: that of the role it names, else a party's own.

    A party's own names somebody else only where the office corrected it. It is nobody's where a pause or the end cancelled the
    session.
    """
    if isinstance(event, e.SessionCancelled) and (event.by_pause or event.by_end):
        return None
    return event.on_behalf_of or next((party for party in PARTIES if party == role), None)


def concerned(event: Event, recorded: AnyRecorded) -> tuple[Role, ...]:
    """Whom a fact is about, excused or not: they settle no contest of it, in whatever role they act."""
    match event:
        case e.SessionRescheduled() | e.SessionCancelled():
            who = asker(event, recorded.role)
            return _parties(who) if who is not None else ()
        case e.SessionMissed():
            return _parties(*event.absent)
        case e.SessionCompleted():
            return _parties(*event.present)
        case e.HomeworkReported() | e.GoalProgressRecorded() | e.GoalAchieved() | e.AssessmentRecorded():
            return ("mentee",)
        case e.PresessionCheckRecorded() | e.MentorTrainingConfirmed():
            return ("mentor",)
        case e.ConflictOfInterestDeclared():
            return PARTIES
        case e.DisrespectReported() | e.BreachReported():
            return (event.against,)
        case e.TrustBreakdownReported():
            return tuple(party for party in PARTIES if party != recorded.role)
        case e.CommitmentConcernRaised() | e.ShutdownRecommended():
            return event.about
        case _:
            return ()


def about(state: Relationship, clause: str, evidence: tuple[int, ...]) -> tuple[Role, ...]:
    """Whom a matter under this clause with this evidence is about; nobody where it is about the relationship as such."""
    if party := _OF_CLAUSE.get(clause):
        return (party,)
    found: dict[Role, None] = {}
    for version in evidence:
        found.update(dict.fromkeys(state.answers_for.get(version, ())))
        if report := state.reports.get(version):
            found.update(dict.fromkeys(_accused(report)))
    return tuple(found)


def _accused(report: Report) -> tuple[Role, ...]:
    if report.against is not None:
        return (report.against,)
    reporter = report.by.partition(":")[0]
    return tuple(party for party in PARTIES if party != reporter) if report.kind == "trust" else ()


def _parties(*roles: str) -> tuple[Party, ...]:
    return tuple(party for party in PARTIES if party in roles)
