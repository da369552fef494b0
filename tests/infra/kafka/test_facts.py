"""What leaves on the public topic is operational, and nothing else ever does."""

import json
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from domain.model import Event, Recorded, data_class_of
from domain.registry import EVENTS
from domain.relationship import events as relationship
from domain.sharing.cells import cell
from domain.words import Role
from infra.kafka.facts import OPERATIONAL, PUBLISHED, WITHHELD, closed_to, fact, included

SECRET = "Ana cried about her mother"
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def recorded(event: Event, subject: str = "6f1e0000-0000-4000-8000-000000000001", **more: Any) -> Recorded[Any]:
    return Recorded[Any](
        subject=subject,
        version=3,
        occurred_at=AT,
        recorded_at=AT,
        actor="mentee:ana",
        message_id="m1",
        data=event,
        **more,
    )


NO_CODES: Final[frozenset[str]] = frozenset()


def sent(event: Event, codes: frozenset[str] = NO_CODES, role: Role = "service", **more: Any) -> dict[str, Any]:
    body = fact(recorded(event, **more), "/rapport", 7, codes, role)
    assert body is not None
    found: dict[str, Any] = json.loads(body)
    return found


class TestRules:
    def test_every_event_is_published_or_withheld(self) -> None:
        assert set(EVENTS.values()) == PUBLISHED | WITHHELD
        assert not PUBLISHED & WITHHELD

    def test_whatever_holds_safeguarding_is_withheld_but_that_a_mentor_lost_or_got_back_their_place(
        self,
    ) -> None:
        holding = {
            cls for cls in EVENTS.values() if any(data_class_of(cls, f) == "safeguarding" for f in cls.model_fields)
        }
        published = {"MentorRemoved", "MentorSuspended", "MentorReinstated"}
        assert {cls.__name__ for cls in holding - WITHHELD} == published
        assert relationship.ConfidenceDisclosed in WITHHELD

    @pytest.mark.parametrize("cls", sorted(PUBLISHED, key=str), ids=lambda cls: cls.__name__)
    def test_no_field_leaves_that_is_content_or_a_name(self, cls: type[Event]) -> None:
        for name in included(cls):
            data_class = data_class_of(cls, name)
            assert data_class in OPERATIONAL or (
                data_class == "identity" and (name.endswith("_id") or name == "person")
            )

    @pytest.mark.parametrize("cls", sorted(PUBLISHED, key=str), ids=lambda cls: cls.__name__)
    def test_no_field_leaves_that_has_room_for_sentences(self, cls: type[Event]) -> None:
        def longest(schema: dict[str, Any], defs: dict[str, Any], include: Any) -> int:
            if "$ref" in schema:
                schema = defs[schema["$ref"].rpartition("/")[2]]
            if "properties" in schema:
                inner = include.get("__all__", include)
                return max((longest(schema["properties"][field], defs, inner[field]) for field in inner), default=0)
            nested = [*schema.get("anyOf", ()), *(schema[k] for k in ("items", "additionalProperties") if k in schema)]
            inside = [longest(each, defs, include) for each in nested if isinstance(each, dict)]
            return max([int(schema.get("maxLength", 0)), *inside])

        schema = cls.model_json_schema()
        assert longest(schema, schema.get("$defs", {}), included(cls)) <= 200


