"""Who settles what: each row of the table, each cell, and that nobody settles a matter about themselves."""

from functools import reduce
from itertools import product

import pytest

from domain.model import Command, Event, Known, TermSetting
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.evolve import evolve
from domain.relationship.state import Relationship
from domain.words import Cause, Role
from tests.domain.relationship.samples import BOTH, in_state
from tests.given_when_then import IDS, At, day, fold, given, history, proposed

OTHER: dict[str, Role] = {"mentee": "mentor", "mentor": "mentee"}
RESTORE = c.RestoreTrust()
RESOLVE = c.ResolveDisrespect(resolution="apologised")
DISMISS = c.DismissRecommendation(reason="talked")
ACTIVE = in_state("active", "pentalog")


def told(event: Event, by: str) -> list[At]:
    """An active relationship in which that was reported."""
    return [*ACTIVE, At(0.7, event, by)]


def trust(by: str) -> list[At]:
    return told(e.TrustBreakdownReported(description="told others"), by)


def unready(by: str) -> list[At]:
    return told(e.TrustReadinessStated(ready=False), by)


def disrespect(by: str, against: Role) -> list[At]:
    return told(e.DisrespectReported(against=against, description="shouted"), by)


def after(*events: At) -> Relationship:
    state = fold(history(*events))
    assert isinstance(state, Relationship)
    return state


def recommended(reported: list[At], clause: str = "pentalog.trust") -> list[At]:
    event = e.ShutdownRecommended(clause=clause, evidence=(len(reported),))
    return [*reported, At(0.8, event, "worker")]


class TestBrokenTrust:
    @pytest.mark.clause("pentalog.trust", "care.trust")
    @pytest.mark.parametrize("reporter", BOTH)
    @pytest.mark.parametrize("way", [trust, unready])
    def test_is_restored_by_the_party_who_reported_it_or_the_office_and_never_by_the_other(
        self, way: object, reporter: str
    ) -> None:
        broken = given(*way(reporter))  # type: ignore[operator]
        for settles in (reporter, "coordinator", "supplier"):
            [event] = broken.when(RESTORE, by=settles).then(e.TrustRestored)
            assert event.settled  # type: ignore[attr-defined]
        [problem] = broken.when(RESTORE, by=OTHER[reporter]).then_refused("own_matter")
        assert (problem.clause, problem.field) == ("pentalog.trust", "actor")

    def test_is_not_restored_by_the_other_party_in_another_role(self) -> None:
        broken = given(*trust("mentee"))
        broken.when(RESTORE, by="coordinator", as_id=IDS["mentor"]).then_refused("own_matter")
        broken.when(RESTORE, by="coordinator", as_id=IDS["mentee"]).then(e.TrustRestored)

    def test_that_both_reported_is_restored_by_each_for_their_own_report(self) -> None:
        both = [*trust("mentee"), At(0.71, e.TrustBreakdownReported(description="lied"), "mentor")]
        [half] = given(*both).when(RESTORE, by="mentee").then(e.TrustRestored)
        assert half == e.TrustRestored(settled=False)
        state = after(*both, At(0.8, half, "mentee"))
        assert list(state.standing_reports("trust")) == [len(both)]
        whole = given(*both, At(0.8, half, "mentee")).when(RESTORE, by="mentor").then(e.TrustRestored)
        assert whole == [e.TrustRestored(settled=True)]
        assert not after(*both, At(0.8, half, "mentee"), At(0.9, whole[0], "mentor")).trust_broken
        # The office restores it for both.
        given(*both).when(RESTORE, by="supplier").then(e.TrustRestored(settled=True))
        assert not after(*both, At(0.8, e.TrustRestored(), "supplier")).trust_broken

    @pytest.mark.clause("care.trust")
    def test_cites_the_adopted_clause_or_the_policy(self) -> None:
        plain = in_state("active", "leapfrog")
        for role, code in (("coordinator", "nothing_open"), ("mentee", "own_matter")):
            [problem] = given(*plain).when(RESTORE, by=role).then_refused(code)
            assert problem.clause == "care.trust"


