"""`rapport tasks`: what people have to do, and the keys that workers have put aside."""

from datetime import datetime
from typing import Annotated, Any, Final

import typer

from infra.cli.filters import Filters
from infra.cli.opening import opened
from infra.cli.output import (
    USAGE,
    AllOption,
    JsonOption,
    capped,
    evidence_note,
    fail,
    print_json,
    print_note,
    print_rest,
    print_text,
)
from infra.cli.times import shown_time
from infra.unknown_name import unknown_name


def register(app: typer.Typer) -> None:
    """Add `tasks`."""
    app.command("tasks")(tasks)


PARKED: Final = "parked_key"
OwnerOption = Annotated[str | None, typer.Option("--owner", metavar="ROLE", help="Only tasks of this role.")]
ProgrammeOption = Annotated[str | None, typer.Option("--programme", metavar="P", help="Only tasks of this programme.")]
KindOption = Annotated[str | None, typer.Option("--kind", metavar="K", help="Only tasks of this kind.")]


def tasks(
    owner: OwnerOption = None,
    programme: ProgrammeOption = None,
    kind: KindOption = None,
    every: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the open tasks, those due first at the top: what, about whom, under which clause, and the command that settles it.

    Tasks open and close under `rapport work`. A key that a worker failed at twice is listed as well; `rapport work
    --release` takes it up again.
    """
    from domain.words import ROLES
    from infra.queries.tasks import ALL, KINDS, Chosen, open_tasks, parked_keys

    if owner is not None and owner not in ROLES:
        fail(unknown_name("role", owner, ROLES), USAGE)
    if kind is not None and kind not in (*KINDS, PARKED):
        fail(unknown_name("kind of task", kind, (*KINDS, PARKED)), USAGE)
    with opened() as rapport:
        chosen = Chosen(owner, programme, kind)
        found = open_tasks(rapport.database, chosen)
        # What is put aside is nobody's task in particular: it is listed with all of them.
        parked = parked_keys(rapport.database) if chosen in (ALL, Chosen(kind=PARKED)) else []
        Filters(programme).note_unknown(rapport.store)
    if as_json:
        print_json([*found, *map(_as_task, parked)])
        return
    if not found and not parked:
        print_note("nothing to do")
        return
    shown, left = capped(found, every=every)
    for task in shown:
        _print_task(task)
    print_rest(left)
    if parked:
        print_note("put aside after two failures:")
        aside, left = capped(parked, every=every)
        for row in aside:
            print_text(f"{row['key']}  worker {row['worker']} on {row['trigger']}: {row['error']}", 4)
        print_rest(left)


def _print_task(task: dict[str, Any]) -> None:
    """When and what; below, whose it is and about whom, then why and how to settle it."""
    about = f" ({task['about']})" if task["about"] else ""
    due = f"due {_time(task['due'])}" if task["due"] else "no day"
    commands = " or ".join([task["settled_by"], *task["also_settled_by"]])
    print_text(f"{due}  {task['kind']}{about}  {', '.join(task['clauses'])}", 4)
    print_text(f"    {task['owner']}: {task['subject']}", 4)
    print_text(f"    since {_time(task['since'])}{evidence_note(task['evidence'])}  -> {commands}", 4)


def _time(text: str) -> str:
    return shown_time(datetime.fromisoformat(text))


def _as_task(parked: dict[str, object]) -> dict[str, object]:
    """A key put aside in the shape of a task."""
    return {
        "subject": parked["key"],
        "kind": PARKED,
        "clause": None,
        "clauses": [],
        "owner": "supplier",
        "programme_id": None,
        "mentee_id": None,
        "mentor_id": None,
        "about": None,
        "since": parked["since"],
        "due": None,
        "evidence": [],
        "settled_by": "rapport work --release",
        **{name: parked[name] for name in ("worker", "trigger", "error", "position")},
    }
