"""A store for each module, filled once with all that the module's tests tell."""

from datetime import datetime

import pytest

from tests.e2e.contract.outside import Rapport, at
from tests.e2e.contract.story import World
from tests.e2e.contract.telling import Answers

# What a module may set otherwise: when its stories begin, and what the clock says when they are submitted.
BEGINS = at("2026-01-05 09:00")
CLOCK = at("2026-07-01 12:00")


@pytest.fixture(scope="module")
def rapport(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rapport:
    clock: datetime = getattr(request.module, "CLOCK", CLOCK)
    return Rapport(tmp_path_factory.mktemp("store"), clock)


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest, rapport: Rapport) -> World:
    name = request.module.__name__.rpartition(".")[2].removeprefix("test_").replace("_", "-")
    return World(rapport, name, getattr(request.module, "BEGINS", BEGINS))


@pytest.fixture(scope="module")
def answers(request: pytest.FixtureRequest, world: World) -> Answers:
    return Answers(world, request.module)