class TestWhoReportedNothing:
    """They are answered alike whether somebody reported something about them or not."""

    @pytest.mark.clause("pentalog.trust", "pentalog.respect", "care.trust", "care.respect")
    @pytest.mark.parametrize("party", BOTH)
    @pytest.mark.parametrize(
        "command",
        [RESTORE, DISMISS, *(c.DismissRecommendation(reason="x", clause=each) for each in ("pentalog.trust", "pentalog.respect", "care.breach"))],
        ids=str,
    )  # fmt: skip
    def test_learns_nothing_from_a_refusal(self, command: c.RelationshipCommand, party: Role) -> None:
        other: Role = OTHER[party]
        stories = (
            in_state("active", "pentalog"),
            trust(other),
            recommended(trust(other)),
            disrespect(other, party),
            disrespect(other, other),
            recommended(disrespect(other, party)),
            [*trust(other), At(0.75, e.DisrespectReported(against=party, description="x"), other)],
        )
        answers = {given(*story).when(command, by=party).then_refused("own_matter") for story in stories}
        assert len(answers) == 1


class TestReadiness:
    @pytest.mark.clause("pentalog.trust", "care.trust")
    @pytest.mark.parametrize("status", ["active", "paused"])
    @pytest.mark.parametrize("party", BOTH)
    def test_withdrawn_during_the_mentoring_is_broken_trust_and_stated_again_restores_it(
        self, status: str, party: str
    ) -> None:
        events = in_state(status, "pentalog")  # type: ignore[arg-type]
        [no] = given(*events).when(c.StateTrustReadiness(ready=False), by=party).then(e.TrustReadinessStated)
        withdrawn = [*events, At(0.7, no, party)]
        assert after(*withdrawn).trust_broken
        [yes] = given(*withdrawn).when(c.StateTrustReadiness(ready=True), by=party).then(e.TrustReadinessStated)
        assert yes == e.TrustReadinessStated(ready=True, settled=True)
        assert not after(*withdrawn, At(0.8, yes, party)).trust_broken

    def test_stated_by_the_other_party_restores_nothing(self) -> None:
        events = [*unready("mentee"), At(0.75, e.TrustReadinessStated(ready=True), "mentor")]
        assert after(*events).trust_broken

    def test_stated_again_takes_back_the_withdrawal_alone_and_no_other_report(self) -> None:
        events = [*unready("mentee"), At(0.75, e.TrustBreakdownReported(description="lied"), "mentee")]
        [yes] = given(*events).when(c.StateTrustReadiness(ready=True), by="mentee").then(e.TrustReadinessStated)
        assert yes == e.TrustReadinessStated(ready=True, settled=False)
        assert after(*events, At(0.8, yes, "mentee")).trust_broken

    def test_withdrawn_while_contracting_is_no_report(self) -> None:
        no = At(0.5, e.TrustReadinessStated(ready=False), "mentee")
        assert not after(*in_state("contracting", "pentalog"), no).trust_broken

    def test_withdrawn_anew_after_trust_was_restored_is_a_new_report(self) -> None:
        restored = [*unready("mentee"), At(0.75, e.TrustRestored(settled=True), "coordinator")]
        again = c.StateTrustReadiness(ready=False)
        given(*unready("mentee")).when(again, by="mentee").then_nothing()
        [no] = given(*restored).when(again, by="mentee").then(e.TrustReadinessStated)
        assert after(*restored, At(0.8, no, "mentee")).trust_broken


