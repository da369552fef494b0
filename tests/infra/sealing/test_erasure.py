"""The erasure of a person: their words can't be read any more, the other party's stay, and nothing brings them back."""

import json
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from domain.content import is_erased
from domain.relationship.state import Relationship
from infra.bootstrap import Rapport, open_rapport
from infra.evidence.verify import verify
from infra.intake.folding import fold_streams
from infra.queries.erasure import plan
from infra.queries.history import history
from infra.sealing import erasures as erasures_module
from infra.sealing import keys as keys_module
from infra.sealing.key_store import KeyRow, Owned
from infra.settings import Settings
from infra.store.state_snapshots import SnapshotRow, keep
from tests.command import own_environment, rapport_text
from tests.infra.queries.test_sharing import tell

ID = "6f1e5a52-3a0b-4a39-9d6c-0f2f6c2a9b10"
OTHER = "6f1e5a52-3a0b-4a39-9d6c-0f2f6c2a9b17"
PERSON = "person:ana"
PARTIES = {"programme_id": "p", "mentee_id": "ana", "mentor_id": "ben", "codes": []}
GOAL = {"goal_id": "g", "type": "career", "source": "mentee", "agreed_by": ["mentee", "mentor"]}
COMPLETED = {
    "session_id": "s",
    "started_at": "2026-03-10T17:00:00Z",
    "ended_at": "2026-03-10T17:50:00Z",
    "present": ["mentee", "mentor"],
    "joined": {},
    "agenda": [{"topic": "HERS agenda", "set_by": "mentee", "minutes": 50}],
}
STORY: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    (PERSON, "RegisterPerson", "01T08", "hr:hanna", {"display_name": "HERS name", "email": "HERS@x.org"}),
    (ID, "ProposeRelationship", "01T09", "coordinator:cora", PARTIES),
    (ID, "AgreeGoal", "02T09", "mentor:ben", GOAL | {"title": "HERS goal"}),
    (ID, "RecordAssessment", "02T10", "coordinator:cora", {"assessment_id": "a", "area": "HERS area", "text": "HERS text", "score": 2}),
    (ID, "ActivateRelationship", "02T11", "coordinator:cora", {}),
    (ID, "ScheduleSession", "03T10", "mentee:ana", {"session_id": "s", "starts_at": "2026-03-10T17:00:00Z", "channel": "platform"}),
    (ID, "CompleteSession", "10T18", "mentor:ben", COMPLETED),
    (ID, "RecordSessionNote", "10T19", "mentee:ana", {"session_id": "s", "text": "HERS note"}),
    (ID, "RecordSessionNote", "10T20", "mentor:ben", {"session_id": "s", "text": "HIS note"}),
    (ID, "CorrectFact", "10T21", "coordinator:cora", {"version": 7, "reason": "OFFICE reason", "data": {"session_id": "s", "text": "HERS note put right"}}),
    (ID, "RespondToNps", "10T22", "mentee:ana", {"occasion": "mid", "score": 9, "comment": "HERS comment"}),
    (OTHER, "ProposeRelationship", "11T09", "coordinator:cora", PARTIES),
    (OTHER, "GiveFeedback", "11T10", "mentee:ana", {"about": "process", "answers": {}, "text": "HERS elsewhere"}),
)  # fmt: skip
REQUESTED = (ID, "RequestErasure", "12T09", "mentee:ana", {"person": "ana", "basis": "objection"})
REQUEST = 11
ERASED = (ID, "ErasePersonalData", "12T10", "hr:hanna", {"person": "ana", "request": REQUEST})
EVERYWHERE = (PERSON, "RequestErasure", "12T09", "mentee:ana", {"person": "ana", "basis": "objection"})
ALL_ERASED = (PERSON, "ErasePersonalData", "12T10", "hr:hanna", {"person": "ana", "request": 2})
SUBJECTS = (PERSON, ID, OTHER)


def words(rapport: Rapport) -> set[str]:
    """The marked words that can be read."""
    text = '"'.join(event.model_dump_json() for subject in SUBJECTS for event in rapport.store.read(subject))
    return {part for part in text.split('"') if part.startswith(("HERS", "HIS", "OFFICE"))}


