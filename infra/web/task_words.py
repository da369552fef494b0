"""What a task asks of a person, in plain words: what is to be done, under which rule, and the form that settles it."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from domain.codes.clauses import CLAUSES
from domain.registry import COMMANDS, kind_of
from infra.web.command_words import title


class TaskWords(NamedTuple):
    """A task for a page. `settles` are the forms that settle it: the address and what the button says."""

    kind: str
    subject: str
    owner: str
    due: str | None
    since: str
    about: str | None
    mentee_id: str | None
    mentor_id: str | None
    programme_id: str | None
    rules: tuple[tuple[str, str], ...]
    evidence: tuple[int, ...]
    evidence_of: str
    settles: tuple[tuple[str, str], ...]


def task_words(task: Mapping[str, Any]) -> TaskWords:
    """A task of `Seen.tasks` or `Lists.tasks` for a page."""
    subject = task["subject"]
    commands = [task["settled_by"], *task["also_settled_by"]]
    return TaskWords(
        kind=task["kind"],
        subject=subject,
        owner=task["owner"],
        due=task["due"],
        since=task["since"],
        about=task["about"],
        mentee_id=task["mentee_id"],
        mentor_id=task["mentor_id"],
        programme_id=task["programme_id"],
        rules=tuple((clause, CLAUSES[clause].rule if clause in CLAUSES else "") for clause in task["clauses"]),
        evidence=tuple(task["evidence"]),
        evidence_of=task["evidence_of"] or subject,
        settles=tuple(
            (_address(subject, command, task), title(command)) for command in commands if command in COMMANDS
        ),
    )


def _address(subject: str, command: str, task: Mapping[str, Any]) -> str:
    """The form of a command, with what the task knows filled in."""
    given: dict[str, str] = {}
    fields = COMMANDS[command].model_fields
    if "clause" in fields and task["clauses"]:
        given["clause"] = task["clauses"][0]
    about = task["about"] or ""
    for name in ("session_id", "goal_id", "homework_id"):
        if name in fields and about and ":" not in about:
            given[name] = about
    if "version" in fields and len(task["evidence"]) == 1:
        given["version"] = str(task["evidence"][0])
    path = f"/relationships/{subject}" if kind_of(subject) == "relationship" else f"/subjects/{subject}"
    return f"{path}/do/{command}" + (f"?{urlencode(given)}" if given else "")
