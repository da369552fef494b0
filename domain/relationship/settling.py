"""Who settles what: nobody settles a matter about themselves.

| matter | settled by | never by |
| --- | --- | --- |
| broken trust, readiness withdrawn | the party who reported it, coordinator, supplier | the other party alone |
| disrespect | coordinator, supplier, hr | anyone it is against |
| recommendation to end | coordinator, supplier, either party by ending, the reporter | the party it is about |
| concern about commitment | the other party, coordinator, supplier, the worker when its signal cleared | the party it is about |

A person is the same in whatever role they act: a mentor who also coordinates settles no matter about the mentor. Where a
whole role is accused that the relationship names nobody for (a coordinator), nobody in that role settles it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from domain.codes.clauses import RESPECT_CLAUSES, TRUST_CLAUSES, cite, not_in_force, same_matter
from domain.codes.implements import implements
from domain.ids import MACHINES, same_person
from domain.model import Actor
from domain.problem import Problem
from domain.relationship.state import Matter, Relationship, Report, ReportKind, open_matters
from domain.words import PARTIES, Role

REPORT_CLAUSES: Final[dict[ReportKind, tuple[str, ...]]] = {"trust": TRUST_CLAUSES, "disrespect": RESPECT_CLAUSES}
_HR: Final = (
    "hr dismisses only what is about disrespect: name that clause, or leave it to a coordinator or the supplier"
)
_OTHERS: Final = "a party dismisses only what it reported itself: leave it to a coordinator or the supplier"
_REPORTER_RESTORES: Final = "a party restores only trust that it reported to be broken itself: leave it to the person who did, a coordinator or the supplier"
_AGAINST: Final = "this is against you: leave it to a coordinator, the supplier or hr whom it is not against"


def is_against(state: Relationship, actor: Actor, role: Role) -> bool:
    """Whether a matter against a role is one against the actor: who acts in it, or is named for it."""
    return actor.role == role or (actor.role not in MACHINES and state.named(role) == actor.id)


def reported_by(report: Report, actor: Actor) -> bool:
    """Whether the actor made a report, in this or another role."""
    return same_person(report.by, actor)


def settles_for_all(state: Relationship, actor: Actor) -> bool:
    """Whether the actor settles what others reported: the office does, unless it is mentee or mentor as well."""
    return not any(is_against(state, actor, party) for party in PARTIES)


def settled_trust(state: Relationship, actor: Actor) -> frozenset[int]:
    """The standing reports of broken trust that this actor restores: all, or those they made themselves."""
    standing = state.standing_reports("trust")
    if settles_for_all(state, actor):
        return frozenset(standing)
    return frozenset(version for version, report in standing.items() if reported_by(report, actor))


@implements("pentalog.trust", "care.trust")
def restoring_problems(state: Relationship, actor: Actor) -> Iterator[Problem]:
    """Trust is restored by the person who reported that it was broken, or by the office; never by the other party alone.

    A party who reported nothing is not told whether somebody else did.
    """
    clause = cite(state.codes, *TRUST_CLAUSES)[0]
    if settles_for_all(state, actor):
        if not state.trust_broken:
            yield Problem("nothing_open", "no breakdown of trust is open", clause)
    elif not settled_trust(state, actor):
        yield Problem("own_matter", _REPORTER_RESTORES, clause, "actor")


@implements("pentalog.respect", "leapfrog.respect", "care.respect")
def resolving_problems(state: Relationship, actor: Actor) -> Iterator[Problem]:
    """Disrespect is resolved by coordinator, supplier or hr, but by nobody whom a standing report is against."""
    clause = cite(state.codes, *RESPECT_CLAUSES)[0]
    standing = state.standing_reports("disrespect")
    if not standing:
        yield Problem("nothing_open", "no disrespect is open", clause)
    if _is_accused(state, actor, standing.values()):
        yield Problem("own_matter", _AGAINST, clause, "actor")


def dismissing_problems(state: Relationship, actor: Actor, clause: str | None) -> Iterator[Problem]:
    """A recommendation is dismissed with the reports behind it, even before it was made.

    Parties dismiss only what they reported themselves, hr only what is about disrespect, and nobody what is about them.
    A party who reported nothing is not told whether somebody else did, nor of what.
    """
    kinds = kinds_of(clause)
    reports = state.standing_reports(*kinds)
    matters = open_recommendations(state, clause)
    if not settles_for_all(state, actor) and not _has_own(state, actor, reports, matters):
        if clause is not None and not_in_force(clause, state.codes):
            yield nothing_open(state, "recommendation", clause)
            return
        for cited in (clause,) if clause else (cite(state.codes, *REPORT_CLAUSES[kind])[0] for kind in kinds):
            yield Problem("own_matter", _OTHERS, cited, "actor")
        return
    if not reports and not matters:
        yield nothing_open(state, "recommendation", clause)
        return
    for kind in kinds:
        if standing := [report for report in reports.values() if report.kind == kind]:
            yield from _own(state, actor, kind, standing, cite(state.codes, *REPORT_CLAUSES[kind])[0])
    behind = {clause for report in reports.values() for clause in REPORT_CLAUSES[report.kind]}
    for matter in matters:
        if matter.clause not in behind:
            yield from _own_recommendation(state, actor, matter)


def _has_own(state: Relationship, actor: Actor, reports: Mapping[int, Report], matters: Collection[Matter]) -> bool:
    """Whether something that is up for a decision comes of what the actor reported."""
    behind = [state.reports[each] for matter in matters for each in matter.evidence if each in state.reports]
    return any(reported_by(report, actor) for report in (*reports.values(), *behind))


def resolving_concern_problems(state: Relationship, actor: Actor, clause: str) -> Iterator[Problem]:
    """A concern is resolved by the other party, the office or the worker, never by the party it is about."""
    matters = open_matters(state.concerns, clause)
    if not matters:
        yield nothing_open(state, "concern", clause)
    if any(is_against(state, actor, role) for matter in matters for role in matter.about):
        message = "the concern is about you: leave it to the other party, a coordinator or the supplier to resolve it"
        yield Problem("own_matter", message, clause, "actor")


def open_recommendations(state: Relationship, clause: str | None) -> tuple[Matter, ...]:
    """The open recommendations (None: all) of the matter that a clause is about: other clauses may say the same."""
    clauses = None if clause is None else same_matter(clause)
    return tuple(each for each in open_matters(state.recommendations) if clauses is None or each.clause in clauses)


def nothing_open(state: Relationship, kind: str, clause: str | None) -> Problem:
    """The problem of settling or escalating what is not open: a kind of matter, about a clause (None: about any)."""
    if clause is not None and (why := not_in_force(clause, state.codes)):
        return Problem("unknown_clause", why, field="data.clause")
    about = f" about {clause}" if clause else ""
    cited = () if clause is None else cite(state.codes, clause)
    return Problem("nothing_open", f"no {kind}{about} is open", next(iter(cited), None), "data.clause")


def kinds_of(clause: str | None) -> tuple[ReportKind, ...]:
    """The reports that a dismissal settles."""
    return tuple(kind for kind, clauses in REPORT_CLAUSES.items() if clause is None or clause in clauses)


def _own(
    state: Relationship, actor: Actor, kind: ReportKind, reports: Collection[Report], clause: str
) -> Iterator[Problem]:
    """Why an actor may not dismiss standing reports of one kind, if so."""
    if kind == "disrespect" and _is_accused(state, actor, reports):
        yield Problem("own_matter", _AGAINST, clause, "actor")
    elif kind == "trust" and actor.role == "hr":
        yield Problem("role", _HR, clause, "actor")
    elif not settles_for_all(state, actor) and not all(reported_by(report, actor) for report in reports):
        yield Problem("own_matter", _OTHERS, clause, "actor")


def _own_recommendation(state: Relationship, actor: Actor, matter: Matter) -> Iterator[Problem]:
    """Why an actor may not dismiss a recommendation behind which no report stands any more, if so."""
    evidence = [state.reports[version] for version in matter.evidence if version in state.reports]
    about_disrespect = matter.clause in RESPECT_CLAUSES or any(report.kind == "disrespect" for report in evidence)
    if _is_accused(state, actor, evidence):
        yield Problem("own_matter", _AGAINST, matter.clause, "actor")
    elif actor.role == "hr" and not about_disrespect:
        yield Problem("role", _HR, matter.clause, "actor")
    elif not settles_for_all(state, actor) and not (
        evidence and all(reported_by(report, actor) for report in evidence)
    ):
        yield Problem("own_matter", _OTHERS, matter.clause, "actor")


def _is_accused(state: Relationship, actor: Actor, reports: Iterable[Report]) -> bool:
    return any(is_against(state, actor, role) for report in reports if (role := report.against))