def readable(settings: Settings) -> set[str]:
    with open_rapport(settings) as rapport:
        return words(rapport)


def send(settings: Settings, *messages: tuple[str, str, str, str, dict[str, Any]]) -> list[list[str]]:
    """The codes of the problems of each message."""
    with open_rapport(settings) as rapport:
        lines = [
            orjson.dumps(
                {"specversion": "1.0", "id": f"{subject}-{kind}-{time}-{actor}", "source": "/tests", "type": f"rapport.{kind}", "subject": subject,
                 "time": f"2026-03-{time}:00:00Z", "actor": actor, "data": data}
            )
            for subject, kind, time, actor, data in messages
        ]  # fmt: skip
        return [[problem.code for problem in each.problems] for each in rapport.handler.handle(lines)]


def all_keys(settings: Settings) -> list[KeyRow]:
    with open_rapport(settings) as rapport:
        return list(rapport.keys.kept.all())


@pytest.fixture
def told(settings: Settings) -> Settings:
    tell(settings.store, STORY)
    return settings


def test_the_words_of_a_person_are_gone_from_the_relationship_and_the_other_partys_stay(told: Settings) -> None:
    """ "Erasure concerns a person in the relationship named": what is hers no matter who wrote it down goes, and nothing else."""
    assert len(readable(told)) == 12
    assert send(told, REQUESTED, ERASED) == [[], []]
    left = {"HIS note", "HERS name", "HERS@x.org", "HERS elsewhere"}
    assert readable(told) == left
    with open_rapport(told) as rapport:
        shown = history(rapport.store, ID)
    assert shown[1]["data"]["title"] == {"erased": "goals"}
    assert shown[2]["data"]["text"] == {"erased": "assessment"}
    assert shown[5]["data"]["agenda"][0] == {
        "topic": {"erased": "session_content"}, "set_by": "mentee", "minutes": 50, "urgent_concern": False
    }  # fmt: skip
    assert shown[6]["data"]["text"] == {"erased": "session_content"}
    assert shown[7]["data"]["text"]["sealed"] == "session_content"
    assert shown[8]["data"]["data"]["text"] == {"erased": "session_content"}


def test_of_a_persons_entry_it_is_everywhere(told: Settings) -> None:
    """ "... of person:<id> everywhere": the keys and the person's entry are destroyed."""
    assert send(told, EVERYWHERE, ALL_ERASED) == [[], []]
    assert readable(told) == {"HIS note"}
    assert {row.person for row in all_keys(told)} == {"ben", "cora"} & {row.person for row in all_keys(told)}
    with open_rapport(told) as rapport:
        entry = rapport.store.read(PERSON)[0].data
    assert is_erased(entry.display_name)
    # "what is erased stays so": no entry is made again, and no key for new words.
    assert send(told, (PERSON, "CorrectPerson", "13T09", "hr:hanna", {"display_name": "HERS again"})) == [["state"]]


def test_no_key_is_made_again(told: Settings) -> None:
    send(told, REQUESTED, ERASED)
    before = all_keys(told)
    again = (ID, "RecordSessionNote", "13T09", "mentee:ana", {"session_id": "s", "text": "HERS new note"})
    assert send(told, again) == [[]]
    assert "HERS new note" not in readable(told)
    assert all_keys(told) == before