class TestFacts:
    def test_carry_a_stable_id_and_what_a_reader_needs(self) -> None:
        event = relationship.SessionScheduled(session_id="s1", starts_at=AT, channel="platform", minutes=60)
        found = sent(event, correlation_id="c1", traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        assert found == {
            "specversion": "1.0",
            "id": "6f1e0000-0000-4000-8000-000000000001/3",
            "source": "/rapport",
            "type": "rapport.SessionScheduled",
            "dataschema": "urn:rapport:schema:events:SessionScheduled:1",
            "position": 7,
            "subject": "6f1e0000-0000-4000-8000-000000000001",
            "time": "2026-03-02T09:00:00Z",
            "datacontenttype": "application/json",
            "version": 3,
            "recordedat": "2026-03-02T09:00:00Z",
            "actor": "mentee:ana",
            "correlationid": "c1",
            "causationid": "m1",
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "data": {
                "session_id": "s1",
                "starts_at": "2026-03-02T09:00:00Z",
                "channel": "platform",
                "minutes": 60,
                "unpaid_at_risk": False,
            },
        }

    def test_leave_out_what_people_wrote(self) -> None:
        note = relationship.SessionNoteRecorded(session_id="s1", text=SECRET, sensitive=True)
        pause = relationship.RelationshipPaused(reason=SECRET, review_on=AT.date(), next_steps=SECRET)
        review = relationship.EndReviewRecorded.model_validate_json(
            json.dumps({"objectives": [{"goal_id": "g1", "outcome": SECRET}], "signposting": [SECRET]})
        )
        for event in (note, pause, review):
            assert SECRET not in json.dumps(sent(event))
        assert sent(review)["data"] == {"objectives": [{"goal_id": "g1"}]}

    def test_a_correction_goes_out_without_what_the_fact_should_be_and_was(self) -> None:
        data = {"nature": "family", "stakeholder": SECRET}
        correction = relationship.FactCorrected(version=2, reason=SECRET, fact="ConflictOfInterestDeclared", data=data)
        assert sent(correction)["data"] == {"version": 2}
        void = relationship.FactCorrected(version=2, reason=SECRET, fact="SessionMissed", void=True)
        assert sent(void)["data"] == {"version": 2, "void": True}
        contest = relationship.FactContested(version=2, reason=SECRET)
        assert sent(contest)["data"] == {"version": 2}

    def test_a_review_goes_out_without_what_it_is_about(self) -> None:
        """That an answer was looked into tells that it was bad."""
        review = relationship.RelationshipReviewed(note=SECRET, about=(3,))
        assert sent(review)["data"] == {}

    def test_withheld_events_have_none(self) -> None:
        event = relationship.TrustBreakdownReported(description=SECRET)
        assert fact(recorded(event), "/rapport", 7, NO_CODES) is None

    def test_what_gives_away_that_trouble_was_reported_has_none(self) -> None:
        for event in (
            relationship.TrustRestored(),
            relationship.DisrespectResolved(resolution=SECRET),
            relationship.ShutdownRecommended(clause="pentalog.trust", evidence=(2,)),
            relationship.RecommendationDismissed(reason=SECRET),
            relationship.RecommendationEscalated(clause="pentalog.trust"),
            relationship.TrustReadinessStated(ready=False),
            relationship.TrustReadinessStated(ready=True, settled=True),
        ):
            assert fact(recorded(event), "/rapport", 7, NO_CODES) is None, event
        assert sent(relationship.TrustReadinessStated(ready=True))["data"] == {"ready": True, "settled": False}

    def test_no_reason_next_step_or_note_leaves(self) -> None:
        """They are of the class `process`."""
        for event in (
            relationship.MatchDeclined(reason=SECRET),
            relationship.TermsAccepted(document="privacy_policy", version=SECRET),
            relationship.ConsentGranted(data_class="goals", audience="hr", how=SECRET),
            relationship.SessionCancelled(session_id="s1", reason=SECRET, notice_hours=1, late=True),
            relationship.RelationshipTerminated(reason="goals_met", next_steps=SECRET),
            relationship.RelationshipReviewed(note=SECRET, next_steps=SECRET),
            relationship.ErasureRequested(person="ana", basis="objection", legal_hold=SECRET),
        ):
            assert SECRET not in json.dumps(sent(event))


class TestReaders:
    """`The topic of facts withholds what the matrix withholds`, and so does each reader's own stream."""

    @pytest.mark.parametrize("code", [None, "pentalog", "leapfrog", "cmn", "nottingham", "mentor247"])
    @pytest.mark.parametrize("role", ["service", "coordinator", "supplier", "analyst", "auditor"])
    def test_no_field_leaves_that_the_matrix_opens_on_a_condition_alone(self, role: Role, code: str | None) -> None:
        closed = closed_to(role, frozenset({code} if code else ()))
        for event in PUBLISHED:
            for name in included(event, closed=closed):
                data_class = data_class_of(event, name)
                assert data_class is not None
                assert data_class == "identity" or cell(data_class, role, code) == "yes", (event, name)

    def test_leapfrog_lets_services_see_operational_facts_only(self) -> None:
        event = relationship.SessionScheduled(session_id="s1", starts_at=AT, channel="platform", minutes=60)
        assert sent(event)["data"]["starts_at"]
        assert "starts_at" not in sent(event, frozenset({"leapfrog", "pentalog"}))["data"]
        assert "starts_at" not in sent(event, role="auditor")["data"]

    def test_nobody_gets_the_score_of_an_answer_and_analysts_not_even_that_there_is_one(self) -> None:
        event = relationship.NpsResponded(occasion="end", score=3, respondent="mentee")
        assert sent(event, role="coordinator")["data"] == {"occasion": "end", "respondent": "mentee"}
        for role in ("analyst", "auditor"):
            assert fact(recorded(event), "/rapport", 7, NO_CODES, role) is None

    @pytest.mark.parametrize("reason", ["disrespect", "trust_breakdown", "breach"])
    def test_a_reason_to_end_that_is_a_report_is_for_the_office_alone(self, reason: Any) -> None:
        event = relationship.RelationshipTerminated(reason=reason)
        assert sent(event, role="coordinator")["data"]["reason"] == reason
        for role in ("service", "supplier", "analyst", "auditor"):
            assert "reason" not in sent(event, role=role)["data"]
        assert sent(relationship.RelationshipTerminated(reason="goals_met"))["data"]["reason"] == "goals_met"