class TestDisrespect:
    @pytest.mark.clause("pentalog.respect", "leapfrog.respect", "care.respect")
    @pytest.mark.parametrize("settle", [RESOLVE, DISMISS])
    @pytest.mark.parametrize("role", ["coordinator", "supplier", "hr"])
    def test_is_settled_by_coordinator_supplier_or_hr_but_never_by_whom_it_is_against(
        self, role: Role, settle: Command
    ) -> None:
        given(*disrespect("mentee", "mentor")).when(settle, by=role).then(_event_of(settle))
        [problem] = given(*disrespect("mentee", role)).when(settle, by=role).then_refused("own_matter")
        assert (problem.clause, problem.field) == ("pentalog.respect", "actor")

    def test_against_a_party_is_not_settled_by_that_person_in_another_role(self) -> None:
        against_mentor = given(*disrespect("mentee", "mentor"))
        for settle, role in product((RESOLVE, DISMISS), ("coordinator", "hr")):
            against_mentor.when(settle, by=role, as_id=IDS["mentor"]).then_refused("own_matter")

    def test_against_a_customer_is_settled_by_the_office_but_not_by_that_person(self) -> None:
        against = given(*disrespect("mentor", "customer"))
        against.when(RESOLVE, by="coordinator", as_id=IDS["customer"]).then_refused("own_matter")
        against.when(RESOLVE, by="coordinator").then(e.DisrespectResolved)

    @pytest.mark.parametrize("role", BOTH)
    def test_is_resolved_by_no_party(self, role: str) -> None:
        given(*disrespect("mentee", "customer")).when(RESOLVE, by=role).then_refused("role")

    def test_one_report_among_several_against_the_actor_is_enough(self) -> None:
        two = [
            *disrespect("mentee", "mentor"),
            *told(e.DisrespectReported(against="hr", description="x"), "mentee")[-1:],
        ]
        given(*two).when(RESOLVE, by="hr").then_refused("own_matter")
        given(*two).when(RESOLVE, by="supplier").then(e.DisrespectResolved)


def _event_of(command: Command) -> type[Event]:
    return e.DisrespectResolved if isinstance(command, c.ResolveDisrespect) else e.RecommendationDismissed


