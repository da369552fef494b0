"""Content at rest: sealed in the store, bound to its place, readable by who has the keys, and gone with them."""

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from domain.content import erased, is_erased
from domain.registry import replay
from infra.bootstrap import Rapport, open_rapport
from infra.evidence.verify import verify
from infra.sealing.errors import KeysRefused
from infra.sealing.key_store import SQLiteKeyStore
from infra.sealing.keys import Keys, places
from infra.sealing.sealer import Sealer
from infra.settings import Settings
from infra.store.errors import DamagedEvent, UnreachableStore
from infra.store.mapper import RapportMapper
from tests.command import own_environment, rapport_text

RELATIONSHIP = "6f1e5a52-3a0b-4a39-9d6c-0f2f6c2a9b10"
WORDS = "She said that nobody may know"


def message(
    id_: str, type_: str, data: dict[str, Any], actor: str = "coordinator:cora", subject: str = RELATIONSHIP
) -> bytes:
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": id_,
            "source": "/tests",
            "type": f"rapport.{type_}",
            "subject": subject,
            "time": "2026-03-02T09:00:00Z",
            "actor": actor,
            "data": data,
        }
    )


PROPOSED = message(
    "1", "ProposeRelationship", {"programme_id": "p", "mentee_id": "ana", "mentor_id": "ben", "codes": ["leapfrog"]}
)
GOAL = {"goal_id": "g", "title": WORDS, "type": "leadership", "source": "assessment", "agreed_by": ["mentee", "mentor"]}
CONSENT = {"data_class": "attendance", "audience": "customer", "how": WORDS}


def submit(rapport: Rapport, *messages: bytes) -> list[str]:
    return [receipt.status for receipt in rapport.handler.handle(messages)]


def stored(rapport: Rapport, subject: str = RELATIONSHIP) -> bytes:
    return b"".join(each.state for each in rapport.store.stored(subject))


def with_goal(rapport: Rapport) -> None:
    assert submit(rapport, PROPOSED, message("2", "AgreeGoal", GOAL, "mentee:Ana")) == ["accepted", "accepted"]


def test_words_are_sealed_and_read_back(settings: Settings) -> None:
    with open_rapport(settings) as rapport:
        with_goal(rapport)
        assert WORDS.encode() not in stored(rapport)
        assert rapport.store.read(RELATIONSHIP)[1].data.title == WORDS
    with open_rapport(settings) as rapport:
        assert rapport.store.read(RELATIONSHIP)[1].data.title == WORDS


def test_facts_stay_in_the_clear_and_a_reader_of_facts_gets_no_words(settings: Settings) -> None:
    with open_rapport(settings) as rapport:
        with_goal(rapport)
        _, goal = rapport.store.logged(0, 10)
        assert json.loads(goal.state)["data"] == {
            "goal_id": "g", "type": "leadership", "source": "assessment", "agreed_by": ["mentee", "mentor"]
        }  # fmt: skip
        assert rapport.store.decode_facts(goal).data.title == erased(2)


def test_every_event_carries_a_salt_of_its_own(settings: Settings) -> None:
    with open_rapport(settings) as rapport:
        with_goal(rapport)
        salts = {json.loads(each.state)["salt"] for each in rapport.store.stored(RELATIONSHIP)}
        assert len(salts) == 2


def test_there_is_one_key_for_each_subject_and_person(settings: Settings) -> None:
    other = RELATIONSHIP[:-1] + "1"
    with open_rapport(settings) as rapport:
        with_goal(rapport)
        submit(
            rapport,
            message("3", "GrantConsent", CONSENT, "mentee:ana"),
            message("4", "GrantConsent", CONSENT, "mentor:ben"),
            message(
                "5", "ProposeRelationship", {"programme_id": "p", "mentee_id": "ana", "mentor_id": "ben"}, subject=other
            ),
            message("6", "GrantConsent", CONSENT, "mentee:ana", other),
            # A goal is the mentee's, no matter who wrote it down.
            message("7", "AgreeGoal", GOAL | {"goal_id": "g2"}, "mentor:ben"),
        )
        kept = {(row.subject, row.person) for row in rapport.keys.kept.all()}
        assert kept == {(RELATIONSHIP, "ana"), (RELATIONSHIP, "ben"), (RELATIONSHIP, "=mentee"), (other, "ana")}
        assert rapport.keys.check().data_keys == 4


