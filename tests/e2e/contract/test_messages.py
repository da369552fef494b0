"""Messages in: what is well-formed, what identifies a message, and what its sender hears."""

import json
from typing import Any

from tests.e2e.contract.outside import at, iso, minutes, seconds
from tests.e2e.contract.story import Story, World, encode
from tests.e2e.contract.telling import Telling, told

BEGINS = at("2026-03-01 09:00")
CLOCK = at("2026-03-02 09:00")
LIMIT = 256 * 1024


def goal(story: Story, **changes: Any) -> dict[str, Any]:
    """A message that is fine, but for the changes to its top level; a change to None leaves a field out."""
    message = story.message(
        "AgreeGoal",
        goal_id=f"g{story.world.number()}",
        title="Lead",
        type="career",
        source="mentee",
        agreed_by=["mentee", "mentor"],
    )
    return {name: value for name, value in (message | changes).items() if value is not None}


def goal_with(story: Story, **changes: Any) -> dict[str, Any]:
    """The same, but for the changes to its data."""
    message = goal(story)
    data = message["data"] | changes
    return message | {"data": {name: value for name, value in data.items() if value is not None}}


def encoded(message: dict[str, Any], length: int = 0) -> bytes:
    """A message as JSON, made longer with blanks between its first brace and its first name."""
    line = json.dumps(message, default=encode).encode()
    return b"{" + b" " * max(0, length - len(line)) + line[1:]


@told
def test_an_accepted_message_answers_with_its_events_and_their_versions(world: World) -> Telling:
    story = world.relationship("pentalog")
    sent = world.send(goal(story, id="shape-1", source="/services/booking"))
    yield
    receipt = world.receipts[sent]
    assert {name: receipt[name] for name in ("source", "id", "subject", "status", "events", "problems")} == {
        "source": "/services/booking",
        "id": "shape-1",
        "subject": story.subject,
        "status": "accepted",
        "events": [{"type": "rapport.GoalAgreed", "version": 2}],
        "problems": [],
    }


@told
def test_there_is_one_receipt_a_message_in_the_order_of_the_messages(world: World) -> Telling:
    story = world.relationship("pentalog")
    messages = [goal(story), goal(story, time="yesterday"), goal(story, actor=story.auditor), goal(story)]
    sent = [world.send(message) for message in messages]
    yield
    assert [world.receipts[one]["id"] for one in sent] == [message["id"] for message in messages]
    assert [world.status(one) for one in sent] == ["accepted", "invalid", "refused", "accepted"]


@told
def test_a_message_sent_again_is_a_duplicate_with_the_first_receipt_and_records_nothing(world: World) -> Telling:
    story = world.relationship("pentalog")
    message = goal(story)
    first, again = world.send(message), world.send(message)
    yield
    assert world.receipts[again] == {**world.receipts[first], "status": "duplicate", "first_status": "accepted"}
    assert len(story.history()) == 2


@told
def test_contents_are_compared_as_json_values(world: World) -> Telling:
    story = world.relationship("pentalog")
    message = goal_with(story, title="Führen")
    world.send(message)
    other_order = dict(reversed(message.items())) | {"data": dict(reversed(message["data"].items()))}
    again = world.line(json.dumps(other_order, default=encode, ensure_ascii=False, indent=None).encode())
    yield
    assert world.status(again) == "duplicate"


@told
def test_the_same_id_with_another_content_is_invalid_and_records_nothing(world: World) -> Telling:
    story = world.relationship("pentalog")
    message = goal(story)
    world.send(message)
    other_data = world.send(message | {"data": message["data"] | {"title": "Follow"}})
    other_time = world.send(message | {"time": story.when + minutes(1)})
    other_subject = world.send(message | {"subject": world.relationship("pentalog").subject})
    yield
    for sent in (other_data, other_time, other_subject):
        assert (world.status(sent), world.codes(sent)) == ("invalid", {"id_reused"})
    assert len(story.history()) == 2


@told
def test_the_same_id_of_another_source_is_another_message(world: World) -> Telling:
    story = world.relationship("pentalog")
    first = goal(story, source="/services/a")
    sent = [world.send(first), world.send(goal(story, id=first["id"], source="/services/b"))]
    yield
    assert world.accepted(*sent)