class TestRecommendation:
    @pytest.mark.clause("pentalog.trust")
    @pytest.mark.parametrize("made", [False, True], ids=["reported", "recommended"])
    @pytest.mark.parametrize("reporter", BOTH)
    def test_is_dismissed_by_the_office_or_by_who_reported_it(self, reporter: str, made: bool) -> None:
        events = recommended(trust(reporter)) if made else trust(reporter)
        for role in ("coordinator", "supplier", reporter):
            given(*events).when(DISMISS, by=role).then(e.RecommendationDismissed)
        given(*events).when(DISMISS, by=OTHER[reporter]).then_refused("own_matter", "pentalog.trust")
        given(*events).when(DISMISS, by="hr").then_refused("role", "pentalog.trust")
        given(*events).when(DISMISS, by="customer").then_refused("role")

    def test_about_disrespect_is_dismissed_by_who_reported_it_and_not_by_the_accused(self) -> None:
        events = disrespect("mentee", "mentor")
        given(*events).when(DISMISS, by="mentee").then(e.RecommendationDismissed)
        given(*events).when(DISMISS, by="mentor").then_refused("own_matter", "pentalog.respect")

    def test_a_party_dismisses_nothing_that_others_reported_even_against_a_third(self) -> None:
        given(*disrespect("coordinator", "customer")).when(DISMISS, by="mentee").then_refused("own_matter")

    def test_everything_is_dismissed_only_by_who_may_dismiss_each_matter(self) -> None:
        both = [*trust("mentee"), At(0.75, e.DisrespectReported(against="mentee", description="x"), "mentor")]
        given(*both).when(DISMISS, by="mentee").then_refused("own_matter", "pentalog.respect")
        given(*both).when(DISMISS, by="hr").then_refused("role", "pentalog.trust")
        respect = c.DismissRecommendation(reason="talked", clause="pentalog.respect")
        given(*both).when(respect, by="hr").then(e.RecommendationDismissed)
        own = c.DismissRecommendation(reason="talked", clause="pentalog.trust")
        [event] = given(*both).when(own, by="mentee").then(e.RecommendationDismissed)
        state = after(*both, At(0.8, event, "mentee"))
        assert (state.trust_broken, bool(state.standing_reports("disrespect"))) == (False, True)

    def test_that_the_office_made_of_itself_is_no_partys_to_dismiss(self) -> None:
        made = [*ACTIVE, At(0.7, e.ShutdownRecommended(clause="pentalog.trust", evidence=(1,)), "coordinator")]
        for party in BOTH:
            given(*made).when(DISMISS, by=party).then_refused("own_matter")
        given(*made).when(DISMISS, by="supplier").then(e.RecommendationDismissed)

    def test_that_rests_on_a_breach_is_not_dismissed_by_whom_the_breach_is_against(self) -> None:
        breach = told(e.BreachReported(against="coordinator", kind="code", description="x"), "mentee")
        made = recommended(breach, "cmn.breaches")
        given(*made).when(DISMISS, by="coordinator").then_refused("own_matter", "cmn.breaches")
        # The other party is not told which clause it is about.
        refused = given(*made).when(DISMISS, by="mentor").then_refused("own_matter")
        assert "cmn.breaches" not in {problem.clause for problem in refused}
        for role in ("supplier", "mentee"):
            given(*made).when(DISMISS, by=role).then(e.RecommendationDismissed)
        given(*made).when(DISMISS, by="hr").then_refused("role")

    @pytest.mark.clause("pentalog.trust")
    @pytest.mark.parametrize("party", BOTH)
    def test_either_party_may_end_the_mentoring(self, party: str) -> None:
        end = c.TerminateRelationship(reason="trust_breakdown", informed=BOTH, next_steps="none")
        outcome = given(*recommended(trust("mentee"))).when(end, by=party).outcome
        assert isinstance(outcome, list)
        assert isinstance(outcome[0], e.RelationshipTerminated)

    @pytest.mark.parametrize("clause", ["pentalog.trust", "care.trust"])
    def test_is_settled_under_any_clause_of_its_matter(self, clause: str) -> None:
        events = recommended(trust("mentee"))
        dismiss = c.DismissRecommendation(reason="talked", clause=clause)
        [event] = given(*events).when(dismiss, by="coordinator").then(e.RecommendationDismissed)
        state = after(*events, At(0.9, event, "coordinator"))
        assert [matter.status for matter in state.recommendations] == ["dismissed"]
        assert not state.trust_broken

    @pytest.mark.clause("pentalog.respect", "leapfrog.respect", "care.respect")
    def test_one_recommendation_a_matter_is_open_and_names_all_clauses_and_whom_it_is_about(self) -> None:
        active = in_state("active", "pentalog", "leapfrog")
        events = [*active, At(0.7, e.DisrespectReported(against="mentor", description="x"), "mentee")]
        first = c.RecommendShutdown(clause="pentalog.respect", evidence=(len(events),))
        [made] = given(*events).when(first, by="worker").then(e.ShutdownRecommended)
        assert made == e.ShutdownRecommended(
            clause="pentalog.respect",
            evidence=(len(events),),
            clauses=("pentalog.respect", "leapfrog.respect", "care.respect"),
            about=("mentor",),
        )
        for clause in ("pentalog.respect", "leapfrog.respect", "care.respect"):
            again = c.RecommendShutdown(clause=clause, evidence=(len(events),))
            given(*events, At(0.8, made, "worker")).when(again, by="worker").then_nothing()
        escalate = c.EscalateRecommendation(clause="care.respect")
        given(*events, At(0.8, made, "worker")).when(escalate, by="worker").then(e.RecommendationEscalated)

    @pytest.mark.parametrize("reporter", BOTH)
    def test_after_a_report_of_broken_trust_is_about_the_other_party(self, reporter: str) -> None:
        events = trust(reporter)
        recommend = c.RecommendShutdown(clause="pentalog.trust", evidence=(len(events),))
        [made] = given(*events).when(recommend, by="worker").then(e.ShutdownRecommended)
        assert made.about == (OTHER[reporter],)  # type: ignore[attr-defined]

    def test_restoring_trust_and_resolving_disrespect_settle_their_recommendation_too(self) -> None:
        restored = after(*recommended(trust("mentee")), At(0.9, e.TrustRestored(), "mentee"))
        assert [matter.status for matter in restored.recommendations] == ["resolved"]
        events = recommended(disrespect("mentee", "mentor"), "pentalog.respect")
        resolved = after(*events, At(0.9, e.DisrespectResolved(resolution="x"), "hr"))
        assert [matter.status for matter in resolved.recommendations] == ["resolved"]

    def test_a_recommendation_stays_open_while_another_report_of_its_matter_stands(self) -> None:
        both = [*recommended(trust("mentee")), At(0.85, e.TrustBreakdownReported(description="lied"), "mentor")]
        state = after(*both, At(0.9, e.TrustRestored(), "mentee"))
        assert [matter.status for matter in state.recommendations] == ["open"]

    def test_a_worker_that_comes_late_does_not_put_up_again_what_was_settled(self) -> None:
        settled = [*trust("mentee"), At(0.8, e.TrustRestored(), "mentee")]
        late = c.RecommendShutdown(clause="pentalog.trust", evidence=(len(settled) - 1,))
        given(*settled).when(late, by="worker").then_refused("nothing_open")
        given(*settled).when(late, by="coordinator").then(e.ShutdownRecommended)