def test_a_box_opens_in_its_own_place_alone(settings: Settings) -> None:
    with open_rapport(settings) as rapport:
        with_goal(rapport)
        event = rapport.store.stored(RELATIONSHIP)[1]
        mapper = rapport.store.mapper
        sound = json.loads(event.state)
        assert mapper.decode(event.topic, orjson.dumps(sound)).data.title == WORDS
        for moved in (
            {**sound, "version": 3},
            {**sound, "salt": sound["salt"][:-1] + ("A" if sound["salt"][-1] != "A" else "B")},
            {
                **sound,
                "sealed": {**sound["sealed"], "fields": ["success_measure"]},
                "data": {**sound["data"], "title": "x"},
            },
        ):
            assert WORDS not in str(mapper.decode(event.topic, orjson.dumps(moved)))


def test_content_that_was_tampered_with_is_told_and_the_rest_is_readable(settings: Settings) -> None:
    with open_rapport(settings) as rapport:
        with_goal(rapport)
        event = rapport.store.stored(RELATIONSHIP)[1]
        changed = json.loads(event.state)
        box = changed["sealed"]["box"]
        changed["sealed"]["box"] = ("B" if box[0] == "A" else "A") + box[1:]
        body = orjson.dumps(changed)
        sealer = Sealer(rapport.keys)
        assert sealer.unseal_checked(event.topic, body)[1] == "damaged"
        assert sealer.unseal_checked(event.topic, event.state)[1] == "read"
        read = rapport.store.mapper.decode(event.topic, body).data
        assert (read.goal_id, is_erased(read.title)) == ("g", True)


def test_without_its_key_a_history_still_folds(settings: Settings) -> None:
    with open_rapport(settings) as rapport:
        with_goal(rapport)
        submit(rapport, message("3", "MarkTopicPrivate", {"topic": "money"}, "mentee:ana"))
        rapport.keys.kept.run("DELETE FROM data_keys WHERE person = ?", ("=mentee",))
    with open_rapport(settings) as rapport:
        events = rapport.store.read(RELATIONSHIP)
        assert [is_erased(event.data.title) for event in events[1:2]] == [True]
        assert replay(RELATIONSHIP, events) is not None
        # Words of others are no longer held against a topic that can't be read.
        assert submit(
            rapport, message("4", "AgreeGoal", GOAL | {"goal_id": "g2", "title": "3 erased money"}, "mentor:ben")
        ) == ["accepted"]


def test_a_private_topic_is_still_found_after_a_restart(settings: Settings) -> None:
    with open_rapport(settings) as rapport:
        submit(rapport, PROPOSED, message("3", "MarkTopicPrivate", {"topic": "money"}, "mentee:ana"))
    with open_rapport(settings) as rapport:
        goal = GOAL | {"title": "Talk of Money"}
        [receipt] = rapport.handler.handle([message("4", "AgreeGoal", goal, "mentor:ben")])
        assert [problem.clause for problem in receipt.problems] == ["leapfrog.privacy"]


def test_the_data_of_a_correction_is_sealed_and_counts(settings: Settings) -> None:
    note = {"goal_id": "g", "progress": "some", "note": WORDS}
    with open_rapport(settings) as rapport:
        with_goal(rapport)
        assert submit(rapport, message("4", "RecordGoalProgress", note | {"note": "x"}, "mentor:ben")) == ["accepted"]
        corrected = message("5", "CorrectFact", {"version": 3, "reason": WORDS, "data": note}, "mentor:ben")
        assert submit(rapport, corrected) == ["accepted"]
        assert WORDS.encode() not in stored(rapport)
        assert rapport.store.read(RELATIONSHIP)[3].data.data["note"] == WORDS
        assert json.loads(rapport.store.stored(RELATIONSHIP)[3].state)["data"]["data"] == {
            "goal_id": "g", "progress": "some"
        }  # fmt: skip


