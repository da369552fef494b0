"""Trouble in a relationship: lost trust, disrespect, breaches, disclosures, referrals, concerns, recommendations to end."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import assert_never

from domain.codes.clauses import cite, not_in_force, same_matter
from domain.model import Actor, AnyRecorded, Context, Finding
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.accountability import about
from domain.relationship.disclosures import disclosure_findings, permitting
from domain.relationship.settling import (
    REPORT_CLAUSES,
    dismissing_problems,
    kinds_of,
    nothing_open,
    open_recommendations,
    resolving_concern_problems,
    resolving_problems,
    restoring_problems,
    settled_trust,
)
from domain.relationship.state import Matter, MatterStatus, Relationship, Report, no_event, open_matters
from domain.words import PEOPLE, Role

Raising = c.RecommendShutdown | c.RaiseConcern
Settling = c.DismissRecommendation | c.ResolveConcern | c.EscalateConcern | c.EscalateRecommendation


def concern_problems(state: Relationship, command: c.ConcernCommand, context: Context) -> Iterator[Problem]:
    """Only what is open is settled or escalated, and by those whose matter it is; a concern rests on recorded events."""
    actor = context.actor
    match command:
        case c.RestoreTrust():
            yield from restoring_problems(state, actor)
        case c.ResolveDisrespect():
            yield from resolving_problems(state, actor)
        case c.RecommendShutdown() | c.RaiseConcern():
            yield from _foundation_problems(state, command, context)
        case c.DismissRecommendation():
            yield from dismissing_problems(state, actor, command.clause)
        case c.EscalateRecommendation():
            if not open_recommendations(state, command.clause):
                yield nothing_open(state, "recommendation", command.clause)
        case c.ResolveConcern():
            yield from resolving_concern_problems(state, actor, command.clause)
        case c.EscalateConcern():
            if not open_matters(state.concerns, command.clause):
                yield nothing_open(state, "concern", command.clause)
        case c.ReportDisrespect() | c.ReportBreach():
            yield from _accused_problems(command.against)
        case c.DiscloseConfidence():
            if Actor.parse(command.recipient).id == actor.id:
                message = "this discloses it to yourself: name somebody else as the recipient"
                yield Problem("recipient", message, field="data.recipient")
        case c.ReportTrustBreakdown() | c.ReportProblem() | c.ReferMentee() | c.SignpostMentee():
            pass
        case _:
            assert_never(command)


def _accused_problems(against: Role) -> Iterator[Problem]:
    """A report is about anybody, in a role that a person has; also about the person who makes it, who then settles nothing of it."""
    if against not in PEOPLE:
        message = (
            f"nobody takes part in the mentoring as {against}: say who it is against, of {', '.join(PEOPLE)}, "
            "or tell it by ReportProblem"
        )
        yield Problem("not_a_participant", message, field="data.against")


def _foundation_problems(state: Relationship, command: Raising, context: Context) -> Iterator[Problem]:
    if why := not_in_force(command.clause, state.codes):
        yield Problem("unknown_clause", why, field="data.clause")
    beyond = [version for version in command.evidence if version > state.version]
    if beyond:
        yield Problem("evidence", no_event(state, beyond[0]), field="data.evidence")
    if context.actor.role == "worker" and isinstance(command, c.RecommendShutdown):
        # Workers may come late: what was settled meanwhile is not put up for decision again.
        reports = [state.reports[version] for version in command.evidence if version in state.reports]
        if any(report.kind in {"trust", "disrespect"} and not report.stands for report in reports):
            yield Problem("nothing_open", "the report was settled already", command.clause, "data.evidence")


def concern_findings(state: Relationship, command: c.ConcernCommand, _: Context) -> Iterable[Finding]:
    """A disclosure that one adopted code permits and another forbids is recorded with what forbids it."""
    return disclosure_findings(state, command) if isinstance(command, c.DiscloseConfidence) else ()


def concern_events(state: Relationship, command: c.ConcernCommand, context: Context) -> list[e.ConcernEvent]:
    """The event of a report, a referral, a recommendation or a concern."""
    match command:
        case c.ReportTrustBreakdown():
            return [e.TrustBreakdownReported(description=command.description)]
        case c.RestoreTrust():
            done = settled_trust(state, context.actor)
            return [e.TrustRestored(description=command.description, settled=_is_last(state, done))]
        case c.ReportDisrespect():
            return [e.DisrespectReported(against=command.against, description=command.description)]
        case c.ResolveDisrespect():
            return [e.DisrespectResolved(resolution=command.resolution)]
        case c.ReportProblem():
            return [e.ProblemReported(description=command.description)]
        case c.ReportBreach():
            return [
                e.BreachReported(
                    against=command.against,
                    kind=command.kind,
                    description=command.description,
                    clause=command.clause,
                )
            ]
        case c.DiscloseConfidence():
            return [
                e.ConfidenceDisclosed(
                    exception=command.exception,
                    recipient=command.recipient,
                    disclosed=command.disclosed,
                    urgency=command.urgency,
                    clauses=permitting(state.codes, command.exception),
                )
            ]
        case c.ReferMentee():
            return [e.MenteeReferred(to=command.to, reason=command.reason)]
        case c.SignpostMentee():
            return [e.MenteeSignposted(to=command.to, reason=command.reason)]
        case c.RecommendShutdown() | c.RaiseConcern():
            return _raising_events(state, command)
        case _:
            return _settling_events(state, command)


def _raising_events(state: Relationship, command: Raising) -> list[e.ConcernEvent]:
    """One recommendation a matter is open at a time, and no concern whom it is about has an open one under its clause already."""
    accountable = about(state, command.clause, command.evidence)
    match command:
        case c.RecommendShutdown():
            if open_recommendations(state, command.clause):
                return []
            clauses = cite(state.codes, *same_matter(command.clause)) or (command.clause,)
            return [
                e.ShutdownRecommended(
                    clause=command.clause, evidence=command.evidence, clauses=clauses, about=accountable
                )
            ]
        case c.RaiseConcern():
            if any(set(accountable).issubset(each.about) for each in open_matters(state.concerns, command.clause)):
                return []
            return [e.CommitmentConcernRaised(clause=command.clause, evidence=command.evidence, about=accountable)]
        case _:
            assert_never(command)


def _settling_events(state: Relationship, command: Settling) -> list[e.ConcernEvent]:
    match command:
        case c.DismissRecommendation():
            return [e.RecommendationDismissed(reason=command.reason, clause=command.clause)]
        case c.ResolveConcern():
            return [e.CommitmentConcernResolved(clause=command.clause, resolution=command.resolution)]
        case c.EscalateConcern():
            escalated = _is_escalated(open_matters(state.concerns, command.clause))
            return [] if escalated else [e.ConcernEscalated(clause=command.clause)]
        case c.EscalateRecommendation():
            escalated = _is_escalated(open_recommendations(state, command.clause))
            return [] if escalated else [e.RecommendationEscalated(clause=command.clause)]
        case _:
            assert_never(command)


def _is_escalated(matters: tuple[Matter, ...]) -> bool:
    return all(matter.escalated for matter in matters)


def fold_concern(state: Relationship, event: e.ConcernEvent, recorded: AnyRecorded) -> Relationship:
    """The state after trouble was reported, weighed or settled."""
    match event:
        case e.TrustBreakdownReported():
            return _reported(state, recorded, Report("trust", recorded.actor, stands=True))
        case e.TrustRestored():
            return _without_reports(state, settled_trust(state, Actor.parse(recorded.actor)), "resolved")
        case e.DisrespectReported():
            return _reported(state, recorded, Report("disrespect", recorded.actor, event.against, stands=True))
        case e.DisrespectResolved():
            return _without_reports(state, state.standing_reports("disrespect"), "resolved")
        case e.ProblemReported():
            return _reported(state, recorded, Report("problem", recorded.actor))
        case e.BreachReported():
            return _reported(state, recorded, Report("breach", recorded.actor, event.against))
        case e.ShutdownRecommended():
            matter = Matter(event.clause, event.evidence, about=event.about)
            return state.but(recommendations=(*state.recommendations, matter))
        case e.RecommendationDismissed():
            return _dismissed(state, event.clause)
        case e.RecommendationEscalated():
            clauses = same_matter(event.clause)
            return state.but(recommendations=_escalated(state.recommendations, clauses))
        case e.CommitmentConcernRaised():
            return state.but(concerns=(*state.concerns, Matter(event.clause, event.evidence, about=event.about)))
        case e.CommitmentConcernResolved():
            return state.but(concerns=_settled(state.concerns, (event.clause,)))
        case e.ConcernEscalated():
            return state.but(concerns=_escalated(state.concerns, (event.clause,)))
        case e.ConfidenceDisclosed():
            told = state.told | {event.recipient}
            return state.put("disclosures", recorded.version, recorded.actor).but(told=told)
        case e.MenteeReferred() | e.MenteeSignposted():
            return state
        case _:
            assert_never(event)


def readiness_events(
    state: Relationship, command: c.StateTrustReadiness, context: Context
) -> list[e.TrustReadinessStated]:
    """The statement; none when exactly that is stated already. Who is not ready anew after trust was restored says so anew."""
    done = _withdrawn_by(state, str(context.actor))
    reported = bool(done) or state.status not in {"active", "paused"}
    if state.ready.get(context.actor.role) is command.ready and (command.ready or reported):
        return []
    return [e.TrustReadinessStated(ready=command.ready, settled=command.ready and _is_last(state, done))]


def with_readiness(state: Relationship, event: e.TrustReadinessStated, recorded: AnyRecorded) -> Relationship:
    """Who states during the mentoring that they are not ready to trust reports broken trust; being ready again restores it."""
    state = state.put("ready", recorded.role, event.ready)
    if event.ready:
        return _without_reports(state, _withdrawn_by(state, recorded.actor), "resolved")
    if state.status not in {"active", "paused"}:
        return state
    return _reported(state, recorded, Report("trust", recorded.actor, unready=True, stands=True))


def _withdrawn_by(state: Relationship, actor: str) -> tuple[int, ...]:
    """The standing reports of broken trust that an actor made by saying that they are not ready."""
    standing = state.standing_reports("trust").items()
    return tuple(version for version, report in standing if report.unready and report.by == actor)


def _is_last(state: Relationship, done: Collection[int]) -> bool:
    """Whether with these reports of broken trust the last of them is settled."""
    return bool(done) and set(done) == set(state.standing_reports("trust"))


def _reported(state: Relationship, recorded: AnyRecorded, report: Report) -> Relationship:
    return state.put("reports", recorded.version, report)


def _settled(
    matters: tuple[Matter, ...], clauses: Sequence[str] | None, to: MatterStatus = "resolved"
) -> tuple[Matter, ...]:
    return tuple(
        m._replace(status=to) if m.status == "open" and (clauses is None or m.clause in clauses) else m for m in matters
    )


def _dismissed(state: Relationship, clause: str | None) -> Relationship:
    """A dismissal settles the reports behind the recommendation too: the signal rests on them."""
    state = _without_reports(state, state.standing_reports(*kinds_of(clause)), "dismissed")
    clauses = None if clause is None else same_matter(clause)
    return state.but(recommendations=_settled(state.recommendations, clauses, "dismissed"))


def _without_reports(state: Relationship, done: Iterable[int], to: MatterStatus) -> Relationship:
    """The state with these reports settled, and the recommendation of each kind of which no report stands any more."""
    kinds = set()
    for version in done:
        report = state.reports[version]
        kinds.add(report.kind)
        state = state.put("reports", version, report._replace(stands=False))
    for kind in kinds:
        if not state.standing_reports(kind):
            state = state.but(recommendations=_settled(state.recommendations, REPORT_CLAUSES[kind], to))
    return state


def _escalated(matters: tuple[Matter, ...], clauses: Sequence[str]) -> tuple[Matter, ...]:
    return tuple(m._replace(escalated=True) if m.status == "open" and m.clause in clauses else m for m in matters)
