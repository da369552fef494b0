"""`rapport copy`: a whole record from one store to another, verified at the end."""

from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.output import REFUSED, USAGE, JsonOption, fail, print_json, print_text, progress

if TYPE_CHECKING:
    from infra.store.copying import Copied
    from infra.store.session import Database


def register(app: typer.Typer) -> None:
    """Add `copy`."""
    app.command("copy")(copy_record)


def copy_record(
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="URL",
            help="The store to copy: sqlite:///FILE, postgresql://…, or @FILE that holds the address. "
            "Else RAPPORT_COPY_FROM, else RAPPORT_STORE.",
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="URL", help="An empty store, or one that a copy was begun to; else RAPPORT_COPY_TO."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Copy events, receipts, offsets and the workers' books; then compare the two event by event and check the chain.

    The keys of the content come along, unless RAPPORT_KEYS names them. Interrupted or run again, it brings what is missing. The datasets are not copied: the first question builds them anew.
    Everybody on the machine sees a command line, so an address with a password comes from the environment or a file.
    """
    from contextlib import closing
    from pathlib import Path

    from infra.bootstrap import keys_of
    from infra.operations.logs import configure
    from infra.settings import WrongSettings, load
    from infra.store.address import file_of, scheme_of, shown_url
    from infra.store.errors import StoreError, UnknownStore
    from infra.store.opening import open_database

    configure("copy")
    try:
        settings = load()
        source_url = _address("--from", from_) or settings.copy_from or settings.store
        target_url = _address("--to", to) or settings.copy_to
        if target_url is None:
            fail("name the store to copy to: --to URL, --to @FILE, or RAPPORT_COPY_TO", USAGE)
        if source_url == target_url:
            fail("source and target are the same store", USAGE)
        if scheme_of(source_url) == "sqlite" and not Path(file_of(source_url)).exists():
            fail(f"there is no store {shown_url(source_url)}", USAGE)
        with open_database(source_url) as source, open_database(target_url) as target:
            copied = _copy(source, target)
            with closing(keys_of(settings, source)) as keys, closing(keys_of(settings, target)) as copied_keys:
                keys.copy_to(copied_keys)
    except (UnknownStore, WrongSettings) as error:
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


def _address(option: str, given: str | None) -> str | None:
    """What an option says, read from the file where it names one; an address with a password ends the command."""
    from pathlib import Path

    from infra.store.address import has_password

    if given is None or not given.startswith("@"):
        if given is not None and has_password(given):
            variable = "RAPPORT_COPY_" + option.removeprefix("--").upper()
            fail(
                f"{option}: a password on the command line is seen by everybody on the machine: "
                f"put the address into {variable}, or into a file and say {option} @FILE",
                USAGE,
            )
        return given
    if not Path(given[1:]).is_file():
        fail(f"{option}: {given[1:]} is no file", USAGE)
    try:
        return Path(given[1:]).read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{option}: the file {given[1:]} can't be read ({type(error).__name__})", USAGE)


def _copy(source: "Database", target: "Database") -> "Copied":
    from infra.notifications import outbox
    from infra.store.copying import copy
    from infra.worker_runtime import schema

    tables: tuple[str, ...] = ()
    if schema.ready(source):
        # What was decided, sent and notified must not happen again on the other side.
        schema.prepare(target)
        tables = (*schema.TABLES, *outbox.TABLES, "leases", "worker_partitions")
    counted = "SELECT (SELECT COUNT(*) FROM stored_events), (SELECT COUNT(*) FROM receipts)"
    events, receipts = source.query(counted)[0]
    done = sum(target.query(counted)[0])
    with progress("copying", 2 * events + receipts - done) as advance:
        shown = ("stored_events", "receipts", "compared")
        return copy(source, target, tables, lambda what, steps: advance(steps) if what in shown else None)
