"""What schemathesis is told of the API beside its document."""

from typing import Any

import schemathesis

from domain.model import is_blank


@schemathesis.hook
def before_call(_: Any, case: "schemathesis.Case[Any]", __: dict[str, Any]) -> None:
    """What no schema can say, and tests of reads try: where cursors come from, that reasons say something, which months and versions there are."""
    if case.meta is None or case.meta.generation.mode != schemathesis.GenerationMode.POSITIVE:
        return
    query = case.query
    query.pop("cursor", None)
    if "version" in query:
        query["version"] = 1
    if is_blank(query.get("reveal", "why")):
        query["reveal"] = "why"
    if case.operation.path == "/v1/nps":
        query |= {name: month for name, month in (("from", "2026-01"), ("to", "2026-02")) if name in query}


# Lines are text to it.
schemathesis.serializer.alias("application/x-ndjson", "text/plain")
