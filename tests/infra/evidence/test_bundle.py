"""A bundle proves what is in it without a database, and nothing in it can be changed, left out, doubled or reordered."""

import json
import subprocess
import sys
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from domain.model import Event
from domain.relationship.events import ConfidenceDisclosed, NpsResponded, RelationshipProposed, SessionCompleted
from infra.bootstrap import Rapport, open_rapport
from infra.cli.app import build
from infra.evidence.archive import MANIFEST, packed
from infra.evidence.bundle import EVENTS, HISTORY, MEMBERS, PROVED, RECEIPTS, bundle, closed_to_coordinators
from infra.evidence.bundle_check import BundleVerdict, check_bundle
from infra.evidence.note import Note, Signer, Verifier
from infra.settings import Settings
from tests.messages import contact, line, proposal, relationship_id

ID = relationship_id(1)
WORDS = "Words that nobody else is to read"
RAPPORT = str(Path(sys.executable).with_name("rapport"))


class Made:
    """A store with one relationship, a refusal and other subjects' events in between, and the bundle about it."""

    def __init__(self, rapport: Rapport) -> None:
        note = line("RecordSessionNote", {"session_id": "s1", "text": WORDS}, id="note", subject=ID)
        refused = line("ResumeRelationship", id="refused", subject=ID)
        rapport.handler.handle(
            [proposal(1), proposal(2), contact(1, "a"), refused, contact(2, "b"), contact(1, "c"), note]
        )
        said = {"about": "process", "answers": {"cmn.inclusion": 2}, "text": WORDS}
        rapport.handler.handle([line("GiveFeedback", said, actor="mentee:ana", subject=ID, id="feedback")])
        report = line("ReportProblem", {"description": WORDS}, actor="mentee:ana", subject=ID, id="problem")
        rapport.handler.handle([report])
        rapport.engine().catch_up()
        checkpoints = rapport.checkpoints()
        self.signer: Signer = checkpoints.signer()
        self.key: Verifier = checkpoints.verifier()
        self.note: Note = checkpoints.signed()
        self.raw = bundle(rapport.store, ID, self.signer, self.note, datetime(2026, 3, 2, tzinfo=UTC))

    def members(self) -> dict[str, bytes]:
        with zipfile.ZipFile(BytesIO(self.raw)) as file:
            return {each.filename: file.read(each) for each in file.infolist()}

    def signed_again(self, members: dict[str, bytes]) -> BundleVerdict:
        """What is said of other members under the store's own signature: only the proofs can betray them then."""
        return check_bundle(packed(ID, {k: v for k, v in members.items() if k != MANIFEST}, self.signer), self.key)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("bundle")
    with open_rapport(Settings(store=f"sqlite:///{folder / 'store.sqlite'}", synchronous="off")) as opened:
        yield Made(opened)


