"""What a notification says: title, text, what to do, why, and the command that shows more.

The phrases are in `phrases.toml`, one table a template. They are given only the parameters that the table names, all of
them operational, so a notification can't say what was talked about or name anybody. What others chose freely (ids) is made one
line before it is shown, so that no id can pass for a sentence of ours.
"""

import shlex
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from pydantic import BaseModel, ConfigDict

from domain.codes.clauses import CLAUSES
from infra.notifications.outbox import Notification
from workers.model import Value

LONGEST: Final = 200


class UnknownTemplate(Exception):
    """No phrases for a notification: a newer Rapport decided it."""


class Phrase(BaseModel):
    """One table of `phrases.toml`. `optional` are parameters that need not be given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    text: str
    todo: str = ""
    more: Literal["show", "history", "tasks"] = "show"
    parameters: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


class Why(NamedTuple):
    """A clause and its rule; no rule where this Rapport doesn't know the clause."""

    id: str
    rule: str


class Wording(NamedTuple):
    """A notification in words. `parameters` are those that its template may use."""

    title: str
    text: str
    todo: str
    about: str
    command: str
    parameters: Mapping[str, Value]
    plain: str
    html: str


def _read() -> tuple[dict[str, Phrase], dict[str, str]]:
    tables = tomllib.loads(files(__package__).joinpath("phrases.toml").read_text(encoding="utf-8"))
    words: dict[str, str] = tables.pop("words")
    return {name: Phrase.model_validate(table) for name, table in tables.items()}, words


PHRASES, WORDS = _read()


def word(value: str) -> str:
    """A word of ours as people say it, or itself."""
    return WORDS.get(value, value)


def one_line(value: Any) -> Any:
    """A text on one line and not too long; anything else as it is."""
    if not isinstance(value, str):
        return value
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in value).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def time(value: str) -> str:
    """A time for people, in UTC."""
    return f"{datetime.fromisoformat(value).astimezone(UTC):%A %d %B %Y, %H:%M} UTC"


def list_of(value: str) -> str:
    """Words with blanks between as a list."""
    return ", ".join(value.split())


def _environment(**options: Any) -> Environment:
    found = Environment(undefined=StrictUndefined, keep_trailing_newline=False, loader=_LOADER, **options)  # noqa: S701 - the HTML layout is escaped, plain text is not
    found.filters.update(word=word, time=time, list_of=list_of)
    return found


_LOADER: Final = PackageLoader("infra.notifications", "")
_PLAIN: Final = _environment()
_HTML: Final = _environment(autoescape=True)


@cache
def _phrase(name: str) -> tuple[Phrase, Template]:
    found = PHRASES.get(name)
    if found is None:
        raise UnknownTemplate(f"the template {name!r} is unknown here: a newer Rapport may have decided this")
    return found, _PLAIN.from_string(found.text)


def words_of(note: Notification, pages: str | None = None) -> Wording:
    """A notification in words; `pages` is the public address of the pages, to which it leads where there are some.

    Raises:
        UnknownTemplate: there are no phrases for it.
        jinja2.UndefinedError: a parameter is missing that its template needs.
    """
    phrase, text = _phrase(note.template)
    given = {name: note.parameters[name] for name in phrase.parameters if name in note.parameters}
    usable: dict[str, Any] = dict.fromkeys(phrase.optional, "") | {name: one_line(v) for name, v in given.items()}
    relationship = given.get("relationship")
    subject = relationship if isinstance(relationship, str) else note.subject
    shown = {
        "id": note.id,
        "title": phrase.title,
        "text": text.render(usable),
        "todo": phrase.todo,
        "about": about(subject),
        "command": command(phrase.more, subject),
        "link": pages and pages + path(phrase.more, subject),
        "clauses": [_why(clause) for clause in note.clauses],
    }
    plain = _PLAIN.get_template("layout.txt.j2").render(shown) + "\n"
    html = _HTML.get_template("layout.html.j2").render(shown) + "\n"
    return Wording(
        title=phrase.title,
        text=str(shown["text"]),
        todo=phrase.todo,
        about=str(shown["about"]),
        command=str(shown["command"]),
        parameters=given,
        plain=plain,
        html=html,
    )


def about(subject: str) -> str:
    """What a notification is about, for people."""
    kind, found, id_ = subject.partition(":")
    return f"{kind} {one_line(id_)}" if found else f"relationship {one_line(subject)}"


def command(more: str, subject: str) -> str:
    """The command that shows more."""
    return "rapport tasks" if more == "tasks" else f"rapport {more} {shlex.quote(one_line(subject))}"


def path(more: str, subject: str) -> str:
    """The page that shows more; where what it is about has none of its own, the start page."""
    if more == "tasks" or ":" in subject:
        return "/"
    return f"/relationships/{quote(subject, safe='')}" + ("/events" if more == "history" else "")


def _why(clause: str) -> Why:
    known = CLAUSES.get(clause)
    return Why(clause, known.rule if known else "")
