"""The form of ids in messages: every field of every command, the actor and the subject, with many wrong variants."""

import json
from typing import Any

import pytest
from pydantic_core import to_jsonable_python

from domain.ids import id_fields, paths
from domain.registry import AGGREGATES_OF, COMMANDS
from infra.intake.message import Message, parse
from infra.intake.receipt import Receipt
from tests.infra.store.golden import SUBJECTS, value
from tests.messages import line, message

FIELDS = [(name, path) for name, command in COMMANDS.items() for path in paths(command)]
BAD = ["", " ", "ben ", " ben", "ben\n", "b\u00e9n", "b\u0435n", "ben\u200b", "ana@example.org", "-ben", "a/b", "x" * 65,
       '=HYPERLINK("http://example.org","x")', "+SUM(1)", "@cmd", "cr\rmid", "ana\x1b[2K\x1b[1A", "zoë", "a\u202eb"]  # fmt: skip
NO_TEXT = [5, 1.5, True, [], ["ben"], {"id": "ben"}]


def filled(name: str) -> dict[str, Any]:
    """The data of a command with every field filled; its ids are well-formed."""
    command = COMMANDS[name]
    ids = {field.name: "hr:Hanna" if field.namespace in {"whom", "about", "recipient"} else "Some-1" for field in id_fields(command)}  # fmt: skip
    values = {field: value(info.annotation, field) for field, info in command.model_fields.items()}
    nested = {field.name for field in id_fields(command) if field.namespace is None}
    found: dict[str, Any] = to_jsonable_python(values | {name: id_ for name, id_ in ids.items() if name not in nested})
    return found


def with_id(name: str, path: str, id_: object) -> tuple[bytes, str]:
    """A message with this value as one of its ids, and the full path of that field."""
    data = filled(name)
    # Of these a message has only the one or the other.
    for one, other in (("homework_id", "session_id"), ("mentor_id", "about")):
        if name in {"ReportHomework", "OpenCase"} and path in {one, other}:
            data.pop(other if path == one else one, None)
    field, _, inner = path.partition(".")
    if inner:
        data[field][0][inner] = id_
    else:
        data[field] = id_
    subject = SUBJECTS[AGGREGATES_OF[name][0]]
    return line(name, data, subject=subject), f"data.{field}.0.{inner}" if inner else f"data.{field}"


def problems(raw: bytes) -> dict[str | None, tuple[str, str]]:
    """Code and message of each problem, by field."""
    receipt = parse(raw)
    if isinstance(receipt, Message):
        return {}
    assert receipt.status == "invalid"
    return {problem.field: (problem.code, problem.message) for problem in receipt.problems}


@pytest.mark.parametrize("name,path", FIELDS)
def test_each_id_in_the_data_of_each_command_has_the_form(name: str, path: str) -> None:
    role = "hr:" if path in {"recipient", "to", "about"} else ""
    for id_ in [*(role + id_ for id_ in BAD), *NO_TEXT]:
        raw, field = with_id(name, path, id_)
        code, said = problems(raw).get(field, ("none", ""))
        assert code == "bad_id", (id_, parse(raw))
        assert "expected an id of 1 to 64 characters" in said
    for id_ in ("a", "A.b_c-1", "x" * 64):
        raw, field = with_id(name, path, role + id_)
        assert field not in problems(raw)


@pytest.mark.parametrize("id_", BAD, ids=ascii)
def test_actors_subjects_and_recipients_have_the_form_too(id_: str) -> None:
    assert problems(line("ActivateRelationship", actor=f"mentee:{id_}"))["actor"][0] == "bad_id"
    for kind, name in (("mentor", "SuspendMentor"), ("case", "CloseCase"), ("programme", "AdoptCode")):
        assert problems(line(name, filled(name), subject=f"{kind}:{id_}"))["subject"][0] == "bad_id"
    raw, field = with_id("DiscloseConfidence", "recipient", f"hr:{id_}")
    assert problems(raw)[field][0] == "bad_id"
    raw, field = with_id("EscalateCase", "to", f"hr:{id_}")
    assert problems(raw)[field][0] == "bad_id"


@pytest.mark.parametrize("id_", ["ben ", "zoë", "ana@example.org", "Ana Popescu", "ana\n"], ids=ascii)
def test_whoever_sends_a_name_hears_where_names_belong(id_: str) -> None:
    for raw, field in (
        with_id("ProposeRelationship", "mentee_id", id_),
        (line("ActivateRelationship", actor=f"mentee:{id_}"), "actor"),
        (line("SuspendMentor", {"reason": "Under review"}, subject=f"mentor:{id_}"), "subject"),
    ):
        assert "the person's own entry" in problems(raw)[field][1]
    raw, field = with_id("ScheduleSession", "session_id", id_)
    assert "person's" not in problems(raw)[field][1]


def test_an_unknown_role_and_a_wrong_kind_of_subject_are_told_as_such() -> None:
    assert problems(line("ActivateRelationship", actor="boss:b n"))["actor"][0] == "bad_value"
    assert (
        problems(line("SuspendMentor", {"reason": "Under review"}, subject="programme:b n"))["subject"][0]
        == "bad_value"
    )
    assert problems(line("ActivateRelationship", subject="mentor:ben"))["subject"][0] == "bad_value"
    raw, field = with_id("DiscloseConfidence", "recipient", "boss:hanna")
    assert problems(raw)[field][0] == "bad_value"


def test_source_and_message_id_are_no_ids_of_that_kind() -> None:
    assert isinstance(parse(line("ActivateRelationship", id="ünï code /1", source="/services/b%C3%BCro")), Message)


def test_the_uuid_of_a_relationship_is_written_in_lower_case() -> None:
    upper = "6F1E5A52-3A0B-4A39-9D6C-0F2F6C2A9B10"
    parsed = parse(line("ActivateRelationship", subject=upper))
    assert isinstance(parsed, Message)
    assert parsed.subject == upper.lower()
    case = message("OpenCase", {"mentor_id": "ben", "relationship_id": upper, "kind": "law", "description": "x"})
    parsed = parse(json.dumps(case | {"subject": "case:c1"}).encode())
    assert not isinstance(parsed, Receipt)
    assert parsed.command.model_dump()["relationship_id"] == upper.lower()
