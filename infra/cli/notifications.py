"""`rapport notifications`: what was not delivered, and a second chance for it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli.opening import named_store, opened
from infra.cli.output import OK, REFUSED, USAGE, JsonOption, fail, print_json, print_note, print_table

if TYPE_CHECKING:
    from infra.notifications.outbox import Status

COLUMNS = ("id", "status", "created", "recipient", "template", "subject", "attempts", "reason")


def register(app: typer.Typer) -> None:
    """Add `notifications` and `notifications retry`."""
    group = typer.Typer(help="Notifications that were not delivered (yet), and retrying them.")
    group.callback(invoke_without_command=True)(list_notifications)
    group.command("retry")(retry)
    app.add_typer(group, name="notifications")


def list_notifications(
    context: typer.Context,
    dead: Annotated[bool, typer.Option("--dead", help="Those that were given up.")] = False,
    pending: Annotated[
        bool, typer.Option("--pending", help="Those that wait for their first or next attempt.")
    ] = False,
    kept: Annotated[bool, typer.Option("--kept", help="Those for which no way out was configured.")] = False,
    missed: Annotated[bool, typer.Option("--missed", help="Those that would have come too late.")] = False,
    every: Annotated[bool, typer.Option("--all", help="All, the sent ones too, every row.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the notifications that were not delivered: kept for want of a way out, given up (dead), still waiting, or missed.

    A notification is missed when what it announces had begun, or what it speaks of was settled, before it could be sent.

    To whom a notification goes that is for its recipient alone is withheld.
    """
    if context.invoked_subcommand is not None:
        return
    from infra.notifications.listing import STATUSES, listed

    asked: dict[Status, bool] = {"dead": dead, "pending": pending, "kept": kept, "missed": missed}
    chosen = [status for status, wanted in asked.items() if wanted] or list(asked)
    with opened() as rapport:
        found = listed(rapport.database, STATUSES if every else chosen)
    show(found, as_json=as_json, every=every)


def retry(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="As the list shows them.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that wait, were kept or given up.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Deliver notifications now that were kept, given up, or wait for their next attempt; exits 1 if any was not sent."""
    if bool(ids) == every:
        fail("name the notifications, or say --all", USAGE)
    from infra.notifications.deliver import Deliverer
    from infra.notifications.listing import STATUSES, NoSuchNotifications, listed, release
    from infra.queries.own_address import OwnAddresses
    from infra.settings import WrongSettings

    with opened(named_store) as rapport:
        try:
            entries = OwnAddresses(rapport.store, rapport.engine).of
            deliverer = Deliverer(rapport.database, rapport.settings, entries=entries)
            deliverer.check()
            released = release(rapport.database, ids)
            deliverer.deliver(only=released if ids else None)
        except WrongSettings as error:
            fail(str(error), USAGE)
        except NoSuchNotifications as error:
            fail(str(error), REFUSED)
        chosen = set(released)
        found = [each for each in listed(rapport.database, STATUSES, ids) if each["id"] in chosen]
    show(found, as_json=as_json)
    raise typer.Exit(OK if all(each["status"] == "sent" for each in found) else REFUSED)


def show(found: list[dict[str, Any]], *, as_json: bool, every: bool = False) -> None:
    """Print notifications."""
    if as_json:
        print_json(found)
    elif found:
        print_table(
            COLUMNS, map(_row, found), every=every, rest="--json has them all, as does --all with the sent ones"
        )
    else:
        print_note("no notifications")


def _row(each: dict[str, Any]) -> tuple[object, ...]:
    created, reason = f"{each['created_at']:%Y-%m-%d %H:%M}Z", each["last_error"] or ""
    facts = (each[name] for name in ("recipient", "template", "subject", "attempts"))
    return each["id"], each["status"], created, *facts, reason
