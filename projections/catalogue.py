"""Every projection, found by looking: each module beside this one with a `PROJECTION` is one."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import projections
from projections.dataset import Table
from projections.projection import Projection, StateFold


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
