"""`rapport tasks`: what people have to do, and the keys that workers have put aside."""

from typing import Annotated, Any

import typer

from infra.cli.opening import opened
from infra.cli.output import AllOption, JsonOption, capped, print_json, print_note, print_rest, print_text


def register(app: typer.Typer) -> None:
    """Add `tasks`."""
    app.command("tasks")(tasks)


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
    with opened() as rapport:
        from infra.queries.tasks import ALL, Chosen, open_tasks, parked_keys

        chosen = Chosen(owner, programme, kind)
        found = open_tasks(rapport.database, chosen)
        # What is put aside is nobody's task in particular: it is listed with all of them.
        parked = parked_keys(rapport.database) if chosen == ALL else []
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
    """When and what, and below about whom, why, and how to settle it."""
    about = f" ({task['about']})" if task["about"] else ""
    due = f"due {_day(task['due'])}" if task["due"] else "no day    "
    evidence = f"  evidence {', '.join(map(str, task['evidence']))}" if task["evidence"] else ""
    commands = " or ".join([task["settled_by"], *task["also_settled_by"]])
    print_text(f"{due}  {task['kind']}{about}  {', '.join(task['clauses'])}", 4)
    print_text(f"    {task['owner']}: {task['subject']}  since {_day(task['since'])}{evidence}  -> {commands}", 4)


def _day(time: str | None) -> str:
    return time[:10] if time else ""


def _as_task(parked: dict[str, object]) -> dict[str, object]:
    """A key put aside in the shape of a task."""
    return {
        "subject": parked["key"],
        "kind": "parked_key",
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
