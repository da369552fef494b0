"""What somebody answered, in nothing that analysts and auditors get: two records that differ in the answers alone look the same to them."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import orjson
import pytest

from domain.codes.questions import CONCERNING, questions_of
from domain.sharing.question import Reader
from infra.access.datasets import open_dataset
from infra.access.figures import nps
from infra.access.standing import Asker
from infra.bootstrap import Rapport, open_rapport
from infra.evidence.bundle import DECISIONS, bundle
from infra.export.exporting import export
from infra.queries.as_at import NOW, Moment
from infra.queries.tasks import decisions
from infra.settings import Settings
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.runner import Runner
from projections.catalogue import datasets
from projections.readers import READERS, DatasetReader
from tests.infra.worker_runtime.harness import run
from tests.messages import line, proposal, relationship_id
from workers.catalogue import WORKERS

CODES = ("pentalog", "cmn", "nottingham", "mentor247", "leapfrog")
CLOCK = datetime(2026, 4, 2, tzinfo=UTC)
THEN = Moment(as_of=datetime(2026, 3, 20, tzinfo=UTC))
GIVERS = {"mentee": "ana", "mentor": "ben"}


@dataclass(frozen=True)
class Answers:
    """What everybody answers to everything."""

    practice: bool | int
    score: int


GOOD, BAD = Answers(True, 10), Answers(1, 0)


def told(answers: Answers) -> Iterator[bytes]:
    """A relationship under each code, and one under none, in which all is asked and answered, and the office looks into each.

    Each has a programme of its own, so all figures are of too few to be shown.
    """
    for number, codes in enumerate([[code] for code in CODES] + [[]], 1):
        registered: dict[str, Any] = {"id": f"register-{number}", "time": "2026-03-01T09:00:00Z"}
        yield line("RegisterMentor", {"programme_id": f"p{number}"}, subject=f"mentor:ben{number}", **registered)
        yield proposal(
            number, mentee_id=f"ana{number}", mentor_id=f"ben{number}", programme_id=f"p{number}", codes=codes
        )
        yield from _asked(number, codes, answers)


def _asked(number: int, codes: Collection[str], answers: Answers) -> Iterator[bytes]:
    def said(type_: str, data: dict[str, Any], day: int, minute: int, actor: str = "coordinator:cora") -> bytes:
        return line(
            type_,
            data,
            id=f"{type_}-{number}-{day}-{minute}",
            subject=relationship_id(number),
            time=f"2026-03-{day:02}T10:{minute:02}:00Z",
            actor=actor,
        )

    for place, (role, id_) in enumerate(GIVERS.items()):
        asked = {"respondent": role, "occasion": "mid"}
        if codes:
            yield said("RequestFeedback", asked | {"questions": sorted(questions_of(codes))}, 5, place)
        yield said("RequestNps", asked, 5, place + 10)
        for minute, clause in enumerate(sorted({*CONCERNING, *questions_of(codes)})):
            given = {"about": "mentor", "answers": {clause: answers.practice}}
            yield said("GiveFeedback", given, 6 + place, minute, f"{role}:{id_}{number}")
        yield said("RespondToNps", {"occasion": "mid", "score": answers.score}, 9, place, f"{role}:{id_}{number}")
    yield said("ReviewRelationship", {"note": "Seen."}, 30, 0)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rapport, Rapport]]:
    folder = tmp_path_factory.mktemp("untold")
    with _store(folder / "good.sqlite", GOOD) as good, _store(folder / "bad.sqlite", BAD) as bad:
        yield good, bad


@contextmanager
def _store(file: Path, answers: Answers) -> Iterator[Rapport]:
    with open_rapport(Settings(store=f"sqlite:///{file}", synchronous="off", clock=CLOCK)) as rapport:
        for receipt in rapport.handler.handle(list(told(answers))):
            assert receipt.status == "accepted", receipt
        run(Runner(rapport.store, rapport.handler, Horizon(rapport.clock, None), workers=WORKERS))
        yield rapport


def seen(rapport: Rapport, reader: DatasetReader, name: str, moment: Moment = NOW) -> Sequence[tuple[Any, ...]]:
    """All rows that a reader of every programme gets, people as they are: the keys of pseudonyms differ from store to store."""
    asker = Asker(Reader(reader, "al"), None)
    columns, rows = open_dataset(rapport.engine(), asker, name, _plain, moment, CLOCK)  # type: ignore[arg-type]
    # Ids of tasks are made with the secret of the store.
    kept = [place for place, column in enumerate(columns) if column.name != "task_id"]
    found = [tuple(row[place] for place in kept) for row in rows]
    return found if name != "tasks" else sorted(found, key=repr)


def _plain(value: str, reference: bool = False) -> str:
    return value


@pytest.mark.parametrize("moment", [NOW, THEN])
@pytest.mark.parametrize("reader", READERS)
def test_no_row_of_a_dataset_tells_how_somebody_answered(
    stores: tuple[Rapport, Rapport], reader: DatasetReader, moment: Moment
) -> None:
    good, bad = stores
    for name in datasets():
        assert seen(good, reader, name, moment) == seen(bad, reader, name, moment), name


def test_the_office_has_the_tasks_that_follow_from_the_answers(stores: tuple[Rapport, Rapport]) -> None:
    office = Asker(Reader("coordinator", "cora"), None)
    found = open_dataset(stores[1].engine(), office, "tasks", _plain, NOW, CLOCK)  # type: ignore[arg-type]
    kind = [column.name for column in found.columns].index("kind")
    assert [row[kind] for row in found.rows].count("feedback_concern") >= len(CODES)


def _backwards(value: str, reference: bool = False) -> str:
    """A pseudonym that comes the later the earlier the id does."""
    role, colon, id_ = value.rpartition(":")
    return f"{role}{colon}p_{9 - int(id_[3:])}" if id_.startswith(("ana", "ben")) else value


@pytest.mark.parametrize("reader", READERS)
def test_people_come_in_the_order_of_their_pseudonyms(stores: tuple[Rapport, Rapport], reader: DatasetReader) -> None:
    asker = Asker(Reader(reader, "al"), None)
    for name, before in (("mentors", ()), ("practices", ("clause", "programme_id"))):
        for moment in (NOW, Moment(as_of=CLOCK)):
            columns, rows = open_dataset(stores[0].engine(), asker, name, _backwards, moment, CLOCK)  # type: ignore[arg-type]
            places = [column.name for column in columns]
            keys = [tuple(row[places.index(each)] for each in (*before, "mentor_id")) for row in rows]
            assert keys == sorted(keys), (name, moment)
            assert len(keys) >= len(CODES)


@pytest.mark.parametrize("reader", READERS)
def test_the_timeline_comes_in_the_order_of_the_log(stores: tuple[Rapport, Rapport], reader: DatasetReader) -> None:
    for moment in (NOW, THEN):
        positions = [row[-1] for row in seen(stores[1], reader, "timeline", moment)]
        assert positions == sorted(positions)
        assert len(positions) > 100


def test_scores_by_mentor_come_in_the_order_of_the_pseudonyms(stores: tuple[Rapport, Rapport]) -> None:
    asker = Asker(Reader("analyst", "al"), None)
    rows = nps(stores[0].engine(), asker, _backwards, by=["mentor"])  # type: ignore[arg-type]
    of_mentees = [row["mentor"] for row in rows if row["role"] == "mentee"]
    assert of_mentees == sorted(of_mentees)
    assert of_mentees[0] == "p_3"


def decided(rapport: Rapport, number: int) -> list[Any]:
    """The decisions in a bundle, which is handed to somebody who may read neither scores nor answers."""
    checkpoints = rapport.checkpoints()
    made = bundle(rapport.store, relationship_id(number), checkpoints.signer(), checkpoints.signed(), CLOCK)
    with ZipFile(BytesIO(made)) as file:
        found: list[Any] = orjson.loads(file.read(DECISIONS))
    return found


def test_a_bundle_has_no_decision_that_tells_how_somebody_answered(stores: tuple[Rapport, Rapport]) -> None:
    good, bad = stores
    for number in range(1, len(CODES) + 2):
        of_both = [decided(each, number) for each in stores]
        assert "feedback_concern" in repr(decisions(bad.database, relationship_id(number)))
        assert of_both[0] == of_both[1], number
    assert any(decided(good, number) for number in range(1, len(CODES) + 2))


@pytest.mark.parametrize("moment", [NOW, THEN])
def test_no_file_for_an_analyst_tells_by_its_manifest_how_somebody_answered(
    stores: tuple[Rapport, Rapport], moment: Moment, tmp_path: Path
) -> None:
    """The latest task may be one that a bad answer opened: its place in the log is that of the answer."""
    for name in datasets():
        made = [
            export(each.engine(), name, tmp_path / "file.jsonl", moment=moment, under_pseudonyms=True)
            for each in stores
        ]
        # Pseudonyms and ids of tasks differ from store to store, and so do the bytes.
        good, bad = ({key: value for key, value in each.items() if key not in {"bytes", "sha256"}} for each in made)
        assert good == bad, name