@told
def test_a_refused_message_has_used_its_id(world: World) -> Telling:
    story = world.relationship("pentalog")
    message = goal(story, actor=story.auditor)
    first, again = world.send(message), world.send(message)
    mended = world.send(message | {"actor": story.mentee})
    yield
    assert world.receipts[again] == {**world.receipts[first], "status": "duplicate", "first_status": "refused"}
    assert (world.status(mended), world.codes(mended)) == ("invalid", {"id_reused"})


@told
def test_an_invalid_message_has_not_used_its_id(world: World) -> Telling:
    story = world.relationship("pentalog")
    message = goal(story)
    wrong = world.send(message | {"actor": "mentee"})
    mended = world.send(message)
    yield
    assert (world.status(wrong), world.status(mended)) == ("invalid", "accepted")


@told
def test_a_time_may_be_five_minutes_ahead_of_the_clock_and_no_more(world: World) -> Telling:
    story = world.relationship("pentalog")
    ahead = world.send(goal(story, time=CLOCK + minutes(5)))
    too_far = world.send(goal(story, time=CLOCK + minutes(5) + seconds(1)))
    yield
    assert (world.status(ahead), world.status(too_far)) == ("accepted", "invalid")
    assert world.fields(too_far) == {"time"}


@told
def test_a_message_may_come_long_after_it_happened(world: World) -> Telling:
    story = world.relationship("pentalog")
    late = world.send(goal(story, time="2026-03-01T08:00:00Z"))
    yield
    assert world.accepted(late)


@told
def test_naive_times_are_invalid_wherever_they_stand(world: World) -> Telling:
    story = world.relationship("pentalog")
    time = world.send(goal(story, time="2026-03-01T09:00:00"))
    starts = story.say("ScheduleSession", session_id="s1", starts_at="2026-03-05T17:00:00", channel="platform")
    held = story.say("RecordContractingConversation", held_at="2026-03-01T09:00:00", covered=["process"])
    yield
    assert [world.status(sent) for sent in (time, starts, held)] == ["invalid"] * 3
    assert world.fields(time) == {"time"}
    assert [field.rpartition(".")[2] for field in world.fields(starts)] == ["starts_at"]
    assert [field.rpartition(".")[2] for field in world.fields(held)] == ["held_at"]


@told
def test_a_time_with_an_offset_is_the_moment_it_names(world: World) -> Telling:
    story = world.relationship("pentalog")
    sent = world.send(goal(story, time="2026-03-01T14:30:00+05:30"))
    yield
    (event,) = [one for one in story.history() if one["version"] == world.versions(sent)[0]]
    assert event["occurred_at"].startswith("2026-03-01T09:00:00")
    assert event["recorded_at"].startswith("2026-03-02T09:00:00")


@told
def test_every_missing_field_is_named(world: World) -> Telling:
    story = world.relationship("pentalog")
    names = ("specversion", "id", "source", "type", "subject", "time", "actor", "data")
    top = {name: world.send(goal(story, **{name: None})) for name in names}
    inner = world.send(goal_with(story, title=None, type=None))
    yield
    assert {name: world.status(sent) for name, sent in top.items()} == dict.fromkeys(names, "invalid")
    assert {name: world.fields(sent) for name, sent in top.items()} == {name: {name} for name in names}
    assert world.status(inner) == "invalid"
    assert {field.rpartition(".")[2] for field in world.fields(inner)} == {"title", "type"}


@told
def test_unknown_types_and_fields_are_invalid(world: World) -> Telling:
    story = world.relationship("pentalog")
    command = world.send(goal(story, type="rapport.AgreeNothing"))
    namespace = world.send(goal(story, type="AgreeGoal"))
    field = world.send(goal_with(story, colour="red"))
    version = world.send(goal(story, specversion="0.3"))
    yield
    assert [world.status(sent) for sent in (command, namespace, field, version)] == ["invalid"] * 4
    assert world.fields(command) == world.fields(namespace) == {"type"}
    assert {name.rpartition(".")[2] for name in world.fields(field)} == {"colour"}
    assert world.fields(version) == {"specversion"}


