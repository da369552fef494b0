"""Every projection, found by looking: each module beside this one with a `PROJECTION` is one. And every dataset."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import projections
from projections.dataset import Dataset, Table
from projections.projection import Projection, StateFold
from projections.tasks import TASKS
from projections.timeline import TIMELINE


@cache
def all_projections() -> tuple[Projection, ...]:
    """The projections, in order of name."""
    modules = [import_module(f"projections.{found.name}") for found in iter_modules(projections.__path__)]
    found = [module.PROJECTION for module in modules if hasattr(module, "PROJECTION")]
    return tuple(sorted(found, key=lambda projection: projection.name))


def tables_of(projection: Projection) -> tuple[Table, ...]:
    """All tables of a projection that people read."""
    summary = projection.summary if isinstance(projection, StateFold) else None
    return (*projection.tables, summary.table) if summary else projection.tables


def projection_of(dataset: str) -> Projection | None:
    """The projection that keeps a dataset, or the projection of that name; None when there is none."""
    for projection in all_projections():
        if dataset == projection.name or dataset in {table.name for table in tables_of(projection)}:
            return projection
    return None


@cache
def datasets() -> dict[str, Dataset]:
    """All datasets by name, in order of name."""
    tables = [table for projection in all_projections() for table in tables_of(projection)]
    found = [TASKS, TIMELINE, *(table.dataset for table in tables)]
    return {dataset.name: dataset for dataset in sorted(found, key=lambda dataset: dataset.name)}