LATE = "pentalog.late-reschedules"


def moved(by: str, *, cause: Cause | None = None, for_whom: Role | None = None) -> At:
    event = e.SessionRescheduled(
        session_id="s1",
        starts_at=day(11),
        reason="x",
        previous_starts_at=day(10),
        notice_hours=2,
        late=True,
        cause=cause,
        on_behalf_of=for_whom,
    )
    return At(9.9, event, by)


def concern(*evidence: At, clause: str = LATE) -> list[At]:
    """An active relationship with a concern that rests on those events."""
    events = [*ACTIVE, *evidence]
    versions = tuple(range(len(ACTIVE) + 1, len(events) + 1)) or (1,)
    [raised] = (given(*events).when(c.RaiseConcern(clause=clause, evidence=versions), by="worker", at=11)).then(
        e.CommitmentConcernRaised
    )
    return [*events, At(11, raised, "worker")]


def joined_late_by_the_mentor() -> e.SessionCompleted:
    return e.SessionCompleted(
        session_id="s1",
        started_at=day(10),
        ended_at=day(10.05),
        present=BOTH,
        joined={"mentee": day(10), "mentor": day(10.01)},
        agenda=(),
        status="active",
    )


def about(events: list[At]) -> tuple[Role, ...]:
    return after(*events).concerns[0].about


class TestConcern:
    @pytest.mark.parametrize("party", BOTH)
    def test_is_resolved_by_the_other_party_the_office_or_the_worker_and_never_by_whom_it_is_about(
        self, party: str
    ) -> None:
        events = concern(moved(party))
        resolve = c.ResolveConcern(clause=LATE, resolution="a new day")
        for role in (OTHER[party], "coordinator", "supplier", "worker"):
            given(*events).when(resolve, by=role, at=12).then(e.CommitmentConcernResolved)
        [problem] = given(*events).when(resolve, by=party, at=12).then_refused("own_matter")
        assert (problem.clause, problem.field) == (LATE, "actor")
        given(*events).when(resolve, by="coordinator", as_id=IDS[party], at=12).then_refused("own_matter")

    @pytest.mark.parametrize(
        "evidence, whom",
        [
            ((moved("mentee"),), ("mentee",)),
            ((moved("mentee"), moved("mentor")), ("mentee", "mentor")),
            ((moved("service", for_whom="mentor"),), ("mentor",)),
            ((moved("service"),), ()),
            ((moved("coordinator"),), ()),
            ((moved("mentee", cause="illness"),), ()),
            ((moved("mentee", cause="supplier"),), ()),
            ((At(10.1, e.SessionMissed(session_id="s1", absent=("mentor",)), "mentee"),), ("mentor",)),
            ((At(10.1, e.SessionMissed(session_id="s1", absent=("mentor",), cause="illness"), "mentee"),), ()),
            ((), ()),
        ],
    )  # fmt: skip
    def test_is_about_who_answers_for_its_evidence(self, evidence: tuple[At, ...], whom: tuple[Role, ...]) -> None:
        assert about(concern(*evidence)) == whom

    def test_about_somebody_late_is_about_them(self) -> None:
        held = joined_late_by_the_mentor()
        assert about(concern(At(10.1, held, "service"), clause="pentalog.punctuality")) == ("mentor",)

    def test_nobody_was_late_under_terms_that_came_with_the_session_itself(self) -> None:
        held = joined_late_by_the_mentor()
        records = history(*concern(At(10.1, held, "service"), clause="pentalog.punctuality"))
        hour = TermSetting(document="privacy_policy", term="punctuality_minutes", value=60)
        records = [
            each.model_copy(update={"known": Known(terms=(hour,))}) if each.data is held else each for each in records
        ]
        whole, one_by_one = fold(records), reduce(evolve, records, None)
        assert isinstance(whole, Relationship)
        assert isinstance(one_by_one, Relationship)
        assert (dict(whole.answers_for), dict(one_by_one.answers_for)) == ({}, {})

    @pytest.mark.parametrize("clause", ["pentalog.off-goal", "pentalog.no-progress", "pentalog.homework"])
    def test_of_a_clause_that_binds_the_mentee_is_about_the_mentee(self, clause: str) -> None:
        assert about(concern(clause=clause)) == ("mentee",)

    @pytest.mark.clause("pentalog.late-reschedules")
    @pytest.mark.parametrize("party", BOTH)
    def test_about_one_party_leaves_room_for_one_about_the_other(self, party: Role) -> None:
        events = [*concern(moved(party)), moved(OTHER[party])]
        again = c.RaiseConcern(clause=LATE, evidence=(len(ACTIVE) + 1,))
        others = c.RaiseConcern(clause=LATE, evidence=(len(events),))
        for role in ("worker", "coordinator"):
            given(*events).when(again, by=role, at=12).then()
            [raised] = given(*events).when(others, by=role, at=12).then(e.CommitmentConcernRaised)
            assert raised.about == (OTHER[party],)  # type: ignore[attr-defined]
        both = [*events, At(12, raised, "worker")]
        resolve = c.ResolveConcern(clause=LATE, resolution="a new day")
        for each in BOTH:
            given(*both).when(resolve, by=each, at=13).then_refused("own_matter")
        [resolved] = given(*both).when(resolve, by="coordinator", at=13).then(e.CommitmentConcernResolved)
        after_it = after(*both, At(13, resolved, "coordinator"))
        assert [matter.status for matter in after_it.concerns] == ["resolved", "resolved"]

    def test_about_nobody_is_resolved_by_either(self) -> None:
        events = concern(clause="care.attention")
        resolve = c.ResolveConcern(clause="care.attention", resolution="we talk again")
        for party in BOTH:
            given(*events).when(resolve, by=party, at=12).then(e.CommitmentConcernResolved)


