"""The OpenAPI document of the HTTP API, as it is checked in."""

import orjson

from infra.http.app import bare_app
from infra.http.document import document


def page() -> str:
    """The document as JSON."""
    return orjson.dumps(document(bare_app()), option=orjson.OPT_INDENT_2).decode() + "\n"
