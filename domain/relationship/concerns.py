"""Trouble in a relationship: lost trust, disrespect, breaches, disclosures, referrals, concerns, recommendations to end."""

from collections.abc import Iterator, Sequence
from typing import assert_never

from domain.codes.clauses import CLAUSES, RESPECT_CLAUSES, TRUST_CLAUSES
from domain.model import AnyRecorded, Context
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.guards import permitting
from domain.relationship.state import Matter, MatterStatus, Relationship, Report, open_matters

Raising = c.RecommendShutdown | c.RaiseConcern
Settling = c.DismissRecommendation | c.ResolveConcern | c.EscalateConcern | c.EscalateRecommendation


def concern_problems(state: Relationship, command: c.ConcernCommand, _: Context) -> Iterator[Problem]:
    """Only what is open can be settled or escalated; a concern rests on a known clause and on recorded events."""
    match command:
        case c.RestoreTrust():
            if not state.trust_broken:
                yield Problem("nothing_open", "no breakdown of trust is open", "pentalog.trust")
        case c.ResolveDisrespect():
            if not state.disrespect_open:
                yield Problem("nothing_open", "no disrespect is open", "pentalog.respect")
        case c.RecommendShutdown() | c.RaiseConcern():
            yield from _foundation_problems(state, command)
        case c.DismissRecommendation():
            if not _is_reported(state, command.clause):
                yield from _nothing_open(state.recommendations, command.clause, "recommendation")
        case c.EscalateRecommendation():
            yield from _nothing_open(state.recommendations, command.clause, "recommendation")
        case c.ResolveConcern() | c.EscalateConcern():
            yield from _nothing_open(state.concerns, command.clause, "concern")
        case (
            c.ReportTrustBreakdown()
            | c.ReportDisrespect()
            | c.ReportProblem()
            | c.ReportBreach()
            | c.DiscloseConfidence()
            | c.ReferMentee()
            | c.SignpostMentee()
        ):
            pass
        case _:
            assert_never(command)


def _foundation_problems(state: Relationship, command: Raising) -> Iterator[Problem]:
    if command.clause not in CLAUSES:
        yield Problem("unknown_clause", f"no code has a clause {command.clause}", field="data.clause")
    beyond = [version for version in command.evidence if version > state.version]
    if beyond:
        message = f"there is no event {beyond[0]}: the last event of this relationship is version {state.version}"
        yield Problem("evidence", message, field="data.evidence")


def _is_reported(state: Relationship, clause: str | None) -> bool:
    """Whether a report stands that leads to a recommendation: it may be dismissed before that was made."""
    trust = state.trust_broken and (clause is None or clause in TRUST_CLAUSES)
    return trust or (state.disrespect_open and (clause is None or clause in RESPECT_CLAUSES))


def _nothing_open(matters: tuple[Matter, ...], clause: str | None, kind: str) -> Iterator[Problem]:
    if not open_matters(matters, clause):
        about = f" about {clause}" if clause else ""
        yield Problem("nothing_open", f"no {kind}{about} is open", clause, "data.clause")


def concern_events(state: Relationship, command: c.ConcernCommand, _: Context) -> list[e.ConcernEvent]:
    """The event of a report, a referral, a recommendation or a concern."""
    match command:
        case c.ReportTrustBreakdown():
            return [e.TrustBreakdownReported(description=command.description)]
        case c.RestoreTrust():
            return [e.TrustRestored(description=command.description)]
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
    """One concern and one recommendation a clause is open at a time."""
    match command:
        case c.RecommendShutdown():
            if open_matters(state.recommendations, command.clause):
                return []
            return [e.ShutdownRecommended(clause=command.clause, evidence=command.evidence)]
        case c.RaiseConcern():
            if open_matters(state.concerns, command.clause):
                return []
            return [e.CommitmentConcernRaised(clause=command.clause, evidence=command.evidence)]
        case _:
            assert_never(command)


def _settling_events(state: Relationship, command: Settling) -> list[e.ConcernEvent]:
    match command:
        case c.DismissRecommendation():
            return [e.RecommendationDismissed(reason=command.reason, clause=command.clause)]
        case c.ResolveConcern():
            return [e.CommitmentConcernResolved(clause=command.clause, resolution=command.resolution)]
        case c.EscalateConcern():
            escalated = _is_escalated(state.concerns, command.clause)
            return [] if escalated else [e.ConcernEscalated(clause=command.clause)]
        case c.EscalateRecommendation():
            escalated = _is_escalated(state.recommendations, command.clause)
            return [] if escalated else [e.RecommendationEscalated(clause=command.clause)]
        case _:
            assert_never(command)


def _is_escalated(matters: tuple[Matter, ...], clause: str) -> bool:
    return all(matter.escalated for matter in open_matters(matters, clause))


def fold_concern(state: Relationship, event: e.ConcernEvent, recorded: AnyRecorded) -> Relationship:
    """The state after trouble was reported, weighed or settled."""
    match event:
        case e.TrustBreakdownReported():
            return state.put("reports", recorded.version, "trust")
        case e.TrustRestored():
            return _without_reports(state, "trust").but(recommendations=_settled(state.recommendations, TRUST_CLAUSES))
        case e.DisrespectReported():
            return state.put("reports", recorded.version, "disrespect")
        case e.DisrespectResolved():
            return _without_reports(state, "disrespect").but(
                recommendations=_settled(state.recommendations, RESPECT_CLAUSES)
            )
        case e.ShutdownRecommended():
            return state.but(recommendations=(*state.recommendations, Matter(event.clause, event.evidence)))
        case e.RecommendationDismissed():
            return _dismissed(state, event.clause)
        case e.RecommendationEscalated():
            return state.but(recommendations=_escalated(state.recommendations, event.clause))
        case e.CommitmentConcernRaised():
            return state.but(concerns=(*state.concerns, Matter(event.clause, event.evidence)))
        case e.CommitmentConcernResolved():
            return state.but(concerns=_settled(state.concerns, (event.clause,)))
        case e.ConcernEscalated():
            return state.but(concerns=_escalated(state.concerns, event.clause))
        case (
            e.ProblemReported()
            | e.BreachReported()
            | e.ConfidenceDisclosed()
            | e.MenteeReferred()
            | e.MenteeSignposted()
        ):
            return state
        case _:
            assert_never(event)


def _settled(
    matters: tuple[Matter, ...], clauses: Sequence[str] | None, to: MatterStatus = "resolved"
) -> tuple[Matter, ...]:
    return tuple(
        m._replace(status=to) if m.status == "open" and (clauses is None or m.clause in clauses) else m for m in matters
    )


def _dismissed(state: Relationship, clause: str | None) -> Relationship:
    """A dismissal settles the report behind the recommendation too: the signal rests on it."""
    if clause is None or clause in TRUST_CLAUSES:
        state = _without_reports(state, "trust")
    if clause is None or clause in RESPECT_CLAUSES:
        state = _without_reports(state, "disrespect")
    return state.but(
        recommendations=_settled(state.recommendations, None if clause is None else (clause,), "dismissed")
    )


def _without_reports(state: Relationship, report: Report) -> Relationship:
    """The state with all reports of one kind settled."""
    done = {version for version, kind in state.reports.items() if kind == report}
    still = {version: kind for version, kind in state.reports.items() if kind != report}
    return state.but(reports=still, settled_reports=state.settled_reports | done)


def _escalated(matters: tuple[Matter, ...], clause: str) -> tuple[Matter, ...]:
    return tuple(m._replace(escalated=True) if m.status == "open" and m.clause == clause else m for m in matters)
