"""What was stored once stays readable: every event of every version, byte by byte."""

import re
from pathlib import Path

import pytest

from domain.registry import EVENTS
from infra.store.mapper import RapportMapper
from tests.infra.store.golden import FOLDER, file_of

FILES = sorted(FOLDER.glob("*.json"))


def name_and_version(path: Path) -> tuple[str, int]:
    found = re.fullmatch(r"(\w+)\.v(\d+)\.json", path.name)
    assert found, f"{path.name} is not named Event.vN.json"
    return found[1], int(found[2])


@pytest.mark.parametrize("name", EVENTS)
def test_every_version_of_an_event_has_a_golden_file(name: str) -> None:
    event = EVENTS[name]
    missing = [v for v in range(1, event.VERSION + 1) if not file_of(event, v).exists()]
    assert not missing, f"run python -m tests.infra.store.golden for {name}, versions {missing}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_stored_event_is_read_and_written_alike(path: Path) -> None:
    name, version = name_and_version(path)
    mapper = RapportMapper()
    stored = path.read_bytes()
    recorded = mapper.decode(name if version == 1 else f"{name}#{version}", stored)
    assert type(recorded.data) is EVENTS[name]
    if version == EVENTS[name].VERSION:
        assert mapper.encode(recorded) == (mapper.topics[EVENTS[name]], stored)


def test_golden_files_fill_every_field() -> None:
    for path in FILES:
        name, version = name_and_version(path)
        if version == EVENTS[name].VERSION:
            recorded = RapportMapper().decode(name if version == 1 else f"{name}#{version}", path.read_bytes())
            assert recorded.data.model_fields_set == set(EVENTS[name].model_fields), name