RIGHT = COMPLETED | {"agenda": [{"topic": "HERS agenda put right", "set_by": "mentee", "minutes": 40}]}
THIRD = "6f1e5a52-3a0b-4a39-9d6c-0f2f6c2a9b18"


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("erasure", [(REQUESTED, ERASED), (EVERYWHERE, ALL_ERASED)])
def test_what_puts_right_a_fact_of_the_erased_has_no_key(told: Settings, erasure: Any, together: bool) -> None:
    send(told, *erasure)
    before = all_keys(told)
    note = 12 if erasure[0] is EVERYWHERE else 14
    again = (
        (ID, "CorrectFact", "13T08", "coordinator:cora", {"version": 6, "reason": "OFFICE reason", "data": RIGHT}),
        (ID, "RecordSessionNote", "13T09", "mentee:ana", {"session_id": "s", "text": "HERS note"}),
        (ID, "CorrectFact", "13T10", "coordinator:cora", {"version": note, "reason": "OFFICE reason", "data": {"session_id": "s", "text": "HERS again"}}),
    )  # fmt: skip
    assert (send(told, *again) if together else [send(told, each)[0] for each in again]) == [[], [], []]
    left = {"HIS note", "HERS name", "HERS@x.org", "HERS elsewhere"} if erasure[0] is REQUESTED else {"HIS note"}
    assert readable(told) == left
    assert all_keys(told) == before
    with open_rapport(told) as rapport:
        assert rapport.undone_erasures() == []


@pytest.mark.parametrize("together", [False, True])
def test_a_relationship_that_names_the_erased_later_has_no_words_of_theirs(told: Settings, together: bool) -> None:
    send(told, EVERYWHERE, ALL_ERASED)
    before = all_keys(told)
    again = (
        (THIRD, "ProposeRelationship", "13T09", "coordinator:cora", PARTIES),
        (THIRD, "AgreeGoal", "13T10", "mentor:ben", GOAL | {"title": "HERS goal again"}),
        (THIRD, "MarkTopicPrivate", "13T11", "mentee:ana", {"topic": "HERS topic"}),
    )
    assert (send(told, *again) if together else [send(told, each)[0] for each in again]) == [[], [], []]
    with open_rapport(told) as rapport:
        assert "HERS" not in "".join(each.model_dump_json() for each in rapport.store.read(THIRD))
        assert rapport.undone_erasures() == []
    assert all_keys(told) == before


def test_bytes_of_the_keys_are_gone_from_the_disk(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 'store.sqlite'}")
    tell(settings.store, STORY)
    hers = {row.wrapped for row in all_keys(settings) if row.person in ("ana", "=mentee")}

    def on_disk() -> set[bytes]:
        files = [path.read_bytes() for path in tmp_path.iterdir()]
        return {wrapped for wrapped in hers if any(wrapped in data for data in files)}

    assert on_disk() == hers
    send(settings, EVERYWHERE, ALL_ERASED)
    assert on_disk() == set()


