"""`rapport copy`: a whole record from one store to another, verified at the end."""

from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.output import REFUSED, USAGE, JsonOption, fail, print_json, print_text, progress

if TYPE_CHECKING:
    from infra.eventstore.copy import Copied
    from infra.eventstore.database import Database


def register(app: typer.Typer) -> None:
    """Add `copy`."""
    app.command("copy")(copy_record)


def copy_record(
    from_: Annotated[
        str, typer.Option("--from", metavar="URL", help="The store to copy: sqlite:///FILE, postgresql://…")
    ],
    to: Annotated[str, typer.Option("--to", metavar="URL", help="An empty store, or one that a copy was begun to.")],
    as_json: JsonOption = False,
) -> None:
    """Copy events, receipts, offsets and the workers' books; then compare the two event by event and check the chain.

    Interrupted or run again, it brings what is missing. The datasets are not copied: the first question builds them anew.
    """
    from pathlib import Path

    from infra.eventstore.database import Database
    from infra.eventstore.failure import StoreError, UnknownStore
    from infra.observe.logs import configure

    configure("copy")
    if from_ == to:
        fail("source and target are the same store", USAGE)
    if from_.startswith("sqlite:///") and not Path(from_.removeprefix("sqlite:///")).exists():
        fail(f"there is no store {from_}", USAGE)
    try:
        with Database.open(from_) as source, Database.open(to) as target:
            copied = _copy(source, target)
    except UnknownStore as error:
        fail(str(error), USAGE)
    except StoreError as error:
        fail(str(error), REFUSED)
    if as_json:
        print_json({"ok": True, **copied._asdict()})
    else:
        print_text(
            f"{copied.copied_events} events and {copied.copied_receipts} receipts copied; the target has all "
            f"{copied.events} events and {copied.receipts} receipts, and the chain is whole"
        )


def _copy(source: "Database", target: "Database") -> "Copied":
    from infra.eventstore.copy import copy
    from infra.notify import outbox
    from infra.working import schema

    tables: tuple[str, ...] = ()
    if schema.ready(source):
        # What was decided, sent and notified must not happen again on the other side.
        schema.prepare(target)
        tables = (*schema.TABLES, *outbox.TABLES, "leases")
    counted = "SELECT (SELECT COUNT(*) FROM stored_events), (SELECT COUNT(*) FROM receipts)"
    events, receipts = source.query(counted)[0]
    done = sum(target.query(counted)[0])
    with progress("copying", 2 * events + receipts - done) as advance:
        shown = ("stored_events", "receipts", "compared")
        return copy(source, target, tables, lambda what, steps: advance(steps) if what in shown else None)
