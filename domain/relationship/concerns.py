"""Deciding and folding trouble: trust, respect, problems, breaches, disclosures, referrals, concerns, recommendations."""

from collections.abc import Sequence
from typing import Final, assert_never

from domain.codes.clauses import CLAUSES
from domain.model import AnyRecorded, Context, Event
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.guards import permitting
from domain.relationship.said import said
from domain.relationship.state import Matter, MatterStatus, Relationship, Report, open_matters

TRUST_CLAUSES: Final = ("pentalog.trust",)
RESPECT_CLAUSES: Final = ("pentalog.respect", "leapfrog.respect")


def decide_conduct(state: Relationship, command: c.ConductCommand, _: Context, found: list[Problem]) -> list[Event]:
    """Events of a report, a recommendation or a concern; only what is open can be settled or escalated."""
    match command:
        case c.ReportTrustBreakdown():
            return [said(e.TrustBreakdownReported, command)]
        case c.RestoreTrust():
            if not state.trust_broken:
                found.append(Problem("nothing_open", "no breakdown of trust is open", "pentalog.trust"))
            return [said(e.TrustRestored, command)]
        case c.ReportDisrespect():
            return [said(e.DisrespectReported, command)]
        case c.ResolveDisrespect():
            if not state.disrespect_open:
                found.append(Problem("nothing_open", "no disrespect is open", "pentalog.respect"))
            return [said(e.DisrespectResolved, command)]
        case c.ReportProblem():
            return [said(e.ProblemReported, command)]
        case c.ReportBreach():
            return [said(e.BreachReported, command)]
        case c.DiscloseConfidence():
            return [said(e.ConfidenceDisclosed, command, clauses=permitting(state.codes, command.exception))]
        case c.ReferMentee():
            return [said(e.MenteeReferred, command)]
        case c.SignpostMentee():
            return [said(e.MenteeSignposted, command)]
        case _:
            return _decide_matter(state, command, found)


def _decide_matter(
    state: Relationship,
    command: c.RecommendShutdown
    | c.DismissRecommendation
    | c.RaiseConcern
    | c.ResolveConcern
    | c.EscalateConcern
    | c.EscalateRecommendation,
    found: list[Problem],
) -> list[Event]:
    match command:
        case c.RecommendShutdown():
            _founded(state, command, found)
            return [] if open_matters(state.recommendations, command.clause) else [said(e.ShutdownRecommended, command)]
        case c.RaiseConcern():
            _founded(state, command, found)
            return [] if open_matters(state.concerns, command.clause) else [said(e.CommitmentConcernRaised, command)]
        case c.DismissRecommendation():
            if not _reported(state, command.clause):
                _open(state.recommendations, command.clause, "recommendation", found)
            return [said(e.RecommendationDismissed, command)]
        case c.ResolveConcern():
            _open(state.concerns, command.clause, "concern", found)
            return [said(e.CommitmentConcernResolved, command)]
        case c.EscalateConcern():
            escalated = _open(state.concerns, command.clause, "concern", found)
            return [] if escalated else [said(e.ConcernEscalated, command)]
        case c.EscalateRecommendation():
            escalated = _open(state.recommendations, command.clause, "recommendation", found)
            return [] if escalated else [said(e.RecommendationEscalated, command)]
        case _:
            assert_never(command)


def _reported(state: Relationship, clause: str | None) -> bool:
    """Whether a report stands that leads to a recommendation: it may be dismissed before that was made."""
    trust = state.trust_broken and (clause is None or clause in TRUST_CLAUSES)
    return trust or (state.disrespect_open and (clause is None or clause in RESPECT_CLAUSES))


def _founded(state: Relationship, command: c.RecommendShutdown | c.RaiseConcern, found: list[Problem]) -> None:
    if command.clause not in CLAUSES:
        found.append(Problem("unknown_clause", f"no code has a clause {command.clause}", field="data.clause"))
    beyond = [version for version in command.evidence if version > state.version]
    if beyond:
        message = f"the last event is version {state.version}, there is no {beyond[0]}"
        found.append(Problem("evidence", message, field="data.evidence"))


def _open(matters: Sequence[Matter], clause: str | None, kind: str, found: list[Problem]) -> bool:
    """Add a problem when none is open; say whether all that are open have been escalated."""
    still = open_matters(tuple(matters), clause)
    if not still:
        about = f" about {clause}" if clause else ""
        found.append(Problem("nothing_open", f"no {kind}{about} is open", clause, "data.clause"))
    return bool(still) and all(matter.escalated for matter in still)


def fold_conduct(state: Relationship, event: e.ConductEvent, recorded: AnyRecorded) -> Relationship:
    """The state after trouble was reported, weighed or settled."""
    match event:
        case e.TrustBreakdownReported():
            return state.put("reports", recorded.version, "trust")
        case e.TrustRestored():
            return _heard(state, "trust").but(recommendations=_settled(state.recommendations, TRUST_CLAUSES))
        case e.DisrespectReported():
            return state.put("reports", recorded.version, "disrespect")
        case e.DisrespectResolved():
            return _heard(state, "disrespect").but(recommendations=_settled(state.recommendations, RESPECT_CLAUSES))
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
        state = _heard(state, "trust")
    if clause is None or clause in RESPECT_CLAUSES:
        state = _heard(state, "disrespect")
    return state.but(
        recommendations=_settled(state.recommendations, None if clause is None else (clause,), "dismissed")
    )


def _heard(state: Relationship, report: Report) -> Relationship:
    """The state with all reports of one kind settled."""
    done = {version for version, kind in state.reports.items() if kind == report}
    still = {version: kind for version, kind in state.reports.items() if kind != report}
    return state.but(reports=still, settled_reports=state.settled_reports | done)


def _escalated(matters: tuple[Matter, ...], clause: str) -> tuple[Matter, ...]:
    return tuple(m._replace(escalated=True) if m.status == "open" and m.clause == clause else m for m in matters)
