"""The notebook of twelve questions: every cell runs on exports of a simulated programme, and answers."""

import asyncio
import re
import warnings
from pathlib import Path
from typing import Any

import nbformat
import pytest

from infra.clock import Clock
from infra.export.exporting import export
from infra.intake.handler import Handler
from infra.projection_engine.engine import Engine
from infra.simulate import messages
from infra.store.log import EventStore
from infra.store.opening import open_database
from infra.worker_runtime.schema import prepare
from tests.infra.projection_engine.harness import LATE

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebooks" / "twelve-questions.ipynb"


def read() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]


@pytest.mark.filterwarnings("ignore")
def test_the_notebook_answers_twelve_questions_from_exports(tmp_path: Path) -> None:
    from nbclient import NotebookClient

    notebook = read()
    wanted = re.search(r"for dataset in ([a-z_ ]+); do", notebook.cells[0].source)
    assert wanted is not None
    (tmp_path / "exports").mkdir()
    with open_database(f"sqlite:///{tmp_path / 's.sqlite'}", synchronous="off") as database:
        Handler(EventStore(database), Clock(LATE)).handle(messages(60, 4))
        engine = Engine(EventStore(database), Clock(LATE), prepare_shown=prepare)
        for dataset in wanted[1].split():
            export(engine, dataset, tmp_path / "exports" / f"{dataset}.parquet", under_pseudonyms=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = NotebookClient(
            notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
        )
        asyncio.run(client.async_execute())
    questions = [cell for cell in notebook.cells if cell.cell_type == "markdown" and cell.source.startswith("## ")]
    assert len(questions) == 12
    answers = [cell for cell in notebook.cells if cell.cell_type == "code"][1:]
    assert len(answers) == 12
    for question, answer in zip(questions, answers, strict=True):
        text = "".join(
            output["data"]["text/plain"] for output in answer.outputs if output.output_type == "execute_result"
        )
        assert "shape: (" in text, question.source
        assert "shape: (0," not in text or "attention" in question.source, question.source


def test_the_notebook_is_kept_without_answers() -> None:
    """What it prints is somebody's programme."""
    notebook = read()
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
