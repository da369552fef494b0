"""A dataset as analysts see it, for files that are handed to somebody: the rows, columns and order that the matrix leaves them."""

from collections.abc import Mapping

import orjson

from infra.projection_engine.engine import Engine
from infra.projection_engine.pseudonyms import Pseudonyms
from projections.dataset import Dataset
from projections.readers import Masking


def codes_of_relationships(engine: Engine) -> Mapping[str, frozenset[str]]:
    """The codes that each relationship adopted."""
    found = engine.database.query("SELECT relationship_id, codes FROM relationships")
    return {subject: frozenset(orjson.loads(codes)) for subject, codes in found}


def masking_of(engine: Engine, dataset: Dataset) -> Masking:
    """What analysts see of a dataset, with the pseudonyms of this store."""
    return Masking(dataset, "analyst", Pseudonyms(engine.store.identity.secret))