def zipped(members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", compression) as file:
        for name, content in members:
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.compress_type = compression
            member.create_system, member.external_attr = 3, 0o100600 << 16
            file.writestr(member, content)
    return out.getvalue()


def test_a_bundle_has_events_receipts_and_what_they_rest_on(made: Made) -> None:
    verdict = check_bundle(made.raw, made.key)
    assert verdict.ok, verdict.problems
    members = made.members()
    assert list(members) == [MANIFEST, *MEMBERS]
    events = [orjson.loads(each) for each in members[EVENTS].splitlines()]
    receipts = [orjson.loads(each) for each in members[RECEIPTS].splitlines()]
    assert (verdict.events, verdict.receipts) == (len(events), len(receipts))
    assert [event["version"] for event in events] == list(range(1, len(events) + 1))
    # The refused message, and the note about a session that there is not.
    assert [orjson.loads(each["answer"])[1] for each in receipts].count("refused") == 2
    assert verdict.checkpoint is not None
    assert bytes(made.note) == members["checkpoint"]
    assert b"commitment-health" in members["codes.json"]
    assert b"What it does not prove" in members["README.txt"]
    assert b"What the check proves" in members["check.html"]


def test_words_are_in_no_member_and_the_hashes_hold_all_the_same(made: Made) -> None:
    assert WORDS.encode() not in made.raw
    assert b64encode(WORDS.encode())[4:-4] not in made.raw
    verdict = check_bundle(made.raw, made.key)
    stored = [
        b64decode(event["stored"])
        for event in map(orjson.loads, made.members()[EVENTS].splitlines())
        if event["stored"] is not None
    ]
    assert stored
    assert all(WORDS.encode() not in each for each in stored)
    assert len(stored) + len(verdict.left_out) == verdict.events


def test_no_changed_byte_passes(made: Made) -> None:
    changed = bytearray(made.raw)
    passed = []
    for place in range(len(changed)):
        # One bit of each byte, all eight in turn.
        changed[place] ^= 1 << place % 8
        if check_bundle(bytes(changed), made.key).ok:
            passed.append(place)
        changed[place] ^= 1 << place % 8
    assert passed == []


@pytest.mark.parametrize("length", [0, 1, 100, -1])
def test_a_bundle_that_was_cut_off_or_added_to_does_not_pass(made: Made, length: int) -> None:
    assert not check_bundle(made.raw[:length], made.key).ok
    assert not check_bundle(made.raw + b"x", made.key).ok
    assert not check_bundle(b"x" + made.raw, made.key).ok


@pytest.mark.parametrize("name", [MANIFEST, *MEMBERS])
def test_every_member_is_needed_once_in_its_place_as_it_is(made: Made, name: str) -> None:
    members = made.members()
    assert zipped(list(members.items())) == made.raw, "otherwise nothing is tried here"
    without = [(each, content) for each, content in members.items() if each != name]
    moved = [(name, members[name]), *without] if name != MANIFEST else [*without, (name, members[name])]
    changed = [(each, content + b"\n" if each == name else content) for each, content in members.items()]
    for wrong in (without, moved, changed):
        assert not check_bundle(zipped(wrong), made.key).ok
    with pytest.warns(UserWarning, match="Duplicate name"):
        doubled = zipped([*members.items(), (name, members[name])])
    assert not check_bundle(doubled, made.key).ok


def test_unknown_and_compressed_members_do_not_pass(made: Made) -> None:
    members = list(made.members().items())
    assert not check_bundle(zipped([*members, ("more", b"")]), made.key).ok
    assert not check_bundle(zipped(members, zipfile.ZIP_DEFLATED), made.key).ok


def test_a_bundle_under_another_key_does_not_pass(made: Made) -> None:
    other = Signer(made.key.name, bytes(32)).verifier
    [flaw] = check_bundle(made.raw, other).problems
    assert "can't be trusted" in flaw.problem


# --- forged by somebody who has the store's own key -----------------------------------------------------------------


def forged(made: Made, name: str, change: Callable[[list[dict[str, Any]]], None]) -> BundleVerdict:
    """A bundle in which the lines of a member were changed and everything was signed again."""
    members = made.members()
    lines = [orjson.loads(each) for each in members[name].splitlines()]
    change(lines)
    members[name] = b"".join(orjson.dumps(each) + b"\n" for each in lines)
    return made.signed_again(members)


def put(number: int, **fields: Any) -> Callable[[list[dict[str, Any]]], None]:
    def change(lines: list[dict[str, Any]]) -> None:
        lines[number] |= fields

    return change


def test_a_forger_with_the_key_has_to_change_something(made: Made) -> None:
    assert forged(made, EVENTS, lambda _: None).ok
    assert forged(made, RECEIPTS, lambda _: None).ok


@pytest.mark.parametrize(
    "name, change",
    [
        (EVENTS, lambda lines: lines.pop(1)),
        (EVENTS, lambda lines: lines.append(lines[-1])),
        (EVENTS, lambda lines: lines.reverse()),
        (EVENTS, put(0, leaf=1)),
        (EVENTS, put(0, position=2)),
        (EVENTS, put(0, version=2)),
        (EVENTS, put(0, subject=relationship_id(2))),
        (EVENTS, put(0, topic="RelationshipPaused")),
        (EVENTS, put(0, hash="00" * 32)),
        (EVENTS, put(0, previous_hash="11" * 32)),
        (EVENTS, put(0, proof=[])),
        (EVENTS, put(0, proof=["!"])),
        (EVENTS, put(0, stored=b64encode(b"{}").decode())),
        (EVENTS, put(0, stored="!")),
        (EVENTS, lambda lines: lines[0].pop("hash")),
        (RECEIPTS, lambda lines: lines.pop(0)),
        (RECEIPTS, lambda lines: lines.append(lines[-1])),
        (RECEIPTS, put(0, leaf=0)),
        (RECEIPTS, put(0, position=9)),
        (RECEIPTS, put(0, source="/another")),
        (RECEIPTS, put(0, id="another")),
        (RECEIPTS, put(0, fingerprint="00" * 16)),
        (RECEIPTS, put(0, answer='["x","refused",[],[]]')),
        (RECEIPTS, put(0, answer="nothing")),
        (RECEIPTS, put(0, proof=[])),
    ],
)
def test_what_is_stored_can_be_forged_in_no_place(
    made: Made, name: str, change: Callable[[list[dict[str, Any]]], None]
) -> None:
    assert not forged(made, name, change).ok


@pytest.mark.parametrize(
    "change",
    [
        put(0, actor="hr:x"),
        put(0, type="rapport.RelationshipPaused"),
        put(0, source="/x"),
        put(0, data={"mentee_id": "eve"}),
        put(0, occurred_at="2020-01-01T00:00:00Z"),
        put(0, recorded_at="2020-01-01T00:00:00Z"),
        put(0, known={"mentor_standing": "removed"}),
        put(0, correlation_id="x"),
        lambda entries: left_out(entries).update(actor="hr:x"),
        lambda entries: left_out(entries).update(occurred_at="2020-01-01T00:00:00Z"),
        lambda entries: left_out(entries).update(data={"answers": {"cmn.inclusion": 5}}),
    ],
)
def test_what_is_there_to_be_read_must_be_what_is_stored(
    made: Made, change: Callable[[list[dict[str, Any]]], None]
) -> None:
    members = made.members()
    entries = orjson.loads(members[HISTORY])
    change(entries)
    members[HISTORY] = orjson.dumps(entries)
    assert not made.signed_again(members).ok


def left_out(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """The entry of the event of which the bundle has the hash alone: feedback, whose answers stand in the clear."""
    [entry] = [each for each in entries if each["type"] == "rapport.FeedbackGiven"]
    return entry


def test_of_an_event_that_is_left_out_only_that_is_told_which_is_proved(made: Made) -> None:
    verdict = check_bundle(made.raw, made.key)
    entry = left_out(orjson.loads(made.members()[HISTORY]))
    assert verdict.left_out == (entry["version"],)
    assert set(entry) == set(PROVED)
    assert b"cmn.inclusion" not in made.members()[EVENTS]


@pytest.mark.parametrize(
    "kind, name, codes, closed",
    [
        (NpsResponded, "score", (), True),
        (NpsResponded, "score", ("pentalog",), True),
        (ConfidenceDisclosed, "recipient", (), True),
        (SessionCompleted, "present", ("pentalog",), False),
        (SessionCompleted, "present", ("cmn", "leapfrog"), True),
        (RelationshipProposed, "mentee_id", ("leapfrog",), False),
    ],
)
def test_what_the_matrix_opens_to_no_coordinator_as_it_is_is_left_out(
    kind: type[Event], name: str, codes: tuple[str, ...], closed: bool
) -> None:
    assert (name in closed_to_coordinators(kind, frozenset(codes))) == closed


def test_no_score_of_anybody_is_in_it(tmp_path: Path) -> None:
    with open_rapport(Settings(store=f"sqlite:///{tmp_path / 'store.sqlite'}", synchronous="off")) as rapport:
        score = {"occasion": "mid", "score": 2}
        lines = [
            proposal(1),
            line("RespondToNps", score, actor="mentee:ana", subject=ID, id="2"),
        ]
        receipts = rapport.handler.handle(lines)
        assert [each.status for each in receipts] == ["accepted"] * 2, receipts
        checkpoints = rapport.checkpoints()
        raw = bundle(rapport.store, ID, checkpoints.signer(), checkpoints.signed(), datetime.now(UTC))
        verdict = check_bundle(raw, checkpoints.verifier())
    assert (verdict.ok, verdict.left_out) == (True, (2,))
    with zipfile.ZipFile(BytesIO(raw)) as found:
        texts = [found.read(name).decode() for name in found.namelist()]
        stored = [
            b64decode(each["stored"]) for each in map(orjson.loads, found.read(EVENTS).splitlines()) if each["stored"]
        ]
    assert not [text for text in (*texts, *map(bytes.decode, stored)) if '"score"' in text]


def test_a_checkpoint_of_another_tree_does_not_pass(made: Made) -> None:
    members = made.members()
    text = made.note.text.split("\n")
    other = Note(f"{text[0]}\n{int(text[1]) + 1}\n{text[2]}\n")
    members["checkpoint"] = bytes(made.signer.signed(other))
    assert not made.signed_again(members).ok


# --- by the command -----------------------------------------------------------------------------------------------------


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build(), ["audit", *arguments])


def test_a_bundle_is_made_by_one_command_and_checked_by_another_without_a_store(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_STORE", settings.store)
    monkeypatch.setenv("RAPPORT_SIGNING_KEY_FILE", str(tmp_path / "key"))
    with open_rapport(settings) as opened:
        opened.handler.handle([proposal(1), contact(1, "a"), proposal(2)])
    file = tmp_path / "bundle.zip"
    done = run("bundle", ID, "-o", str(file), "--json")
    assert done.exit_code == 0, done.stderr
    key = json.loads(done.stdout)["key"]
    assert file.stat().st_mode & 0o777 == 0o600
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    command = [RAPPORT, "audit", "check-bundle", str(file), "--key", key, "--json"]
    environment = {"RAPPORT_STORE": "postgresql://nobody@127.0.0.1:1/none", "PATH": "/usr/bin:/bin"}
    checked = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    found = json.loads(checked.stdout)
    assert (found["ok"], found["subject"], found["events"], found["receipts"]) == (True, ID, 2, 2)
    assert list(folder.iterdir()) == []
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
    wrong = run("check-bundle", str(file), "--key", key)
    assert (wrong.exit_code, "does not hold" in wrong.stderr) == (1, True)
    assert run("check-bundle", str(file), "--key", "x").exit_code == 2
    assert run("check-bundle", str(file)).exit_code == 2
    assert run("bundle", relationship_id(7), "-o", str(file)).exit_code == 2
