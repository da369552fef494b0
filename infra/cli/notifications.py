"""`rapport notifications`: what was not delivered, and a second chance for it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli.opening import named_store, opened
from infra.cli.output import (
    OK,
    REFUSED,
    USAGE,
    JsonOption,
    capped,
    fail,
    print_json,
    print_note,
    print_rest,
    print_text,
)
from infra.cli.times import shown_time

if TYPE_CHECKING:
    from infra.notifications.outbox import Status


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
        shown, left = capped(found, every=every)
        for each in shown:
            _print(each)
        print_rest(left, "--json has them all, as does --all with the sent ones")
    else:
        print_note("no notifications")


def _print(each: dict[str, Any]) -> None:
    """When, what became of it, what and to whom on a line; below its id, what it is about, and why it was not sent."""
    made = shown_time(each["created_at"])
    print_text(f"{made}  {each['status']}  {each['template']} to {each['recipient']}", 4)
    print_text(f"    {each['id']}  about {each['subject']}", 6)
    tried = [f"{each['attempts']} attempts"] if each["attempts"] else []
    if why := ": ".join([*tried, *filter(None, [each["last_error"]])]):
        print_text(f"    {why}", 6)
