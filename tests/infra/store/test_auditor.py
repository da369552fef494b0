"""What an auditor does with a login of their own on PostgreSQL: `audit verify`, `history` and `show`, without keys and without writing."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

import psycopg
import pytest

from infra.bootstrap import Rapport, open_rapport
from infra.local.postgres_access import PostgresAccess
from infra.settings import Settings
from infra.simulate import messages
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.runner import Runner
from tests.command import own_environment, rapport_text
from tests.infra.queries.test_sharing import RELATIONSHIP, STORY, tell
from tests.infra.sealing.test_sealing import message
from tests.infra.worker_runtime.harness import run
from tests.servers import emptied_database

NO_SETTINGS: Final[Mapping[str, str]] = {}
Story = tuple[tuple[str, str, str, str, dict[str, Any]], ...]
# Words of people that nobody without keys may find.
ENTRY: Final = {"display_name": "Ana Pop", "email": "ana@example.org"}
LATE: Final = message("late", "RegisterPerson", {"display_name": "Zoe"}, "hr:hanna", "person:zoe")
MORE: Final = (
    message("a1", "RegisterPerson", ENTRY, "hr:hanna", "person:Ana"),
    message("a2", "RegisterMentor", {"name": "Ben Brown"}, "coordinator:cora", "mentor:ben"),
)
SCORED, ERASED, ENDED = (f"aa000000-0000-4000-8000-00000000000{number}" for number in (3, 4, 5))
ASSESSED: Final = {"assessment_id": "a", "area": "Speaking", "text": "Halting", "score": 2}


def assessed(subject: str, mentee: str) -> Story:
    """A relationship with every kind of content, and a fact of which the score alone was put right."""
    parties = {"programme_id": "spring", "mentee_id": mentee, "mentor_id": "ben", "codes": ["pentalog"]}
    goal = {
        "goal_id": "g",
        "title": "Speak up",
        "type": "career",
        "source": "mentee",
        "agreed_by": ["mentee", "mentor"],
    }
    said = {"about": "process", "answers": {"how": "Well", "cmn.inclusion": "yes"}, "text": "Good"}
    return (
        (subject, "ProposeRelationship", "01T09", "coordinator:cora", parties),
        (subject, "AgreeGoal", "02T09", "mentor:ben", goal),
        (subject, "RecordAssessment", "02T10", "coordinator:cora", ASSESSED),
        (subject, "CorrectFact", "02T11", "coordinator:cora", {"version": 3, "reason": "Misread", "data": ASSESSED | {"score": 4}}),
        (subject, "GiveFeedback", "02T12", f"mentee:{mentee}", said),
        (subject, "GiveFeedback", "02T14", "mentor:ben", {"about": "process", "answers": {"how": "Well"}}),
        (subject, "ReportProblem", "02T13", "mentor:ben", {"description": "Late again"}),
    )  # fmt: skip


ERASURE: Final = (
    (ERASED, "RequestErasure", "12T09", "mentee:eva", {"person": "eva", "basis": "objection"}),
    (ERASED, "ErasePersonalData", "12T10", "hr:hanna", {"person": "eva", "request": 8}),
)
# Its end cancels the session, and says why in words of the rules' own, which are sealed.
ENDED_WITH_A_SESSION: Final[Story] = (
    (ENDED, "ProposeRelationship", "01T09", "coordinator:cora", {"programme_id": "spring", "mentee_id": "ida", "mentor_id": "ben", "codes": []}),
    (ENDED, "ActivateRelationship", "02T09", "coordinator:cora", {}),
    (ENDED, "ScheduleSession", "02T10", "mentee:ida", {"session_id": "s", "starts_at": "2026-03-20T17:00:00Z", "channel": "platform"}),
    (ENDED, "TerminateRelationship", "05T09", "coordinator:cora", {"reason": "mentor_withdrawal", "informed": ["mentee", "mentor"]}),
)  # fmt: skip


class Audited(NamedTuple):
    """A store, the address at which the auditor logs in, and a folder for what Rapport would keep there."""

    url: str
    auditor: str
    home: Path

    def __call__(
        self, *arguments: str, code: int = 0, settings: Mapping[str, str] = NO_SETTINGS
    ) -> subprocess.CompletedProcess[str]:
        """Run a command with the auditor's login, on a machine that has no keys."""
        env = own_environment(RAPPORT_STORE=self.auditor, XDG_DATA_HOME=str(self.home), **settings)
        done = rapport_text(*arguments, env=env, cwd=self.home, stdin=LATE)
        assert done.returncode == code, done.stderr
        return done

    def json(self, *arguments: str, code: int = 0, settings: Mapping[str, str] = NO_SETTINGS) -> Any:
        """The answer of a command as JSON."""
        return json.loads(self(*arguments, "--json", code=code, settings=settings).stdout)

    def as_service(self, *arguments: str, settings: Mapping[str, str] = NO_SETTINGS) -> Any:
        """The same answer for somebody who runs Rapport."""
        env = own_environment(RAPPORT_STORE=self.url, **settings)
        done = rapport_text(*arguments, "--json", env=env, cwd=self.home)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def audited(
    postgres_server: PostgresAccess, emptied: dict[str, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Audited]:
    """A store with simulated relationships, one with words, what workers decided, and its datasets."""
    with emptied_database(postgres_server, emptied) as url:
        tell(url, (*STORY, *assessed(SCORED, "tom"), *assessed(ERASED, "eva"), *ERASURE, *ENDED_WITH_A_SESSION))
        with open_rapport(Settings(store=url)) as rapport:
            fill(rapport)
        with logged_in(url) as auditor:
            yield Audited(url, auditor, tmp_path_factory.mktemp("auditor"))


@contextmanager
def logged_in(url: str) -> Iterator[str]:
    """The address of a store for a login of its own that is an auditor's."""
    name = f"auditor_{uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN IN ROLE rapport_auditor")
        try:
            yield url.replace("postgres@", f"{name}@")
        finally:
            admin.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


