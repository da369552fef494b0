"""`rapport show` and `rapport history`: one relationship, mentor, case, programme or person, now, at another moment, or event by event."""

from typing import Annotated, Any

import typer

from infra.cli.can_share import as_reader
from infra.cli.opening import opened
from infra.cli.output import (
    USAGE,
    AllOption,
    JsonOption,
    capped,
    fail,
    print_json,
    print_rest,
)
from infra.cli.subject_text import print_event, print_other, print_relationship
from infra.cli.times import AsOf, KnownAt

IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A relationship's UUID, or mentor:ID, case:ID, programme:ID, person:ID.")
]


def register(app: typer.Typer) -> None:
    """Add `show` and `history`."""
    app.command("show")(show)
    app.command("history")(show_history)


def show(
    subject: IdArgument,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    version: Annotated[int | None, typer.Option(min=1, help="As it was after this event.")] = None,
    every: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show a subject's state, terms, sessions, goals, open concerns and unmet gates."""
    from infra.queries.as_at import Moment
    from infra.queries.subject import (
        found_subject,
        health_and_tasks,
        mentor_relationships,
        person_relationships,
        show_subject,
        show_unrecorded,
    )

    with opened() as rapport:
        subject = found_subject(rapport.store, subject)
        last = rapport.store.heads([subject])[subject].version
        if version is not None and version > last > 0:
            fail(f"{subject} has no version {version}; its last one is {last}", USAGE)
        moment, now = Moment(as_of, known_at, version), rapport.clock.now()
        shown = show_subject(rapport.store, subject, moment, now) if last else None
        if shown is None and version is None:
            shown = show_unrecorded(rapport.engine(), subject, moment, now)
        if shown is None and not last:
            fail(f"nothing is recorded of {subject!r}", USAGE)
        if shown is None:
            fail(f"{subject} did not exist, or was not known, by then", USAGE)
        if shown["kind"] == "relationship":
            shown |= health_and_tasks(rapport.store, subject, moment, now)
        elif shown["kind"] == "mentor":
            shown |= mentor_relationships(rapport.engine(), subject, moment)
        elif shown["kind"] == "person":
            shown["relationships"] = person_relationships(rapport.engine(), shown["id"].partition(":")[2])
    if as_json:
        print_json(shown)
    elif shown["kind"] == "relationship":
        print_relationship(shown, every=every)
    else:
        print_other(shown, every=every)


def show_history(
    subject: IdArgument,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    reader: Annotated[
        Any,
        typer.Option(
            "--as",
            metavar="ROLE:ID",
            parser=as_reader,
            help="A preview of what this reader would see of a relationship, without words.",
        ),
    ] = None,
    every: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the events of a subject in order, each with its place in the hash chain; content is shown as sealed, with its clause.

    With --as, it also says whether that reader may see it; what happened in confidence is there with its times alone. Of a
    relationship in which the reader has no part nothing is recorded for them.
    """
    from infra.queries.as_at import Moment
    from infra.queries.history import history
    from infra.queries.preview import history_as
    from infra.queries.subject import found_subject

    with opened() as rapport:
        subject, moment = found_subject(rapport.store, subject), Moment(as_of, known_at)
        if reader is None:
            entries = history(rapport.store, subject, moment)
        else:
            entries = history_as(rapport.store, rapport.engine, subject, reader, moment, rapport.clock.now())
        is_unknown = reader is not None or not rapport.store.heads([subject])[subject].version
    if not entries:
        fail(
            f"nothing is recorded of {subject!r}"
            if is_unknown
            else f"{subject} did not exist, or was not known, by then",
            USAGE,
        )
    if as_json:
        print_json(entries)
        return
    shown, left = capped(entries, every=every)
    for entry in shown:
        print_event(entry)
    print_rest(left)