@told
def test_values_of_a_wrong_kind_are_invalid_and_named(world: World) -> Telling:
    story = world.relationship("pentalog")
    wrong: dict[str, Any] = {"goal_id": 7, "title": ["Lead"], "type": "hobby", "source": "fate", "agreed_by": "mentee"}
    sent = {name: world.send(goal_with(story, **{name: value})) for name, value in wrong.items()}
    ready = story.say("StateTrustReadiness", ready="perhaps")
    score = {value: story.say("RespondToNps", occasion="mid", score=value) for value in (-1, 11, 7.5, "high")}
    yield
    assert {name: world.status(one) for name, one in sent.items()} == dict.fromkeys(wrong, "invalid")
    for name, one in sent.items():
        assert all(name in field for field in world.fields(one)), world.receipts[one]
    assert world.status(ready) == "invalid"
    assert {value: world.status(one) for value, one in score.items()} == dict.fromkeys(score, "invalid")


@told
def test_a_problem_says_its_code_its_field_and_what_was_expected(world: World) -> Telling:
    story = world.relationship("pentalog")
    sent = world.send(goal(story, time="yesterday"))
    yield
    (problem,) = world.problems(sent)
    assert {"code", "clause", "message", "field"} <= problem.keys()
    assert problem["code"]
    assert problem["message"]
    assert problem["field"] == "time"


@told
def test_a_text_has_at_most_20000_characters(world: World) -> Telling:
    story = world.relationship("pentalog")
    longest = world.send(goal_with(story, title="ü" * 20_000))
    longer = world.send(goal_with(story, title="u" * 20_001))
    inner = story.say("GiveFeedback", about="mentor", answers={"pentalog.attention": "u" * 20_001})
    yield
    assert (world.status(longest), world.status(longer), world.status(inner)) == ("accepted", "invalid", "invalid")
    assert {name.rpartition(".")[2] for name in world.fields(longer)} == {"title"}


@told
def test_a_message_has_at_most_256_kib(world: World) -> Telling:
    story = world.relationship("pentalog")
    longest = world.line(encoded(goal(story), LIMIT))
    longer = world.line(encoded(goal(story), LIMIT + 1))
    yield
    assert len(world.lines[longest]) == LIMIT
    assert (world.status(longest), world.status(longer)) == ("accepted", "invalid")


@told
def test_nul_and_unpaired_surrogates_are_invalid(world: World) -> Telling:
    story = world.relationship("pentalog")
    titles = ("Lead\0", "Lead \ud800", "Lead \udfff too")
    sent = [world.send(goal_with(story, title=title)) for title in titles]
    ids = [world.send(goal(story, id="a\0b")), world.send(goal(story, id="a\ud800b"))]
    paired = world.send(goal_with(story, title="Lead \U0001f600"))
    yield
    assert [world.status(one) for one in (*sent, *ids)] == ["invalid"] * 5
    assert world.accepted(paired)