def test_the_chain_figures_and_audit_are_unchanged(told: Settings, tmp_path: Path) -> None:
    environment = own_environment(RAPPORT_STORE=told.store, RAPPORT_SYNCHRONOUS="off")

    def run(*arguments: str) -> Any:
        done = rapport_text(*arguments, "--json", env=environment, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    send(told, REQUESTED)
    assert rapport_text("work", "--once", env=environment, cwd=tmp_path).returncode == 0
    at = "2026-03-20T09:00:00Z"
    figures = [run("health", ID, "--as-of", at), run("nps"), run("show", ID)]
    with open_rapport(told) as rapport:
        hashes = [each.hash for each in rapport.store.stored(ID)]
    send(told, ERASED)
    assert run("health", ID, "--as-of", at) == figures[0]
    assert run("nps") == figures[1]
    after = run("show", ID)
    for name in ("sessions", "state"):
        assert after[name] == figures[2][name]
    # Their words were sealed before, and are erased now.
    assert [each | {"title": ""} for each in after["goals"]] == [each | {"title": ""} for each in figures[2]["goals"]]
    assert run("audit", "verify")["ok"]
    with open_rapport(told) as rapport:
        assert [each.hash for each in rapport.store.stored(ID)][: len(hashes)] == hashes
        assert verify(rapport.store).ok


def test_an_old_backup_of_the_keys_is_erased_again_before_anything_is_served(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 'store.sqlite'}")
    tell(settings.store, STORY)
    keys, backup = tmp_path / "store.sqlite.keys", tmp_path / "backup"
    shutil.copy(keys, backup)
    send(settings, REQUESTED, ERASED)
    shutil.copy(backup, keys)
    assert "HERS note" not in readable(settings)
    assert not [row for row in all_keys(settings) if row.subject == ID and row.person in ("ana", "=mentee")]


def test_a_key_that_somebody_put_back_is_found_by_the_audit(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 'store.sqlite'}")
    tell(settings.store, STORY)
    before = [row for row in all_keys(settings) if (row.subject, row.person) == (ID, "=mentee")]
    send(settings, REQUESTED, ERASED)
    with open_rapport(settings) as rapport:
        assert rapport.undone_erasures() == []
        # How far erasures are carried out stays as it was, so no process does it again.
        with rapport.keys.kept.writing():
            rapport.keys.kept.add(before)
        assert rapport.undone_erasures() == [Owned(ID, "=mentee")]
    assert "HERS goal" in readable(settings)
    answer = rapport_text("audit", "verify", "--json", env=own_environment(RAPPORT_STORE=settings.store), cwd=tmp_path)
    assert answer.returncode == 1
    found = json.loads(answer.stdout)["problems"]
    assert [each["problem"] for each in found] == ["the words of =mentee were erased here, and their key is there"]


def test_an_old_backup_of_the_store_has_no_words_either(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 'store.sqlite'}")
    tell(settings.store, STORY)
    with open_rapport(settings) as rapport:
        rapport.database.query("PRAGMA wal_checkpoint(TRUNCATE)")
    store, backup = tmp_path / "store.sqlite", tmp_path / "backup"
    shutil.copy(store, backup)
    send(settings, REQUESTED, ERASED)
    for path in tmp_path.glob("store.sqlite-*"):
        path.unlink()
    shutil.copy(backup, store)
    assert "HERS note" not in readable(settings)
    assert "HIS note" in readable(settings)
    # A new erasure at a position that the old log had too is carried out.
    send(settings, EVERYWHERE, ALL_ERASED)
    assert readable(settings) == {"HIS note"}


def test_an_erasure_that_was_interrupted_is_carried_out_at_the_next_opening(
    told: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_rapport(told) as rapport:
        rapport.store.after_append.clear()  # as if the process had ended right after the commit
        for message in (REQUESTED, ERASED):
            subject, kind, time, actor, data = message
            line = {"specversion": "1.0", "id": kind, "source": "/tests", "type": f"rapport.{kind}", "subject": subject,
                    "time": f"2026-03-{time}:00:00Z", "actor": actor, "data": data}  # fmt: skip
            assert [each.status for each in rapport.handler.handle([orjson.dumps(line)])] == ["accepted"]
        assert "HERS note" in words(rapport)
    assert "HERS note" not in readable(told)


def test_a_process_that_has_read_the_words_forgets_the_keys(told: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_module, "LOOK_AGAIN_SECONDS", 0.0)
    with open_rapport(told) as reader:
        assert "HERS note" in words(reader)
        send(told, REQUESTED, ERASED)
        assert "HERS note" not in words(reader)
        assert "HIS note" in words(reader)


def test_neither_the_requester_alone_nor_a_hold_nor_an_open_case_lets_it_happen(told: Settings) -> None:
    """ "sent by another person than the one who requested"; "legal hold while a case is open"."""
    asked = (ID, "RequestErasure", "12T09", "hr:hanna", {"person": "ana", "basis": "legal_duty"})
    assert send(told, asked, ERASED) == [[], ["own_matter"]]
    by_cora = (*ERASED[:3], "coordinator:cora", ERASED[4])
    opened = (
        "case:c1",
        "OpenCase",
        "12T11",
        "hr:hanna",
        {"about": "mentor:ben", "kind": "code", "description": "x", "relationship_id": ID},
    )
    assert send(told, opened, by_cora) == [[], ["legal_hold"]]
    everywhere = (PERSON, "RequestErasure", "12T12", "mentee:ana", {"person": "ana", "basis": "objection"})
    assert send(told, everywhere, (*ALL_ERASED[:2], "12T13", *ALL_ERASED[3:])) == [[], ["legal_hold"]]
    assert "HERS note" in readable(told)
    closed = ("case:c1", "DecideCase", "13T09", "hr:hanna", {"decision": "no_action", "reason": "OFFICE reason"})
    assert send(told, closed, (*by_cora[:2], "13T10", *by_cora[3:])) == [[], []]
    assert "HERS note" not in readable(told)


def test_of_a_person_one_asks_at_their_own_entry(told: Settings) -> None:
    wrong = (PERSON, "RequestErasure", "12T09", "hr:hanna", {"person": "ben", "basis": "objection"})
    others = (PERSON, "RequestErasure", "12T09", "mentor:ben", {"person": "ana", "basis": "objection"})
    held = (
        PERSON,
        "RequestErasure",
        "12T10",
        "hr:hanna",
        {"person": "ana", "basis": "objection", "legal_hold": "OFFICE hold"},
    )
    assert send(told, wrong, others, held, (*ALL_ERASED[:3], "hr:eva", ALL_ERASED[4])) == [
        ["unknown_person"], ["actor"], [], ["legal_hold"]
    ]  # fmt: skip


def test_the_plan_says_what_goes_what_stays_and_what_stands_against_it(told: Settings) -> None:
    opened = (
        "case:c1",
        "OpenCase",
        "12T08",
        "hr:hanna",
        {"about": "mentor:ben", "kind": "code", "description": "x", "relationship_id": ID},
    )
    send(told, opened, REQUESTED, EVERYWHERE)
    with open_rapport(told) as rapport:
        found = plan(rapport.erasures, "ANA", rapport.clock.now())
    assert found is not None
    assert {each["subject"] for each in found["destroys"]} == {PERSON, ID, OTHER}
    in_relationship = next(each for each in found["destroys"] if each["subject"] == ID)
    assert in_relationship["data_classes"]["goals"] == 1
    assert found["keys"] == 5
    assert [each["subject"] for each in found["held"]] == ["case:c1"]
    assert {(each["request"], str(each["answer_by"])) for each in found["requests"]} == {
        (f"{ID}/{REQUEST}", "2026-04-12"), (f"{PERSON}/2", "2026-04-12")
    }  # fmt: skip
    assert "words of others" in [each["what"] for each in found["keeps"]]


def test_the_command_line_plans_and_approves(told: Settings, tmp_path: Path) -> None:
    environment = own_environment(RAPPORT_STORE=told.store, RAPPORT_SYNCHRONOUS="off")

    def run(*arguments: str) -> Any:
        return rapport_text(*arguments, env=environment, cwd=tmp_path)

    send(told, REQUESTED)
    assert f"{ID}/{REQUEST}" in run("erase", "plan", "ana").stdout
    assert json.loads(run("erase", "plan", "mentee:ana", "--json").stdout)["requests"][0]["by"] == "mentee:ana"
    refused = run("erase", "approve", f"{ID}/{REQUEST}", "--as", "mentee:ana")
    assert refused.returncode == 1
    assert "HERS note" in readable(told)
    done = run("erase", "approve", f"{ID}/{REQUEST}", "--as", "hr:hanna", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "accepted"
    assert json.loads(done.stdout)["keys_destroyed"] == 3
    assert "HERS note" not in readable(told)
    assert run("erase", "approve", f"{ID}/1", "--as", "hr:hanna").returncode == 2
    assert run("erase", "approve", "nonsense", "--as", "hr:hanna").returncode == 2
    assert run("erase", "plan", "nobody").returncode == 2
    left = json.loads(run("erase", "plan", "ana", "--json").stdout)
    assert ID not in {each["subject"] for each in left["destroys"]}
    assert left["requests"] == []
    shown = json.loads(run("subject", "ana", "--json").stdout)
    assert "HERS note" not in json.dumps(shown)
    assert '"erased": "session_content"' in json.dumps(shown)


def test_a_request_is_a_task_until_it_is_answered_within_a_month(told: Settings, tmp_path: Path) -> None:
    environment = own_environment(RAPPORT_STORE=told.store, RAPPORT_SYNCHRONOUS="off")

    def tasks() -> list[tuple[str, str, str, str]]:
        assert rapport_text("work", "--once", env=environment, cwd=tmp_path).returncode == 0
        found = json.loads(rapport_text("tasks", "--kind", "erasure", "--json", env=environment, cwd=tmp_path).stdout)
        return [(each["subject"], each["about"], each["due"], each["settled_by"]) for each in found]

    send(told, REQUESTED, EVERYWHERE)
    due = "2026-04-13T00:00:00Z"
    assert tasks() == [(ID, "ana", due, "ErasePersonalData"), (PERSON, "ana", due, "ErasePersonalData")]
    send(told, ERASED, ALL_ERASED)
    assert tasks() == []
    assert json.loads(rapport_text("audit", "verify", "--json", env=environment, cwd=tmp_path).stdout)["ok"]


def test_a_mentors_name_and_development_are_shown_as_erased(settings: Settings, tmp_path: Path) -> None:
    story = (
        ("mentor:ben", "RegisterMentor", "01T08", "coordinator:cora", {"name": "HERS Ben"}),
        ("mentor:ben", "RecordDevelopment", "01T09", "mentor:ben", {"what": "HERS course", "completed_on": "2026-02-01"}),
        ("person:ben", "RequestErasure", "02T09", "mentor:ben", {"person": "ben", "basis": "objection"}),
        ("person:ben", "ErasePersonalData", "02T10", "hr:hanna", {"person": "ben", "request": 1}),
    )  # fmt: skip
    tell(settings.store, story)
    environment = own_environment(RAPPORT_STORE=settings.store, RAPPORT_SYNCHRONOUS="off")
    shown = json.loads(rapport_text("show", "mentor:ben", "--json", env=environment, cwd=tmp_path).stdout)
    assert shown["name"] == {"erased": "identity"}
    assert shown["developments"][0]["what"] == {"erased": "profile"}
    assert "(erased)" in rapport_text("show", "mentor:ben", env=environment, cwd=tmp_path).stdout


def test_what_was_looked_at_is_not_looked_at_again_at_every_opening(
    told: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasures_module, "NOTED_EVERY", 5)
    with open_rapport(told) as rapport:
        assert rapport.keys.erased_up_to() == rapport.store.head()
    send(told, REQUESTED, ERASED)
    assert "HERS note" not in readable(told)


def test_verification_excuses_the_words_that_an_erasure_took_and_names_others_that_are_lost(told: Settings) -> None:
    """Only words whose key an erasure on record destroyed are gone by right: in the relationship, or everywhere."""
    assert send(told, REQUESTED, ERASED) == [[], []]
    with open_rapport(told) as rapport:
        assert verify(rapport.store).skipped == ()
        rapport.keys.kept.destroy({Owned(ID, "ben")})
    with open_rapport(told) as rapport:
        lost = "the words can't be read: the key is gone, and no erasure on record has destroyed it: version 8 of " + ID
        assert verify(rapport.store).skipped == (lost,)
        assert verify(rapport.store, ID).skipped == (lost,)
        assert verify(rapport.store, OTHER).ok
    assert send(told, EVERYWHERE, ALL_ERASED) == [[], []]
    with open_rapport(told) as rapport:
        assert verify(rapport.store).skipped == (lost,)
        assert verify(rapport.store, OTHER).ok


def test_the_snapshot_of_a_state_goes_with_anybodys_words_and_opens_no_more(told: Settings) -> None:
    def snapshots(rapport: Rapport) -> list[Any]:
        return rapport.database.query("SELECT subject, version, code, key, box FROM state_snapshots")

    with open_rapport(told) as rapport:
        entry = fold_streams(rapport.store, [ID])[ID]
        rapport.handler.snapshots.take([(ID, entry)])
        rapport.handler.snapshots.write()
        [backup] = snapshots(rapport)
        assert fold_streams(rapport.store, [ID])[ID] == entry._replace(kept=entry.head.version)
        assert isinstance(entry.state, Relationship)
        assert [goal.title for goal in entry.state.goals.values()] == ["HERS goal"]
    assert send(told, REQUESTED, ERASED) == [[], []]
    with open_rapport(told) as rapport:
        assert snapshots(rapport) == []
        with rapport.database.transaction() as session:
            keep(session, [SnapshotRow(*backup)])
        after = fold_streams(rapport.store, [ID])[ID]
        assert isinstance(after.state, Relationship)
        assert after.kept == 0
        assert all(is_erased(goal.title) for goal in after.state.goals.values())
        # No key is made again: what is written now opens nowhere.
        rapport.handler.snapshots.take([(ID, after)])
        rapport.handler.snapshots.write()
        assert fold_streams(rapport.store, [ID])[ID] == after


def test_a_finding_that_rests_on_words_stays_where_they_cannot_be_read(settings: Settings, tmp_path: Path) -> None:
    """Datasets are folded without words, and an erasure takes them: corrections, of that fact or of others, lose no finding."""
    environment = own_environment(RAPPORT_STORE=settings.store, RAPPORT_SYNCHRONOUS="off")

    def run(*arguments: str) -> Any:
        return json.loads(rapport_text(*arguments, "--json", env=environment, cwd=tmp_path).stdout)

    def found() -> list[dict[str, list[str]]]:
        rapport_text("export", "sessions", "-o", "sessions.jsonl", env=environment, cwd=tmp_path)
        rows = [json.loads(line) for line in (tmp_path / "sessions.jsonl").read_text().splitlines()]
        events = run("history", ID)
        return [
            {row["session_id"]: row["findings"] for row in rows},
            {
                each["data"]["session_id"]: [finding["code"] for finding in each["findings"]]
                for each in events
                if each["type"].endswith("SessionCompleted")
            },
        ]

    def completed(session: str, topic: str) -> dict[str, Any]:
        start = "2026-03-10T17" if session == "s" else "2026-03-10T18"
        times = {"started_at": f"{start}:00:00Z", "ended_at": f"{start}:50:00Z"}
        return (
            COMPLETED | times | {"session_id": session, "agenda": [{"topic": topic, "set_by": "mentor", "minutes": 50}]}
        )

    conversation = {"held_at": "2026-03-01T09:30:00Z", "covered": ["mentor_role", "complaints_procedure"]}
    booked = {"starts_at": "2026-03-10T17:00:00Z", "channel": "platform"}
    tell(
        settings.store,
        (
            (ID, "ProposeRelationship", "01T09", "coordinator:cora", PARTIES | {"codes": ["leapfrog"]}),
            (ID, "RecordContractingConversation", "01T10", "mentor:ben", conversation),
            (ID, "MarkTopicPrivate", "01T11", "mentee:ana", {"topic": "the move"}),
            (ID, "ActivateRelationship", "01T12", "coordinator:cora", {}),
            (ID, "ScheduleSession", "03T10", "mentee:ana", booked | {"session_id": "s"}),
            (
                ID,
                "ScheduleSession",
                "03T11",
                "mentee:ana",
                booked | {"session_id": "t", "starts_at": "2026-03-10T18:00:00Z"},
            ),
            (ID, "CompleteSession", "10T19", "mentor:ben", completed("s", "About the move")),
            (ID, "CompleteSession", "10T20", "mentor:ben", completed("t", "Work")),
        ),
    )
    assert found() == [{"s": ["private_topic"], "t": []}] * 2
    held = conversation | {"held_at": "2026-03-01T09:00:00Z"}
    right = {"version": 8, "reason": "x", "data": completed("t", "About the move")}
    send(
        settings,
        (ID, "CorrectFact", "11T08", "mentor:ben", {"version": 2, "reason": "x", "data": held}),
        (ID, "CorrectFact", "11T09", "mentor:ben", right),
    )
    assert found() == [{"s": ["private_topic"], "t": ["private_topic"]}] * 2
    send(settings, REQUESTED, (*ERASED[:4], {"person": "ana", "request": 11}))
    assert found() == [{"s": ["private_topic"], "t": ["private_topic"]}] * 2
    assert run("audit", "verify")["problems"] == []
    again = right | {"data": completed("t", "Work")}
    send(settings, (ID, "CorrectFact", "13T09", "mentor:ben", again))
    assert found() == [{"s": ["private_topic"], "t": []}] * 2