def test_a_message_is_known_again_by_a_keyed_fingerprint(settings: Settings) -> None:
    with open_rapport(settings) as rapport:
        with_goal(rapport)
        from infra.intake.message import Message, parse

        read = parse(PROPOSED)
        assert isinstance(read, Message)
        [row] = rapport.store.receipts([("/tests", "1")]).values()
        assert row.fingerprint != read.fingerprint
    with open_rapport(settings) as rapport:
        assert submit(rapport, PROPOSED) == ["duplicate"]
        assert submit(rapport, message("1", "AgreeGoal", GOAL)) == ["invalid"]


def test_without_keys_nothing_sealed_is_read(settings: Settings) -> None:
    with open_rapport(settings) as rapport:
        with_goal(rapport)
        event = rapport.store.stored(RELATIONSHIP)[1]
    with pytest.raises(DamagedEvent, match="open the store with its keys"):
        RapportMapper().decode(event.topic, event.state)


# --- keys and the master key ---------------------------------------------------------------------------------------------
@pytest.fixture
def file_settings(tmp_path: Path) -> Settings:
    settings = Settings(store=f"sqlite:///{tmp_path / 'store.sqlite'}", synchronous="off")
    with open_rapport(settings) as rapport:
        with_goal(rapport)
    return settings


def test_a_local_store_makes_its_keys_beside_itself_and_says_so_once(tmp_path: Path) -> None:
    said: list[str] = []
    settings = Settings(store=f"sqlite:///{tmp_path / 'store.sqlite'}", synchronous="off")
    for _ in range(2):
        with open_rapport(settings, said.append) as rapport:
            submit(rapport, PROPOSED, message("2", "AgreeGoal", GOAL, "mentee:ana"))
    [sentence] = said
    assert str(tmp_path / "store.sqlite.master-key") in sentence
    for name in ("store.sqlite.master-key", "store.sqlite.keys"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "store.sqlite.keys-journal").exists()


def opening(settings: Settings) -> None:
    with open_rapport(settings):
        pass


def damage_chmod(master: Path) -> None:
    master.chmod(0o640)


def damage_other(master: Path) -> None:
    master.write_bytes(b"A" * 43 + b"=\n")


def damage_text(master: Path) -> None:
    master.write_bytes(b"secret\n")


def damage_empty(master: Path) -> None:
    master.write_bytes(b"")


