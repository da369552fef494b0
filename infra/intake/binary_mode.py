"""A message in CloudEvents' binary mode: the body is `data`, the attributes come as headers. Made into a whole JSON object."""

from collections.abc import Iterable
from typing import Any

import orjson

from domain.problem import Problem
from infra.intake import form_problems
from infra.intake.message import MAX_BYTES
from infra.intake.receipt import Receipt


def assembled(
    body: bytes | None, attributes: Iterable[tuple[str, bytes]], content_type: str | None, prefix: str
) -> bytes | Receipt:
    """The structured form of a message, or an invalid receipt. `prefix` is what the headers of the attributes begin with."""
    if body is not None and len(body) > MAX_BYTES:
        return form_problems.invalid({}, [form_problems.too_large(MAX_BYTES)])
    read: dict[str, Any] = {}
    problems = []
    for name, text in attributes:
        header = f"{prefix}{name}"
        if name in read:
            problems.append(Problem("duplicate_key", f"expected the header {header} only once", field=name))
        try:
            read[name] = text.decode()
        except UnicodeDecodeError:
            problems.append(Problem("bad_utf8", f"expected UTF-8 in the header {header}", field=name))
    # All attributes are text in headers; this one is a number.
    version = read.get("expectedversion", "")
    if version.isascii() and version.isdigit() and len(version) < 19:
        read["expectedversion"] = int(version)
    if content_type is not None:
        read["datacontenttype"] = content_type
    if body:
        try:
            orjson.loads(body)
        except orjson.JSONDecodeError as error:
            problems.append(form_problems.unreadable(body, str(error))._replace(field="data"))
        read["data"] = orjson.Fragment(body)
    if problems:
        return form_problems.invalid(read, problems)
    return orjson.dumps(read)