class TestConflict:
    @pytest.mark.clause("leapfrog.conflicts", "care.conflict")
    @pytest.mark.parametrize("role", [*BOTH, "coordinator", "supplier"])
    def test_is_mitigated_by_what_mentee_and_mentor_agree_or_the_office_records(self, role: str) -> None:
        declared = [
            *in_state("active", "leapfrog"),
            At(0.7, e.ConflictOfInterestDeclared(nature="financial"), "mentor"),
        ]
        agree = c.AgreeConflictMitigation(mitigation="sell the shares")
        given(*declared).when(agree, by=role).then(e.ConflictMitigationAgreed)
        given(*declared).when(agree, by="hr").then_refused("role")


class TestReports:
    @pytest.mark.clause("care.breach", "care.problem", "care.respect")
    @pytest.mark.parametrize(
        "against", ["mentee", "mentor", "customer", "line_manager", "supplier", "coordinator", "hr"]
    )
    @pytest.mark.parametrize("by", ["mentee", "mentor", "customer", "line_manager", "supplier", "coordinator", "hr"])
    def test_are_made_by_anybody_about_anybody(self, by: str, against: Role) -> None:
        active = given(*ACTIVE)
        breach = c.ReportBreach(against=against, kind="policy", description="took a file")
        active.when(breach, by=by).then(e.BreachReported(against=against, kind="policy", description="took a file"))
        rude = c.ReportDisrespect(against=against, description="shouted")
        active.when(rude, by=by).then(e.DisrespectReported(against=against, description="shouted"))
        active.when(c.ReportProblem(description="stuck"), by=by).then(e.ProblemReported)

    @pytest.mark.parametrize("by", ["mentor", "supplier"])
    def test_of_oneself_are_taken_and_left_to_others_to_settle(self, by: Role) -> None:
        events = told(e.DisrespectReported(against=by, description="I shouted"), by)
        given(*events).when(DISMISS, by=by).then_refused("own_matter")
        given(*events).when(RESOLVE, by="coordinator", as_id=IDS[by]).then_refused("own_matter")
        given(*events).when(RESOLVE, by="hr").then(e.DisrespectResolved)

    @pytest.mark.parametrize("against", ["worker", "service", "analyst", "auditor"])
    def test_are_against_a_role_that_a_person_has(self, against: Role) -> None:
        breach = c.ReportBreach(against=against, kind="code", description="x")
        (problem,) = given(*ACTIVE).when(breach, by="mentee").then_refused("not_a_participant")
        assert "ReportProblem" in problem.message
        rude = c.ReportDisrespect(against=against, description="x")
        given(*ACTIVE).when(rude, by="mentee").then_refused("not_a_participant")

    def test_after_the_end_a_refusal_names_what_is_possible_instead(self) -> None:
        ended = given(*in_state("terminated"))
        for report in (
            c.ReportTrustBreakdown(description="x"),
            c.ReportDisrespect(against="mentor", description="x"),
        ):
            (problem,) = ended.when(report, by="mentee").then_refused("state")
            assert "ReportProblem" in problem.message
            assert "ReportBreach" in problem.message

    def test_a_party_reports_under_its_own_id(self) -> None:
        breach = c.ReportBreach(against="mentor", kind="code", description="x")
        given(*ACTIVE).when(breach, by="customer", as_id="another").then_refused("actor")


