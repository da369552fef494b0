"""The page for people that shows the OpenAPI document: one file of HTML without scripts, and nothing is fetched from elsewhere."""

from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from typing import Any, Final

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from infra.schemas import Schema

STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem;color:#1b1b1b;background:#fff}"
    "code,pre{font:14px/1.4 ui-monospace,monospace}pre{background:#f2f2f2;padding:.75rem;overflow:auto}"
    "table{border-collapse:collapse;width:100%}caption{text-align:left;font-weight:600}"
    "th,td{text-align:left;vertical-align:top;border-bottom:1px solid #ccc;padding:.25rem .5rem}"
    "section{border-top:2px solid #ccc;margin-top:2rem}summary{cursor:pointer}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#111}pre{background:#222}a{color:#8cf}}"
)
_DIGEST: Final = b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY: Final = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; frame-ancestors 'none'"


def page(document: Schema, root_path: str) -> str:
    """The page of a document."""
    calls = list(_calls(document))
    return _template().render(info=document["info"], style=STYLE, root_path=root_path, calls=calls)


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, loader=PackageLoader("infra.http", "."), undefined=StrictUndefined)
    return environment.get_template("page.html.j2")


def _calls(document: Schema) -> Iterator[Schema]:
    shared = document["components"]["responses"]
    parameters = document["components"]["parameters"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            answers = []
            for status, given in sorted(operation["responses"].items()):
                found = shared[given["$ref"].rpartition("/")[2]] if "$ref" in given else given
                answers.append((status, found["description"], list(_examples(found.get("content", {})))))
            yield {
                "id": operation["operationId"],
                "method": method.upper(),
                "path": path,
                "description": operation.get("description", operation.get("summary", "")),
                "parameters": [
                    _parameter(parameters[each["$ref"].rpartition("/")[2]] if "$ref" in each else each)
                    for each in operation.get("parameters", ())
                ],
                "bodies": list(_examples(operation.get("requestBody", {}).get("content", {}))),
                "answers": answers,
            }


def _parameter(parameter: Schema) -> Schema:
    return {
        "name": parameter["name"],
        "in": parameter["in"],
        "required": parameter.get("required", False),
        "description": parameter.get("description") or parameter.get("schema", {}).get("description", ""),
    }


def _examples(content: Schema) -> Iterator[tuple[str, str]]:
    """Each content type with an example of it, empty where there is none."""
    for kind, given in content.items():
        examples = (
            [given["example"]] if "example" in given else [each["value"] for each in given.get("examples", {}).values()]
        )
        if not examples:
            yield kind, ""
        for example in examples:
            yield kind, _text(example)


def _text(example: Any) -> str:
    return orjson.dumps(example, option=orjson.OPT_INDENT_2).decode()