@pytest.mark.parametrize(
    "damage,sentence",
    [
        (Path.unlink, "does not exist"),
        (damage_chmod, "can be read by others than its owner: run chmod 600"),
        (damage_other, "is not the one that wraps the keys"),
        (damage_text, "holds no key"),
        (damage_empty, "is empty"),
    ],
)
def test_a_master_key_that_is_missing_wrong_or_open_is_refused_at_the_start(
    file_settings: Settings, tmp_path: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    damage(tmp_path / "store.sqlite.master-key")
    with pytest.raises(KeysRefused, match=sentence) as refused:
        opening(file_settings)
    assert "\n" not in str(refused.value)


def test_keys_of_another_store_are_refused(file_settings: Settings, tmp_path: Path) -> None:
    other = Settings(
        store=f"sqlite:///{tmp_path / 'other.sqlite'}",
        keys=f"sqlite:///{tmp_path / 'store.sqlite.keys'}",
        synchronous="off",
    )
    with pytest.raises(KeysRefused, match="those of another store"):
        opening(other)


def test_lost_keys_are_never_made_anew(file_settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "store.sqlite.keys").unlink()
    said: list[str] = []
    with open_rapport(file_settings, said.append) as rapport:
        with pytest.raises(KeysRefused, match="its keys are not in"):
            submit(rapport, message("9", "PauseRelationship", {}), PROPOSED)
        assert is_erased(rapport.store.read(RELATIONSHIP)[1].data.title)
        verdict = verify(rapport.store)
        assert not verdict.ok
        assert verdict.problems == ()
        assert len(verdict.skipped) == 1
        assert f"version 2 of {RELATIONSHIP}" in verdict.skipped[0]
    assert not (tmp_path / "store.sqlite.keys").exists()
    assert len(said) == 1


def test_a_store_elsewhere_names_its_keys() -> None:
    with pytest.raises(KeysRefused, match="RAPPORT_KEYS: name a database"):
        places(None, None, store_file=None, host="db.example.org", store_id=lambda: "s")
    with pytest.raises(KeysRefused, match="RAPPORT_MASTER_KEY_FILE: name the file"):
        places("postgresql://keys.example.org/keys", None, store_file=None, host="db.example.org", store_id=lambda: "s")
    local = places(None, None, store_file=None, host="/run/postgresql", store_id=lambda: "s")
    assert local.keys == f"sqlite:///{os.environ['XDG_DATA_HOME']}/rapport/s.keys"


def test_rotation_leaves_every_word_readable_while_others_go_on(file_settings: Settings, tmp_path: Path) -> None:
    master = tmp_path / "store.sqlite.master-key"
    before = master.read_bytes()
    with open_rapport(file_settings) as other, open_rapport(file_settings) as rapport:
        submit(other, message("2b", "GrantConsent", CONSENT, "mentor:ben"))
        submit(other, message("3", "AgreeGoal", GOAL | {"goal_id": "g2"}, "mentor:ben"))
        assert rapport.keys.rotate() == 2
        assert master.read_bytes() != before
        assert master.stat().st_mode & 0o777 == 0o600
        # A new person: the other process wraps the key with the new master key, which it reads from the file.
        assert submit(other, message("4", "RecordSessionNote", {"session_id": "s", "text": WORDS}, "mentor:ben")) == [
            "refused"
        ]
        assert submit(other, message("5", "DropGoal", {"goal_id": "g2", "reason": WORDS}, "mentee:ana")) == ["accepted"]
        assert submit(other, message("6", "AgreeGoal", GOAL | {"goal_id": "g3"}, "coordinator:cora")) == ["accepted"]
        assert submit(other, message("7", "GrantConsent", CONSENT, "mentee:ana")) == ["accepted"]
        assert rapport.keys.check().ok
        assert {row.master_id for row in rapport.keys.kept.all()} == {rapport.keys.check().master_key}
    with open_rapport(file_settings) as rapport:
        assert [each.data.title for each in rapport.store.read(RELATIONSHIP) if hasattr(each.data, "title")] == [
            WORDS
        ] * 3


def test_an_interrupted_rotation_goes_on(
    file_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with open_rapport(file_settings) as rapport, monkeypatch.context() as patched:
        patched.setattr(SQLiteKeyStore, "rewrap", interrupted)
        with pytest.raises(KeyboardInterrupt):
            rapport.keys.rotate()
    with open_rapport(file_settings) as rapport:
        assert rapport.store.read(RELATIONSHIP)[1].data.title == WORDS
        rapport.keys.rotate()
    assert len((tmp_path / "store.sqlite.master-key").read_bytes().split()) == 1
    with open_rapport(file_settings) as rapport:
        assert rapport.store.read(RELATIONSHIP)[1].data.title == WORDS


def test_a_destroyed_key_leaves_no_bytes_in_the_file(file_settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite.keys"
    with open_rapport(file_settings) as rapport:
        [row] = list(rapport.keys.kept.all())
        assert row.wrapped in file.read_bytes()
        rapport.keys.kept.run("DELETE FROM data_keys")
        assert all(row.wrapped not in each.read_bytes() for each in tmp_path.iterdir())


def test_two_processes_that_meet_a_new_person_at_once_both_keep_their_words(file_settings: Settings) -> None:
    with open_rapport(file_settings) as one, open_rapport(file_settings) as other:
        keys = [each.keys.to_seal(RELATIONSHIP, "new") for each in (one, other)]
        one.keys.flush()
        other.keys.flush()
        assert keys[0].id != keys[1].id
        assert {row.key_id for row in one.keys.kept.all()} >= {key.id for key in keys}


def test_nothing_is_recorded_when_its_key_cannot_be_kept(
    file_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with open_rapport(file_settings) as rapport:
        head = rapport.store.head()
        with monkeypatch.context() as patched:
            patched.setattr(SQLiteKeyStore, "add", down)
            with pytest.raises(UnreachableStore, match="store of keys"):
                submit(rapport, message("3", "GrantConsent", CONSENT, "mentor:ben"))
        assert rapport.store.head() == head
        assert submit(rapport, message("3", "GrantConsent", CONSENT, "mentor:ben")) == ["accepted"]
    with open_rapport(file_settings) as rapport:
        assert rapport.store.read(RELATIONSHIP)[-1].data.how == WORDS


def test_keys_in_a_database_of_postgresql(file_settings: Settings, postgres_url: str, tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 'third.sqlite'}", keys=postgres_url, synchronous="off")
    with open_rapport(settings) as rapport:
        with_goal(rapport)
        assert rapport.keys.rotate() == 1
    with open_rapport(settings) as rapport:
        assert rapport.store.read(RELATIONSHIP)[1].data.title == WORDS
        assert rapport.keys.check().ok
    same = Settings(store=postgres_url, keys=postgres_url)
    with pytest.raises(KeysRefused, match="another store"):
        opening(same)


def test_a_key_says_nothing_secret_of_itself(file_settings: Settings, tmp_path: Path) -> None:
    secret = (tmp_path / "store.sqlite.master-key").read_text().strip()
    with open_rapport(file_settings) as rapport:
        keys: Keys = rapport.keys
        assert secret not in repr(keys.check())
        assert secret not in repr(list(keys._masters.values()))


def test_a_copy_of_a_store_has_its_keys(file_settings: Settings, tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path / 'copy.sqlite'}"
    environment = own_environment(RAPPORT_STORE=file_settings.store)
    for _ in range(2):
        done = rapport_text("copy", "--to", target, env=environment, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    for name in ("store.sqlite", "store.sqlite.keys", "store.sqlite.master-key"):
        (tmp_path / name).unlink()
    with open_rapport(Settings(store=target, synchronous="off")) as rapport:
        assert rapport.store.read(RELATIONSHIP)[1].data.title == WORDS


def test_the_command_makes_checks_and_rotates_keys_and_prints_nothing_secret(store_url: str, tmp_path: Path) -> None:
    master, keys = tmp_path / "master", f"sqlite:///{tmp_path / 'keys'}"
    environment = own_environment(RAPPORT_STORE=store_url, RAPPORT_KEYS=keys, RAPPORT_MASTER_KEY_FILE=str(master))

    def run(*arguments: str) -> tuple[int, str]:
        done = rapport_text("keys", *arguments, env=environment, cwd=tmp_path)
        return done.returncode, done.stdout + done.stderr

    code, said = run("check")
    assert (code, "does not exist" in said, said.count("\n")) == (1, True, 1)
    code, _ = run("init", "--json")
    secret = master.read_text().strip()
    assert code == 0
    code, said = run("check", "--json")
    assert (code, json.loads(said)["ok"]) == (0, True)
    assert secret not in said
    code, said = run("rotate")
    assert code == 0
    assert master.read_text().strip() != secret
    assert master.read_text().strip() not in said
    master.chmod(0o644)
    code, said = run("check")
    assert (code, "chmod 600" in said) == (1, True)