class TestOffice:
    """Nobody of the office settles a matter about themselves, in any command of the office."""

    @pytest.mark.clause("nottingham.training")
    def test_a_mentor_who_coordinates_does_not_confirm_their_own_training(self) -> None:
        confirm = c.ConfirmMentorTraining(course="more", completed_on=day(0).date())
        for role in ("coordinator", "supplier"):
            as_id = IDS["mentor"]
            alone = [At(0, proposed("nottingham").model_copy(update={"supplier_id": None}))]
            (problem,) = given(*alone).when(confirm, by=role, as_id=as_id).then_refused("own_matter")
            assert (problem.clause, problem.field) == ("nottingham.training", "actor")
        given(*ACTIVE).when(confirm, by="coordinator").then(e.MentorTrainingConfirmed)

    @pytest.mark.parametrize("party", BOTH)
    def test_a_party_who_coordinates_does_not_review_their_own_mentoring(self, party: str) -> None:
        problem = told(e.ProblemReported(description="x"), OTHER[party])
        for review in (c.ReviewRelationship(note="seen"), c.ReviewRelationship(note="seen", about=(len(problem),))):
            for role in ("coordinator", "hr"):
                given(*problem).when(review, by=role, as_id=IDS[party]).then_refused("own_matter")
            given(*problem).when(review, by="coordinator").then(e.RelationshipReviewed)

    @pytest.mark.clause("care.disclosure")
    def test_who_disclosed_a_confidence_does_not_review_that(self) -> None:
        disclosed = e.ConfidenceDisclosed(
            exception="coordinator_discussion", recipient="manager:m", disclosed="x", urgency="routine", clauses=()
        )
        events = told(disclosed, "coordinator")
        review = c.ReviewRelationship(note="seen", about=(len(events),))
        (problem,) = given(*events).when(review, by="coordinator").then_refused("own_matter")
        assert (problem.clause, problem.field) == ("care.disclosure", "data.about.0")
        given(*events).when(c.ReviewRelationship(note="seen", about=(1,)), by="coordinator").then(
            e.RelationshipReviewed
        )
        given(*events).when(review, by="supplier").then(e.RelationshipReviewed)

    def test_a_report_against_the_whole_role_is_reviewed_by_another(self) -> None:
        events = disrespect("mentee", "coordinator")
        review = c.ReviewRelationship(note="seen", about=(len(events),))
        given(*events).when(review, by="coordinator").then_refused("own_matter")
        given(*events).when(review, by="supplier").then(e.RelationshipReviewed)

    def test_a_confidence_is_disclosed_to_somebody_else(self) -> None:
        harm = c.DiscloseConfidence(
            exception="risk_of_harm", recipient="third_party:ben", disclosed="x", urgency="urgent"
        )
        (problem,) = given(*ACTIVE).when(harm, by="mentor").then_refused("recipient")
        assert problem.field == "data.recipient"
        given(*ACTIVE).when(harm, by="coordinator").then(e.ConfidenceDisclosed)
