"""Every text of every command is a canary; none is found where it is not sealed: store, log of the database, keys, worker
books, datasets, exports, facts for Kafka, receipts, and what commands print."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from domain.content import Tree, content_of
from domain.registry import COMMANDS
from domain.relationship.events import PersonalDataErased
from infra.bootstrap import open_rapport
from infra.kafka.facts import fact
from infra.settings import Settings
from infra.store.session import Database
from tests.command import own_environment, rapport
from tests.e2e.contract.command_cases import CASES, NOW, ROLES, prepare, send
from tests.e2e.contract.outside import Rapport, at, days, iso
from tests.e2e.contract.story import World

BIRD = "canary-"
# Checked against what there is, so no canary fits; and a hold that would keep an erasure from coming after it.
CLOSED = frozenset({"timezone", "locale", "clause"})
LEFT_OUT = CLOSED | {"legal_hold", "email", "telephone"}
CLOCK = at("2026-07-01 12:00")
# Of people, mentors, cases and programmes: command, subject, actor, data.
OTHERS = (
    (
        "RegisterPerson",
        "person:p1",
        "hr:eva",
        {"display_name": "x", "email": "x@x", "telephone": "1", "timezone": "UTC"},
    ),
    ("CorrectPerson", "person:p1", "hr:eva", {"display_name": "y", "email": "y@y", "telephone": "2"}),
    ("RestrictProcessing", "person:p1", "hr:eva", {"reason": "x"}),
    ("RegisterMentor", "mentor:m1", "hr:eva", {"name": "x"}),
    ("PublishProfile", "mentor:m1", "mentor:m1", {"first_name": "x", "work_history": "x", "role": "x", "sector": "x"}),
    ("RecordDevelopment", "mentor:m1", "mentor:m1", {"what": "x", "completed_on": "2026-01-02"}),
    ("SuspendMentor", "mentor:m1", "hr:eva", {"reason": "x"}),
    ("ReinstateMentor", "mentor:m1", "hr:eva", {"reason": "x"}),
    ("RemoveMentor", "mentor:m1", "hr:eva", {"reason": "x"}),
    ("OpenCase", "case:c1", "hr:eva", {"about": "mentor:m1", "kind": "code", "description": "x"}),
    ("DecideCase", "case:c1", "hr:eva", {"decision": "no_action", "reason": "x"}),
    ("CloseCase", "case:c1", "hr:eva", {"reason": "x"}),
)


class Canaries:
    """A word of its own for each text of a subject: the same text of the same subject has the same one."""

    def __init__(self) -> None:
        self.birds: dict[tuple[str, str], str] = {}
        self.fields: set[tuple[str, str]] = set()

    def put(self, message: dict[str, Any]) -> dict[str, Any]:
        command = message["type"].removeprefix("rapport.")
        tree = content_of(COMMANDS[command])
        data = self._in(message["data"], tree, command, message["subject"])
        if command == "CorrectFact" and data.get("data"):
            data["data"] = self._in(data["data"], content_of(COMMANDS["AgreeGoal"]), command, message["subject"])
        return {**message, "data": data}

    def _in(self, data: dict[str, Any], tree: Tree, command: str, subject: str) -> dict[str, Any]:
        found = dict(data)
        for name, kind in tree.items():
            value = data.get(name)
            if value is None and kind == "text" and name not in LEFT_OUT:
                value = f"{command} {name}"
            if isinstance(value, str) and name not in CLOSED:
                found[name] = self._bird(subject, value, command, name) + ("@x.org" if "@" in value else "")
            elif isinstance(value, list) and kind == "texts":
                found[name] = [self._bird(subject, each, command, name) for each in value]
            elif isinstance(value, list):
                assert not isinstance(kind, str)
                found[name] = [self._in(each, kind, command, subject) for each in value]
            elif kind == "answers" and value:
                # The words of an answer, and a question that somebody made up.
                own = {self._bird(subject, key, command, name): each for key, each in value.items() if "." not in key}
                words = self._bird(subject, "words", command, name)
                found[name] = {key: each for key, each in value.items() if "." in key} | own | {"my own": words}
        return found

    def _bird(self, subject: str, text: str, command: str, name: str) -> str:
        self.fields.add((command, name))
        return self.birds.setdefault((subject, text), f"{BIRD}{len(self.birds):04d}x")


def told(folder: Path) -> tuple[list[bytes], Canaries]:
    """Every command, with a canary in each text."""
    world = World(Rapport(folder, CLOCK), "canaries", at("2026-01-05 09:00"))
    for name, case in CASES.items():
        if case.may:
            role = next(role for role in ROLES if role in case.may)
            send(prepare(world, case.after, role), name, role)
    contracting = world.relationship("leapfrog")
    contracting.say("RespondToMatch", "mentee", accept=True, reason="x")
    contracting.say("RespondToMatch", "mentor", accept=False, reason="y")
    contracting.say(
        "PostponeRelationship",
        "coordinator",
        start_on="2026-09-01",
        reason="x",
        informed=["mentee", "mentor"],
        next_steps="y",
    )
    for command, subject, actor, data in OTHERS:
        world.say(command, subject, actor, NOW, **data)
    canaries = Canaries()
    messages = [canaries.put(json.loads(line)) for line in world.lines]
    # Malformed and refused: nothing of them may be quoted either.
    goal = next(each for each in messages if each["type"] == "rapport.AgreeGoal")
    wrong = [
        {**goal, "id": "w1", "data": {**goal["data"], "title": [f"{BIRD}list"]}},
        {**goal, "id": "w2", "data": {**goal["data"], "type": f"{BIRD}type"}},
        {**goal, "id": "w3", "data": {**goal["data"], "titel": f"{BIRD}unknown"}},
        {**goal, "data": {**goal["data"], "title": f"{BIRD}reused"}},
        {**goal, "id": "w4", "actor": "auditor:odd"},
        {**goal, "id": "w5", "data": {**goal["data"], "title": f"{BIRD}long" * 9_000}},
    ]
    return [json.dumps(each).encode() for each in (*messages, *wrong)], canaries


def everything_in(database: Database) -> Iterator[tuple[str, bytes]]:
    """Every value of every table, as bytes."""
    tables = (
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if database.kind == "sqlite"
        else "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
    )
    for (table,) in database.query(tables):
        for row in database.query(f'SELECT * FROM "{table}"'):
            yield (
                table,
                b" ".join(bytes(each) if isinstance(each, bytes | memoryview) else str(each).encode() for each in row),
            )


def test_no_word_of_anybody_is_found_where_it_is_not_sealed(store_url: str, tmp_path: Path) -> None:
    lines, canaries = told(tmp_path)
    environment = own_environment(RAPPORT_STORE=store_url, RAPPORT_CLOCK=iso(CLOCK), RAPPORT_SYNCHRONOUS="off")

    def run(*arguments: str, stdin: bytes = b"") -> bytes:
        done = rapport(*arguments, stdin=stdin, cwd=tmp_path, env=environment)
        assert done.returncode in (0, 1), done.stderr
        return done.stdout + done.stderr

    said = {"submit": run("submit", stdin=b"\n".join(lines))}
    receipts = [json.loads(line) for line in said["submit"].splitlines() if line.startswith(b"{")]
    assert {each["status"] for each in receipts[:-6]} == {"accepted"}, [
        r for r in receipts[:-6] if r["status"] != "accepted"
    ]
    said["work"] = run("work", "--until", iso(CLOCK + days(60)))
    said["audit"] = run("audit", "verify", "--json")
    assert json.loads(said["audit"].partition(b"\n}")[0] + b"\n}")["ok"], said["audit"]
    for name in ("attempts", "tasks", "health", "nps"):
        said[name] = run(name, "--json")
    for table in ("timeline", "practice_answers", "mentors"):
        said[f"export {table}"] = run("export", table, "-o", f"{table}.csv", "--raw")
    birds = [bird.encode() for bird in canaries.birds.values()]
    assert len(birds) > 100
    found = {where for where, text in said.items() if BIRD.encode() in text}
    with open_rapport(Settings(store=store_url, synchronous="off")) as opened:
        # They are there, for who has the keys; but for those of a person whom the story erases.
        subjects = {row[0] for row in opened.database.query("SELECT DISTINCT originator_id FROM stored_events")}
        events = {subject: opened.store.read(subject) for subject in subjects}
        read = " ".join(event.model_dump_json() for each in events.values() for event in each)
        erased = {
            subject for subject, each in events.items() if any(isinstance(one.data, PersonalDataErased) for one in each)
        }
        gone = {subject for (subject, _), bird in canaries.birds.items() if bird not in read}
        assert len(erased) == 1
        assert gone == erased
        found |= {table for table, text in everything_in(opened.database) if BIRD.encode() in text}
        for note in opened.store.logged(0, 100_000):
            if BIRD.encode() in (fact(opened.store.decode_facts(note), "/rapport", note.position, frozenset()) or b""):
                found.add(f"fact {note.topic}")
        found |= {str(path) for path in tmp_path.rglob("*") if path.is_file() and BIRD.encode() in path.read_bytes()}
    assert found == set()


def test_every_field_with_content_gets_a_canary(tmp_path: Path) -> None:
    _, canaries = told(tmp_path)
    wanted = {
        (name, field)
        for name, command in COMMANDS.items()
        for field, kind in content_of(command).items()
        if isinstance(kind, str) and kind != "number"
    }
    assert {(name, field) for name, field in wanted - canaries.fields if field not in LEFT_OUT} == set()
    assert {("ShareContactDetails", "email"), ("RegisterPerson", "telephone")} <= canaries.fields
