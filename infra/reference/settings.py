"""The reference of settings: every `RAPPORT_…` variable with its type, its default and its meaning."""

from collections.abc import Iterator
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AwareDatetime
from pydantic.fields import FieldInfo

from infra.reference.markdown import MADE, code, table
from infra.settings import Settings
from infra.whole_settings import variable

_HEAD = f"""# Settings

{MADE}

Every setting is an environment variable. An empty one counts as not set; a misspelt one is reported. Settings that only make
sense together are checked together: if one of them is missing, every command that has to do
with a store or with servers exits 2 and names it.

Secrets come from files. The secret is the file's one line: only the line end is removed, and an empty file is refused.
"""
_OTHERS = """
## Variables of the libraries

| variable | meaning |
| --- | --- |
| `OTEL_TRACES_EXPORTER` | `console`, or `otlp` with the package opentelemetry-exporter-otlp: export spans |
| `PGPASSFILE`, `PGSSLMODE` and the like | what libpq takes for PostgreSQL, as for any client; the address of the store may say the same |
| `SSL_CERT_FILE` | authorities for the mail server and the webhook |
| `HTTPS_PROXY` | the proxy through which `rapport up` fetches Kafka, and through which webhooks go |
"""
_NAMES: dict[Any, str] = {
    str: "text",
    bool: "true or false",
    int: "whole number",
    float: "number",
    Path: "path of a file",
}


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join([_HEAD, *_settings()]) + "\n" + _OTHERS


def _settings() -> Iterator[str]:
    rows = (
        (code(variable(name)), _type(info), code(_default(info.default)), info.description or "")
        for name, info in Settings.model_fields.items()
    )
    yield from table(("setting", "type", "default", "meaning"), rows)


def _default(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def _type(info: FieldInfo) -> str:
    bounds = [words for limit in info.metadata if (words := _bound(limit))]
    return ", ".join([_named(info.annotation), *bounds])


def _bound(limit: Any) -> str:
    for name, words in (("ge", "at least"), ("gt", "more than"), ("le", "at most")):
        if (value := getattr(limit, name, None)) is not None:
            return f"{words} {value:g}"
    pattern = getattr(limit, "pattern", None)
    return f"matches `{pattern}`" if pattern else ""


def _named(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(code(value) for value in get_args(annotation))
    if get_origin(annotation) is Annotated and get_args(annotation)[0] is not Path:
        return _named(get_args(annotation)[0])
    if annotation is AwareDatetime or getattr(annotation, "__name__", "") == "datetime":
        return "time"
    parts = [part for part in get_args(annotation) if part is not NoneType]
    return _NAMES[annotation] if annotation in _NAMES else _named(parts[0])