@told
def test_what_is_no_json_object_is_invalid_and_the_rest_goes_on(world: World) -> Telling:
    story = world.relationship("pentalog")
    fine = encoded(goal(story))
    lines = {
        "half": fine[: len(fine) // 2],
        "latin-1": encoded(goal(story)).replace(b"Lead", "Füh".encode("latin-1")),
        "key twice": fine.replace(b'"actor":', b'"actor": "mentee:x", "actor":'),
        "key twice inside": fine.replace(b'"title":', b'"title": "x", "title":'),
        "not a number": encoded(goal_with(story, title="@")).replace(b'"@"', b"NaN"),
        "infinity": encoded(goal_with(story, title="@")).replace(b'"@"', b"-Infinity"),
        "deep": encoded(goal_with(story, title="@")).replace(b'"@"', b"[" * 60_000 + b"]" * 60_000),
        "list": b"[" + fine + b"]",
        "number": b"7",
        "null": b"null",
        "words": b"hello",
    }
    sent = {name: world.line(line) for name, line in lines.items()}
    after = world.line(fine)
    yield
    assert {name: world.status(one) for name, one in sent.items()} == dict.fromkeys(lines, "invalid")
    for one in sent.values():
        assert world.problems(one)[0]["message"]
    assert world.accepted(after)


@told
def test_the_subject_of_a_relationship_is_a_uuid(world: World) -> Telling:
    story = world.relationship("pentalog")
    sent = [
        world.send(goal(story, subject=subject)) for subject in ("", "ana-and-ben", "mentor:ben", story.subject[:-1])
    ]
    yield
    assert [world.status(one) for one in sent] == ["invalid"] * 4
    assert [world.fields(one) for one in sent] == [{"subject"}] * 4


@told
def test_a_relationship_that_nobody_proposed_refuses(world: World) -> Telling:
    story = world.relationship("pentalog")
    sent = world.send(goal(story, subject=world.uuid()))
    yield
    assert world.status(sent) == "refused"


@told
def test_an_actor_is_a_role_and_an_id(world: World) -> Telling:
    story = world.relationship("pentalog")
    sent = [world.send(goal(story, actor=actor)) for actor in ("mentee", "mentee:", ":ana", "")]
    yield
    assert [world.status(one) for one in sent] == ["invalid"] * 4
    assert [world.fields(one) for one in sent] == [{"actor"}] * 4


@told
def test_a_partys_id_is_the_one_that_the_relationship_names(world: World) -> Telling:
    story = world.relationship("pentalog")
    others = [f"{role}:somebody-else" for role in ("mentee", "mentor", "customer", "line_manager")]
    commands = [story.say("StateTrustReadiness", actor, ready=True) for actor in others]
    reporting = story.say(
        "AgreeReporting", "line_manager:somebody-else", with_whom="line_manager", outputs=["attendance"]
    )
    nps = story.say("RespondToNps", "customer:somebody-else", occasion="mid", score=9)
    yield
    assert [world.status(sent) for sent in (*commands, reporting, nps)] == ["refused"] * 6
    assert [world.codes(sent) for sent in (commands[0], commands[1], reporting, nps)] == [{"actor"}] * 4


@told
def test_a_role_that_may_not_is_refused_and_not_invalid(world: World) -> Telling:
    story = world.relationship("pentalog")
    sent = world.send(goal(story, actor="auditor:odd"))
    yield
    assert (world.status(sent), world.codes(sent)) == ("refused", {"role"})


@told
def test_an_expected_version_that_is_met_lets_the_message_pass_and_another_is_a_conflict(world: World) -> Telling:
    story = world.relationship("pentalog")
    met = world.send(goal(story, expectedversion=1))
    behind = world.send(goal(story, expectedversion=1))
    ahead = world.send(goal(story, expectedversion=7))
    yield
    assert [world.status(sent) for sent in (met, behind, ahead)] == ["accepted", "conflict", "conflict"]
    assert world.receipts[behind]["events"] == []
    assert world.problems(behind)
    assert len(story.history()) == 2


@told
def test_the_optional_extensions_are_taken(world: World) -> Telling:
    story = world.relationship("pentalog")
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    sent = world.send(goal(story, correlationid="corr-1", causationid="cause-1", traceparent=trace))
    yield
    assert world.accepted(sent)


@told
def test_the_same_file_again_changes_nothing(world: World) -> Telling:
    story = world.relationship("pentalog")
    messages = [goal(story), goal(story, actor=story.auditor), goal(story)]
    sent = [world.send(message) for message in (*messages, *messages)]
    yield
    assert [world.status(one) for one in sent[3:]] == ["duplicate"] * 3
    assert [world.receipts[one]["first_status"] for one in sent[3:]] == ["accepted", "refused", "accepted"]
    assert len(story.history()) == 3


@told
def test_a_time_is_kept_as_it_happened_and_as_it_was_recorded(world: World) -> Telling:
    story = world.relationship("pentalog", when=at("2026-03-01 10:00"))
    yield
    (proposed,) = story.history()
    assert proposed["occurred_at"].startswith("2026-03-01T10:00:00")
    assert proposed["recorded_at"].startswith(iso(CLOCK)[:19])


@told
def test_attributes_are_taken_as_cloudevents_has_them(world: World) -> Telling:
    story = world.relationship("pentalog")
    extended = world.send(goal(story, partitionkey="k", sequence="1", sampledrate=3, retried=True))
    typed = world.send(goal(story, datacontenttype="Application/JSON; charset=utf-8"))
    wrong = {
        name: world.send(goal(story, **{name: value}))
        for name, value in {
            "expectedVersion": 1,
            "correlation_id": "c",
            "corelationid": "c",
            "Colour": "red",
            "nested": {"a": 1},
            "source": "not a reference",
            "datacontenttype": "application/json; charset=latin-1",
        }.items()
    }
    yield
    assert [world.receipts[sent]["status"] for sent in (extended, typed)] == ["accepted"] * 2
    for name, sent in wrong.items():
        assert world.receipts[sent]["status"] == "invalid", name
        assert [problem["field"] for problem in world.receipts[sent]["problems"]] == [name]