def fill(rapport: Rapport) -> None:
    receipts = rapport.handler.handle([*messages(12, 7), *MORE])
    assert {receipt.status for receipt in receipts} == {"accepted"}
    run(Runner(rapport.store, rapport.handler, Horizon(rapport.clock, None)))
    rapport.engine().catch_up()


def test_an_auditor_verifies_everything(audited: Audited) -> None:
    """`rapport_auditor` can run `audit verify`."""
    found = audited.json("audit", "verify")
    assert found["ok"]
    assert (found["problems"], found["skipped"]) == ([], [])
    assert found["relationships"] == 16
    assert found == audited.as_service("audit", "verify")
    with psycopg.connect(audited.url) as admin:
        [decisions] = admin.execute("SELECT count(*) FROM decisions").fetchone() or (0,)
    assert decisions > 10


def test_datasets_that_were_never_made_are_skipped_and_it_is_said(emptied_url: str, tmp_path: Path) -> None:
    tell(emptied_url, STORY)
    with logged_in(emptied_url) as auditor:
        found = Audited(emptied_url, auditor, tmp_path).json("audit", "verify", code=1)
    assert (found["ok"], found["events"], found["problems"]) == (False, 12, [])
    assert "the datasets were not compared" in found["skipped"][0]
    assert "are to be made first" in found["skipped"][0]


def test_an_auditor_verifies_one_relationship(audited: Audited) -> None:
    found = audited.json("audit", "verify", RELATIONSHIP)
    assert (found["ok"], found["relationships"]) == (True, 1)


@pytest.mark.parametrize("subject", [RELATIONSHIP, SCORED, ERASED, "person:Ana", "mentor:ben", "programme:spring"])
def test_history_and_show_are_those_of_the_service_with_content_sealed(audited: Audited, subject: str) -> None:
    """`rapport_auditor` can run `history`, `show`."""
    history = audited.json("history", subject)
    assert history == audited.as_service("history", subject)
    clock = {"RAPPORT_CLOCK": "2026-12-24T12:00:00Z"}
    assert audited.json("show", subject, settings=clock) == audited.as_service("show", subject, settings=clock)
    text = audited("history", subject).stdout + audited("show", subject).stdout
    assert "￼" not in text


def test_an_auditor_leaves_nothing_behind(audited: Audited) -> None:
    before = reads(audited)
    audited.json("history", RELATIONSHIP)
    audited.json("show", RELATIONSHIP, "--as", "auditor:ada")
    assert list(audited.home.iterdir()) == []
    assert reads(audited) == before


def reads(audited: Audited) -> int:
    with psycopg.connect(audited.url) as admin:
        [count] = admin.execute("SELECT count(*) FROM content_reads").fetchone() or (0,)
        return int(count)


@pytest.mark.parametrize("command", ["history", "show"])
def test_words_are_refused_in_a_sentence(audited: Audited, command: str) -> None:
    done = audited(command, RELATIONSHIP, "--reveal", "an audit", code=1)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "this login reads the record without its words" in done.stderr


def test_an_auditor_finds_an_event_that_was_tampered_with(audited: Audited) -> None:
    changed = "UPDATE stored_events SET state = set_byte(state, 20, get_byte(state, 20) # 1) WHERE originator_id = %s AND originator_version = 3"
    with psycopg.connect(audited.url, autocommit=True) as admin:
        admin.execute(changed, (RELATIONSHIP,))
        try:
            found = audited.json("audit", "verify", code=1)
        finally:
            admin.execute(changed, (RELATIONSHIP,))
    assert [(each["subject"], each["version"]) for each in found["problems"]] == [(RELATIONSHIP, 3)]
    assert audited.json("audit", "verify")["ok"]


def test_an_auditor_finds_a_decision_that_was_tampered_with(audited: Audited) -> None:
    with psycopg.connect(audited.url, autocommit=True) as admin:
        admin.execute("CREATE TABLE kept AS SELECT * FROM decisions ORDER BY id LIMIT 1")
        admin.execute('UPDATE decisions SET clauses = \'["care.closing", "x"]\' WHERE id = (SELECT id FROM kept)')
        try:
            found = audited.json("audit", "verify", code=1)
        finally:
            admin.execute("DELETE FROM decisions WHERE id = (SELECT id FROM kept)")
            admin.execute("INSERT INTO decisions SELECT * FROM kept; DROP TABLE kept")
    assert "replay makes this decision differently" in found["problems"][0]["problem"]
    assert audited.json("audit", "verify")["ok"]


def test_datasets_that_are_behind_answer_as_they_are_and_it_is_said(audited: Audited) -> None:
    with open_rapport(Settings(store=audited.url)) as rapport:
        assert [each.status for each in rapport.handler.handle([LATE])] == ["accepted"]
        done = audited("show", "mentor:ben", "--json")
        assert "the answer is as of position" in done.stderr
        assert audited.json("audit", "verify")["ok"]
        rapport.engine().catch_up()


@pytest.mark.parametrize(
    "command", [("submit", "-"), ("reads",), ("keys", "check"), ("subject", "Ana"), ("projections", "rebuild")]
)
def test_what_else_there_is_is_refused(audited: Audited, command: tuple[str, ...]) -> None:
    done = audited(*command, code=1)
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")
