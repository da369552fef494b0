"""Workers and projections receive exactly the events of the union that they declare."""

from importlib import import_module
from pkgutil import iter_modules

import pytest

import projections
import workers
from domain.model import events_of
from domain.relationship.events import RelationshipPaused, RelationshipResumed
from projections.catalogue import all_projections
from workers.catalogue import WORKERS
from workers.model import Worker

MODULES = {found.name: import_module(f"workers.{found.name}") for found in iter_modules(workers.__path__)}
DECLARING = {
    worker.name: module
    for module in MODULES.values()
    for worker in vars(module).values()
    if isinstance(worker, Worker) and hasattr(module, "Heard")
}


def test_the_events_of_a_union_are_its_members_and_of_one_class_itself() -> None:
    assert events_of(RelationshipPaused | RelationshipResumed) == {RelationshipPaused, RelationshipResumed}
    assert events_of(RelationshipPaused) == {RelationshipPaused}


@pytest.mark.parametrize("worker", WORKERS, ids=lambda worker: worker.name)
def test_a_worker_listens_to_the_union_that_its_module_declares(worker: Worker) -> None:  # type: ignore[type-arg]
    assert worker.listens == events_of(DECLARING[worker.name].Heard)


def test_a_projection_listens_to_the_union_that_its_module_declares() -> None:
    modules = [import_module(f"projections.{found.name}") for found in iter_modules(projections.__path__)]
    declared = {module.PROJECTION.name: module.Heard for module in modules if hasattr(module, "PROJECTION")}
    assert {one.name: one.listens for one in all_projections()} == {
        name: events_of(union) for name, union in declared.items()
    }
